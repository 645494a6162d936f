"""What a machine lacks is found before any image is read, all of it at once."""

import sys

import pytest
import torch

from whosame import artefacts
from whosame.app.machine_checks import check_machine
from whosame.configuration import Configuration
from whosame.errors import ParameterError
from whosame.runs import Run

GPU = {"device": "cuda"}


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "timm", None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    return tmp_path


LACKING = [
    (GPU, "torch sees no GPU"),
    ({"network": {"weights": "nowhere.pt"}}, "'nowhere.pt' is not a file"),
    ({"network": {"weights": "ResNet50_Weights.IMAGENET1K_V9", "architecture": "resnet50"}}, "IMAGENET1K_V9"),
    ({"network": {"architecture": "timm/convnext_tiny"}}, "needs timm, which is not installed"),
    ({"database": "sqlite:///data"}, "is a folder"),
    ({"processes": 1000}, r"processes=1000, but this machine has \d+ usable core"),
    ({"database": "postgresql+nodriver://me@127.0.0.1/answers"}, "driver of postgresql.nodriver is not installed"),
]


@pytest.mark.parametrize(("parameters", "message"), LACKING)
def test_what_is_missing_is_named(project, parameters, message):
    (project / "data").mkdir()
    with pytest.raises(ParameterError, match=message):
        check_machine([Configuration(**parameters)])


def test_of_several_runs_everything_is_named_once(project):
    (project / "data").mkdir()
    with pytest.raises(ParameterError) as found:
        check_machine([Configuration(**parameters) for parameters, _ in (*LACKING, *LACKING)])
    text = str(found.value)
    for words in ("sees no GPU", "'nowhere.pt'", "needs timm", "is a folder"):
        assert text.count(words) == 1


def test_a_run_that_has_begun_needs_no_initial_weights(project):
    artefacts.write(Run(project / "data" / "runs" / "a").round(0) / artefacts.METRICS, {})
    check_machine([Configuration(run="a", network={"weights": "nowhere.pt"})])

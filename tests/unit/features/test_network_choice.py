"""The network for photographs: what this machine has decides, and where it has nothing the error says what to get."""

import pytest
import torch

from whosame.errors import ParameterError
from whosame.features.config import NetworkConfig
from whosame.features.network import build_network
from whosame.features.weights import choice
from whosame.parameters import parse

LITE, RESNET = "timm/tf_efficientnet_lite0", "resnet50"


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Return a function that says what the machine has; torch's cache of weights is an empty folder."""

    def has(*, lite, server, gpu=False):
        monkeypatch.setenv("TORCH_HOME", str(tmp_path))
        monkeypatch.setattr(choice, "_lite_is_installed", lambda: lite)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
        host = "download.pytorch.org" if server else "nobody.invalid"
        monkeypatch.setattr(choice.urllib.request, "urlopen", lambda *_, **__: _answer(host))
        choice.choose_network.cache_clear()

    yield has
    choice.choose_network.cache_clear()


def _answer(host):
    if host.endswith(".invalid"):
        raise OSError("no such host")
    return open("/dev/null", "rb")  # noqa: PTH123 - closed by who asked


@pytest.mark.parametrize(
    ("gpu", "lite", "server", "architecture", "frozen"),
    [
        (False, True, True, LITE, 5),
        (False, True, False, LITE, 5),
        (False, False, True, RESNET, 3),
        (True, True, True, RESNET, 0),
        (True, True, False, LITE, 5),
    ],
)
def test_the_machine_decides(machine, gpu, lite, server, architecture, frozen):
    machine(gpu=gpu, lite=lite, server=server)
    chosen = choice.choose_network("auto")
    assert (chosen["architecture"], chosen["frozen_stages"]) == (architecture, frozen)
    assert parse(NetworkConfig, chosen).architecture == architecture


def test_weights_in_the_cache_need_no_server(machine, tmp_path):
    machine(lite=False, server=False)
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    (tmp_path / "hub" / "checkpoints" / "resnet50-0676ba61.pth").touch()
    assert choice.choose_network("cpu")["architecture"] == RESNET


def test_nothing_at_hand_is_an_error_that_says_what_to_get(machine):
    machine(lite=False, server=False)
    with pytest.raises(ParameterError, match=r"18 MB\n.*\n.*docs/weights\.md\n.*warmup"):
        choice.choose_network("cpu")
    with pytest.raises(ParameterError, match="no pretrained network is at hand"):
        build_network(NetworkConfig(architecture="auto", weights="random"), seed=0)


def test_the_network_of_the_package_is_found_where_it_is_installed():
    """The real look-up: the package is among what the tests install."""
    choice.choose_network.cache_clear()
    assert choice.choose_network("cpu")["architecture"] == LITE

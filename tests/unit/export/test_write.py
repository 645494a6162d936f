"""Writing of an export: all files or an error that says what to do, ``export.json`` last; cards without figures."""

import errno
import json
import os
import shutil

import numpy as np
import pytest

from whosame.errors import StorageError
from whosame.export.cards import CardFacts, data_card, model_card
from whosame.export.config import ExportConfig
from whosame.export.deployed import Deployed
from whosame.export.write import write_export
from whosame.features.config import NetworkConfig
from whosame.features.network import build_network
from whosame.naming.identity_table import IdentityRow
from whosame.naming.summary import NamingSummary
from whosame.search.calibration import NOT_CALIBRATED
from whosame.search.gallery import Gallery, ImageForm

CONFIG = {
    "rounds": 3,
    "strategy": "gain",
    "annotator": "human",
    "network": {"architecture": "small", "pooling": "gem", "weights": "warmup"},
    "training": {"loss": "cluster-nce"},
}


def facts(**changes):
    known = {
        "run": "mine",
        "about": {"configuration": CONFIG, "code": "0", "manifest": {"dataset": "folder", "digest": "d1"}},
        "rounds": 2,
        "metrics": {},
        "images": {"train": 2, "query": 0, "gallery": 0},
        "cameras": 0,
        "identities_known": False,
        "verdicts": {"same": 4, "different": 3, "unsure": 1},
        "conflicts": 0,
        "known": {"answered": 2},
        "names": 1,
        "scores": {},
        "threshold": NOT_CALIBRATED.text(),
        "form": "RGB images, 16 × 8 pixels",
        "dimension": 8,
        "audit": {},
    }
    return CardFacts(**{**known, **changes})


@pytest.fixture
def export(tmp_path):
    """Write an export without ONNX, of two images."""
    rows = [IdentityRow(f"{row}.png", "1", "answered", 1.0, None, "") for row in range(2)]
    for row in rows:
        (tmp_path / row.path).write_text("image")
    gallery = Gallery(
        vectors=np.eye(2, 8, dtype=np.float32),
        paths=[row.path for row in rows],
        splits=["train"] * 2,
        cameras=np.array([-1, -1]),
        identities=["1", "1"],
        known=["answered"] * 2,
        p=np.ones(2),
        individuals=np.zeros(2, np.int64),
        root=str(tmp_path),
        run="mine",
        code="0",
        round=1,
        answers=8,
        form=ImageForm(16, 8, "bilinear", letterbox=False, invert=False, features=0),
        calibration=NOT_CALIBRATED,
    )
    deployed = Deployed(build_network(NetworkConfig(widths=(4, 8), weights="random"), seed=0))
    names = NamingSummary(rows, {}, tmp_path / "identities.csv", [])
    config = ExportConfig(onnx=False, folders="copies")
    return lambda: write_export(tmp_path / "export", gallery, deployed, names, facts(), config)


def test_a_full_disk_is_an_error_and_leaves_no_export_that_looks_complete(export, tmp_path, monkeypatch):
    summary = export()
    about = tmp_path / "export" / "export.json"
    assert json.loads(about.read_text())["files"] == [
        file.relative_to(tmp_path / "export").as_posix() for file in summary.files[:-1]
    ]
    assert (tmp_path / "export" / "identities" / "1" / "0.png").read_text() == "image"
    assert "names.parquet" in summary.text()

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match=r"cannot write .*No space left on device"):
            export()
    assert not about.exists()
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=100))
    with pytest.raises(StorageError, match=r"the files of an export need .*export\.folders=none"):
        export()


def test_cards_say_what_is_not_known_and_what_an_audit_found():
    card, data = model_card(facts()), data_card(facts())
    assert "after 2 of 3 rounds" in card
    assert "Retrieval was not measured" in card
    assert "kedro audit --run=mine" in card
    assert "| answered by | people |" in data
    assert "| same | 4 |" in data
    estimates = {"precision": {"value": 0.93, "low": 0.9, "high": 0.96}, "individuals": None}
    audited = facts(audit={"estimates": estimates, "asked": 200, "confidence": 0.95, "stopping": {}})
    assert "| precision | 0.93 (0.9 to 0.96) |" in model_card(audited)
    assert "| asked | 200 |" in data_card(audited)
    assert "not audited" not in model_card(audited)
    known = facts(metrics={"retrieval/mAP": 0.5}, scores={"ari": 0.7, "bcubed_f1": 0.8})
    assert "| mAP | 50.0 % |" in model_card(known)
    assert "ARI 0.700" in data_card(known)

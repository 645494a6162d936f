"""The benchmarks' table: a cell has its figures, growth is fitted, and a peer is loaded from a checkout by its path."""

from multiprocessing import Pipe

import pytest
from benchmarks import peers, table
from benchmarks.rows import all_rows

from whosame.training.fit import OBJECTIVES

RANK = """
import numpy as np
from .helper import average_precision

def evaluate_rank(distmat, q_pids, g_pids, q_camids, g_camids, max_rank=50):
    kept = [~((g_pids == pid) & (g_camids == camera)) for pid, camera in zip(q_pids, q_camids)]
    found = [average_precision(row[keep], g_pids[keep] == pid) for row, keep, pid in zip(distmat, kept, q_pids)]
    return None, np.mean([value for value in found if value is not None])
"""
HELPER = """
import numpy as np

def average_precision(distances, hits):
    hits = hits[np.argsort(distances, kind="stable")]
    return np.mean(np.cumsum(hits)[hits] / (1 + np.flatnonzero(hits))) if hits.any() else None
"""


def measured(checkout, name):
    here, there = Pipe(duplex=False)
    table.measure(checkout, name, 200, 100, there)
    return here.recv()


def test_a_cell_has_time_limit_ratio_and_memory():
    cell = measured(None, "constraints")
    assert 0 < cell["seconds"] < 10
    assert cell["ratio"] > 0
    assert min(cell["limit"], cell["peak_mib"] + 1) > 0
    assert cell["limit_name"] == "memory copy"


def test_there_is_a_row_for_every_loss_and_strategy():
    rows = all_rows()
    assert {f"training: {loss}" for loss in OBJECTIVES} <= {*rows}
    assert {"choice: gain", "choice: dcps", "decode", "whole round"} <= {*rows}


def test_growth_is_the_slope_of_logarithms():
    assert table.exponent([1000, 2000, 4000], [1.0, 4.0, 16.0]) == pytest.approx(2)
    assert table.exponent([1000], [1.0]) is None


def test_a_peer_is_loaded_by_its_path_with_the_files_beside_it_and_compared(tmp_path):
    folder = tmp_path / "torchreid" / "metrics"
    folder.mkdir(parents=True)
    (folder / "rank.py").write_text(RANK)
    (folder / "helper.py").write_text(HELPER)
    (tmp_path / "torchreid" / "__init__.py").write_text("raise ImportError('needs what is not installed')")
    [name] = peers.peer_rows(tmp_path)
    cell = measured(tmp_path, name)
    assert cell["limit"] > 0
    assert float(cell["agreement"].removeprefix("largest difference ")) < 1e-6


def test_what_is_no_known_checkout_is_named(tmp_path):
    with pytest.raises(SystemExit, match=r"has none of clustercontrast/utils/faiss_rerank\.py"):
        peers.peer_rows(tmp_path)

"""Extraction by two processes: the features of one, to the last bit."""

import numpy as np
import pytest

from whosame.data.pixels import MappedPixels
from whosame.distributed.extraction import ExtractionJob, divide, extract_all, join
from whosame.distributed.tasks import extraction
from whosame.features import ExtractionConfig, NetworkConfig, build_network
from whosame.training import Checkpoint, TrainingConfig, make_optimiser
from whosame.training.ranks import shares

pytestmark = pytest.mark.xdist_group("distributed")

NETWORK = NetworkConfig(widths=(4, 8), weights="random")


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    path = tmp_path_factory.mktemp("pixels") / "pixels.npy"
    np.save(path, np.random.default_rng(0).integers(0, 256, (70, 32, 16, 3), dtype=np.uint8))
    network = build_network(NETWORK, seed=0)
    checkpoint = Checkpoint.of(network, make_optimiser(network, TrainingConfig()), NETWORK, rounds=0)
    sets = (np.arange(3, 70), np.array([5, 0, 69]), np.empty(0, np.int64))
    options = {"device": "cpu", "vertical": True}
    return ExtractionJob(checkpoint, NETWORK, MappedPixels(path), sets, ExtractionConfig(batch_size=8), **options)


def test_two_processes_extract_what_one_does(pool, job):
    expected = extract_all(job)
    found = join(pool.run(extraction, divide(job, 2)))
    assert [len(features.vectors) for features in found] == [67, 3, 0]
    for one, two in zip(expected, found, strict=True):
        np.testing.assert_array_equal(two.vectors, one.vectors)
        np.testing.assert_array_equal(two.vertical, one.vertical)
        assert two.map_height == one.map_height


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("n", [0, 1, 7, 8, 16, 61])
def test_shares_are_whole_pieces_in_order_and_even(n, count):
    cuts = shares(n, 8, count)
    assert [row for cut in cuts for row in range(n)[cut]] == list(range(n))
    assert all(cut.start % 8 == 0 or cut.start == n for cut in cuts)
    pieces = [-(-(cut.stop - cut.start) // 8) for cut in cuts]
    assert max(pieces) - min(pieces) <= 1
    assert pieces[0] == max(pieces)

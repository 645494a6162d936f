"""The self-supervised warm-up: its loss, what it learns, and that it is done once."""

import math

import numpy as np
import pytest
import torch

from whosame.errors import ParameterError
from whosame.features import NetworkConfig, build_network
from whosame.training import AugmentConfig, WarmupConfig, warm_up
from whosame.training.warmup import nt_xent

NETWORK = NetworkConfig(widths=(4, 8))
CONFIG = WarmupConfig(epochs=2, batch_size=8, augment=AugmentConfig(pad=1, flip=0, erase=0))


class Pictures:
    def __init__(self, n=24):
        rng = np.random.default_rng(0)
        coarse = rng.integers(0, 256, (n, 4, 2, 3), dtype=np.uint8)  # blobs, which survive a crop
        self.array = coarse.repeat(4, axis=1).repeat(4, axis=2)
        self.shape = self.array.shape
        self.reads = 0

    def read(self, image_ids):
        self.reads += 1
        return self.array[image_ids]


def warmed(pixels, config=CONFIG, seed=0, ids=None, network_config=NETWORK, **options):
    network = build_network(network_config, seed=seed)
    ids = np.arange(len(pixels.array)) if ids is None else ids
    loss = warm_up(network, pixels, ids, config, network_config=network_config, seed=seed, device="cpu", **options)
    return network, loss


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def test_nt_xent_against_the_formula():
    rng = np.random.default_rng(0)
    z = rng.standard_normal((10, 4))
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    losses = []
    for i in range(10):
        partner = (i + 5) % 10
        scores = [math.exp(z[i] @ z[j] / 0.15) for j in range(10) if j != i]
        losses.append(-math.log(math.exp(z[i] @ z[partner] / 0.15) / sum(scores)))
    found = nt_xent(torch.from_numpy(z[:5]), torch.from_numpy(z[5:]), 0.15)
    assert found.item() == pytest.approx(np.mean(losses))


def test_it_learns_and_the_seed_decides():
    pixels = Pictures()
    config = CONFIG.replace(learning_rate=1e-2)  # a chance of 1 in 15 is a loss of 2.7
    first, loss = warmed(pixels, config.replace(epochs=1))
    _, later = warmed(pixels, config.replace(epochs=30))
    assert later < 1.5
    assert later < loss - 0.5
    torch.manual_seed(5)
    again, _ = warmed(pixels, config.replace(epochs=1))
    assert same(first, again)


def test_a_damaged_one_is_made_again(tmp_path):
    first, _ = warmed(Pictures(), cache=tmp_path, data_key="a")
    next(tmp_path.iterdir()).write_bytes(b"PK")
    second, loss = warmed(Pictures(), cache=tmp_path, data_key="a")
    assert math.isfinite(loss)
    assert same(first, second)


def test_it_is_done_once(tmp_path):
    pixels = Pictures()
    first, loss = warmed(pixels, cache=tmp_path, data_key="a")
    reads = pixels.reads
    assert math.isfinite(loss)
    second, loss = warmed(pixels, cache=tmp_path, data_key="a")
    assert math.isnan(loss)
    assert pixels.reads == reads
    assert same(first, second)
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"data_key": "b"},
        {"seed": 1},
        {"ids": np.arange(23)},
        {"config": CONFIG.replace(temperature=0.2)},
        {"config": CONFIG.replace(augment=AugmentConfig(pad=2))},
        {"network_config": NETWORK.replace(pooling="max")},
        {"precision": "bfloat16"},
    ],
)
def test_everything_it_depends_on_is_in_its_name(tmp_path, changes):
    warmed(Pictures(), cache=tmp_path, data_key="a")
    pixels = Pictures()
    warmed(pixels, **{"cache": tmp_path, "data_key": "a", **changes})
    assert pixels.reads > 0
    assert len(list(tmp_path.iterdir())) == 2


def test_a_cache_needs_a_key(tmp_path):
    with pytest.raises(ParameterError, match="data_key"):
        warmed(Pictures(), cache=tmp_path)


@pytest.mark.parametrize(("n", "batches"), [(0, 0), (1, 0), (2, 1), (7, 1), (17, 2)])
def test_small_sets_are_one_batch_and_none_is_none(n, batches):
    pixels = Pictures(max(n, 1))
    _, loss = warmed(pixels, ids=np.arange(n))
    assert pixels.reads == batches * CONFIG.epochs
    assert math.isfinite(loss) == (batches > 0)

"""Checkpoints: go on as if never stopped, refuse damaged files and another architecture."""

import io

import pytest
import torch

from whosame.errors import ResumeError
from whosame.features import NetworkConfig, build_network
from whosame.training import Checkpoint, TrainingConfig, make_optimiser

CONFIG = NetworkConfig(widths=(4, 8), weights="random")


def step(network, optimiser, seed):
    images = torch.rand(4, 3, 16, 8, generator=torch.Generator().manual_seed(seed))
    optimiser.zero_grad()
    network(images)[:, 0].sum().backward()
    optimiser.step()


def made(seed=0, config=CONFIG):
    network = build_network(config, seed=seed)
    return network, make_optimiser(network, TrainingConfig())


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def test_a_restored_run_goes_on_bit_for_bit(tmp_path):
    network, optimiser = made()
    step(network, optimiser, 1)
    Checkpoint.of(network, optimiser, CONFIG, rounds=1).save(tmp_path / "c.pt")
    step(network, optimiser, 2)

    loaded = Checkpoint.load(tmp_path / "c.pt")
    other, its_optimiser = made(seed=9)
    loaded.restore(other, its_optimiser, CONFIG)
    step(other, its_optimiser, 2)
    assert same(network, other)
    assert loaded.rounds == 1
    assert loaded.architecture["widths"] == [4, 8]
    third, _ = made(seed=8)  # what was loaded is untouched by the training that followed
    loaded.restore(third, None, CONFIG)
    assert same(third, build_from(tmp_path / "c.pt"))


def build_from(path):
    network, optimiser = made()
    Checkpoint.load(path).restore(network, optimiser, CONFIG)
    return network


def test_what_images_are_normalised_by_is_restored(tmp_path):
    network, optimiser = made()
    network.mean += 0.1
    Checkpoint.of(network, optimiser, CONFIG, rounds=1).save(tmp_path / "c.pt")
    images = torch.rand(4, 3, 16, 8)
    assert torch.equal(Checkpoint.load(tmp_path / "c.pt").build(CONFIG).eval()(images), network.eval()(images))


def test_a_checkpoint_is_a_copy():
    network, optimiser = made()
    checkpoint = Checkpoint.of(network, optimiser, CONFIG, rounds=0)
    kept = checkpoint.network["neck.weight"].clone()
    step(network, optimiser, 1)
    assert torch.equal(checkpoint.network["neck.weight"], kept)


@pytest.mark.parametrize(
    ("changes", "differences"),
    [
        (
            {"widths": (4, 8, 8), "pooling": "max"},
            [
                "network.widths: checkpoint [4, 8], now [4, 8, 8]",
                "network.pooling: checkpoint 'gem', now 'max'",
                "missing: backbone.stages.2.conv1.weight",
                "unexpected: pooling.p",
            ],
        ),
        ({"widths": (4, 16)}, ["shape: neck.weight is [8], expected [16]"]),
    ],
)
def test_another_architecture_is_refused_with_every_difference(changes, differences):
    checkpoint = Checkpoint.of(*made(), CONFIG, rounds=3)
    config = CONFIG.replace(**changes)
    other, its_optimiser = made(config=config)
    before = {k: v.clone() for k, v in other.state_dict().items()}
    with pytest.raises(ResumeError) as error:
        checkpoint.restore(other, its_optimiser, config)
    assert all(difference in str(error.value) for difference in differences)
    assert all(torch.equal(before[k], v) for k, v in other.state_dict().items())


def test_where_the_weights_came_from_does_not_matter():
    network, optimiser = made()
    checkpoint = Checkpoint.of(network, optimiser, CONFIG, rounds=0)
    other = CONFIG.replace(weights="warmup", ignore_weights=("fc.",))
    with torch.no_grad():
        network.neck.weight.add_(1)
    checkpoint.restore(network, optimiser, other)
    assert torch.equal(network.neck.weight, checkpoint.network["neck.weight"])


def test_a_file_from_before_a_parameter_has_its_default():
    checkpoint = Checkpoint.of(*made(), CONFIG, rounds=0)
    del checkpoint.architecture["frozen_stages"]
    checkpoint.build(CONFIG)
    with pytest.raises(ResumeError, match=r"network\.frozen_stages: checkpoint 0, now 1"):
        checkpoint.build(CONFIG.replace(frozen_stages=1))


def test_a_truncated_file_and_a_foreign_one(tmp_path):
    file = io.BytesIO()
    Checkpoint.of(*made(), CONFIG, rounds=0).write(file)
    (tmp_path / "half.pt").write_bytes(file.getvalue()[: len(file.getvalue()) // 2])
    with pytest.raises(ResumeError, match="damaged"):
        Checkpoint.load(tmp_path / "half.pt")
    torch.save({"weights": torch.zeros(2)}, tmp_path / "other.pt")
    with pytest.raises(ResumeError, match="not a checkpoint of this version"):
        Checkpoint.load(tmp_path / "other.pt")

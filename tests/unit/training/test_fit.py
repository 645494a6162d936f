"""A round of training: what it learns, what it leaves alone, and that the seed decides everything."""

import copy
import math
from functools import partial

import numpy as np
import pytest
import torch

from whosame.errors import ParameterError
from whosame.features import ExtractionConfig, NetworkConfig, build_network, extract
from whosame.features.batches import to_unit
from whosame.memory import LabelMemory
from whosame.questions import LikelyPairs
from whosame.seeding import stream
from whosame.training import AugmentConfig, TrainingConfig, fit, learning_rate, make_optimiser
from whosame.training.fit import OBJECTIVES
from whosame.training.targets import training_targets

CONFIG = TrainingConfig(iterations=6, clusters_per_batch=4, norm_chunk=8, augment=AugmentConfig(pad=2, erase=0.1))


class Pictures:
    """Each class a colour, with noise."""

    def __init__(self, labels, noise=30):
        rng = np.random.default_rng(0)
        colours = rng.integers(40, 216, (labels.max() + 1, 1, 1, 3))
        array = colours[labels] + rng.normal(0, noise, (len(labels), 16, 8, 3))
        self.array = array.clip(0, 255).astype(np.uint8)
        self.shape = self.array.shape
        self.wanted = set()

    def read(self, image_ids):
        self.wanted.update(image_ids.tolist())
        return self.array[image_ids]


LABELS = np.repeat(np.arange(6), 8)
CAMERAS = np.tile(np.arange(4), 12)


def untrained():
    return build_network(NetworkConfig(widths=(4, 8), weights="random"), seed=0)


def trained(labels=LABELS, seed=0, config=CONFIG, rounds=(0,), **options):
    network = untrained()
    optimiser = make_optimiser(network, config)
    pixels = Pictures(LABELS)
    data = (pixels, np.arange(len(LABELS)), labels, CAMERAS, config)
    for number in rounds:
        report = fit(network, optimiser, *data, round=number, rounds=3, seed=seed, device="cpu", **options)
    return network, report, pixels


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def answered():
    """Return a memory in which two images of each class are known to be the same, and neighbouring classes to differ."""
    memory = LabelMemory()
    for one in range(0, 48, 8):
        memory.add(one, one + 3, same=True)
        memory.add(one, (one + 8) % 48, same=False)
    return memory


@pytest.mark.parametrize("loss", ["cluster-nce", "camera-proxies", "hybrid-memory", "purification"])
def test_training_pulls_classes_apart(loss):
    def gap(network, pixels):
        """Return how much more alike images of a class are than images of two."""
        vectors = extract(network, pixels, np.arange(48), ExtractionConfig(), device="cpu").vectors
        similarity, same_class = vectors @ vectors.T, LABELS[:, None] == LABELS
        return similarity[same_class].mean() - similarity[~same_class].mean()

    config = CONFIG.replace(iterations=40, learning_rate=5e-3, loss=loss)
    network, report, pixels = trained(config=config, memory=answered())
    assert gap(network, pixels) > gap(untrained(), pixels) + 0.2
    assert (report.images, report.unlabelled, report.classes, report.iterations) == (48, 0, 6, 40)
    assert report.warnings == ()


def test_triplets_pull_answered_images_apart_whatever_the_labels():
    def gap(network, pixels):
        """Return how much more alike the answered images of a class are than those of the next."""
        vectors = extract(network, pixels, np.arange(48), ExtractionConfig(), device="cpu").vectors
        first, second = vectors[::8], vectors[3::8]
        return (first * second).sum(axis=1).mean() - (first * np.roll(first, 1, axis=0)).sum(axis=1).mean()

    config = CONFIG.replace(iterations=40, learning_rate=5e-3, loss="triplet")
    network, report, pixels = trained(np.full(48, -1), config=config, memory=answered())
    assert pixels.wanted <= {*range(0, 48, 8), *range(3, 48, 8)}
    assert gap(network, pixels) > gap(untrained(), pixels) + 0.2
    assert (report.images, report.unlabelled, report.classes, report.iterations) == (12, 36, 6, 40)


PAIR = LabelMemory.from_log([0], [1], ["same"])  # no image is known to be of another person


@pytest.mark.parametrize(
    ("labels", "loss"),
    [(np.full(48, -1), "cluster-nce"), (np.where(LABELS == 2, 5, -1), "cluster-nce"), (LABELS, "triplet")],
    ids=["no class", "one class", "triplets without answers"],
)
def test_where_nothing_can_be_told_apart_nothing_is_trained(labels, loss):
    network, report, _ = trained(labels, config=CONFIG.replace(loss=loss), memory=PAIR)
    assert same(network, untrained())
    assert report.iterations == 0
    assert math.isnan(report.loss)
    assert len(report.warnings) == 1
    assert "nothing to tell apart" in report.warnings[0]


def test_frozen_stages_stay_as_they_are():
    network = build_network(NetworkConfig(widths=(4, 8, 8), weights="random", frozen_stages=2), seed=0)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    config = CONFIG.replace(norm_chunk=4)  # several chunks: running statistics are switched off in between
    fit(
        network,
        make_optimiser(network, config),
        Pictures(LABELS),
        np.arange(48),
        LABELS,
        CAMERAS,
        config,
        round=0,
        rounds=3,
        seed=0,
        device="cpu",
    )
    changed = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    frozen = ("backbone.stem.", "backbone.stages.0.", "backbone.stages.1.", "neck.bias", "mean", "std")
    assert changed == {name for name in before if not name.startswith(frozen)}


@pytest.mark.parametrize("loss", OBJECTIVES)
def test_the_seed_alone_decides_whatever_the_global_generators(loss):
    weights = np.linspace(0.2, 1, 48, dtype=np.float32)
    found = []
    for number, seed in enumerate((0, 0, 1)):
        torch.manual_seed(number)
        np.random.seed(number)
        options = {"memory": answered(), "weights": weights, "rounds": (0, 1), "seed": seed}
        found.append(trained(config=CONFIG.replace(loss=loss), **options))
    (a, report_a, _), (b, report_b, _), (c, _, _) = found
    assert same(a, b)
    assert report_a.loss == report_b.loss
    assert not same(a, c)


@pytest.mark.parametrize(
    ("loss", "by_weight", "by_answers"),
    [
        ("cluster-nce", False, False),
        ("camera-proxies", False, False),
        ("hybrid-memory", False, False),
        ("hybrid-memory-ranking", False, True),
        ("purification", True, True),
    ],
)
def test_weights_and_answers_matter_to_the_losses_that_use_them(loss, by_weight, by_answers):
    weights = np.linspace(0.2, 1, 48, dtype=np.float32)
    config = CONFIG.replace(loss=loss)
    assert config.uses_answers == by_answers
    plain, weighted, informed = (
        trained(config=config, **more)[0] for more in ({}, {"weights": weights}, {"memory": answered()})
    )
    assert same(plain, weighted) != by_weight
    assert same(plain, informed) != by_answers


@pytest.mark.parametrize("loss", ["cluster-nce", "camera-proxies", "hybrid-memory"])
def test_answers_in_the_loss(loss):
    """Without an answer the training is that of the loss itself, bit for bit; answers change it, likely pairs too."""
    config = CONFIG.replace(loss=loss, iterations=3)
    weighed = config.replace(answer_weight=1.0)
    assert weighed.uses_answers
    likely = LikelyPairs(np.array([0, 1]), np.array([9, 2]), np.array([0.9, 0.2], np.float32))
    plain, none, informed, again, told = (
        trained(config=which, **more)[0]
        for which, more in (
            (config, {"memory": answered()}),
            (weighed, {}),
            (weighed, {"memory": answered()}),
            (weighed, {"memory": answered()}),
            (weighed, {"likely": likely}),
        )
    )
    assert same(plain, none)
    assert not same(plain, informed)
    assert same(informed, again)
    assert not same(plain, told)


@pytest.mark.parametrize("loss", ["cluster-nce", "camera-proxies", "hybrid-memory", "purification"])
def test_outliers_can_be_classes_of_their_own(loss):
    labels = np.where(LABELS >= 4, -1, LABELS)
    config = CONFIG.replace(loss=loss, outliers="classes", clusters_per_batch=20)
    _, report, pixels = trained(labels, config=config)
    assert (report.images, report.unlabelled, report.classes, report.iterations) == (48, 0, 4 + 16, 6)
    assert pixels.wanted >= set(range(32, 48))


def test_another_round_and_another_seed_draw_other_batches():
    """With nothing else that differs: no augmentation, a constant learning rate."""
    still = AugmentConfig(flip=0, pad=0, erase=0, colour=0, channel_gain=0)
    config = CONFIG.replace(augment=still, schedule="constant")
    first, other_round, other_seed = (trained(config=config, **c)[0] for c in ({}, {"rounds": (1,)}, {"seed": 1}))
    assert not same(first, other_round)
    assert not same(first, other_seed)


def test_unlabelled_images_are_neither_trained_on_nor_read():
    labels = np.where(LABELS >= 4, -1, LABELS)
    _, report, pixels = trained(labels)
    assert (report.images, report.unlabelled, report.classes) == (32, 16, 4)
    assert pixels.wanted <= set(range(32))


def test_names_of_classes_do_not_matter():
    a, _, _ = trained(LABELS)
    b, _, _ = trained(LABELS * 1000 + 7)
    assert same(a, b)


def test_features_at_hand_are_not_extracted_again():
    network = untrained()
    vectors = extract(network, Pictures(LABELS), np.arange(48), ExtractionConfig(), device="cpu").vectors
    a, _, _ = trained(config=CONFIG.replace(iterations=1, clusters_per_batch=2))
    b, _, pixels = trained(config=CONFIG.replace(iterations=1, clusters_per_batch=2), vectors=vectors)
    assert same(a, b)
    assert len(pixels.wanted) <= 8


def test_batchnorm_is_in_chunks():
    """The loss and the running statistics are those of chunks forwarded by hand, each through a network of its own."""
    still = AugmentConfig(flip=0, pad=0, erase=0, colour=0, channel_gain=0)
    config = CONFIG.replace(iterations=1, augment=still)
    started = untrained()
    vectors = extract(started, Pictures(LABELS), np.arange(48), ExtractionConfig(), device="cpu").vectors
    network, report, pixels = trained(config=config, vectors=vectors)

    targets = training_targets(LABELS, CAMERAS, config)
    objective = OBJECTIVES[config.loss](targets, torch.from_numpy(vectors), config, torch.device("cpu"))
    [batch] = objective.batches(stream(0, "batches", 0))
    images = to_unit(torch.from_numpy(pixels.read(batch)))
    first, second = replicas = [copy.deepcopy(started).train() for _ in range(2)]
    features = torch.cat([replica(chunk) for replica, chunk in zip(replicas, images.split(8), strict=True)])
    assert report.loss == pytest.approx(objective.loss(features, objective.prepare(batch)).item(), rel=1e-5)
    for (name, found), expected, other in zip(network.named_buffers(), first.buffers(), second.buffers(), strict=True):
        torch.testing.assert_close(found, expected)
        assert "running" not in name or not torch.allclose(found, other)


def test_bfloat16_is_a_switch_and_said_in_the_report():
    plain, rough, again = (trained(precision=precision)[:2] for precision in ("float32", "bfloat16", "bfloat16"))
    assert [report.precision for _, report in (plain, rough)] == ["float32", "bfloat16"]
    assert rough[1].device == "cpu"
    assert same(rough[0], again[0])
    assert 0 < abs(plain[1].loss - rough[1].loss) < 0.5


def test_a_compiled_network_is_traced_whole_and_once_and_trains_alike(monkeypatch):
    """Traced by dynamo and run without kernels of its own, which would take a C++ compiler half a minute."""
    from torch._dynamo.utils import counters  # takes seconds to import

    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager", fullgraph=True))
    torch.compiler.reset()
    counters.clear()
    compiled, _, _ = trained(config=CONFIG.replace(compile=True), rounds=(0, 1))
    assert counters["stats"]["unique_graphs"] == 2  # the first chunk updates the running statistics, the others do not
    assert same(compiled, trained(rounds=(0, 1))[0])


def test_divergence_is_an_error():
    with pytest.raises(ParameterError, match=r"diverged in round 0[\s\S]*training\.learning_rate"):
        trained(config=CONFIG.replace(learning_rate=1e30))


def test_learning_rates():
    def rates(round_, iteration=0, **changes):
        config = TrainingConfig(iterations=10, learning_rate=1.0, **changes)
        return learning_rate(config, round=round_, iteration=iteration, rounds=4)

    assert [rates(r, schedule="step", step_rounds=2) for r in range(5)] == pytest.approx([1, 1, 0.1, 0.1, 0.01])
    assert rates(0) == 1
    assert rates(2) == pytest.approx(0.5)
    assert rates(1, 5) == pytest.approx((1 + math.cos(math.pi * 0.375)) / 2)
    assert rates(3, 9) > 0
    assert rates(9) == 0  # a run made longer than planned does not climb again
    assert rates(7, schedule="constant") == 1

"""Answers in the loss: equal to a dense transcription in float64, pushes and pulls the right way, nothing without them."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from whosame.errors import ParameterError
from whosame.memory import LabelMemory
from whosame.questions import LikelyPairs
from whosame.training import TrainingConfig
from whosame.training.fit import OBJECTIVES
from whosame.training.losses.answered import Answered, answer_contrast
from whosame.training.pair_constraints import PairConstraints
from whosame.training.targets import training_targets

CPU = torch.device("cpu")
LOSSES = ["cluster-nce", "camera-proxies", "hybrid-memory"]


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def remember(same=(), different=()):
    pairs = [*same, *different]
    return LabelMemory.from_log(*zip(*pairs, strict=True), ["same"] * len(same) + ["different"] * len(different))


def made(labels, vectors, memory, likely=None, **changes):
    config = TrainingConfig(answer_weight=0.7, memory_momentum=0.2).replace(**changes)
    cameras = np.arange(len(labels)) % 2
    targets = training_targets(np.array(labels), cameras, config, memory=memory, likely=likely)
    vectors = torch.from_numpy(vectors[targets.rows])
    return Answered(OBJECTIVES[config.loss](targets, vectors, config, CPU), vectors)


def pairs(*entries):
    a, b, same = zip(*entries, strict=True)
    return LikelyPairs(np.array(a), np.array(b), np.array(same, np.float32))


LABELS = np.array([0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 3, 3, -1])
MEMORY = remember(same=[(0, 3), (3, 6), (8, 9)], different=[(0, 10), (9, 11), (4, 5), (2, 12)])
LIKELY = pairs((1, 7, 0.75), (5, 8, 0.25), (2, 4, 0.0), (0, 6, 0.0), (1, 12, 1.0))  # (0, 6) is decided by answers


def share(i, j):
    """Return how far two images count as one person and as two."""
    known = MEMORY.implied(i, j)
    if known is not None:
        return float(known), float(not known)
    found = {frozenset(pair): float(p) for *pair, p in zip(*map(np.ndarray.tolist, LIKELY), strict=True)}
    p = found.get(frozenset((i, j)))
    return (0.0, 0.0) if p is None else (p, 1 - p)


def reference(features, batch, memory, temperature):
    """Return the sum of the answered images' terms over the batch's size, one image and one pair after another."""
    inside = [i for i in range(len(LABELS)) if LABELS[i] >= 0]
    means = {c: torch.stack([memory[j] for j in inside if LABELS[j] == c]).mean(0) for c in range(4)}
    total = 0
    for f, i in zip(features, batch, strict=True):
        known = {j: share(i, j) for j in inside if j != i}
        if not any(sum(k) for k in known.values()):
            continue
        held = {LABELS[i]} | {LABELS[j] for j in inside if MEMORY.implied(i, j)}
        z = sum((f @ means[c] / temperature).exp() for c in range(4) if c not in held)
        z = z + sum(k[1] * (f @ memory[j] / temperature).exp() for j, k in known.items())
        positives = [(i, 1.0), *((j, k[0]) for j, k in known.items())]
        terms = [
            w * -torch.log((f @ memory[j] / temperature).exp() / ((f @ memory[j] / temperature).exp() + z))
            for j, w in positives
        ]
        total = total + sum(terms) / sum(w for _, w in positives)
    return total / len(batch)


@pytest.mark.parametrize("loss", LOSSES)
def test_against_a_dense_transcription_over_two_batches(loss):
    rng = np.random.default_rng(0)
    memory = unit(rng.standard_normal((13, 4)))
    objective = made(LABELS, memory, MEMORY, LIKELY, loss=loss, temperature=0.2)
    memory = torch.from_numpy(memory)
    for _ in range(2):
        batch = rng.integers(0, 12, 16)
        f = torch.from_numpy(unit(rng.standard_normal((16, 4)))).requires_grad_()
        plain = objective.objective.loss(f, objective.prepare(batch))
        expected = plain + 0.7 * reference(f, batch, memory, 0.2)
        (wanted,) = torch.autograd.grad(expected, f)
        found = objective.loss(f, objective.prepare(batch))
        found.backward()
        assert found.item() == pytest.approx(expected.item(), rel=1e-6)
        np.testing.assert_allclose(f.grad.numpy(), wanted.numpy(), atol=1e-6)
        objective.update(f.detach(), objective.prepare(batch))
        for image, feature in zip(batch, f.detach(), strict=True):
            memory[image] = functional.normalize(0.2 * memory[image] + 0.8 * feature, dim=0)


def first_loss(objective, f):
    return objective.loss(f, objective.prepare(np.array([0]))).item()


@pytest.mark.parametrize("loss", LOSSES)
def test_other_classes_with_images_of_the_person_are_no_negatives(loss):
    """With a class known to hold the same person moved anywhere, the objective's own loss of the image is the same."""
    rng = np.random.default_rng(1)
    vectors = unit(rng.standard_normal((9, 4)))
    moved = np.where(np.arange(9)[:, None] // 3 == 1, -vectors, vectors)
    labels, f = np.repeat(np.arange(3), 3), torch.from_numpy(vectors[:1])
    proxies = {"offline": 0.0, "online": 0.0}  # within cameras: in the others the class is a positive

    def of(at, memory):
        return first_loss(made(labels, at, memory, loss=loss, proxies=proxies).objective, f)

    linked = remember(same=[(0, 4)])
    assert of(vectors, linked) == pytest.approx(of(moved, linked))
    assert of(vectors, LabelMemory()) != pytest.approx(of(moved, LabelMemory()))
    offline = {"loss": "camera-proxies", "proxies": {"within": 0.0, "online": 0.0}}
    assert first_loss(made(labels, vectors, linked, **offline).objective, f) != pytest.approx(
        first_loss(made(labels, moved, linked, **offline).objective, f)
    )


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(
    ("memory", "pair", "nearer"),
    [(remember(different=[(0, 1)]), (0, 1), False), (remember(same=[(0, 4)]), (0, 4), True)],
    ids=["different within a class", "same between classes"],
)
def test_a_few_steps_go_where_the_answer_says(loss, memory, pair, nearer):
    """Against the same steps without the answer: descent on the features themselves."""
    rng = np.random.default_rng(2)
    vectors = rng.standard_normal((12, 6))
    vectors[1] = vectors[0] + 0.3 * rng.standard_normal(6)  # two that look alike
    vectors = unit(vectors)
    labels, batch = np.repeat(np.arange(3), 4), np.arange(12)

    def similarity(known):
        objective = made(labels, vectors, known, loss=loss, answer_weight=1.0)
        f = torch.from_numpy(vectors)
        for _ in range(20):
            x = f.clone().requires_grad_()
            (slope,) = torch.autograd.grad(objective.loss(functional.normalize(x, dim=1), objective.prepare(batch)), x)
            f = functional.normalize(f - 0.05 * slope, dim=1)
            objective.update(f, objective.prepare(batch))
        return (f[pair[0]] @ f[pair[1]]).item()

    change = similarity(memory) - similarity(LabelMemory())
    assert (change > 0.2) if nearer else (change < -0.03)


def test_the_contrast_by_hand():
    """One positive at z = 1, one image half another person at z = 2, one other class at z = 0."""
    z, classes = torch.tensor([[1.0, 2.0]]), torch.tensor([[0.0, 9.0]])
    same, different = torch.tensor([[1.0, 0.5]]), torch.tensor([[0.0, 0.5]])
    rest = 1 + 0.5 * np.exp(2)
    expected = np.log1p(rest / np.exp(1)) + 0.5 * np.log1p(rest / np.exp(2))
    found = answer_contrast(z, classes, same, different, torch.tensor([[True, False]]))
    assert found.item() == pytest.approx(expected / 1.5)


def test_an_image_without_any_negative_has_no_term():
    vectors = unit(np.random.default_rng(3).standard_normal((4, 3)))
    objective = made([0, 0, 1, 1], vectors, remember(same=[(0, 2)]))  # both classes hold the person of image 0
    f = torch.from_numpy(vectors).requires_grad_()
    objective.loss(f, objective.prepare(np.arange(4))).backward()
    assert torch.isfinite(f.grad).all()
    assert objective.loss(f[:1], objective.prepare(np.array([0]))).item() == 0


def test_likely_pairs_give_way_to_answers_and_lead_to_nothing():
    memory = remember(same=[(0, 1)], different=[(1, 2)])
    likely = pairs((0, 2, 0.9), (0, 1, 0.2), (3, 4, 0.75), (4, 5, 1.0), (6, 5, 0.0))
    rows = np.array([0, 1, 2, 3, 4, 5])  # row 6 is left out
    same, different = PairConstraints(memory, rows, 7, likely).shares(np.arange(6), np.arange(6))
    np.testing.assert_array_equal(same, same.T)
    np.testing.assert_array_equal(different, different.T)
    found = {(a, b): (same[a, b], different[a, b]) for a, b in np.argwhere(np.triu(same + different)).tolist()}
    assert found == {(0, 1): (1, 0), (0, 2): (0, 1), (1, 2): (0, 1), (3, 4): (0.75, 0.25), (4, 5): (1, 0)}
    assert PairConstraints(memory, rows, 7, likely).related(np.array([3])).tolist() == [4]


@pytest.mark.parametrize("loss", ["triplet", "purification", "hybrid-memory-ranking"])
def test_losses_with_a_use_of_their_own_take_no_weight(loss):
    with pytest.raises(ParameterError, match=f"training.loss {loss} uses answers in a way of its own"):
        TrainingConfig().replace(loss=loss, answer_weight=0.5)


def test_what_is_known_without_an_answer_is_a_constraint_too():
    known = LabelMemory.from_labels(np.array([0, 0, 1, -1]))
    assert len(known) == 0
    targets = training_targets(np.zeros(4, np.int64), np.zeros(4, np.int64), TrainingConfig(), memory=known)
    rows = np.arange(4)
    assert targets.constraints.different(rows, rows).sum() == 4
    assert targets.constraints.same(rows, rows).sum() == 2

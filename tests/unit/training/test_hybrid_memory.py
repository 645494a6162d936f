"""The hybrid memory: loss, gradient and memory equal a plain step-by-step float64 reference, batch after batch."""

import numpy as np
import pytest
import torch

from whosame.memory import LabelMemory
from whosame.training import TrainingConfig
from whosame.training.losses.hybrid_memory import HybridMemory
from whosame.training.targets import training_targets

CONFIG = TrainingConfig(loss="hybrid-memory", memory_momentum=0.2, temperature=0.05)
CPU = torch.device("cpu")


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def made(labels, vectors, **changes):
    config = CONFIG.replace(**changes)
    targets = training_targets(np.array(labels), np.zeros(len(labels), np.int64), config, memory=LabelMemory())
    return HybridMemory(targets, torch.from_numpy(vectors[targets.rows]), config, CPU)


def reference(features, images, labels, memory, temperature, momentum):
    """Return loss, its gradient by the features, and the memory afterwards, one image and one class after another."""
    classes = sorted(set(labels.tolist()))
    loss, gradient = 0.0, np.zeros_like(features)
    for at, (f, i) in enumerate(zip(features, images, strict=True)):
        means = [np.mean([memory[j] for j in range(len(labels)) if labels[j] == c], axis=0) for c in classes]
        logits = [np.mean([f @ memory[j] for j in range(len(labels)) if labels[j] == c]) / temperature for c in classes]
        p = np.exp(np.array(logits) - max(logits))
        p /= p.sum()
        y = classes.index(labels[i])
        loss -= np.log(p[y]) / len(images)
        gradient[at] = (p @ np.array(means) - means[y]) / temperature / len(images)
    after = memory.copy()
    for f, i in zip(features, images, strict=True):
        after[i] = unit(momentum * after[i] + (1 - momentum) * f)
    return loss, gradient, after


@pytest.mark.parametrize("seed", range(3))
def test_against_the_reference_over_three_batches(seed):
    rng = np.random.default_rng(seed)
    labels = np.array([0, 0, 0, 1, 1, 2, 3, 3, 3, 3])  # class 2 is one image
    memory = unit(rng.standard_normal((10, 5)))
    objective = made(labels, memory)
    for _ in range(3):
        images = rng.integers(0, 10, 12)  # some twice and more
        features = unit(rng.standard_normal((12, 5)))
        loss, gradient, memory = reference(features, images, labels, memory, 0.05, 0.2)
        f = torch.from_numpy(features).requires_grad_()
        found = objective.loss(f, objective.prepare(images))
        found.backward()
        objective.update(f.detach(), objective.prepare(images))
        assert found.item() == pytest.approx(loss, rel=1e-9)
        np.testing.assert_allclose(f.grad.numpy(), gradient, atol=1e-9)
        np.testing.assert_allclose(objective.bank.vectors.numpy(), memory, atol=1e-12)
        means = np.array([memory[labels == c].mean(axis=0) for c in range(4)])
        np.testing.assert_allclose(objective.means.numpy(), means, atol=1e-12)


def test_by_hand():
    """Two images at right angles make a class, the third is another one; τ = 1."""
    memory = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    objective = made([0, 0, 1], memory, temperature=1.0)
    f = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    # Logits: mean of 1 and 0 is 1/2; -1. Loss: log(1 + exp(-1 - 1/2)).
    assert objective.loss(f, objective.prepare(np.array([0]))).item() == pytest.approx(np.log1p(np.exp(-1.5)))
    objective.update(torch.tensor([[0.0, 1.0]], dtype=torch.float64), objective.prepare(np.array([0])))
    # m_0 <- 0.2 (1, 0) + 0.8 (0, 1), scaled to length 1; the class is the mean of that and (0, 1).
    moved = np.array([0.2, 0.8]) / np.hypot(0.2, 0.8)
    np.testing.assert_allclose(objective.bank.vectors.numpy(), [moved, [0, 1], [-1, 0]])
    np.testing.assert_allclose(objective.means.numpy(), [(moved + np.array([0, 1])) / 2, [-1, 0]])


def test_outliers_are_left_out_or_classes_of_their_own():
    memory = unit(np.random.default_rng(0).standard_normal((6, 4)))
    labels = [3, -1, 3, 5, 5, -1]
    dropped, kept = made(labels, memory), made(labels, memory, outliers="classes")
    assert dropped.targets.rows.tolist() == [0, 2, 3, 4]
    assert len(dropped.means) == dropped.targets.count == 2
    assert kept.targets.rows.tolist() == list(range(6))
    assert kept.targets.classes.tolist() == [0, 2, 0, 1, 1, 3]
    np.testing.assert_allclose(kept.means[2:].numpy(), memory[[1, 5]])


def test_a_class_of_one_is_drawn_once_not_k_times():
    objective = made([0, 0, 0, -1, -1], np.eye(5), outliers="classes", iterations=3, images_per_cluster=4)
    for batch in objective.batches(np.random.default_rng(0)):
        assert np.bincount(batch, minlength=5)[3:].tolist() == [1, 1]

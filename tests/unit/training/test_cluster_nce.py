"""ClusterNCE: loss, gradient and memory equal a plain step-by-step float64 reference."""

import numpy as np
import pytest
import torch

from whosame.errors import ParameterError
from whosame.training.losses.cluster_nce import MemoryBank, class_means, cluster_nce
from whosame.training.losses.objective import turns


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def reference(features, labels, vectors, temperature, momentum, *, use_hard):
    """Return loss, its gradient by the features, and the memory afterwards, one image after another."""
    loss, gradient = 0.0, np.zeros_like(features)
    for i, (f, y) in enumerate(zip(features, labels, strict=True)):
        scores = np.array([f @ c for c in vectors]) / temperature
        p = np.exp(scores - scores.max())
        p /= p.sum()
        loss -= np.log(p[y]) / len(labels)
        gradient[i] = (p @ vectors - vectors[y]) / temperature / len(labels)
    after = vectors.copy()
    if use_hard:
        for y in set(labels):
            mine = [i for i in range(len(labels)) if labels[i] == y]
            hardest = min(mine, key=lambda i: features[i] @ vectors[y])
            after[y] = unit(momentum * after[y] + (1 - momentum) * features[hardest])
    else:
        for f, y in zip(features, labels, strict=True):
            after[y] = unit(momentum * after[y] + (1 - momentum) * f)
    return loss, gradient, after


@pytest.mark.parametrize("use_hard", [False, True])
@pytest.mark.parametrize("momentum", [0.1, 0.9])
@pytest.mark.parametrize("seed", range(3))
def test_against_the_reference(seed, momentum, use_hard):
    rng = np.random.default_rng(seed)
    vectors, features = unit(rng.standard_normal((6, 5))), unit(rng.standard_normal((20, 5)))
    labels = rng.integers(0, 5, 20)  # blocks mixed, sizes unequal, class 5 absent
    loss, gradient, after = reference(features, labels, vectors, 0.05, momentum, use_hard=use_hard)

    memory = MemoryBank(torch.from_numpy(vectors * 3), momentum, use_hard=use_hard)  # scaled to length 1 inside
    f = torch.from_numpy(features).requires_grad_()
    y = torch.from_numpy(labels)
    found = cluster_nce(f, y, memory)
    found.backward()
    memory.update(f.detach(), y, turns(labels))
    assert found.item() == pytest.approx(loss, rel=1e-9)
    np.testing.assert_allclose(f.grad.numpy(), gradient, atol=1e-9)
    np.testing.assert_allclose(memory.vectors.numpy(), after, atol=1e-9)


def test_turns():
    assert [turn.tolist() for turn in turns(np.array([4, 7, 4, 4]))] == [[0, 1], [2], [3]]
    assert turns(np.empty(0, np.int64)) == ()


def test_momentum_is_the_share_of_the_old():
    memory = MemoryBank(torch.eye(2), momentum=0.1)
    memory.update(torch.tensor([[0.0, 1.0]]), torch.tensor([0]), turns(np.array([0])))
    torch.testing.assert_close(memory.vectors[0], torch.tensor([0.1, 0.9]) / np.hypot(0.1, 0.9))


def test_an_empty_batch_changes_nothing():
    memory = MemoryBank(torch.eye(2))
    for hard in (False, True):
        memory.use_hard = hard
        memory.update(torch.empty(0, 2), torch.empty(0, dtype=torch.int64), turns(np.empty(0, np.int64)))
    torch.testing.assert_close(memory.vectors, torch.eye(2))


def test_class_means():
    vectors = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 3.0]])
    torch.testing.assert_close(class_means(vectors, torch.tensor([1, 0, 1])), torch.tensor([[0.0, 1.0], [0.5, 1.5]]))
    with pytest.raises(ParameterError, match="at least one labelled image"):
        class_means(vectors[:0], torch.empty(0, dtype=torch.int64))

"""Losses on answers: what is known of pairs, triplets (DRAL) and purification (MASS-like), worked by hand."""

import numpy as np
import pytest
import torch

from whosame.comparison.native import NATIVE
from whosame.memory import LabelMemory
from whosame.training import TrainingConfig, image_weights
from whosame.training.linked_sampler import comparable, linked_batches
from whosame.training.losses.hybrid_memory import HybridMemory, RankedHybridMemory
from whosame.training.losses.purification import Purification
from whosame.training.losses.ranking import ranking
from whosame.training.losses.triplet import Triplet, batch_hard
from whosame.training.pair_constraints import PairConstraints
from whosame.training.targets import training_targets

CPU = torch.device("cpu")


def answered(same=(), different=()):
    memory = LabelMemory()
    for a, b in same:
        memory.add(a, b, same=True)
    for a, b in different:
        memory.add(a, b, same=False)
    return memory


def whole(memory, n):
    return PairConstraints(memory, np.arange(n), n)


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def test_links_are_closed_and_speak_of_positions():
    memory = answered(same=[(1, 3), (3, 4), (6, 7)], different=[(4, 6)])
    rows = np.array([0, 1, 4, 6, 8])  # positions 0..4; rows 3 and 7 are left out
    constraints = PairConstraints(memory, rows, 9)
    everyone = np.arange(5)
    assert np.argwhere(constraints.same(everyone, everyone)).tolist() == [[1, 2], [2, 1]]  # rows 1 and 4, by way of 3
    assert np.argwhere(constraints.different(everyone, everyone)).tolist() == [[1, 3], [2, 3], [3, 1], [3, 2]]
    assert constraints.cannot_linked(1).tolist() == [6]
    assert constraints.related(np.array([3])).tolist() == [1, 2]  # of row 6: the rows 1 and 4; 7, the same, is left out
    assert constraints.related(np.array([0, 4])).tolist() == []
    assert constraints.related(np.array([1])).tolist() == [1, 2, 3]


def hard(features, same, different, margin):
    both = same.any(dim=1) & different.any(dim=1)
    return batch_hard(features, both.nonzero()[:, 0], same[both], different[both], margin)


def test_batch_hard_by_hand():
    degrees = torch.tensor([0.0, 60, 90, 180], dtype=torch.float64).deg2rad()
    features = torch.stack([degrees.cos(), degrees.sin()], dim=1)
    same, different = torch.zeros(4, 4, dtype=torch.bool), torch.zeros(4, 4, dtype=torch.bool)
    same[0, 1] = same[1, 0] = True
    different[0, 2] = different[0, 3] = different[1, 2] = different[1, 3] = True
    different |= different.clone().T
    # Chords: 2 sin(angle / 2). Image 0: positive at 60° (1), nearest negative at 90° (√2). Image 1: positive at 60°,
    # nearest negative at 30°. Images 2 and 3 have no positive.
    first, second = 0.5 + 1 - np.sqrt(2), 0.5 + 1 - 2 * np.sin(np.pi / 12)
    assert hard(features, same, different, 0.5).item() == pytest.approx((first + second) / 2)
    # With the margin of 0.3 image 0 is far enough from its negative.
    assert hard(features, same, different, 0.3).item() == pytest.approx((0 + second - 0.2) / 2)


def test_batch_hard_has_the_gradient_of_its_value_and_none_without_a_triplet():
    rng = np.random.default_rng(0)
    features = torch.from_numpy(rng.standard_normal((6, 3))).requires_grad_()
    same = torch.zeros(6, 6, dtype=torch.bool)
    same[0, 1] = same[1, 0] = same[0, 2] = same[2, 0] = same[1, 2] = same[2, 1] = True
    different = torch.zeros(6, 6, dtype=torch.bool)
    different[:3, 3:] = different[3:, :3] = True

    def loss(x):
        return hard(torch.nn.functional.normalize(x, dim=1), same, different, 2.0)

    assert torch.autograd.gradcheck(loss, features)
    nothing = hard(features, same, torch.zeros_like(different), 0.3)
    nothing.backward()
    assert nothing.item() == 0
    assert features.grad.abs().sum() == 0


def test_only_groups_with_a_rival_are_compared():
    memory = answered(same=[(0, 1), (3, 4), (6, 7), (7, 8)], different=[(1, 2), (3, 5), (9, 10)])
    # {0,1} differ from 2, {3,4} from 5; {6,7,8} have no rival; 9 and 10 have nobody who is the same.
    assert comparable(whole(memory, 12)).tolist() == [0, 0, 2, 3, 3, 5, -1, -1, -1, -1, -1, -1]
    assert comparable(whole(answered(same=[(0, 1)]), 3)).tolist() == [-1, -1, -1]
    assert comparable(whole(answered(), 3)).tolist() == [-1, -1, -1]


def test_batches_put_a_rival_beside_each_group():
    def drawn(constraints):
        options = {"clusters": 4, "images": 3, "batches": 30, "rng": np.random.default_rng(0)}
        return list(linked_batches(constraints, np.zeros(8, np.int64), **options))

    constraints = whole(answered(same=[(0, 1), (2, 3), (4, 5)], different=[(0, 2), (0, 4), (2, 6)]), 8)
    rivals = {0: {2, 4}, 2: {0, 6}, 4: {0}}
    batches = drawn(constraints)
    assert len(batches) == 30
    seen, beside = [], set()
    for batch in batches:
        blocks = constraints.roots[batch].reshape(4, 3)
        assert (blocks == blocks[:, :1]).all()
        for group, rival in blocks[:, 0].reshape(2, 2).tolist():
            seen.append(group)
            beside.add((group, rival))
        assert all(len(set(block)) == 2 for block in batch.reshape(4, 3)[::2].tolist())  # a positive is there
    assert [seen.count(group) for group in (0, 2, 4)] == pytest.approx([20, 20, 20], abs=8)
    assert beside == {(group, rival) for group in rivals for rival in rivals[group]}
    np.testing.assert_array_equal(batches, drawn(constraints))
    assert not drawn(whole(answered(), 8))


def test_rivals_of_one_image_share_a_block():
    memory = answered(same=[(0, 1)], different=[(0, 2), (0, 3), (1, 4), (0, 5)])
    options = {"clusters": 2, "images": 3, "batches": 40, "rng": np.random.default_rng(0)}
    rivals = [batch[3:].tolist() for batch in linked_batches(whole(memory, 7), np.zeros(7, np.int64), **options)]
    assert all(len(set(block)) == 3 and set(block) <= {2, 3, 4, 5} for block in rivals)
    counts = np.bincount(np.concatenate(rivals))[2:]
    assert counts.tolist() == pytest.approx([30] * 4, abs=10)


def test_triplets_do_not_depend_on_labels():
    config = TrainingConfig(loss="triplet", iterations=2, clusters_per_batch=2, images_per_cluster=2)
    memory = answered(same=[(1, 3)], different=[(3, 4)])
    targets = training_targets(np.zeros(6, np.int64), np.arange(6), config, memory=memory)
    assert targets.rows.tolist() == [1, 3, 4]
    assert targets.classes.tolist() == [0, 0, 1]
    features = torch.tensor([[1.0, 0], [0, 1], [-1, 0]])
    objective = Triplet(targets, features, config, CPU)
    batch = next(objective.batches(np.random.default_rng(0)))
    assert sorted(batch.tolist()) == [0, 1, 2, 2]
    # √2 to the positive; the negative is 2 away from image 0 and √2 from image 1: 0.3 + √2 - 2 is below 0.
    assert objective.loss(features[batch], objective.prepare(batch)).item() == pytest.approx((0 + 0.3) / 2, abs=1e-6)


def test_weights_by_hand():
    labels = np.array([0, 0, 0, 0, 1, 1, 2, -1])
    central = np.array([0.8, 0.5, 0.6, 0.2, 0.3, 0.3, 0.0, 0.0])
    memory = answered(same=[(3, 1)], different=[(0, 2)])
    # Cluster 0 spans 0.2 .. 0.8; 1 and 3 are confirmed; (0.6 - 0.2) / 0.6 = 2/3. Cluster 1 is all alike. The rest: 1.
    np.testing.assert_allclose(image_weights(central, labels, memory), [1, 1, 0.2 + 0.8 * 2 / 3, 1, 1, 1, 1, 1], 1e-6)
    np.testing.assert_allclose(image_weights(central, labels, answered())[:4], [1, 0.6, 0.2 + 0.8 * 2 / 3, 0.2], 1e-6)
    assert image_weights(np.empty(0), np.empty(0, np.int64), answered()).shape == (0,)
    far = np.array([2**62, 2**62, 2**62, 2**62, 20_240_131_123_456, 20_240_131_123_456, 2, -1])  # identities as labels
    np.testing.assert_array_equal(image_weights(central, far, memory), image_weights(central, labels, memory))


def test_ranking_by_hand():
    similarity = torch.tensor([[0.9, 0.5, 0.4, 0.1], [0.9, 0.5, 0.4, 0.1]])
    same = torch.tensor([[True, True, False, False], [True, False, False, False]])
    different = torch.tensor([[False, False, True, True], [False, False, True, False]])
    # First: 0.3 + 0.4 - 0.5. Second: 0.3 + 0.4 - 0.9 < 0.
    assert ranking(similarity, same, different, 0.3).item() == pytest.approx((0.2 + 0) / 2)
    assert ranking(similarity[2:], same[2:], different[2:], 0.3).item() == 0


def reference(features, batch, labels, clusters, images, weights, memory, config):
    """Return the loss image by image, and both memories afterwards."""
    total, ranks = 0.0, []
    for f, i in zip(features, batch, strict=True):
        logits = clusters @ f / config.temperature
        total += weights[i] * (np.log(np.exp(logits - logits.max()).sum()) + logits.max() - logits[labels[i]])
        others = [j for j in range(len(labels)) if j != i]
        same = [f @ images[j] for j in others if memory.implied(i, j) is True]
        different = [f @ images[j] for j in others if memory.implied(i, j) is False]
        if same and different:
            ranks.append(max(0, config.margin + max(different) - min(same)))
    clusters, images = clusters.copy(), images.copy()
    for f, i in zip(features, batch, strict=True):
        m = config.memory_momentum
        clusters[labels[i]] = unit(m * clusters[labels[i]] + (1 - m) * f)
        images[i] = unit(m * images[i] + (1 - m) * f)
    loss = total / weights[batch].sum() + config.ranking_weight * (np.mean(ranks) if ranks else 0)
    return loss, clusters, images


@pytest.mark.parametrize("seed", range(3))
def test_purification_against_a_reference_over_two_batches(seed):
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(4), 3)
    config = TrainingConfig(loss="purification")
    memory = answered(same=[(0, 1), (3, 4), (4, 5)], different=[(1, 3), (6, 9)])
    weights = rng.uniform(0.2, 1, 12).astype(np.float32)
    images = unit(rng.standard_normal((12, 4)))
    clusters = unit(np.array([images[labels == c].mean(axis=0) for c in range(4)]))
    targets = training_targets(labels, labels, config, memory=memory, weights=weights)
    objective = Purification(targets, torch.from_numpy(images), config, CPU)
    for _ in range(2):
        batch = rng.integers(0, 12, 10)
        features = unit(rng.standard_normal((10, 4)))
        f = torch.from_numpy(features).requires_grad_()
        found = objective.loss(f, objective.prepare(batch))
        objective.update(f.detach(), objective.prepare(batch))
        loss, clusters, images = reference(features, batch, labels, clusters, images, weights, memory, config)
        assert found.item() == pytest.approx(loss, rel=1e-6)
        np.testing.assert_allclose(objective.bank.vectors.numpy(), clusters, atol=1e-9)
        np.testing.assert_allclose(objective.image_bank.vectors.numpy(), images, atol=1e-9)


def test_without_weights_and_answers_purification_is_cluster_nce():
    from whosame.training.losses.cluster_nce import ClusterContrast

    rng = np.random.default_rng(0)
    labels, vectors = np.repeat(np.arange(3), 4), torch.from_numpy(unit(rng.standard_normal((12, 4))))
    features, batch = torch.from_numpy(unit(rng.standard_normal((8, 4)))), np.arange(8)
    config = TrainingConfig(loss="purification")
    targets = training_targets(labels, labels, config)
    plain = ClusterContrast(targets, vectors, config.replace(loss="cluster-nce"), CPU)
    expected = plain.loss(features, plain.prepare(batch)).item()
    objective = Purification(targets, vectors, config, CPU)
    assert objective.loss(features, objective.prepare(batch)).item() == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(3))
def test_spals_ranking_is_that_of_squared_euclidean_distances(seed):
    """Its public code: ``[1 + farthest same - nearest different]_+`` of squared distances, weight 1, over the memory."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(4), 3)
    memory = answered(same=[(0, 1), (3, 4), (4, 5)], different=[(1, 3), (6, 9)])
    images, batch = unit(rng.standard_normal((12, 4))), rng.integers(0, 12, 10)
    features = unit(rng.standard_normal((10, 4)))
    config = TrainingConfig(**NATIVE["spal"]["training"])
    targets = training_targets(labels, labels, config, memory=memory)
    objectives = [kind(targets, torch.from_numpy(images), config, CPU) for kind in (RankedHybridMemory, HybridMemory)]
    f = torch.from_numpy(features)
    ranked, plain = (objective.loss(f, objective.prepare(batch)).item() for objective in objectives)
    squared = ((features[:, None] - images) ** 2).sum(axis=2)
    losses = []
    for row, image in enumerate(batch):
        known = [memory.implied(int(image), other) if other != image else None for other in range(12)]
        same, different = ([squared[row, j] for j in range(12) if known[j] is wanted] for wanted in (True, False))
        if same and different:
            losses.append(max(0, 1 + max(same) - min(different)))
    assert ranked - plain == pytest.approx(np.mean(losses), rel=1e-6)
    assert np.mean(losses) > 0

"""Camera proxies: loss, gradient and memory equal a plain float64 transcription, image by image and camera by camera."""

import numpy as np
import pytest
import torch

from whosame.errors import ParameterError
from whosame.parameters import parse
from whosame.training import TrainingConfig
from whosame.training.losses.camera_proxies import CameraProxies, split_by_camera
from whosame.training.losses.cluster_nce import MemoryBank, class_means, cluster_nce
from whosame.training.targets import training_targets

CPU = torch.device("cpu")
TAU, MOMENTUM = 0.1, 0.3
ALONE = {
    term: {name: float(name == term) for name in ("within", "offline", "online")}
    for term in ("within", "offline", "online")
}


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def made(labels, cameras, vectors, outliers="drop", batches="proxies", **proxies):
    config = TrainingConfig(loss="camera-proxies", outliers=outliers)
    config = config.replace(proxies={"batches": batches, "temperature": TAU, "momentum": MOMENTUM, **proxies})
    targets = training_targets(np.array(labels), np.array(cameras), config)
    return CameraProxies(targets, torch.from_numpy(vectors[targets.rows]), config, CPU)


def softmax_term(f, memory, positives, negatives):
    """Return the mean over the positives of -log softmax among both, and its gradient by f."""
    members = [*positives, *negatives]
    p = np.exp([f @ memory[j] / TAU for j in members])
    p /= p.sum()
    loss = -sum(np.log(p[members.index(j)]) for j in positives) / len(positives)
    mean = sum(memory[j] for j in positives) / len(positives)
    return loss, (sum(w * memory[j] for w, j in zip(p, members, strict=True)) - mean) / TAU


def reference(features, images, labels, cameras, memory, settings):
    """Return loss, gradient by the features and the memory afterwards. ``memory`` is by (cluster, camera)."""
    loss, gradient = 0.0, np.zeros_like(features)
    for camera in {cameras[i] for i in images}:
        here = [at for at, i in enumerate(images) if cameras[i] == camera]
        for at in here:
            f, cluster = features[at], labels[images[at]]
            own = (cluster, camera)
            terms = []

            others = [j for j in memory if j[1] == camera and j != own]
            terms.append((settings["within"], [own], others))

            mine = [j for j in memory if j[0] == cluster]
            others = sorted((j for j in memory if j[0] != cluster), key=lambda j: -(f @ memory[j]))
            terms.append((settings["offline"], mine, others[: settings["negatives"]]))

            joint = {
                j: settings["balance"] * f @ memory[j] + (1 - settings["balance"]) * memory[own] @ memory[j]
                for j in memory
            }
            best = [max((j for j in memory if j[1] == c), key=joint.get) for c in {j[1] for j in memory}]
            near = sorted(best, key=lambda j: -joint[j])[: settings["neighbours"]]
            others = sorted((j for j in memory if j not in near), key=lambda j: -joint[j])
            terms.append((settings["online"], near, others[: settings["negatives"]]))

            for weight, positives, negatives in terms:
                value, slope = softmax_term(f, memory, positives, negatives)
                loss += weight * value / len(here)
                gradient[at] += weight * slope / len(here)
    after = dict(memory)
    for f, i in zip(features, images, strict=True):
        own = (labels[i], cameras[i])
        after[own] = unit(MOMENTUM * after[own] + (1 - MOMENTUM) * f)
    return loss, gradient, after


# Cluster 2 is seen by one camera, cluster 3 by the unknown one only, cluster 4 is one image; camera 7 is a gap in names.
LABELS = [0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 1, 0]
CAMERAS = [0, 0, 1, 1, 7, 0, 1, 7, 7, 1, 1, 1, -1, -1, 0, -1, -1]
ALL = {"within": 1.0, "offline": 0.5, "online": 2.0}


@pytest.mark.parametrize("weights", [*ALONE.values(), ALL], ids=[*ALONE, "all"])
@pytest.mark.parametrize(("negatives", "neighbours"), [(3, 2), (50, 9)], ids=["few", "more than there are"])
def test_against_the_transcription_over_three_batches(weights, negatives, neighbours):
    rng = np.random.default_rng(0)
    settings = {**weights, "negatives": negatives, "neighbours": neighbours, "balance": 0.3}
    vectors = unit(rng.standard_normal((len(LABELS), 5)))
    objective = made(LABELS, CAMERAS, vectors, **settings)
    names = sorted(set(zip(LABELS, CAMERAS, strict=True)))
    members = {j: [vectors[i] for i in range(len(LABELS)) if (LABELS[i], CAMERAS[i]) == j] for j in names}
    memory = {j: unit(np.mean(rows, axis=0)) for j, rows in members.items()}
    for _ in range(3):
        images = rng.integers(0, len(LABELS), 12)  # some twice and more
        features = unit(rng.standard_normal((12, 5)))
        loss, gradient, memory = reference(features, images, LABELS, CAMERAS, memory, settings)
        f = torch.from_numpy(features).requires_grad_()
        found = objective.loss(f, objective.prepare(images))
        found.backward()
        objective.update(f.detach(), objective.prepare(images))
        assert found.item() == pytest.approx(loss, rel=1e-9)
        np.testing.assert_allclose(f.grad.numpy(), gradient, atol=1e-9)
        np.testing.assert_allclose(objective.bank.vectors.numpy(), [memory[j] for j in names], atol=1e-12)


@pytest.mark.parametrize("camera", [0, -1], ids=["one camera", "unknown cameras"])
def test_with_one_camera_it_is_cluster_nce(camera):
    """Each term is ClusterNCE over the clusters: a cluster is a proxy, and the nearest proxy of a proxy is itself."""
    rng = np.random.default_rng(1)
    vectors, features = unit(rng.standard_normal((20, 6))), torch.from_numpy(unit(rng.standard_normal((12, 6))))
    labels, images = np.repeat(np.arange(5), 4), rng.integers(0, 20, 12)
    objective = made(labels, np.full(20, camera), vectors, balance=0.0, within=1.0, offline=0.5, online=0.25)
    means = class_means(torch.from_numpy(vectors), torch.from_numpy(labels))
    plain = cluster_nce(features, torch.from_numpy(labels[images]), MemoryBank(means), TAU)
    torch.testing.assert_close(objective.loss(features, objective.prepare(images)), 1.75 * plain)


def test_a_cluster_that_one_camera_sees_alone_in_it_has_nothing_to_tell_apart_within():
    vectors = np.eye(4)
    objective = made([0, 0, 1, 1], [0, 0, 1, 1], vectors, **ALONE["within"])
    f = torch.from_numpy(vectors).requires_grad_()
    loss = objective.loss(f, objective.prepare(np.arange(4)))
    loss.backward()
    assert loss.item() == 0
    assert not f.grad.any()


def test_proxies_are_clusters_by_cameras():
    proxies, clusters, cameras = split_by_camera(np.array([1, 0, 1, 1, 0]), np.array([4, 4, -1, 4, -1]))
    assert proxies.tolist() == [3, 1, 2, 3, 0]
    assert clusters.tolist() == [0, 0, 1, 1]
    assert cameras.tolist() == [0, 1, 0, 1]


def test_outliers_are_left_out_or_proxies_of_their_own():
    vectors = unit(np.random.default_rng(0).standard_normal((6, 4)))
    labels, cameras = [3, -1, 3, 5, 5, -1], [0, 0, 1, 0, 0, 1]
    dropped, kept = (made(labels, cameras, vectors, outliers=o) for o in ("drop", "classes"))
    assert dropped.clusters.tolist() == [0, 0, 1]
    assert kept.clusters.tolist() == [0, 0, 1, 2, 3]
    assert kept.cameras.tolist() == [0, 1, 0, 0, 1]
    np.testing.assert_allclose(kept.bank.vectors[3:].numpy(), vectors[[1, 5]])


def test_batches_are_blocks_of_proxies_or_of_clusters():
    labels, cameras = np.repeat(np.arange(6), 12), np.tile(np.repeat(np.arange(3), 4), 6)
    vectors = np.ones((72, 2))
    for batches, seen in (("proxies", {1}), ("clusters", {2, 3})):
        objective = made(labels, cameras, vectors, batches=batches)
        drawn = list(objective.batches(np.random.default_rng(0)))
        blocks = np.concatenate(drawn).reshape(-1, objective.config.images_per_cluster)
        assert len(drawn) == objective.config.iterations
        assert all(len(set(labels[block])) == 1 for block in blocks)
        assert {len(set(cameras[block])) for block in blocks} == seen


def test_before_the_start_the_term_within_cameras_is_alone():
    config = TrainingConfig().replace(proxies={"start": 2})
    assert [config.of_round(r).proxies.offline for r in range(4)] == [0, 0, 1, 1]
    assert [config.of_round(r).proxies.online for r in range(4)] == [0, 0, 1, 1]
    assert {config.of_round(r).proxies.within for r in range(4)} == {1}


@pytest.mark.parametrize(
    ("proxies", "message"),
    [
        ({"within": 0, "offline": 0, "online": 0}, r"proxies: of within, offline and online at least one"),
        ({"within": 0, "start": 1}, r"proxies: before the round 'start'[\s\S]*within"),
        ({"negatives": 0}, r"proxies\.negatives' is 0"),
    ],
)
def test_a_loss_without_terms_is_an_error(proxies, message):
    with pytest.raises(ParameterError, match=message):
        parse(TrainingConfig, {"proxies": proxies})

"""Camera proxies: a vector for the images of a cluster from one camera (CAP, O2CAP)."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from whosame.training.config import TrainingConfig
from whosame.training.losses.cluster_nce import MemoryBank, class_means
from whosame.training.losses.objective import Batch, Objective, Prepared, turns
from whosame.training.sampler import pk_batches
from whosame.training.targets import TrainingTargets


class CameraProxies(Objective):
    """Every image against the proxies of its camera, and those of its cluster against those that are mistaken for it.

    The loss of an image is a weighted sum of three terms, each of the form of :func:`contrast`. ``within``: its own
    proxy against the others of its camera. ``offline``: all proxies of its cluster against the ``negatives`` most
    similar others. ``online``: the proxies that :func:`nearest_by_camera` finds, whatever their clusters, against the
    ``negatives`` most similar others.

    References
    ----------
    M. Wang et al., *Camera-aware proxies for unsupervised person re-identification*, AAAI 2021 (CAP: within, offline);
    the same, *Offline-online associated camera-aware proxies for unsupervised person re-identification*, IEEE
    Transactions on Image Processing 2022, arXiv 2201.05820 (O2CAP: offline, online), and the public code of both;
    methods.md, Training.
    """

    def __init__(self, targets: TrainingTargets, vectors: Tensor, config: TrainingConfig, on: torch.device) -> None:
        super().__init__(targets, vectors, config, on)
        self.proxies, clusters, cameras = split_by_camera(targets.classes, targets.cameras)
        self.proxy_of = torch.from_numpy(self.proxies).to(on)
        self.camera_of_proxy, self.camera_count = cameras, int(cameras.max()) + 1
        self.clusters, self.cameras = torch.from_numpy(clusters).to(on), torch.from_numpy(cameras).to(on)
        means = class_means(vectors, torch.from_numpy(self.proxies))
        self.bank = MemoryBank(means.to(on), config.proxies.momentum)

    def batches(self, rng: np.random.Generator) -> Iterator[Batch]:
        """Yield the round's batches: P proxies × K images, or P clusters × K images."""
        config = self.config
        if config.proxies.batches == "clusters":
            return super().batches(rng)
        return pk_batches(
            self.proxies,
            self.targets.cameras,
            clusters=config.clusters_per_batch,
            images=config.images_per_cluster,
            batches=config.iterations,
            rng=rng,
        )

    def prepare(self, batch: Batch) -> Prepared:
        """Look up the turns of the proxies, and how many images of the batch are of each one's camera, too."""
        prepared, own = super().prepare(batch), self.proxies[batch]
        prepared.turns["proxies"] = turns(own)
        cameras = self.camera_of_proxy[own]
        prepared.found["of_camera"] = torch.from_numpy(np.bincount(cameras)[cameras])
        return prepared

    def loss(self, features: Tensor, batch: Prepared) -> Tensor:
        """Return the sum over the batch's cameras of the mean loss of their images."""
        own, settings = self.proxy_of[batch.images], self.config.proxies
        similarity = features @ self.bank.vectors.T  # [P*K, proxies]
        logits = similarity / settings.temperature
        known = similarity.detach()
        same_camera = self.cameras == self.cameras[own].unsqueeze(1)
        same_cluster = self.clusters == self.clusters[own].unsqueeze(1)
        if "elsewhere" in batch.found:
            same_cluster |= batch.found["elsewhere"][:, self.clusters]
        each = logits.new_zeros(len(own))
        if settings.within:
            itself = torch.zeros_like(same_camera).scatter_(1, own.unsqueeze(1), True)
            each = each + settings.within * contrast(logits, itself, same_camera & ~same_cluster)
        if settings.offline:
            negatives = most_similar(known.masked_fill(same_cluster, -torch.inf), settings.negatives)
            each = each + settings.offline * contrast(logits, same_cluster, negatives)
        if settings.online:
            bank = self.bank.vectors
            joint = settings.balance * known + (1 - settings.balance) * bank[own] @ bank.T
            positives = nearest_by_camera(joint, self.cameras, self.camera_count, settings.neighbours)
            negatives = most_similar(joint.masked_fill(positives, -torch.inf), settings.negatives)
            each = each + settings.online * contrast(logits, positives, negatives)
        return (each / batch.found["of_camera"]).sum()

    def update(self, features: Tensor, batch: Prepared) -> None:
        """Move the proxies of the batch towards its features, in the batch's order."""
        self.bank.update(features, self.proxy_of[batch.images], batch.turns["proxies"])


def split_by_camera(
    classes: NDArray[np.int64], cameras: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the proxy of each image, int64 [n], and the cluster and the camera of each proxy, int64 [M].

    Parameters
    ----------
    classes : int64 [n]
        0..C-1.
    cameras : int64 [n]
        Unknown cameras (-1) count as one camera. Returned ones are numbered from 0 in ascending order.
    """
    names, camera_of = np.unique(cameras, return_inverse=True)
    pairs, proxies = np.unique(classes * len(names) + camera_of, return_inverse=True)
    return proxies, pairs // len(names), pairs % len(names)


def contrast(logits: Tensor, positives: Tensor, negatives: Tensor) -> Tensor:
    """Return for each image the mean over its positives p of ``-log(exp(z_p) / sum_j exp(z_j))``, j in both sets.

    Parameters
    ----------
    logits : float32 [n, M]
        z, of n images and M proxies.
    positives, negatives : bool [n, M]
        At least one positive each.

    Returns
    -------
    float32 [n]

    References
    ----------
    CAP, section Inter-camera contrastive learning; with one positive, section Intra-camera contrastive learning.
    """
    total = logits.masked_fill(~(positives | negatives), -torch.inf).logsumexp(dim=1)
    return total - logits.masked_fill(~positives, 0).sum(dim=1) / positives.sum(dim=1)


def most_similar(similarity: Tensor, count: int) -> Tensor:
    """Return which entries are among the ``count`` largest of their row, bool [n, M]; never one of minus infinity."""
    values, nearest = similarity.topk(min(count, similarity.shape[1]), dim=1, sorted=False)
    return torch.zeros_like(similarity, dtype=torch.bool).scatter_(1, nearest, values > -torch.inf)


def nearest_by_camera(similarity: Tensor, cameras: Tensor, camera_count: int, count: int) -> Tensor:
    """Return the positives of the online term: of the most similar proxy of each camera the ``count`` most similar.

    Parameters
    ----------
    similarity : float32 [n, M]
        Of n images and M proxies.
    cameras : int64 [M]
        The proxies' cameras, from 0.
    camera_count : int
        How many there are: the host would wait for the GPU to find the largest.
    count : int

    Returns
    -------
    bool [n, M]
        As many as there are cameras where these are fewer.

    References
    ----------
    O2CAP, online association, and its public code.
    """
    of = cameras.expand_as(similarity)
    best = similarity.new_full((len(similarity), camera_count), -torch.inf)
    best = best.scatter_reduce(1, of, similarity, "amax")
    return most_similar(similarity.masked_fill(similarity < best.gather(1, of), -torch.inf), count)

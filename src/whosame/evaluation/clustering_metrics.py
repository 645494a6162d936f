"""Clustering metrics: the clusters of a round against the true identities, over clustered images and over all."""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from whosame.clustering.dbscan import singletons
from whosame.errors import InputError
from whosame.evaluation.partition_scores import PartitionScores, contingency, partition_scores
from whosame.identities import as_partition, is_counted


@dataclass(frozen=True)
class ClusteringMetrics:
    """Figures of one clustering.

    Attributes
    ----------
    images : int
    clusters : int
    outliers : int
        Images in no cluster.
    coverage : float
        Share of the images in clusters.
    largest : int
        Images in the largest cluster.
    cameras_per_cluster : float
        Mean number of cameras that see a cluster; NaN where no camera is known. On rendered pedestrians it
        follows mAP more closely than ARI does (methods.md, Evaluation).
    unknown : int
        Images without a known identity, and junk; everything below leaves them out.
    mixed : int or None
        Clusters with more than one identity; each distractor has one of its own. None where no identity is known.
    split : int or None
        Identities in more than one cluster.
    clustered : PartitionScores or None
        Over the images in clusters; None where there is none with a known identity.
    everything : PartitionScores or None
        Over all images, each outlier a cluster of its own.
    """

    images: int
    clusters: int
    outliers: int
    coverage: float
    largest: int
    cameras_per_cluster: float
    unknown: int
    mixed: int | None
    split: int | None
    clustered: PartitionScores | None
    everything: PartitionScores | None

    def to_dict(self, prefix: str = "clusters") -> dict[str, float]:
        """Return the figures by flat names: ``clusters/ari`` over clustered images, ``clusters/ari_all`` over all.

        What is undefined, for want of clusters, cameras or known identities, is left out.
        """
        figures: dict[str, float | None] = {
            "count": self.clusters,
            "outliers": self.outliers,
            "coverage": self.coverage,
            "largest": self.largest,
            "cameras_per_cluster": self.cameras_per_cluster,
            "unknown": self.unknown,
            "mixed": self.mixed,
            "split": self.split,
        }
        for suffix, found in (("", self.clustered), ("_all", self.everything)):
            if found is not None:
                figures |= {f"{name}{suffix}": value for name, value in asdict(found).items()}
        return {
            f"{prefix}/{name}": value for name, value in figures.items() if value is not None and not np.isnan(value)
        }


def evaluate_clusters(labels: ArrayLike, identities: ArrayLike, cameras: ArrayLike | None = None) -> ClusteringMetrics:
    """Score clusters.

    Parameters
    ----------
    labels : int64 [N]
        Clusters; a negative label is an outlier.
    identities : int64 [N]
        True identities, by the rule of :mod:`whosame.identities`: a distractor (0) is alone in its part of the true
        partition; junk (-1) and unknown (-2) are left out.
    cameras : int64 [N], optional
        Negative where not known.

    Returns
    -------
    ClusteringMetrics

    Raises
    ------
    InputError
        The arrays differ in length or hold anything but whole numbers.

    Examples
    --------
    >>> metrics = evaluate_clusters([0, 0, 1, 1, -1], [5, 5, 5, 6, 6])
    >>> metrics.clusters, metrics.outliers, metrics.mixed, metrics.split
    (2, 1, 1, 1)
    """
    label, identity = np.asarray(labels), np.asarray(identities)
    camera = np.full(label.shape, -1) if cameras is None else np.asarray(cameras)
    given = {"labels": label, "identities": identity, "cameras": camera}
    if any(array.ndim != 1 or (array.size and array.dtype.kind not in "iu") for array in given.values()) or (
        len({len(array) for array in given.values()}) > 1
    ):
        found = ", ".join(f"{name} {array.dtype} {list(array.shape)}" for name, array in given.items())
        raise InputError(f"labels, identities and cameras take a whole number per image each, not {found}")
    label, identity, camera = (array.astype(np.int64) for array in (label, identity, camera))

    inside, known = label >= 0, is_counted(identity)
    identity = as_partition(identity)
    sizes = np.unique(label[inside], return_counts=True)[1]
    mixed, split = (None, None) if not known.any() else _impure(label[inside & known], identity[inside & known])
    return ClusteringMetrics(
        images=len(label),
        clusters=len(sizes),
        outliers=int((~inside).sum()),
        coverage=float(inside.mean()) if len(label) else float("nan"),
        largest=int(sizes.max(initial=0)),
        cameras_per_cluster=_cameras_per_cluster(label[inside], camera[inside]),
        unknown=int((~known).sum()),
        mixed=mixed,
        split=split,
        clustered=partition_scores(label[inside & known], identity[inside & known]),
        everything=partition_scores(singletons(label)[known], identity[known]),
    )


def _impure(clusters: NDArray[np.int64], identities: NDArray[np.int64]) -> tuple[int, int]:
    if len(clusters) == 0:
        return 0, 0
    shared, of_cluster, of_identity = contingency(clusters, identities)
    persons = np.bincount(shared.cluster, minlength=len(of_cluster))
    homes = np.bincount(shared.identity, minlength=len(of_identity))
    return int((persons > 1).sum()), int((homes > 1).sum())


def _cameras_per_cluster(labels: NDArray[np.int64], cameras: NDArray[np.int64]) -> float:
    seen = cameras >= 0
    if not seen.any():
        return float("nan")
    shared, of_cluster, _ = contingency(labels[seen], cameras[seen])
    return float(len(shared.count) / len(of_cluster))

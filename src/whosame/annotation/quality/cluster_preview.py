"""Cluster preview: the clusters of a pair's two images, at the start of the round and after its answers.

It applies the same constraints as a round does (:func:`whosame.clustering.enforce`), to these clusters alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whosame.annotation.quality.contradictions import PairVerdict
from whosame.annotation.quality.round_files import NoPreviewError, RoundFiles
from whosame.annotation.queue.image_tokens import ImageRef
from whosame.clustering import enforce
from whosame.clustering.dbscan import OUTLIER
from whosame.memory import LabelMemory

PREVIEW_IMAGES = 24  # of a cluster, at most


@dataclass(frozen=True)
class PreviewCluster:
    """A cluster in a preview.

    Attributes
    ----------
    images : tuple of int
        Image ids, the nearest to the pair first, at most :data:`PREVIEW_IMAGES`.
    size : int
        Images of the whole cluster.
    outlier : bool
        Whether it is an image without a cluster.
    """

    images: tuple[int, ...]
    size: int
    outlier: bool = False


@dataclass(frozen=True)
class ClusterPreview:
    """The clusters of two images before and after the answers of a round; one cluster where both are in it.

    Those with the pair come first. The clusters after are parts of those before: other clusters that the answers join
    to them are left out.
    """

    before: tuple[PreviewCluster, ...]
    after: tuple[PreviewCluster, ...]
    images: dict[int, ImageRef]

    @property
    def changed(self) -> bool:
        """Whether the answers change these clusters."""
        return self.before != self.after


def cluster_preview(files: RoundFiles, pair: tuple[int, int], verdicts: Iterable[PairVerdict]) -> ClusterPreview:
    """Return the preview of one pair.

    Parameters
    ----------
    files : RoundFiles
    pair : tuple of int
        Image ids of training images.
    verdicts : iterable of PairVerdict
        Of the round's pairs.

    Raises
    ------
    NoPreviewError
        The pair's images are not training images.
    """
    a, b = np.searchsorted(files.image_ids, pair).tolist()
    if max(a, b) >= len(files.image_ids) or files.image_ids[[a, b]].tolist() != list(pair):
        raise NoPreviewError("these two are not among the images that this run trains on here")
    memory = files.memory.copy()
    for given in verdicts:
        one, other = np.searchsorted(files.image_ids, (given.a, given.b)).tolist()
        if given.verdict != "unsure":
            memory.add(one, other, given.verdict == "same")
    rows = _members(files.labels, (a, b))
    before = files.labels[rows]
    after = enforce(before, files.vectors[rows], _restricted(memory, rows, len(files.labels)))
    near = np.max(files.vectors[rows] @ files.vectors[[a, b]].T, axis=1)
    near[np.isin(rows, (a, b))] = np.inf  # the two themselves first, whichever others are as near
    first, second = np.searchsorted(rows, (a, b)).tolist()
    both = [_clusters(labels, near, (first, second), files.image_ids[rows]) for labels in (before, after)]
    shown = sorted({image for clusters in both for cluster in clusters for image in cluster.images})
    table = files.manifest.table
    images = {image: ImageRef(str(table["path"].iat[image]), str(table["digest"].iat[image])) for image in shown}
    return ClusterPreview(both[0], both[1], images)


def _members(labels: NDArray[np.int64], pair: tuple[int, int]) -> NDArray[np.int64]:
    """Return the rows of the clusters of two rows, ascending."""
    clusters = [labels[row] for row in pair if labels[row] != OUTLIER]
    return np.union1d(np.flatnonzero(np.isin(labels, clusters)), pair)


def _restricted(memory: LabelMemory, rows: NDArray[np.int64], n: int) -> LabelMemory:
    """Return the constraints of a memory among some rows, by position; those that follow by way of others too."""
    roots = memory.must_link_roots(n)[rows].tolist()
    first: dict[int, int] = {}
    some = LabelMemory()
    for position, root in enumerate(roots):
        if first.setdefault(root, position) != position:
            some.add(first[root], position, same=True)
    for one, other in memory.differing(first):
        some.add(first[one], first[other], same=False)
    return some


def _clusters(
    labels: NDArray[np.int64], near: NDArray[Any], pair: tuple[int, int], image_ids: NDArray[np.int64]
) -> tuple[PreviewCluster, ...]:
    """Return the clusters, those with the pair first, then the largest; in each the nearest image first."""
    places = [np.flatnonzero(labels == label) for label in np.unique(labels[labels != OUTLIER])]
    places += [np.array([place]) for place in np.flatnonzero(labels == OUTLIER)]

    def order(part: NDArray[np.int64]) -> tuple[bool, bool, int, int]:
        return pair[0] not in part, pair[1] not in part, -len(part), int(part[0])

    clusters = []
    for part in sorted(places, key=order):
        nearest = part[np.argsort(-near[part], kind="stable")]
        images = tuple(image_ids[nearest[:PREVIEW_IMAGES]].tolist())
        clusters.append(PreviewCluster(images, len(part), bool(labels[part[0]] == OUTLIER)))
    return tuple(clusters)

"""Candidates: the questions that a round of ``gain`` may ask, with the evidence for each."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

MERGE, HOME, PAIR, SPLIT = range(4)  # two clusters, an outlier and a cluster, two outliers, a cluster in two
COLUMNS = 6  # of the evidence: constant, likelihood ratio, lead, links, sizes
RATIOS = 60.0  # a likelihood ratio beyond exp(60) says nothing more


@dataclass(frozen=True)
class Candidates:
    """Possible questions, one entry each.

    Attributes
    ----------
    kind : int64 [P]
        MERGE, HOME, PAIR or SPLIT.
    first, second : int64 [P]
        Rows of the images to compare.
    groups : int64 [P, 2]
        Positions of the groups that they represent; for a split both are the cluster.
    sizes : int64 [P, 2]
        Images of the two groups, or of the two parts.
    across : int64 [P]
        Pairs of images, one of each, that two cameras took; images of unknown camera count as of one.
    evidence : float64 [P, COLUMNS]
        Constant, log likelihood ratio / 10, its lead over the group's next best candidate / 10, mean Jaccard similarity
        of the graph's links x 4, logarithms of the smaller and of the larger size.
    """

    kind: NDArray[np.int64]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    groups: NDArray[np.int64]
    sizes: NDArray[np.int64]
    across: NDArray[np.int64]
    evidence: NDArray[np.float64]

    @classmethod
    def none(cls) -> "Candidates":
        """Return no candidates."""
        no, pairs = np.empty(0, np.int64), np.empty((0, 2), np.int64)
        return cls(no, no, no, pairs, pairs, no, np.empty((0, COLUMNS)))

    def joined(self, more: "Candidates") -> "Candidates":
        """Return these candidates, then those."""
        return Candidates(
            *(np.concatenate([getattr(self, field.name), getattr(more, field.name)]) for field in fields(self))
        )


def across_cameras(sizes: NDArray[np.int64], first: csr_array, second: csr_array) -> NDArray[np.int64]:
    """Return how many pairs of images, one of each group, two cameras took, from the groups' counts per camera."""
    together = np.asarray((first * second).sum(axis=1)).ravel()
    across: NDArray[np.int64] = (sizes.prod(axis=1) - together).astype(np.int64)
    return across


def evidence_of(
    ratio: NDArray[np.float64], lead: NDArray[np.float64], linked: NDArray[np.float64], sizes: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the evidence of candidates, as in :class:`Candidates`."""
    small, large = np.log(np.sort(sizes, axis=1)).T
    ratio, lead = (np.clip(value, -RATIOS, RATIOS) / 10 for value in (ratio, lead))
    return np.stack([np.ones(len(ratio)), ratio, lead, 4 * linked, small, large], axis=1)

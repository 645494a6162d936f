"""Agreement of two partitions from their sparse contingency table: ARI, NMI, pairs, BCubed. O(N log N), never N×N."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score


@dataclass(frozen=True)
class PartitionScores:
    """Agreement of clusters with identities.

    Attributes
    ----------
    ari : float
        Adjusted Rand index, at most 1; 0 is chance.
    nmi : float
        Mutual information over the mean of the two entropies, 0 to 1.
    pairwise_precision, pairwise_recall, pairwise_f1 : float
        Of the pairs within a cluster, the share that is one person; of the pairs of one person, the share within a
        cluster; their harmonic mean. A share of no pairs at all is 1.
    bcubed_precision, bcubed_recall, bcubed_f1 : float
        Mean over images of the share of its cluster that is its person, and of its person that is in its cluster,
        itself included; their harmonic mean.
    """

    ari: float
    nmi: float
    pairwise_precision: float
    pairwise_recall: float
    pairwise_f1: float
    bcubed_precision: float
    bcubed_recall: float
    bcubed_f1: float


def partition_scores(clusters: NDArray[np.int64], identities: NDArray[np.int64]) -> PartitionScores | None:
    """Compare two partitions of the same images.

    Parameters
    ----------
    clusters, identities : int64 [N]
        Any numbers; equal ones belong together.

    Returns
    -------
    PartitionScores or None
        None for no image at all.

    References
    ----------
    ARI: Hubert and Arabie, *Comparing partitions*, J. Classification 2 (1985). NMI with the arithmetic mean: Vinh,
    Epps and Bailey, JMLR 11 (2010). BCubed: Amigó et al., *A comparison of extrinsic clustering evaluation metrics
    based on formal constraints*, Information Retrieval 12 (2009).
    """
    if len(clusters) == 0:
        return None
    shared, of_cluster, of_identity = contingency(clusters, identities)
    both, claimed, true = (_pairs(n) for n in (shared.count, of_cluster, of_identity))
    precision, recall = (both / claimed if claimed else 1.0), (both / true if true else 1.0)
    n, size, person = (
        shared.count.astype(np.float64),
        of_cluster[shared.cluster].astype(np.float64),
        of_identity[shared.identity].astype(np.float64),
    )
    b_precision, b_recall = float((n * n / size).sum() / n.sum()), float((n * n / person).sum() / n.sum())
    return PartitionScores(
        ari=float(adjusted_rand_score(identities, clusters)),
        nmi=_normalised_information(n, size, person, _entropy(of_cluster), _entropy(of_identity)),
        pairwise_precision=precision,
        pairwise_recall=recall,
        pairwise_f1=_harmonic(precision, recall),
        bcubed_precision=b_precision,
        bcubed_recall=b_recall,
        bcubed_f1=_harmonic(b_precision, b_recall),
    )


@dataclass(frozen=True, eq=False)
class Shared:
    """The cells of the contingency table that are not zero, all int64 [cells].

    ``count`` images are in ``cluster`` and of ``identity``, both numbered from 0 in ascending order.
    """

    cluster: NDArray[np.int64]
    identity: NDArray[np.int64]
    count: NDArray[np.int64]


def contingency(
    clusters: NDArray[np.int64], identities: NDArray[np.int64]
) -> tuple[Shared, NDArray[np.int64], NDArray[np.int64]]:
    """Return the table's cells, the clusters' sizes and the identities' sizes."""
    _, cluster, of_cluster = np.unique(clusters, return_inverse=True, return_counts=True)
    _, identity, of_identity = np.unique(identities, return_inverse=True, return_counts=True)
    cells, count = np.unique(cluster * len(of_identity) + identity, return_counts=True)
    return Shared(cells // len(of_identity), cells % len(of_identity), count), of_cluster, of_identity


def _pairs(sizes: NDArray[np.int64]) -> int:
    return int((sizes * (sizes - 1) // 2).sum())


def _entropy(sizes: NDArray[np.int64]) -> float:
    share = sizes / sizes.sum()
    return float(-(share * np.log(share)).sum())


def _normalised_information(
    n: NDArray[np.float64],
    size: NDArray[np.float64],
    person: NDArray[np.float64],
    cluster_entropy: float,
    identity_entropy: float,
) -> float:
    # scikit-learn's normalized_mutual_info_score adds in another order: its last digits differ
    if len(n) == 1:  # one cluster, one identity
        return 1.0
    information = float((n * np.log(n * n.sum() / (size * person))).sum() / n.sum())
    mean = (cluster_entropy + identity_entropy) / 2
    return min(1.0, max(0.0, information) / mean)


def _harmonic(a: float, b: float) -> float:
    return 2 * a * b / (a + b) if a + b > 0 else 0.0

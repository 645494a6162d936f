"""Cluster cases: the answers of a round that changed the clusters most, and the images of these clusters."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whosame.clustering.dbscan import OUTLIER
from whosame.evaluation import changes_partition
from whosame.questions import Answer

Rows = NDArray[np.int64]


class ClusterCase(NamedTuple):
    """An answer that contradicted the clusters, with the clusters of its two images before and after.

    Attributes
    ----------
    number : int
        Of the question in its round, from 1.
    answer : Answer
    changed : int
        Pairs of the images of ``before`` that were in one cluster before and are not after, or the reverse.
    before : list of int64 arrays
        Rows of the cluster of the question's first image, then that of its second; one where both are in it. An outlier
        is alone.
    after : list of int64 arrays
        Rows of the clusters that have images of ``before`` after the round's answers, the question's own first, then
        the largest.
    """

    number: int
    answer: Answer
    changed: int
    before: list[Rows]
    after: list[Rows]


def cluster_cases(answers: Sequence[Answer], clusters: Rows, labels: Rows, count: int) -> list[ClusterCase]:
    """Return the cases with the most changed pairs, no image in two of them.

    Other answers of the round may have had a part in a change.

    Parameters
    ----------
    answers : sequence of Answer
        Of one round, in order; free ones are passed over.
    clusters, labels : int64 [N]
        Before and after the answers; -1 is an outlier.
    count : int
        Cases, at most.
    """
    paid = [answer for answer in answers if answer.source != "closure"]
    contradict = changes_partition(paid, clusters)
    before, after = _alone(clusters), _alone(labels)
    cases = []
    for number, (answer, contradicts) in enumerate(zip(paid, contradict.tolist(), strict=True), start=1):
        a, b = answer.question.a, answer.question.b
        if contradicts and max(a, b) < len(labels):
            touched = np.flatnonzero(np.isin(before, before[[a, b]]))
            changed = _changed_pairs(before[touched], after[touched])
            if changed:
                cases.append((changed, number, answer))
    return list(_apart(sorted(cases, key=lambda case: (-case[0], case[1])), before, after, count))


def _apart(cases: Sequence[tuple[int, int, Answer]], before: Rows, after: Rows, count: int) -> Iterator[ClusterCase]:
    taken = np.zeros(len(before), bool)
    left = count
    for changed, number, answer in cases:
        pair = [answer.question.a, answer.question.b]
        touched = np.isin(before, before[pair])
        if not left or taken[touched].any():
            continue
        taken |= touched
        left -= 1
        groups = [np.flatnonzero(before == label) for label in dict.fromkeys(before[pair].tolist())]
        found, sizes = np.unique(after[touched], return_counts=True)
        own = dict.fromkeys(after[pair].tolist())
        others = [label for label in found[np.argsort(-sizes, kind="stable")].tolist() if label not in own]
        yield ClusterCase(
            number, answer, changed, groups, [np.flatnonzero(after == label) for label in (*own, *others)]
        )


def _alone(labels: Rows) -> Rows:
    """Return labels in which each outlier is a cluster of its own."""
    return np.where(labels == OUTLIER, labels.max(initial=0) + 1 + np.arange(len(labels)), labels)


def _changed_pairs(before: Rows, after: Rows) -> int:
    """Return how many pairs are together in one of two partitions only."""

    def pairs(*labels: Rows) -> int:
        sizes = np.unique(np.stack(labels), axis=1, return_counts=True)[1]
        return int((sizes * (sizes - 1) // 2).sum())

    return pairs(before) + pairs(after) - 2 * pairs(before, after)

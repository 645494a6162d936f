"""k-medoids on sparse similarities (PAM; Kaufman and Rousseeuw 1990)."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from whosame.strategies.ucal.similarities import Similarities

SLACK = 1e-9  # a swap that gains less is rounding

Integers = NDArray[np.int64]
Values = NDArray[np.float64]


def k_medoids(similarities: Similarities, k: int) -> tuple[Integers, Integers]:
    """Divide images into ``k`` groups around the medoids to which they are most similar in total.

    BUILD takes one medoid after the other, each time the image that adds most. SWAP then goes through the images in
    order and replaces the medoid for which one adds most, until none adds anything. No random numbers. O(m + n k) for a
    pass over all images: only images that have a similarity are compared.

    An image that is similar to no medoid follows its most similar image that has a group, step by step; without any,
    it joins the first group.

    Parameters
    ----------
    similarities : Similarities
    k : int
        Groups, 1..n.

    Returns
    -------
    medoids : int64 [k]
        Ascending.
    groups : int64 [n]
        Position among ``medoids``; the first of equally similar ones. A medoid is in its own group, so none is empty.

    Raises
    ------
    ValueError
        More groups than images, or none.

    References
    ----------
    Kaufman and Rousseeuw, *Finding Groups in Data*, 1990, ch. 2; Schubert and Rousseeuw, *Fast and eager k-medoids
    clustering*, Information Systems 2021 (the gains of all k swaps of an image at once).
    """
    if not 1 <= k <= len(similarities):
        raise ValueError(f"{len(similarities)} images cannot be divided into {k} groups")
    parts = similarities.indptr, similarities.indices, similarities.values
    medoids = _build(*parts, k)
    _swap(*parts, medoids)
    medoids.sort()
    return medoids, _assign(*parts, medoids)


@njit(nogil=True, cache=True)
def _build(indptr: Integers, indices: Integers, values: Values, k: int) -> Integers:  # pragma: no cover - compiled
    n = len(indptr) - 1
    medoids = np.full(k, -1, np.int64)
    nearest = np.zeros(n)
    chosen = np.zeros(n, np.bool_)
    for slot in range(k):
        best, most = -1, -1.0
        for c in range(n):
            if chosen[c]:
                continue
            gain = 1.0 - nearest[c]
            for at in range(indptr[c], indptr[c + 1]):
                gain += max(0.0, values[at] - nearest[indices[at]])
            if gain > most + SLACK:
                best, most = c, gain
        medoids[slot] = best
        chosen[best] = True
        nearest[best] = 1.0
        for at in range(indptr[best], indptr[best + 1]):
            nearest[indices[at]] = max(nearest[indices[at]], values[at])
    return medoids


@njit(nogil=True, cache=True)
def _to_medoid(
    indptr: Integers, indices: Integers, values: Values, medoid: int, column: Values
) -> None:  # pragma: no cover - compiled
    column[:] = 0.0
    for at in range(indptr[medoid], indptr[medoid + 1]):
        column[indices[at]] = values[at]
    column[medoid] = 1.0


@njit(nogil=True, cache=True)
def _swap(
    indptr: Integers, indices: Integers, values: Values, medoids: Integers
) -> None:  # pragma: no cover - compiled
    n, k = len(indptr) - 1, len(medoids)
    similar = np.empty((k, n))
    for slot in range(k):
        _to_medoid(indptr, indices, values, medoids[slot], similar[slot])
    first = np.zeros(n, np.int64)  # the medoid an image is most similar to,
    nearest = np.zeros(n)  # its similarity,
    second = np.zeros(n)  # and that of the next
    lost = np.zeros(k)  # similarity lost by removing each medoid
    gain = np.zeros(k)
    chosen = np.zeros(n, np.bool_)
    chosen[medoids] = True
    changed, stale, c, unchanged = True, True, 0, 0
    while unchanged < n:
        if stale:
            lost[:] = 0.0
            for j in range(n):
                first[j], nearest[j], second[j] = 0, -1.0, 0.0
                for slot in range(k):
                    if similar[slot, j] > nearest[j]:
                        second[j] = max(0.0, nearest[j])
                        first[j], nearest[j] = slot, similar[slot, j]
                    elif similar[slot, j] > second[j]:
                        second[j] = similar[slot, j]
                lost[first[j]] += nearest[j] - second[j]
            stale = False
        changed = False
        if not chosen[c]:
            gain[:] = -lost
            everywhere = 0.0
            for at in range(indptr[c], indptr[c + 1] + 1):  # the last one is c itself
                itself = at == indptr[c + 1]
                j = c if itself else indices[at]
                value = 1.0 if itself else values[at]
                if value > nearest[j]:
                    everywhere += value - nearest[j]
                    gain[first[j]] += nearest[j] - second[j]
                elif value > second[j]:
                    gain[first[j]] += value - second[j]
            slot = int(np.argmax(gain))
            if gain[slot] + everywhere > SLACK:
                chosen[medoids[slot]] = False
                chosen[c] = True
                medoids[slot] = c
                _to_medoid(indptr, indices, values, c, similar[slot])
                changed = stale = True
        unchanged = 0 if changed else unchanged + 1
        c = (c + 1) % n


@njit(nogil=True, cache=True)
def _assign(
    indptr: Integers, indices: Integers, values: Values, medoids: Integers
) -> Integers:  # pragma: no cover - compiled
    n, k = len(indptr) - 1, len(medoids)
    groups = np.full(n, -1, np.int64)
    nearest = np.zeros(n)
    for slot in range(k):
        for at in range(indptr[medoids[slot]], indptr[medoids[slot] + 1]):
            if values[at] > nearest[indices[at]]:
                nearest[indices[at]] = values[at]
                groups[indices[at]] = slot
    for slot in range(k):
        groups[medoids[slot]] = slot
    while True:
        known = groups.copy()
        for j in range(n):
            if known[j] >= 0:
                continue
            near = 0.0
            for at in range(indptr[j], indptr[j + 1]):
                if known[indices[at]] >= 0 and values[at] > near:
                    near = values[at]
                    groups[j] = known[indices[at]]
        if (groups == known).all():
            break
    groups[groups < 0] = 0
    return groups

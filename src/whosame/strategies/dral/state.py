"""State, transition and reward of DRAL: an anchor's pool, their similarities, and what an answer changes.

Arrays hold a block of B anchors at once. Place 0 is the anchor, places 1..n are its pool, the nearest first; a smaller
pool ends in empty places, which have similarity 0.
"""

from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]


def nearest_open(features: Floats, anchors: Rows, count: int, is_open: Callable[[int, int], bool]) -> Rows:
    """Find the pool of every anchor: the images most similar to it whose pair with it is open.

    Parameters
    ----------
    features : float32 [N, D]
        L2-normalised.
    anchors : int64 [B]
        Rows of the training set.
    count : int
        n, images in a pool.
    is_open : callable
        Whether a pair of rows may be asked.

    Returns
    -------
    int64 [B, 1 + n]
        The anchor, then its pool by descending cosine similarity, the smaller row first where they tie; -1 where
        no image is left.
    """
    rows = np.full((len(anchors), 1 + count), -1, np.int64)
    rows[:, 0] = anchors
    for place, similar in enumerate(features[anchors] @ features.T):
        anchor = int(anchors[place])
        nearest = (row for row in _descending(similar, 2 * count) if row != anchor and is_open(anchor, row))
        pool = list(islice(nearest, count))
        rows[place, 1 : 1 + len(pool)] = pool
    return rows


def _descending(similar: Floats, first: int) -> Iterator[int]:
    """Yield the rows by descending similarity; no more of them are sorted than are read."""
    n, done, size = len(similar), 0, first
    while done < n:
        size = min(size, n)
        least = np.partition(similar, n - size)[n - size]
        rows = np.flatnonzero(similar >= least)  # with all that tie with the last, so that rows decide between them
        rows = rows[np.argsort(-similar[rows], kind="stable")]
        yield from rows[done:].tolist()
        done, size = len(rows), 4 * len(rows)


def distances(features: Floats, rows: Rows) -> Floats:
    """Return the Euclidean distances within each anchor and its pool, float32 [B, 1 + n, 1 + n]; empty places: 0."""
    points = features[rows]
    products = points @ points.transpose(0, 2, 1)
    lengths = np.einsum("bii->bi", products)
    squares = lengths[:, :, None] + lengths[:, None, :] - 2 * products
    squares[:, *np.diag_indices(rows.shape[1])] = 0  # but for rounding it is
    there = rows >= 0
    away: Floats = np.sqrt(squares.clip(min=0)) * (there[:, :, None] & there[:, None, :])
    return away


def similarities(away: Floats, there: Mask, k: int) -> Floats:
    """Return the state before the first question: Sim(i, j) = 1 - d(i, j) / max d of k-reciprocal neighbours, else 0.

    Parameters
    ----------
    away : float32 [B, 1 + n, 1 + n]
        d, from :func:`distances`. Its maximum is taken for each anchor.
    there : bool [B, 1 + n]
        Which places hold an image.
    k : int
        As in :func:`sparsified`.

    Returns
    -------
    float32 [B, 1 + n, 1 + n]
        Symmetric, from 0 to 1; the diagonal is 0.
    """
    most = away.max(axis=(1, 2), keepdims=True)
    counts = there[:, :, None] & there[:, None, :] & ~np.eye(there.shape[1], dtype=bool)
    return sparsified(np.where(counts, 1 - away / np.where(most > 0, most, np.float32(1)), np.float32(0)), k)


def sparsified(similar: Floats, k: int) -> Floats:
    """Keep the similarities of pairs of which each is among the k most similar of the other; the rest is 0.

    Neighbours are sought among the anchor and its pool (methods.md, DRAL #3); the smaller place wins a tie.
    """
    nearest = np.argsort(-similar, axis=2, kind="stable")[:, :, :k]
    near = np.zeros(similar.shape, bool)
    np.put_along_axis(near, nearest, True, axis=2)
    return similar * (near & near.transpose(0, 2, 1))


def transition(similar: Floats, chosen: Rows, same: Mask, *, k: int, threshold: float) -> Floats:
    """Return the states after an answer each.

    With q the anchor and g the image asked about: if they are the same person, Sim(q, g) = 1 and every other
    Sim(q, i) becomes (Sim(q, i) + Sim(g, i)) / 2. If not, Sim(q, g) = 0 and Sim(q, i) becomes Sim(q, i) - Sim(g, i),
    but not less than 0, where Sim(g, i) reaches the threshold. Then the matrix is :func:`sparsified` again.

    Parameters
    ----------
    similar : float32 [A, 1 + n, 1 + n]
        States of A anchors.
    chosen : int64 [A]
        Place of g, from 1.
    same : bool [A]
        The answers.
    k : int
        As in :func:`sparsified`.
    threshold : float
        0: always subtract.

    Returns
    -------
    float32 [A, 1 + n, 1 + n]
    """
    each = np.arange(len(chosen))
    anchor, picked = similar[:, 0], similar[each, chosen]
    parted = np.maximum(anchor - np.where(picked >= threshold, picked, 0), 0)
    updated = np.where(same[:, None], (anchor + picked) / 2, parted)
    updated[each, chosen] = same
    updated[:, 0] = 0
    after = similar.copy()
    after[:, 0, :] = after[:, :, 0] = updated
    return sparsified(after, k)


def rewards(
    away: Floats, same: Mask, positive: Mask, negative: Mask, *, farthest: Floats, margin: float
) -> NDArray[np.float64]:
    """Return the rewards of answers: R = [m + y (max over Xp of d(x, g) - min over Xn of d(x, g))]₊.

    Parameters
    ----------
    away : float32 [A, 1 + n]
        d(x, g), distances from the image asked about.
    same : bool [A]
        y = +1 where true, -1 where false.
    positive, negative : bool [A, 1 + n]
        Xp and Xn, the images known to be the anchor's person and not to be; g itself is in neither. The anchor is
        always in Xp.
    farthest : float32 [A]
        Used as the minimum while Xn is empty: the distance of the anchor to the last of its pool.
    margin : float
        m.

    Returns
    -------
    float64 [A]
        At least 0.
    """
    positives = np.where(positive, away, 0).max(axis=1)
    negatives = np.where(negative, away, np.inf).min(axis=1)
    negatives = np.where(negative.any(axis=1), negatives, farthest)
    gained: NDArray[np.float64] = np.where(same, 1.0, -1.0) * (positives - negatives) + margin
    return gained.clip(min=0)

"""Nearest identities: how central each image is in its identity, and which other identities are the most similar."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

NEAREST = 36  # others of each identity: a review shows those of them that no answer decides
VARIED = 4  # images of each identity: a review shows three, the reference among them


def nearest_identities(vectors: NDArray[np.float32], names: Sequence[str], table: bytes) -> dict[str, NDArray[Any]]:
    """Return what a review needs beside the table of identities.

    Parameters
    ----------
    vectors : float32 [N, D]
        Of length 1.
    names : sequence of str, N long
        The identity of each image; empty for an outlier.
    table : bytes
        The content of the table, by whose digest the result is known to belong to it.

    Returns
    -------
    dict of arrays
        ``names``: str [C], sorted. ``closeness``: float32 [N], the similarity of each image to the mean of its
        identity; 0 for outliers. ``near``: int64 [C, K], for each identity the others whose means are the most similar,
        the most similar first. ``varied``: int64 [C, 4], for each identity images that differ, the most central first;
        -1: no more. ``table``: the digest, blake2b-128.
    """
    known, labels = np.unique(np.array(names, str), return_inverse=True)
    first = int(len(known) > 0 and known[0] == "")  # the outliers
    known, labels = known[first:], labels - first
    means = np.zeros((len(known), vectors.shape[1]), np.float32)
    inside = labels >= 0
    np.add.at(means, labels[inside], vectors[inside])
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    closeness = np.zeros(len(labels), np.float32)
    closeness[inside] = np.einsum("nd,nd->n", vectors[inside], means[labels[inside]])
    near = np.empty((len(known), 0), np.int64)
    if len(known) > 1:
        index = faiss.IndexFlatIP(means.shape[1])
        index.add(means)
        _, found = index.search(means, min(NEAREST + 1, len(known)))
        own = found == np.arange(len(known))[:, None]
        own[~own.any(axis=1), -1] = True  # of copies, one that is not among its own nearest
        near = found[~own].reshape(len(known), -1)
    digest = np.array(blake2b(table, digest_size=16).hexdigest())
    varied = np.full((len(known), VARIED), -1, np.int64)
    order = np.lexsort((-closeness, labels))
    ends = np.searchsorted(labels[order], np.arange(len(known) + 1))
    for label in range(len(known)):
        rows = varied_images(vectors, order[ends[label] : ends[label + 1]])
        varied[label, : len(rows)] = rows
    return {"names": known, "closeness": closeness, "near": near, "varied": varied, "table": digest}


def varied_images(vectors: NDArray[np.float32], rows: NDArray[np.int64]) -> list[int]:
    """Return up to four images of an identity: the most central one, then each the least similar to those before.

    Parameters
    ----------
    vectors : float32 [N, D]
        Of length 1.
    rows : int64 [n]
        The images of the identity, the most central first. The less central half is left out: images that are wrong in
        the identity are there.
    """
    rows = rows[: max(VARIED, -(-len(rows) // 2))]
    chosen: list[int] = rows[:1].tolist()
    nearest = np.full(len(rows), -np.inf, np.float32)
    while 0 < len(chosen) < min(VARIED, len(rows)):
        nearest = np.maximum(nearest, vectors[rows] @ vectors[chosen[-1]])
        nearest[np.isin(rows, chosen)] = np.inf
        chosen.append(int(rows[np.argmin(nearest)]))
    return chosen

"""Ranking of answered images: what is known to be the same is nearer in the memory than what is known to differ."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from whosame.training.losses.objective import Batch, Prepared
from whosame.training.pair_constraints import PairConstraints


def relations(batch: Batch, constraints: PairConstraints) -> dict[str, Tensor]:
    """Look up what is known of a batch against the images with answers about it.

    Parameters
    ----------
    batch : int64 [P*K]
        The images, as positions of the targets.
    constraints : PairConstraints

    Returns
    -------
    dict of str to Tensor
        ``ranked`` int64 [r], positions in the batch of the images that are known to be the same as one and another
        than one; ``others`` int64 [m], the images with answers; ``same`` and ``different``, bool [r, m].
    """
    others = constraints.related(batch)
    same, different = constraints.same(batch, others), constraints.different(batch, others)
    both = same.any(axis=1) & different.any(axis=1)
    found = {"ranked": np.flatnonzero(both), "others": others, "same": same[both], "different": different[both]}
    return {name: torch.from_numpy(value) for name, value in found.items()}


def answer_ranking(features: Tensor, batch: Prepared, vectors: Tensor, margin: float) -> Tensor:
    """Return the ranking of a batch against the stored vectors of the images with answers about it.

    Parameters
    ----------
    features : float32 [P*K, D]
        Of length 1.
    batch : Prepared
        With :func:`relations`.
    vectors : float32 [n, D]
        A memory of one vector per image, of length 1; takes no gradient.
    margin : float
        Cosine.

    Returns
    -------
    float32 []
    """
    found = batch.found
    similarity = features @ vectors[found["others"]].T  # [P*K, m]
    return ranking(similarity[found["ranked"]], found["same"], found["different"], margin)


def ranking(similarity: Tensor, same: Tensor, different: Tensor, margin: float) -> Tensor:
    """Return the mean of ``[margin + most similar different - least similar same]_+``.

    Parameters
    ----------
    similarity : float32 [n, m]
        Cosine of n features and m vectors.
    same, different : bool [n, m]
        The known relations of the pairs, at least one of each of every feature.
    margin : float

    Returns
    -------
    float32 []
        0 without a feature.

    Notes
    -----
    SPAL's public code (arXiv 2204.10008) compares squared Euclidean distances, with a margin of 1 and a weight of 1.
    For vectors of length 1 these are 2 - 2 cos: the same is a margin of 0.5 between cosines, with a weight of 2.
    """
    if len(similarity) == 0:
        return similarity.sum()
    least = similarity.masked_fill(~same, torch.inf).amin(dim=1)
    most = similarity.masked_fill(~different, -torch.inf).amax(dim=1)
    return functional.relu(margin + most - least).mean()

"""Ranking of answered images: what is known to be the same is nearer in the memory than what is known to differ."""

import torch
from torch import Tensor
from torch.nn import functional

from whosame.training.losses.objective import Batch
from whosame.training.pair_constraints import PairConstraints


def answer_ranking(
    features: Tensor, batch: Batch, vectors: Tensor, constraints: PairConstraints, margin: float
) -> Tensor:
    """Return the ranking of a batch against the stored vectors of the images with answers about it.

    Parameters
    ----------
    features : float32 [P*K, D]
        Of length 1.
    batch : int64 [P*K]
        The images, as positions of the targets.
    vectors : float32 [n, D]
        A memory of one vector per image, of length 1; takes no gradient.
    constraints : PairConstraints
    margin : float
        Cosine.

    Returns
    -------
    float32 []
    """
    others = constraints.related(batch)
    similarity = features @ vectors[others].T  # [P*K, m]
    same, different = (
        torch.from_numpy(relation(batch, others)).to(features.device)
        for relation in (constraints.same, constraints.different)
    )
    return ranking(similarity, same, different, margin)


def ranking(similarity: Tensor, same: Tensor, different: Tensor, margin: float) -> Tensor:
    """Return the mean of ``[margin + most similar different - least similar same]_+`` over images that have both.

    Parameters
    ----------
    similarity : float32 [n, m]
        Cosine of n features and m vectors.
    same, different : bool [n, m]
        The known relations of the pairs.
    margin : float

    Returns
    -------
    float32 []
        0 if no image has both.

    Notes
    -----
    SPAL's public code (arXiv 2204.10008) compares squared Euclidean distances, with a margin of 1 and a weight of 1.
    For vectors of length 1 these are 2 - 2 cos: the same is a margin of 0.5 between cosines, with a weight of 2.
    """
    both = same.any(dim=1) & different.any(dim=1)
    similarity, same, different = similarity[both], same[both], different[both]
    if len(similarity) == 0:
        return similarity.sum()
    least = similarity.masked_fill(~same, torch.inf).amin(dim=1)
    most = similarity.masked_fill(~different, -torch.inf).amax(dim=1)
    return functional.relu(margin + most - least).mean()

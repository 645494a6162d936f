"""Ranks: the processes that train together, each on its share of every batch.

Each process draws the whole batch, computes the features of its own images, and receives those of the others. So each
has the loss and the memory bank of one process; gradients of the weights are summed. Shares are whole chunks of ghost
batch normalisation (``ghost_norm.py``): no statistics are exchanged.
"""

from collections.abc import Iterable
from itertools import pairwise

import torch
from torch import Tensor, distributed, nn


class Ranks:
    """One process among those that train together. By default it is alone.

    Parameters
    ----------
    number : int
        Of this process, from 0. The first alone updates running statistics, shows progress, and is listened to.
    count : int
        How many there are. Of several, torch's default process group connects them.
    """

    def __init__(self, number: int = 0, count: int = 1) -> None:
        self.number, self.count = number, count

    def share(self, n: int, piece: int) -> slice:
        """Return which of n images are this process's, in whole pieces; see :func:`shares`."""
        return shares(n, piece, self.count)[self.number]

    def gather(self, features: Tensor, share: slice, n: int) -> Tensor:
        """Return the features of the whole batch, in which those of other processes take no gradient.

        Every process computes the same loss of them: the gradient of its own features needs no other process.

        Parameters
        ----------
        features : float32 [m, D]
            Of this process's share.
        share : slice
        n : int
            Images of the batch.

        Returns
        -------
        float32 [n, D]
        """
        if self.count == 1:
            return features
        whole = features.new_zeros(n, features.shape[1])
        whole[share] = features.detach()
        distributed.all_reduce(whole)  # each row is one process's and zeros: the sum is exact
        return torch.cat([whole[: share.start], features, whole[share.stop :]])

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace the gradients of parameters by their sums over the processes.

        A process without a share has none; a parameter that has none anywhere keeps none, so that the optimiser leaves
        it alone.
        """
        if self.count == 1:
            return
        trained = [parameter for parameter in parameters if parameter.requires_grad]
        given = torch.tensor([float(each.grad is not None) for each in trained], device=trained[0].device)
        gradients = [torch.zeros_like(each) if each.grad is None else each.grad for each in trained]
        flat = torch.cat([given, *(gradient.reshape(-1) for gradient in gradients)])
        distributed.all_reduce(flat)
        sizes = [len(trained), *(gradient.numel() for gradient in gradients)]
        somewhere, *sums = flat.split(sizes)  # type: ignore[no-untyped-call]
        for each, gradient, total, count in zip(trained, gradients, sums, somewhere.tolist(), strict=True):
            each.grad = gradient.copy_(total.view(gradient.shape)) if count else None


def shares(n: int, piece: int, count: int) -> list[slice]:
    """Divide n images into contiguous shares of whole pieces; the last piece may be smaller.

    Examples
    --------
    >>> shares(10, 4, 2)
    [slice(0, 8, None), slice(8, 10, None)]
    >>> shares(10, 4, 4)
    [slice(0, 4, None), slice(4, 8, None), slice(8, 10, None), slice(10, 10, None)]
    """
    pieces = -(-n // piece)
    ends = [min(-(-pieces * k // count) * piece, n) for k in range(count + 1)]
    return [slice(start, stop) for start, stop in pairwise(ends)]

"""Random numbers for the images of a batch, or for a share of them."""

import torch
from torch import Tensor


class Draws:
    """Random numbers for the images of a batch; of a share of the batch each image has the numbers of its place.

    Parameters
    ----------
    generator : torch.Generator
        On the CPU: the same numbers for every device.
    size : int, optional
        Images of a batch; by default the n that numbers are drawn for.
    share : slice
        Which of them are the n: all by default.
    """

    def __init__(self, generator: torch.Generator, size: int | None = None, share: slice = slice(None)) -> None:
        self.generator, self.size, self.share = generator, size, share

    def uniform(self, *sizes: int) -> Tensor:
        """Draw from 0 to 1, float32 [..., n]."""
        return torch.rand(*self._whole(sizes), generator=self.generator)[..., self.share]

    def normal(self, *sizes: int) -> Tensor:
        """Draw with mean 0 and standard deviation 1, float32 [..., n]."""
        return torch.randn(*self._whole(sizes), generator=self.generator)[..., self.share]

    def normal_rows(self, n: int, columns: int) -> Tensor:
        """Draw with mean 0 and standard deviation 1, float32 [n, columns]."""
        return torch.randn(*self._whole((n,)), columns, generator=self.generator)[self.share]

    def integers(self, below: int, *sizes: int) -> Tensor:
        """Draw whole numbers from 0, int64 [..., n]."""
        return torch.randint(below, self._whole(sizes), generator=self.generator)[..., self.share]

    def _whole(self, sizes: tuple[int, ...]) -> tuple[int, ...]:
        """Return the sizes for the whole batch in the place of its share."""
        return sizes if self.size is None else (*sizes[:-1], self.size)

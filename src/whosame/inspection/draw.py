"""Draws from a stream of unknown length, whose result does not depend on the order of what comes."""

import hashlib
import heapq
from typing import Generic, TypeVar

T = TypeVar("T")


class Draw(Generic[T]):
    """So many of the items that were offered, each as likely as any other; no more of them is kept in memory.

    Those with the smallest digests of seed and key are kept: folders are listed in another order on another disk.

    Parameters
    ----------
    size : int
        How many are drawn.
    seed : int
    purpose : str
        What they are for: draws for other purposes are independent.

    Attributes
    ----------
    offered : int
        How many there were.

    Examples
    --------
    >>> draw = Draw[int](3, seed=0, purpose="example")
    >>> for number in range(100):
    ...     draw.offer(str(number), number)
    >>> draw.offered, len(draw.drawn())
    (100, 3)
    """

    def __init__(self, size: int, *, seed: int, purpose: str) -> None:
        self.offered = 0
        self._size = size
        self._salt = hashlib.blake2b(f"{seed} {purpose}".encode(), digest_size=16).digest()
        self._kept: list[tuple[int, str, T]] = []  # a heap: the largest digest first

    def offer(self, key: str, item: T) -> None:
        """Add an item; its key is its own."""
        self.offered += 1
        digest = hashlib.blake2b(key.encode(), digest_size=8, key=self._salt).digest()
        rank = -int.from_bytes(digest)
        if len(self._kept) < self._size:
            heapq.heappush(self._kept, (rank, key, item))
        elif self._kept and rank > self._kept[0][0]:
            heapq.heapreplace(self._kept, (rank, key, item))

    def drawn(self) -> list[T]:
        """Return what was drawn, by ascending key."""
        return [item for _, _, item in sorted(self._kept, key=lambda kept: kept[1])]

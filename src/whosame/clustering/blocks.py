"""Blocks of rows: compiled kernels in threads. Results do not depend on the number of threads."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import faiss
import numpy as np
from numba import njit
from numpy.typing import NDArray

ROWS = 512
BLOCKS = 256  # at most: kernels have arrays of a number a row each, which would be written N / ROWS times

T = TypeVar("T")
R = TypeVar("R")
Rows = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[Any]]


def map_blocks(kernel: Callable[..., Any], n: int, *inputs: Any) -> list[Any]:
    """Call ``kernel(begin, end, *inputs)`` on consecutive blocks of ``n`` rows and return the results in order.

    The kernel must release the GIL.
    """
    size = max(ROWS, -(-n // BLOCKS))
    spans = [(begin, min(begin + size, n)) for begin in range(0, n, size)]
    return in_threads(lambda span: kernel(*span, *inputs), spans)


def in_threads(function: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """Call a function that releases the GIL on every item and return the results in order.

    The number of threads is that of faiss (``OMP_NUM_THREADS``).
    """
    threads = min(faiss.omp_get_max_threads(), len(items))
    if threads <= 1:
        return [function(item) for item in items]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, items))


def join_blocks(blocks: list[Rows], dtype: type[np.generic]) -> Rows:
    """Join blocks of sparse rows (entries per row, columns, values) into CSR's ``indptr, indices, data``.

    The list is emptied on the way, so that nothing is in memory twice.
    """
    counts = np.concatenate([np.zeros(1, np.int64), *(block[0] for block in blocks)])
    indptr = np.cumsum(counts)
    columns, values = np.empty(indptr[-1], np.int32), np.empty(indptr[-1], dtype)
    filled = 0
    blocks.reverse()
    while blocks:
        _, some, their = blocks.pop()
        columns[filled : filled + len(some)], values[filled : filled + len(some)] = some, their
        filled += len(some)
    return indptr, columns, values


@njit(nogil=True, cache=True)
def grow(array: NDArray[Any], more: int) -> NDArray[Any]:
    """Return a copy of the array with room for at least ``more`` further entries."""
    grown = np.empty(2 * len(array) + more, array.dtype)
    grown[: len(array)] = array
    return grown

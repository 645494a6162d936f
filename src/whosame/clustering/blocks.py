"""Blocks of rows: compiled kernels in threads. Results do not depend on the number of threads."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import faiss
import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

ROWS = 512
TOGETHER = 16  # blocks of sparse rows that are held beside those already joined
BLOCKS = 256  # at most: kernels have arrays of a number a row each, which would be written N / ROWS times

T = TypeVar("T")
R = TypeVar("R")
Rows = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[Any]]

_threads: ContextVar[int | None] = ContextVar("threads of blocks", default=None)


@contextmanager
def one_thread_a_product() -> Iterator[None]:
    """Compute each matrix product with one thread: another number gives other last bits. Blocks keep their threads."""
    token = _threads.set(faiss.omp_get_max_threads())  # a limit on OpenBLAS is one on OpenMP, and so on faiss's number
    try:
        with threadpool_limits(1, "blas"):
            yield
    finally:
        _threads.reset(token)


def map_blocks(kernel: Callable[..., Any], n: int, *inputs: Any) -> list[Any]:
    """Call ``kernel(begin, end, *inputs)`` on consecutive blocks of ``n`` rows and return the results in order.

    The kernel must release the GIL.
    """
    return in_threads(lambda span: kernel(*span, *inputs), _spans(n))


def _spans(n: int) -> list[tuple[int, int]]:
    size = max(ROWS, -(-n // BLOCKS))
    return [(begin, min(begin + size, n)) for begin in range(0, n, size)]


def in_threads(function: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """Call a function that releases the GIL on every item and return the results in order.

    The number of threads is that of faiss (``OMP_NUM_THREADS``).
    """
    threads = min(_threads.get() or faiss.omp_get_max_threads(), len(items))
    if threads <= 1:
        return [function(item) for item in items]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, items))


def map_sparse(kernel: Callable[..., Rows], n: int, *inputs: Any, dtype: type[np.generic], columns: int) -> csr_array:
    """Call a kernel on consecutive blocks of ``n`` rows, as :func:`map_blocks` does, and join its sparse rows.

    The kernel returns entries per row, columns and values. Few blocks are held beside the result.
    """
    spans = _spans(n)
    counts, indices, values = [np.zeros(1, np.int64)], np.empty(0, np.int32), np.empty(0, dtype)
    for first in range(0, len(spans), TOGETHER):
        blocks = in_threads(lambda span: kernel(*span, *inputs), spans[first : first + TOGETHER])
        at = len(indices)
        for array in (indices, values):  # in place, or to another address without a copy
            array.resize(at + sum(len(block[1]) for block in blocks), refcheck=False)
        for some, their, values_of in blocks:
            indices[at : at + len(their)], values[at : at + len(their)] = their, values_of
            at += len(their)
            counts.append(some)
    indptr = np.cumsum(np.concatenate(counts))
    if len(indices) <= np.iinfo(np.int32).max:
        indptr = indptr.astype(np.int32)  # otherwise scipy makes the columns int64 too
    return csr_array((values, indices, indptr), shape=(n, columns))


@njit(nogil=True, cache=True)
def grow(array: NDArray[Any], more: int) -> NDArray[Any]:
    """Return a copy of the array with room for at least ``more`` further entries."""
    grown = np.empty(2 * len(array) + more, array.dtype)
    grown[: len(array)] = array
    return grown

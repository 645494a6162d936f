"""The pairs of images that need no question, side by side: for strategies that look at many pairs at once."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from whosame.memory import LabelMemory


def decided_pairs(memory: LabelMemory, n: int) -> csr_array:
    """Return which pairs of ``n`` rows are settled: by transitivity, or because someone was unsure.

    Parameters
    ----------
    memory : LabelMemory
    n : int

    Returns
    -------
    scipy.sparse.csr_array, bool [N, N]
        Symmetric. Row and column of an image that no answer is about are empty.

    Raises
    ------
    ValueError
        The memory holds answers about rows outside 0..n-1.

    Notes
    -----
    Takes as much memory as there are such pairs: for a cannot-link, the product of its components' sizes.
    """
    roots = memory.must_link_roots(n)
    cannot = memory.cannot_links()
    rows = np.flatnonzero((np.bincount(roots, minlength=n)[roots] > 1) | np.isin(roots, cannot))
    components, of = np.unique(roots[rows], return_inverse=True)
    count = len(components)
    members = _mask(rows, of, (n, count))
    one, other = np.searchsorted(components, cannot).T
    itself = np.arange(count)
    alike = _mask(np.concatenate([itself, one, other]), np.concatenate([itself, other, one]), (count, count))
    unsure = np.array([(a, b) for a, b, verdict in memory.log if verdict == "unsure"], np.int64).reshape(-1, 2)
    skipped = _mask(unsure.ravel(), unsure[:, ::-1].ravel(), (n, n))
    return csr_array(members @ alike @ members.T + skipped)


def _mask(rows: NDArray[np.int64], columns: NDArray[np.int64], shape: tuple[int, int]) -> csr_array:
    return coo_array((np.ones(len(rows), bool), (rows, columns)), shape=shape).tocsr()

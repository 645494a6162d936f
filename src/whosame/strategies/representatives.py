"""The image that stands for a cluster (DCPS, Eq. 3)."""

import numpy as np
from numpy.typing import NDArray

from whosame.strategies.groups import Groups


def representatives(distances: NDArray[np.float32], groups: Groups) -> NDArray[np.int64]:
    """Return the member nearest to the mean of each cluster (DCPS, Eq. 3).

    Parameters
    ----------
    distances : float32 [n]
        Distance of each of ``groups.rows`` to the mean of its cluster, from :meth:`Groups.dispersion`.
    groups : Groups

    Returns
    -------
    int64 [C]
        Rows of the training set; the smallest row where members tie.
    """
    return groups.least(distances)

"""Camera centring: features without the mean of their camera."""

import numpy as np
from numpy.typing import NDArray

ROWS = 4096  # at a time: millions of features are held once


def centre_by_camera(vectors: NDArray[np.float32], cameras: NDArray[np.int64]) -> NDArray[np.float32]:
    """Subtract the mean feature of each camera and scale to length 1 again.

    What all images of a camera share is its view, light and colour, not a person. To subtract it assumes that every
    camera sees a similar mix of people. Nothing is subtracted where fewer than two cameras are known: no view is then
    told from another.

    Parameters
    ----------
    vectors : float32 [n, D]
        Features of length 1.
    cameras : int64 [n]
        Images of unknown camera (-1) are a group of their own, beside two or more known ones.

    Returns
    -------
    float32 [n, D]
        Of length 1; a feature that equals its camera's mean (the only image of a camera) is unchanged.
    """
    if len(np.unique(cameras[cameras >= 0])) < 2:
        return vectors
    _, group = np.unique(cameras, return_inverse=True)
    count = np.bincount(group)
    order = np.argsort(group, kind="stable")
    means = np.zeros((len(count), vectors.shape[1]))
    for at, rows in enumerate(np.split(order, np.cumsum(count)[:-1])):
        for begin in range(0, len(rows), ROWS):
            some = vectors[rows[begin : begin + ROWS]]
            means[at] = np.add.reduce(np.vstack([means[at], some]), axis=0)  # row by row, in float64
    means /= count[:, None]
    centred = np.empty(vectors.shape, np.float32)
    for begin in range(0, len(vectors), ROWS):
        some = vectors[begin : begin + ROWS]
        moved = some - means[group[begin : begin + ROWS]].astype(np.float32)
        length = np.linalg.norm(moved, axis=1, keepdims=True)
        vanished = length < 1e-6  # rounding noise, not a direction
        centred[begin : begin + ROWS] = np.where(vanished, some, moved / np.where(vanished, 1, length))
    return centred

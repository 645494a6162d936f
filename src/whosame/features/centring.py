"""Camera centring: features without the mean of their camera."""

import numpy as np
from numpy.typing import NDArray


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
    starts = np.concatenate([[0], np.cumsum(count)[:-1]])
    means = np.add.reduceat(vectors[order], starts, axis=0, dtype=np.float64) / count[:, None]
    centred = vectors - means[group].astype(np.float32)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    vanished = length < 1e-6  # rounding noise, not a direction
    return np.where(vanished, vectors, centred / np.where(vanished, 1, length)).astype(np.float32)

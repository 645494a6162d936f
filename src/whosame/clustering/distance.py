"""Which distance images are clustered by: camera-aware where cameras are known."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from whosame.errors import InputError, ParameterError

Distance = Literal["jaccard", "camera-jaccard"]


def resolve_distance(distance: str, cameras: NDArray[Any] | None) -> Distance:
    """Return the distance that a choice means for some images.

    Parameters
    ----------
    distance : str
        ``jaccard``, ``camera-jaccard``, or ``auto``: camera-jaccard where two or more cameras are known.
    cameras : int [N] or None
        -1 where unknown.

    Raises
    ------
    ParameterError
        Another choice, or ``camera-jaccard`` where fewer than two cameras are known.

    Examples
    --------
    >>> resolve_distance("auto", np.array([2, -1, 5])), resolve_distance("auto", np.array([2, -1, 2]))
    ('camera-jaccard', 'jaccard')
    """
    if distance not in ("jaccard", "camera-jaccard", "auto"):
        raise ParameterError(f"distance is {distance!r}, but takes jaccard, camera-jaccard or auto")
    known = 0 if cameras is None else len(np.unique(cameras[cameras >= 0]))
    if distance == "camera-jaccard" and known < 2:
        raise ParameterError(
            f"distance is camera-jaccard, which needs the cameras of the images: {known} are known, two or more are"
            " needed. Use jaccard or auto."
        )
    return "jaccard" if distance == "jaccard" or known < 2 else "camera-jaccard"


def check_cameras(cameras: NDArray[Any] | None, images: int) -> None:
    """Check that cameras are numbers, one an image.

    Raises
    ------
    InputError
    """
    if cameras is None:
        return
    if cameras.shape != (images,) or not np.issubdtype(cameras.dtype, np.integer):
        found = f"{cameras.dtype} {list(cameras.shape)}"
        raise InputError(f"cameras must be whole numbers, one for each of the {images} features, not {found}")

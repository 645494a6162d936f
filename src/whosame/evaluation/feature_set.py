"""Feature sets: features of queries or of a gallery with identities and cameras, checked."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from whosame.errors import InputError, format_problems


@dataclass(frozen=True, eq=False)
class FeatureSet:
    """One side of a retrieval experiment.

    Attributes
    ----------
    features : float32 [n, D]
    identities, cameras : int64 [n]
    lengths : float64 [n]
        Euclidean lengths of the rows.
    """

    features: NDArray[np.float32]
    identities: NDArray[np.int64]
    cameras: NDArray[np.int64]
    lengths: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.features)

    def take(self, rows: NDArray[np.int64]) -> Self:
        """Return some of the images."""
        return type(self)(self.features[rows], self.identities[rows], self.cameras[rows], self.lengths[rows])

    @classmethod
    def read(cls, what: str, features: ArrayLike, identities: ArrayLike, cameras: ArrayLike) -> Self:
        """Check and convert the arrays of one side.

        Parameters
        ----------
        what : str
            ``query`` or ``gallery``, for messages.
        features : array-like [n, D]
        identities, cameras : array-like of whole numbers [n]

        Raises
        ------
        InputError
            Wrong shapes or types, all of them at once; NaN or infinity, with the rows.
        """
        rows = np.asarray(features)
        if rows.shape == (0,):
            rows = rows.reshape(0, 0)
        companions = {f"{what}_ids": np.asarray(identities), f"{what}_cams": np.asarray(cameras)}
        problems = []
        if rows.ndim != 2 or rows.dtype.kind not in "fiu":
            problems.append(
                f"{what}_features is {rows.dtype} {list(rows.shape)}, but takes numbers [images, dimensions]"
            )
        for name, array in companions.items():
            if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
                problems.append(f"{name} is {array.dtype} {list(array.shape)}, but takes a whole number for each image")
            elif rows.ndim == 2 and len(array) != len(rows):
                problems.append(f"{name} has {len(array)} numbers, but {what}_features {len(rows)} rows")
        if problems:
            raise InputError(
                format_problems(f"the {what} set cannot be evaluated", problems, "Give every image a row in each.")
            )
        with np.errstate(over="ignore"):  # what outgrows float32 is reported as infinity
            rows = np.ascontiguousarray(rows, dtype=np.float32)
        lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
        bad = np.flatnonzero(~np.isfinite(lengths))
        if bad.size:
            title = f"{bad.size} rows of {what}_features hold NaN or infinity"
            advice = "Check the network that made them: training that diverged gives NaN."
            raise InputError(format_problems(title, [f"row {row}" for row in bad], advice))
        ids, cams = (array.astype(np.int64) for array in companions.values())
        return cls(rows, ids, cams, lengths)

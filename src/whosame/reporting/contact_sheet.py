"""Contact sheets: crops in rows, an identity a row."""

import numpy as np
from numpy.typing import NDArray

from whosame.errors import InputError

GAP = 2  # white pixels between crops


def contact_sheet(images: NDArray[np.uint8], columns: int) -> NDArray[np.uint8]:
    """Lay crops out in rows.

    Parameters
    ----------
    images : uint8 [n, H, W, 3]
        Row by row.
    columns : int
        Crops in a row, at least 1. The last row is filled up with white.

    Returns
    -------
    uint8 [rows * (H + 2) - 2, columns * (W + 2) - 2, 3]

    Raises
    ------
    InputError
        There is no image, or no column.
    """
    if images.ndim != 4 or len(images) == 0 or columns < 1:
        raise InputError(f"a sheet takes uint8 [n, H, W, 3] and columns, not {list(images.shape)} and {columns}")
    count, height, width, _ = images.shape
    rows = -(-count // columns)
    cells = np.full((rows * columns, height + GAP, width + GAP, 3), 255, np.uint8)
    cells[:count, :height, :width] = images
    sheet = cells.reshape(rows, columns, height + GAP, width + GAP, 3).swapaxes(1, 2)
    return sheet.reshape(rows * (height + GAP), columns * (width + GAP), 3)[:-GAP, :-GAP]

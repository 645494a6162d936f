"""A picture of a run, with the words that go with it."""

import io
from typing import NamedTuple

from matplotlib.figure import Figure


class Picture(NamedTuple):
    """A picture.

    Attributes
    ----------
    name : str
        Of its file, without the suffix.
    title : str
    caption : str
        What it shows; where there is no picture, why.
    png : bytes
        A PNG file; empty where there is no picture.
    crops : bool
        Whether images of the data set are in it.
    """

    name: str
    title: str
    caption: str
    png: bytes = b""
    crops: bool = False


def figure_png(figure: Figure) -> bytes:
    """Return a figure as a PNG file."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=110, bbox_inches="tight")
    return file.getvalue()

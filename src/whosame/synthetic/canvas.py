"""A picture that polygons are painted on: opaque ones fast, seen-through ones blended."""

from PIL import Image, ImageDraw

from whosame.synthetic.body import Polygon

Fill = tuple[Polygon, tuple[int, ...]]  # a polygon in pixels and its colour, RGB or RGBA


class Canvas:
    """Two brushes on one picture; blending every polygon would take twice the time.

    Parameters
    ----------
    picture : PIL.Image.Image
        RGB, painted in place.
    """

    def __init__(self, picture: Image.Image) -> None:
        self.picture = picture
        self.solid = ImageDraw.Draw(picture)
        self.glaze = ImageDraw.Draw(picture, "RGBA")

    def paint(self, polygon: Polygon, colour: tuple[int, ...]) -> None:
        """Fill a polygon, in pixels, with RGB, or with RGBA that lets what is under it show."""
        (self.solid if len(colour) == 3 else self.glaze).polygon(polygon, fill=colour)

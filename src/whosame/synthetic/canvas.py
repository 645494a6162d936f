"""Canvas: polygons painted on a picture, opaque or blended."""

from PIL import Image, ImageDraw

from whosame.synthetic.body import Polygon

Fill = tuple[Polygon, tuple[int, ...]]  # a polygon in pixels and its colour, RGB or RGBA


class Canvas:
    """Two ways to paint on one picture: blending every polygon would take twice the time.

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
        """Fill a polygon, in pixels, with an RGB colour, or blend it with an RGBA colour."""
        (self.solid if len(colour) == 3 else self.glaze).polygon(polygon, fill=colour)

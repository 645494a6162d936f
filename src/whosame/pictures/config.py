"""Parameters of the pictures of a run."""

from pydantic import NonNegativeInt, PositiveInt

from whosame.parameters import Parameters, parameter


class PicturesConfig(Parameters):
    """What the pictures of a run show."""

    at_end: bool = True
    """Whether kedro rounds makes them after the last round; kedro pictures makes them at any time."""
    map_images: int = parameter(3000, ge=100, unit="images")
    """Most images on the map of the features; drawn with the seed where there are more."""
    strips: NonNegativeInt = parameter(3, unit="queries")
    """Queries with the worst, the median and the best average precision: as many of each."""
    top: PositiveInt = parameter(10, unit="images")
    """Images in a strip."""
    cases: NonNegativeInt = parameter(3, unit="answers")
    """Answers whose clusters are shown before and after."""
    side: int = parameter(96, ge=32, le=512, unit="pixels")
    """The longer side of an image in a strip or a cluster."""

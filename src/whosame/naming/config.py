"""Parameters of naming."""

from pydantic import PositiveInt

from whosame.parameters import Parameters, Share, parameter


class NamingConfig(Parameters):
    """How images are given identities after the last training, and where these are written."""

    assign: bool = True
    """Whether images join the identity that they belong to clearly: outliers, and images of other clusters."""
    clear: Share = 0.5
    """How probable an identity must be for an image to join it without an answer; 0.5: it is right more often than
    not."""
    out: str | None = parameter(None, takes="a file that ends with .csv, or null")
    """The table of identities; the contact sheets are beside it. A relative path begins at the project's folder. null:
    identities.csv in the run's folder."""
    thumbnail: int = parameter(96, ge=16, le=512, unit="pixels")
    """The longer side of the pictures on the contact sheets."""
    page_images: PositiveInt = parameter(2000, unit="images")
    """Pictures on a page of contact sheets; what is more goes to further pages."""

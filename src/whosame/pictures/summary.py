"""Summary of the pictures that were made, for the terminal."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from whosame.naming.summary import NamingSummary
from whosame.pictures.picture import Picture


@dataclass(frozen=True)
class PicturesSummary:
    """What was made, and where it is.

    Attributes
    ----------
    names : NamingSummary
        The names that were written before.
    pictures : sequence of Picture
    files : sequence of Path
        The PNG files of those that there are.
    page : Path
        With all of them.
    """

    names: NamingSummary
    pictures: Sequence[Picture]
    files: Sequence[Path]
    page: Path

    def text(self) -> str:
        """Return the summary in lines."""
        missing: dict[str, list[str]] = {}
        for each in self.pictures:
            if not each.png:
                missing.setdefault(each.caption, []).append(each.title)
        lines = [f"not drawn:      {', '.join(titles)}: {why}" for why, titles in missing.items()]
        return "\n".join([*lines, f"pictures:       {self.page}"])

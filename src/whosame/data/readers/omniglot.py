"""Reader of Omniglot: characters as identities, the twenty people who drew each one as cameras."""

import re
from dataclasses import dataclass
from pathlib import Path

from whosame.data.readers.base import FoundImage, ReaderResult, mismatches, need, number_identities, scan
from whosame.errors import ParameterError

NAME = re.compile(r"(?P<identity>(?P<alphabet>[^/]+)/[^/]+)/\d+_(?P<drawer>\d+)\.png")


@dataclass(frozen=True)
class OmniglotReader:
    """Reader of ``Alphabet/characterNN/NNNN_DD.png``, as in ``images_background``.

    References
    ----------
    Lake, Salakhutdinov, Tenenbaum, "Human-level concept learning through probabilistic program induction", 2015.
    """

    train: tuple[str, ...] = ("Balinese", "Early_Aramaic", "Korean")  # alphabets to train on
    test: tuple[str, ...] = ("Greek", "Latin")  # alphabets of queries and gallery
    query_drawers: tuple[int, ...] = (1, 2, 3, 4, 5)  # of 1..20: their drawings of test alphabets are the queries

    def __post_init__(self) -> None:
        """Check that no alphabet is in both parts."""
        if both := sorted(set(self.train) & set(self.test)):
            raise ParameterError(f"omniglot.train and omniglot.test share {', '.join(both)}: take out one")

    def read(self, root: Path) -> ReaderResult:
        """List the images; see :class:`~whosame.data.readers.base.Reader`."""
        need(root, [*self.train, *self.test], "omniglot")
        files = scan(root)
        matches = [NAME.fullmatch(file.path) for file in files]
        wrong = [file.path for file, match in zip(files, matches, strict=True) if match is None]
        if wrong:
            raise mismatches("omniglot", "Alphabet/characterNN/NNNN_DD.png", wrong)
        found = [(file, match) for file, match in zip(files, matches, strict=True) if match]
        kept = [(file, match) for file, match in found if match["alphabet"] in {*self.train, *self.test}]
        numbers = number_identities(match["identity"] for _, match in kept)
        images = [
            FoundImage(file, self._split(match), int(match["drawer"]), numbers[match["identity"]])
            for file, match in kept
        ]
        left_out = len(found) - len(kept)
        note = f"{left_out:,} images of alphabets that are neither in omniglot.train nor in omniglot.test are left out"
        return ReaderResult(images, [note] if left_out else [])

    def _split(self, match: re.Match[str]) -> str:
        if match["alphabet"] in self.train:
            return "train"
        return "query" if int(match["drawer"]) in self.query_drawers else "gallery"

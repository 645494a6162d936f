"""Reader of Omniglot: characters as identities, the twenty people who drew each one as cameras."""

import re
from pathlib import Path
from typing import Self

from pydantic import field_validator, model_validator

from whosame.data.readers.base import (
    FoundImage,
    ReaderResult,
    mismatches,
    need,
    number_cameras,
    number_identities,
    scan,
)
from whosame.names import composed
from whosame.parameters import Listed, Parameters

NAME = re.compile(r"(?P<identity>(?P<alphabet>[^/]+)/[^/]+)/\d+_(?P<drawer>\d+)\.png")


class OmniglotReader(Parameters):
    """Reader of ``Alphabet/characterNN/NNNN_DD.png``, as in ``images_background``.

    References
    ----------
    Lake, Salakhutdinov, Tenenbaum, "Human-level concept learning through probabilistic program induction", 2015.
    """

    train: Listed[str] = ("Balinese", "Early_Aramaic", "Korean")
    """Alphabets to train on."""
    test: Listed[str] = ("Greek", "Latin")
    """Alphabets of queries and gallery."""
    query_drawers: Listed[int] = (1, 2, 3, 4, 5)
    """Of 1 to 20: their drawings of the test alphabets are the queries."""

    @field_validator("train", "test")
    @classmethod
    def _in_one_form(cls, alphabets: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(composed, alphabets))

    @model_validator(mode="after")
    def _parts_are_apart(self) -> Self:
        if both := sorted(set(self.train) & set(self.test)):
            raise ValueError(f"train and test share {', '.join(both)}: take out one")
        return self

    def read(self, root: Path) -> ReaderResult:
        """List the images; see :class:`~whosame.data.readers.base.Reader`."""
        need(root, [*self.train, *self.test], "omniglot")
        files = scan(root)
        matches = [NAME.fullmatch(composed(file.path)) for file in files]
        wrong = [file.path for file, match in zip(files, matches, strict=True) if match is None]
        if wrong:
            raise mismatches("omniglot", "Alphabet/characterNN/NNNN_DD.png", wrong)
        found = [(file, match) for file, match in zip(files, matches, strict=True) if match]
        kept = [(file, match) for file, match in found if match["alphabet"] in {*self.train, *self.test}]
        numbers = number_identities(match["identity"] for _, match in kept)
        cameras = number_cameras(match["drawer"] for _, match in kept)
        images = [
            FoundImage(file, self._split(match), cameras[match["drawer"]], numbers[match["identity"]])
            for file, match in kept
        ]
        left_out = len(found) - len(kept)
        note = f"{left_out:,} images of alphabets that are neither in omniglot.train nor in omniglot.test are left out"
        return ReaderResult(images, [note] if left_out else [])

    def _split(self, match: re.Match[str]) -> str:
        if match["alphabet"] in self.train:
            return "train"
        return "query" if int(match["drawer"]) in self.query_drawers else "gallery"

"""The reviewed table: the newest identities of a run, and what was computed beside it, as the page needs them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from whosame.memory import LabelMemory
from whosame.questions import Known

NONE = -1  # the identity of an outlier
Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ReviewedTable:
    """The identities of a run: a row an image, in the order of the image ids.

    Attributes
    ----------
    run_uid, run : str
    root : Path
        Folder of the images.
    overlap : int
        How many people each pair is shown to.
    image_ids : int64 [N]
        Ascending.
    paths, digests : list of str, N long
    names : list of str, C long
        Of the identities, sorted.
    labels : int64 [N]
        Identities 0..C-1; -1 is an outlier.
    p : float64 [N]
        Probability that the identity is right.
    answered : bool [N]
        Whether an answer or a catalogue says so.
    closeness : float32 [N]
        Similarity to the mean of the identity.
    near : int64 [C, K]
        For each identity the nearest others, the nearest first; -1: no more.
    digest : str
        Of the file.
    last_review : int
        Id of the last review that it takes into account; 0: of none.
    varied : int64 [C, V]
        For each identity images that differ, the most central first; -1: no more.
    known : Known, optional
        What the catalogue and encounters say.
    catalogue : mapping of int to str
        The name in the catalogue of each row that has one.
    """

    run_uid: str
    run: str
    root: Path
    overlap: int
    image_ids: Rows
    paths: list[str]
    digests: list[str]
    names: list[str]
    labels: Rows
    p: NDArray[np.float64]
    answered: NDArray[np.bool_]
    closeness: NDArray[np.float32]
    near: Rows
    digest: str
    last_review: int
    varied: Rows
    known: Known | None = None
    catalogue: Mapping[int, str] = field(default_factory=dict)

    @cached_property
    def rows_of(self) -> Sequence[Rows]:
        """The rows of each identity in the table."""
        order = np.argsort(self.labels, kind="stable")
        ends = np.searchsorted(self.labels[order], np.arange(len(self.names) + 1))
        return [order[begin:end] for begin, end in pairwise(ends)]

    @cached_property
    def given_roots(self) -> Rows:
        """The smallest row of the images that the catalogue or an encounter joins to each, int64 [N]."""
        return LabelMemory(self.known).must_link_roots(len(self.labels))

    def row(self, image: int) -> int | None:
        """Return the row of an image id; None: the table lacks the image."""
        at = int(np.searchsorted(self.image_ids, image))
        return at if at < len(self.image_ids) and self.image_ids[at] == image else None

"""Reader of Market-1501 and DukeMTMC-reID: three folders, identity and camera at the start of each file's name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from whosame.data.readers.base import (
    FoundImage,
    ReaderResult,
    compare_counts,
    mismatches,
    need,
    read_numbers,
    scan,
)
from whosame.identities import JUNK

FOLDERS = {"train": "bounding_box_train", "query": "query", "gallery": "bounding_box_test"}
NAME = re.compile(r"(?P<identity>-0*1|\d+)_c(?P<camera>\d+)")


@dataclass(frozen=True)
class MarketReader:
    """Reader of ``bounding_box_train``, ``query`` and ``bounding_box_test``; the last two may be missing.

    A file's name begins with identity (-1 junk, 0 distractor) and camera, as in ``0002_c1s1_000451_03.jpg``.

    Parameters
    ----------
    layout : str
        Its name in messages.
    expected : mapping of split to numbers of images
        As published; a difference is noted.

    References
    ----------
    Zheng et al., "Scalable Person Re-identification: A Benchmark", ICCV 2015; Ristani et al., ECCV-W 2016.
    """

    layout: str
    expected: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def read(self, root: Path) -> ReaderResult:
        """List the images; see :class:`~whosame.data.readers.base.Reader`."""
        need(root, [FOLDERS["train"]], self.layout)
        found, wrong = [], []
        for split, folder in FOLDERS.items():
            for file in scan(root, folder) if (root / folder).is_dir() else []:
                if match := NAME.match(file.path.rpartition("/")[2]):
                    found.append((file, split, match["camera"], match["identity"]))
                else:
                    wrong.append(file.path)
        if wrong:
            raise mismatches(self.layout, f"identity_c<camera>… ({NAME.pattern})", wrong)
        cameras = read_numbers({camera for _, _, camera, _ in found})
        junk = {identity for *_, identity in found if identity.startswith("-")}
        identities = read_numbers({identity for *_, identity in found} - junk) | dict.fromkeys(junk, JUNK)
        images = [FoundImage(file, split, cameras[camera], identities[who]) for file, split, camera, who in found]
        return ReaderResult(images, compare_counts(self.layout, images, self.expected))

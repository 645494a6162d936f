"""Reader of Market-1501 and DukeMTMC-reID: three folders, identity and camera at the start of each file's name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from whosame.data.readers.base import FoundImage, ReaderResult, compare_counts, mismatches, need, scan

FOLDERS = {"train": "bounding_box_train", "query": "query", "gallery": "bounding_box_test"}
OFFICIAL_NAME = r"([-\d]+)_c(\d)"


@dataclass(frozen=True)
class MarketReader:
    """Reader of ``bounding_box_train``, ``query`` and ``bounding_box_test``; the last two may be missing.

    Parameters
    ----------
    layout : str
        Its name in messages.
    expected : mapping of split to numbers of images
        As published; a difference is noted.
    name : str
        Expression at the start of a file's name: identity (-1 junk, 0 distractor), then camera.

    References
    ----------
    Zheng et al., "Scalable Person Re-identification: A Benchmark", ICCV 2015; Ristani et al., ECCV-W 2016.
    """

    layout: str
    expected: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    name: str = OFFICIAL_NAME

    def read(self, root: Path) -> ReaderResult:
        """List the images; see :class:`~whosame.data.readers.base.Reader`."""
        need(root, [FOLDERS["train"]], self.layout)
        rule = re.compile(self.name)
        images, wrong = [], []
        for split, folder in FOLDERS.items():
            for file in scan(root, folder) if (root / folder).is_dir() else []:
                match = rule.match(file.path.rpartition("/")[2])
                identity = _number(match[1]) if match else None
                if match is None or identity is None:
                    wrong.append(file.path)
                else:
                    images.append(FoundImage(file, split, int(match[2]), identity))
        if wrong:
            raise mismatches(self.layout, f"identity_c<camera>… ({self.name})", wrong)
        return ReaderResult(images, compare_counts(self.layout, images, self.expected))


def _number(text: str) -> int | None:
    """Return an identity of at least -1, None for any other mix of digits and dashes."""
    return int(text) if re.fullmatch(r"\d+|-0*1", text) else None

"""Reader of MSMT17, V1 and V2: two folders and four lists, ``<path> <identity>`` a line."""

import re
from dataclasses import dataclass
from pathlib import Path

from whosame.data.readers.base import FoundImage, ImageFile, ReaderResult, compare_counts, need
from whosame.errors import InputError, format_problems

LISTS = {"list_train.txt": "train", "list_val.txt": "train", "list_query.txt": "query", "list_gallery.txt": "gallery"}
FOLDERS = {"V1": ("train", "test"), "V2": ("mask_train_v2", "mask_test_v2")}
EXPECTED = {"train": (32_621,), "query": (11_659,), "gallery": (82_161,)}
LINE = re.compile(r"(?P<path>\S.*?)\s+(?P<identity>\d+)\s*")
NAME = re.compile(r"[^_/]+_[^_/]+_(?P<camera>\d+)_[^/]*")  # the camera is the third field


@dataclass(frozen=True)
class Msmt17Reader:
    """Reader of both versions, told apart by the names of the folders.

    The lists number identities from 0, separately for training and for test: here training identities are 1 more than
    in the list (0 is a distractor), and test identities continue where the training ones end. The validation list
    belongs to the training images, as in the published counts.

    References
    ----------
    Wei et al., "Person Transfer GAN to Bridge Domain Gap for Person Re-Identification", CVPR 2018.
    """

    def read(self, root: Path) -> ReaderResult:
        """List the images; see :class:`~whosame.data.readers.base.Reader`."""
        need(root, list(LISTS), "msmt17")
        version = next((name for name, folders in FOLDERS.items() if (root / folders[0]).is_dir()), None)
        if version is None:
            need(root, [FOLDERS["V1"][0]], "msmt17")
            return ReaderResult([])
        listed, wrong = _lines(root, version)
        offset = 1 + max((identity for _, split, identity in listed if split == "train"), default=0)
        images = []
        for path, split, identity in listed:
            name = NAME.fullmatch(path.rpartition("/")[2])
            if name is None:
                wrong.append(f"{path}: the third field of the name is no camera")
                continue
            try:
                stat = (root / path).stat()
            except OSError:
                wrong.append(f"{path}: listed but not there")
                continue
            file = ImageFile(path, stat.st_size, stat.st_mtime_ns)
            images.append(
                FoundImage(file, split, int(name["camera"]), identity + (1 if split == "train" else offset + 1))
            )
        if wrong:
            advice = "Unpack the archive again; the lists and the folders must be of the same version."
            raise InputError(
                format_problems(f"{len(wrong)} lines of the lists in {root} cannot be used", wrong, advice)
            )
        return ReaderResult(images, compare_counts(f"msmt17 {version}", images, EXPECTED))


def _lines(root: Path, version: str) -> tuple[list[tuple[str, str, int]], list[str]]:
    train, test = FOLDERS[version]
    listed, wrong = [], []
    for name, split in LISTS.items():
        for number, line in enumerate((root / name).read_text(encoding="utf-8").splitlines(), start=1):
            match = LINE.fullmatch(line)
            if match is not None:
                folder = train if split == "train" else test
                listed.append((f"{folder}/{match['path']}", split, int(match["identity"])))
            elif line.strip():
                wrong.append(f"{name}, line {number}: {line.strip()[:80]!r} is no '<path> <identity>'")
    return listed, wrong

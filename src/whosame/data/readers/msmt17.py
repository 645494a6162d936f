"""Reader of MSMT17, V1 and V2: two folders and four lists, ``<path> <identity>`` a line."""

import re
from dataclasses import dataclass
from pathlib import Path

from whosame.data.readers.base import FoundImage, ImageFile, ReaderResult, compare_counts, need, read_numbers
from whosame.errors import InputError, format_problems

LISTS = {"list_train.txt": "train", "list_val.txt": "train", "list_query.txt": "query", "list_gallery.txt": "gallery"}
FOLDERS = {"V1": ("train", "test"), "V2": ("mask_train_v2", "mask_test_v2")}
EXPECTED = {"train": (32_621,), "query": (11_659,), "gallery": (82_161,)}
SIDES = ("train", "test")  # each with its own numbers of identities
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
        numbers = {side: read_numbers({who for _, split, who in listed if _side(split) == side}) for side in SIDES}
        first = {"train": 1, "test": 2 + max(numbers["train"].values(), default=0)}
        found = []
        for path, split, who in listed:
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
            found.append((file, split, name["camera"], first[_side(split)] + numbers[_side(split)][who]))
        if wrong:
            advice = "Unpack the archive again; the lists and the folders must be of the same version."
            raise InputError(
                format_problems(f"{len(wrong)} lines of the lists in {root} cannot be used", wrong, advice)
            )
        cameras = read_numbers({camera for _, _, camera, _ in found})
        images = [FoundImage(file, split, cameras[camera], who) for file, split, camera, who in found]
        return ReaderResult(images, compare_counts(f"msmt17 {version}", images, EXPECTED))


def _side(split: str) -> str:
    return "train" if split == "train" else "test"


def _lines(root: Path, version: str) -> tuple[list[tuple[str, str, str]], list[str]]:
    train, test = FOLDERS[version]
    listed, wrong = [], []
    for name, split in LISTS.items():
        text = (root / name).read_text(encoding="utf-8", errors="replace")  # other bytes are in no file's name
        for number, line in enumerate(text.split("\n"), start=1):
            match = LINE.fullmatch(line)
            if match is not None:
                folder = train if split == "train" else test
                listed.append((f"{folder}/{match['path']}", split, match["identity"]))
            elif line.strip():
                wrong.append(f"{name}, line {number}: {line.strip()[:80]!r} is no '<path> <identity>'")
    return listed, wrong

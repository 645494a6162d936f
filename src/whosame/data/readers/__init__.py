"""Readers of data sets: one per layout, by name."""

from collections.abc import Mapping

from whosame.data.readers.base import FoundImage, Reader, ReaderResult
from whosame.data.readers.folder import FolderReader
from whosame.data.readers.market import MarketReader
from whosame.data.readers.msmt17 import Msmt17Reader
from whosame.data.readers.omniglot import OmniglotReader
from whosame.errors import unknown_name

# as published: a gallery without and with its junk
MARKET1501 = {"train": (12_936,), "query": (3_368,), "gallery": (15_913, 19_732)}
DUKEMTMC = {"train": (16_522,), "query": (2_228,), "gallery": (17_661,)}

READERS: Mapping[str, Reader] = {
    "market1501": MarketReader("market1501", MARKET1501),
    "dukemtmc": MarketReader("dukemtmc", DUKEMTMC),
    "msmt17": Msmt17Reader(),
    "omniglot": OmniglotReader(),
    "folder": FolderReader(),
    "synthetic": MarketReader("synthetic", name=r"(-?\d+)_c(\d+)"),
}


def check_layout(layout: str) -> None:
    """Raise :class:`~whosame.errors.ParameterError` for a layout that no reader has, naming those near to it."""
    if layout not in READERS:
        raise unknown_name("layout", layout, READERS)


__all__ = [
    "READERS",
    "FolderReader",
    "FoundImage",
    "MarketReader",
    "Msmt17Reader",
    "OmniglotReader",
    "Reader",
    "ReaderResult",
    "check_layout",
]

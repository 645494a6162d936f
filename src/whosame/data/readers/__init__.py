"""Readers of data sets: one per layout, by name."""

from collections.abc import Mapping
from typing import Literal

from whosame.data.readers.base import FoundImage, Reader, ReaderResult
from whosame.data.readers.folder import FolderReader
from whosame.data.readers.market import MarketReader
from whosame.data.readers.msmt17 import Msmt17Reader
from whosame.data.readers.omniglot import OmniglotReader

# as published: a gallery without and with its junk
MARKET1501 = {"train": (12_936,), "query": (3_368,), "gallery": (15_913, 19_732)}
DUKEMTMC = {"train": (16_522,), "query": (2_228,), "gallery": (17_661,)}

Layout = Literal["synthetic", "market1501", "dukemtmc", "msmt17", "omniglot", "folder"]
READERS: Mapping[Layout, Reader] = {
    "market1501": MarketReader("market1501", MARKET1501),
    "dukemtmc": MarketReader("dukemtmc", DUKEMTMC),
    "msmt17": Msmt17Reader(),
    "omniglot": OmniglotReader(),
    "folder": FolderReader(),
    "synthetic": MarketReader("synthetic"),
}


__all__ = [
    "READERS",
    "FolderReader",
    "FoundImage",
    "Layout",
    "MarketReader",
    "Msmt17Reader",
    "OmniglotReader",
    "Reader",
    "ReaderResult",
]

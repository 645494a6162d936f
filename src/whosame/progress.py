"""Progress of long work: a bar on a terminal, a line every ten seconds elsewhere."""

import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")
PLAIN_SECONDS = 10.0


def track(items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
    """Yield the items and show how many are done.

    Parameters
    ----------
    items : iterable
    what : str
        The work, in a few words: ``"warm-up"``.
    total : int, optional
        How many items there are, where ``len`` does not tell.
    """
    if total is None and isinstance(items, Sized):
        total = len(items)
    if sys.stderr.isatty():
        yield from tqdm(items, desc=what, total=total, leave=False, dynamic_ncols=True)
    else:
        yield from _plain(items, what, total)


def _plain(items: Iterable[T], what: str, total: int | None) -> Iterator[T]:
    started = printed = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - printed >= PLAIN_SECONDS:
            printed = now
            of = f" of {total}" if total else ""
            left = f", {(now - started) / done * (total - done):.0f} s left" if total else ""
            print(f"{what}: {done}{of}{left}", file=sys.stderr, flush=True)

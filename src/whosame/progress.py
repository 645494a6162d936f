"""Progress of long work, on the terminal or as lines in a log; an end to calls that make none."""

import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")
PLAIN_SECONDS = 10.0
LOOK_SECONDS = 0.1


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


def within(seconds: float, call: Callable[[], T], moved: Callable[[], object] = lambda: None) -> T:
    """Return what a call returns, or raise.

    Parameters
    ----------
    seconds : float
        Without a reply, and without a change of ``moved``, the call is given up.
    call : callable
        Runs in a thread of its own, which does not keep the process from ending.
    moved : callable
        Returns something that changes while the call gets on, such as how many bytes have come.

    Raises
    ------
    TimeoutError
        The call was given up; its thread waits on.

    Examples
    --------
    >>> within(5, lambda: 1 + 1)
    2
    """
    results: list[T] = []
    failures: list[Exception] = []

    def run() -> None:
        try:
            results.append(call())
        except Exception as error:  # noqa: BLE001  raised by the caller
            failures.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    seen, since = moved(), time.monotonic()
    while thread.is_alive():
        thread.join(LOOK_SECONDS)
        if (now := moved()) != seen:
            seen, since = now, time.monotonic()
        elif time.monotonic() - since > seconds:
            raise TimeoutError(f"no reply within {seconds:.0f} seconds")
    if failures:
        raise failures[0]
    return results[0]

"""What the terminal shows while a round waits for people: a bar on a terminal, a plain line now and then elsewhere."""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm

from whosame.annotators.record import Progress

PLAIN_SECONDS = 10.0  # s between two plain lines
PROBE_SECONDS = 5.0  # s between two looks whether the page is there
NO_PAGE = "no page is there: kedro annotate opens one"
BAR = "{desc}: {n_fmt} of {total_fmt} answered |{bar}| {elapsed}{postfix}"


class Waiting:
    """Progress of a round that people answer; to be used as a context manager and called with what is known.

    Parameters
    ----------
    total : int
        How many questions the round may ask.
    overlap : int
        How many people each is put to.
    where : callable
        Asked now and then where the page is; empty: there is none.
    """

    def __init__(self, total: int, *, overlap: int, where: Callable[[], str]) -> None:
        self._total, self._overlap, self._where = total, overlap, where
        self._bar: Any = None
        self._said = self._probed = float("-inf")
        self._line = ""
        self._page = ""

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            self._bar = tqdm(total=self._total, desc="people answer", leave=False, dynamic_ncols=True, bar_format=BAR)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def __call__(self, progress: Progress) -> None:
        """Show how far people are."""
        now = time.monotonic()
        if now - self._probed >= PROBE_SECONDS:
            self._page, self._probed = self._where() or NO_PAGE, now
        about = ", ".join(part for part in (self._page, *told(progress, self._total, self._overlap)) if part)
        if self._bar is not None:
            self._bar.n = progress.answered
            self._bar.set_postfix_str(about)
        elif now - self._said >= PLAIN_SECONDS:
            line = f"people answer: {progress.answered} of {self._total} questions answered, {about}"
            if line != self._line:
                print(line, file=sys.stderr, flush=True)
            self._said, self._line = now, line


def told(progress: Progress, total: int, overlap: int) -> list[str]:
    """Return who is answering, and how long it will take at their pace.

    Examples
    --------
    >>> told(Progress(10, ("bob", "alice"), 3.0), total=50, overlap=1)
    ['bob and alice are answering', 'about 1 min left']
    """
    *others, last = progress.names or ("",)
    if not last:
        return []
    names = f"{', '.join(others)} and {last} are" if others else f"{last} is"
    seconds = progress.seconds * max(total - progress.answered, 0) * overlap / len(progress.names)
    left = f"{seconds:.0f} s" if seconds < 60 else f"{seconds / 60:.0f} min"
    return [f"{names} answering", f"about {left} left"]

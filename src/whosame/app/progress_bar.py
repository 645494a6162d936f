"""Progress of rounds on the terminal: a bar there, plain lines where the output goes to a file."""

import math
import sys
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm

from whosame.annotators.record import Progress
from whosame.progress import PLAIN_SECONDS

PROBE_SECONDS = 5.0  # between two looks whether the annotation page is open
NO_PAGE = "no page is open: kedro annotate opens one"


class RoundBar:
    """Progress of the rounds of one process: nodes, questions left, mAP, time left."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._begun = 0.0
        self._seconds: list[float] = []
        self._figures = ""

    def begin(self, run: str, number: int, rounds: int, nodes: int) -> None:
        """Announce a round and how many nodes it runs."""
        self._begun = time.monotonic()
        self._title = f"{run}: round {number} ({min(number + 1, rounds)} of {rounds})"
        self._rounds_left = max(rounds - number - 1, 0)
        self._bar = _bar(nodes, self._title, "{desc}: {n_fmt} of {total_fmt} nodes |{bar}| {elapsed} {postfix}")

    def begin_node(self, name: str) -> None:
        """Show which node runs."""
        if self._bar is not None:
            self._bar.set_postfix_str(f"{name}{self._figures}")

    def end_node(self) -> None:
        """Move on by one node."""
        if self._bar is not None:
            self._bar.update()

    def end(self, metrics: Mapping[str, Any], budget: int) -> float:
        """Print the round's figures; return its seconds."""
        seconds = time.monotonic() - self._begun
        self._seconds.append(seconds)
        asked = int(metrics.get("annotation/asked_total", 0))
        found_again = int(metrics.get("annotation/answers_found_again_total", 0))
        accuracy = float(metrics.get("retrieval/mAP", math.nan))
        mean_ap = f", mAP {100 * accuracy:.1f}" if math.isfinite(accuracy) else ""
        self._figures = f", {budget - asked} questions left{mean_ap}"
        self.close()
        found = f", {found_again} answers found again" if found_again else ""
        left = sum(self._seconds) / len(self._seconds) * self._rounds_left
        left_over = f", about {left:.0f} s left" if self._rounds_left else ""
        line = f"{self._title}: {asked} of {budget} questions asked{found}{mean_ap}, {seconds:.1f} s{left_over}"
        tqdm.write(line, file=sys.stderr)
        return seconds

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class AnswersBar:
    """Progress of a round that people answer: a context manager that is called with how far they are.

    Parameters
    ----------
    total : int
        How many questions the round may ask.
    overlap : int
        How many people each is shown to.
    where : callable
        Returns the address of the annotation page, empty where none is open; called every five seconds.
    """

    def __init__(self, total: int, *, overlap: int, where: Callable[[], str]) -> None:
        self._total, self._overlap, self._where = total, overlap, where
        self._bar: Any = None
        self._printed = self._probed = float("-inf")
        self._line = ""
        self._page = ""

    def __enter__(self) -> Self:
        form = "{desc}: {n_fmt} of {total_fmt} answered |{bar}| {elapsed}{postfix}"
        self._bar = _bar(self._total, "people answer", form)
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
        about = ", ".join([self._page, *pace(progress, self._total, self._overlap)])
        if self._bar is not None:
            self._bar.n = progress.answered
            self._bar.set_postfix_str(about)
        elif now - self._printed >= PLAIN_SECONDS:
            line = f"people answer: {progress.answered} of {self._total} questions answered, {about}"
            if line != self._line:
                print(line, file=sys.stderr, flush=True)
            self._printed, self._line = now, line


def pace(progress: Progress, total: int, overlap: int) -> list[str]:
    """Return who is answering, and how long it will take at their pace.

    Examples
    --------
    >>> pace(Progress(10, ("bob", "alice"), 3.0), total=50, overlap=1)
    ['bob and alice are answering', 'about 1 min left']
    """
    *others, last = progress.names or ("",)
    if not last:
        return []
    names = f"{', '.join(others)} and {last} are" if others else f"{last} is"
    seconds = progress.seconds * max(total - progress.answered, 0) * overlap / len(progress.names)
    left = f"{seconds:.0f} s" if seconds < 60 else f"{seconds / 60:.0f} min"
    return [f"{names} answering", f"about {left} left"]


def _bar(total: int, title: str, form: str) -> Any:
    """Return a bar where there is a terminal, else None."""
    if not sys.stderr.isatty():
        return None
    return tqdm(total=total, desc=title, leave=False, dynamic_ncols=True, bar_format=form)

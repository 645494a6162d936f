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
from whosame.reporting.answers_text import answers_text

PROBE_SECONDS = 5.0  # between two looks whether the annotation page is open
NO_PAGE = "no page is open: kedro annotate opens one"
ANSWERS = "{desc}: {n_fmt} of {total_fmt} answers |{bar}| {elapsed}{postfix}"


class RoundBar:
    """Progress of the rounds of one process: nodes, questions left, mAP, time left.

    Parameters
    ----------
    now : callable
        The time, s.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._bar: Any = None
        self._begun = 0.0
        self._run = ""
        self._seconds: list[float] = []  # of the run's rounds in this process, as later ones will take
        self._figures = ""

    def begin(self, run: str, number: int, rounds: int, nodes: int) -> None:
        """Announce a round and how many nodes it runs."""
        self._begun = self._now()
        if run != self._run:
            self._run, self._seconds = run, []
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

    def end(
        self, metrics: Mapping[str, Any], budget: int, node_seconds: Mapping[str, float], *, people: bool = False
    ) -> float:
        """Print the round's figures and the time that is left; return the round's seconds.

        The time that is left is that of the rounds before, without what says nothing about later rounds: the first
        preparation, which has the warm-up, and the time until people have answered.

        Parameters
        ----------
        metrics : mapping
        budget : int
            Of the run.
        node_seconds : mapping of str to float
            How long each node of the round took.
        people : bool
            Whether people answer.
        """
        seconds = self._now() - self._begun
        once = node_seconds.get("label.annotate", 0.0) if people else 0.0
        if not self._seconds:
            once += sum(took for node, took in node_seconds.items() if node.startswith("prepare."))
        self._seconds.append(max(seconds - once, 0.0))
        asked = int(metrics.get("annotation/asked_total", 0))
        found_again = int(metrics.get("annotation/answers_found_again_total", 0))
        accuracy = float(metrics.get("retrieval/mAP", math.nan))
        mean_ap = f", mAP {100 * accuracy:.1f}" if math.isfinite(accuracy) else ""
        self._figures = f", {budget - asked} questions left{mean_ap}"
        self.close()
        found = f", {found_again} answers found again" if found_again else ""
        left = sum(self._seconds) / len(self._seconds) * self._rounds_left
        left_over = f", about {left:.0f} s left{' besides the answers' if people else ''}" if self._rounds_left else ""
        line = f"{self._title}: {asked} of {budget} questions asked{found}{mean_ap}, {seconds:.1f} s{left_over}"
        tqdm.write(line, file=sys.stderr)
        if about := answers_text(metrics):
            tqdm.write(f"  {about}", file=sys.stderr)
        return seconds

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class AnswersBar:
    """Progress of a round that people answer: a context manager that is called with how far they are.

    The total is what is known to be asked: it grows where the strategy asks more, and shrinks where answers imply
    others, so that a round ends with all answers given.

    Parameters
    ----------
    where : callable
        Returns the address of the annotation page, empty where none is open; called every five seconds.
    """

    def __init__(self, where: Callable[[], str]) -> None:
        self._where = where
        self._bar: Any = None
        self._printed = self._probed = float("-inf")
        self._line = self._shown = ""
        self._page = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()
        elif error is None:
            self._print()

    def __call__(self, progress: Progress) -> None:
        """Show how far people are."""
        now = time.monotonic()
        if now - self._probed >= PROBE_SECONDS:
            self._page, self._probed = self._where() or NO_PAGE, now
        about = ", ".join([self._page, *pace(progress)])
        given, total = progress.votes.given, progress.votes.total
        if self._bar is None and (bar := _bar(total, "people answer", ANSWERS)) is not None:
            self._bar = bar
        if self._bar is not None:
            self._bar.n, self._bar.total = given, total
            self._bar.set_postfix_str(about)
            return
        self._line = f"people answer: {given} of {total} answers given, {about}"
        if now - self._printed >= PLAIN_SECONDS:
            self._printed = now
            self._print()

    def _print(self) -> None:
        if self._line != self._shown:
            print(self._line, file=sys.stderr, flush=True)
            self._shown = self._line


def pace(progress: Progress) -> list[str]:
    """Return who is answering and how long it takes at their pace: ``["bob is answering", "about 1 min left"]``."""
    if progress.paused:
        return ["asking pauses until somebody decides"]
    *others, last = progress.names or ("",)
    if not last:
        return []
    names = f"{', '.join(others)} and {last} are" if others else f"{last} is"
    if not progress.votes.missing:
        return [f"{names} answering"]
    seconds = progress.seconds * progress.votes.missing / len(progress.names)
    left = f"{seconds:.0f} s" if seconds < 60 else f"{seconds / 60:.0f} min"
    return [f"{names} answering", f"about {left} left"]


def _bar(total: int, title: str, form: str) -> Any:
    """Return a bar where there is a terminal, else None."""
    if not sys.stderr.isatty():
        return None
    return tqdm(total=total, desc=title, leave=False, dynamic_ncols=True, bar_format=form)

"""Guard of people's answers: evaluates them while they are given, and pauses a run that wastes them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from whosame.annotation.queue.guard import (
    AnswersSoFar,
    GivenAnswer,
    decide_pause,
    given_answers,
    guard_state,
    keep_figures,
    pause,
)
from whosame.annotation.store.store import LabelStore
from whosame.errors import StoppedError
from whosame.evaluation.answer_agreement import auc
from whosame.evaluation.candidates import CandidateRule, expected_same

STOP_SECONDS = 1.0  # until a loop that is stopped ends, and the page with it, which shows the decision meanwhile
Mode = Literal["pause", "warn", "silent"]


@dataclass(frozen=True)
class GuardOptions:
    """What a guard does, and when.

    Attributes
    ----------
    mode : str
        ``pause``; ``warn``: the finding is printed, and the run goes on; ``silent``.
    rule : CandidateRule
    """

    mode: Mode = "pause"
    rule: CandidateRule = field(default_factory=CandidateRule)


class Guard:
    """Evaluates the answers of a run, and pauses it where they are wasted, until somebody decides.

    Parameters
    ----------
    store : LabelStore
    run_uid, run : str
        The run, which the queue has begun.
    number, overlap : int
        The round, from 0, and how many people answer each pair.
    options : GuardOptions
    image_ids : int64 [N]
        Of the training rows, ascending.
    features : float32 [N, D]
        What the round's questions are chosen on; L2-normalised.
    labels : int64 [N]
        The clusters before the round's answers; -1 is an outlier.
    say : callable
        Prints a line on the terminal.
    """

    def __init__(
        self,
        store: LabelStore,
        run_uid: str,
        run: str,
        *,
        number: int,
        overlap: int,
        options: GuardOptions,
        image_ids: NDArray[np.int64],
        features: NDArray[np.float32],
        labels: NDArray[np.int64],
        say: Callable[[str], None],
    ) -> None:
        self._store, self._run_uid, self._run = store, run_uid, run
        self._number, self._overlap, self._options, self._say = number, overlap, options, say
        self._image_ids, self._features, self._labels = image_ids, features, labels
        self.paused = False
        self._warned = False
        self._figures: AnswersSoFar | None = None

    def begin(self) -> None:
        """Take up a pause that was made before: a run that was stopped asks for the decision again."""
        if self._options.mode == "pause":
            with self._store.reading() as connection:
                state = guard_state(connection, self._run_uid)
            if state in ("paused", "stop"):
                pause(self._store, self._run_uid)
                self._announce(self._evaluate())
        else:
            decide_pause(self._store, self._run_uid, "continue", details={"guard": self._options.mode})

    def look(self) -> None:
        """Evaluate the answers; pause the run where they show that its features find no candidates."""
        figures = self._evaluate()
        if self.paused or self._warned or not self._fires:
            return
        if self._options.mode == "warn":
            self._warned = True
            self._say(f"{self._run}: {figures.finding}")
        elif self._options.mode == "pause":
            with self._store.reading() as connection:
                undecided = guard_state(connection, self._run_uid) != "continue"
            if undecided:
                pause(self._store, self._run_uid)
                self._announce(figures)

    def wait(self) -> None:
        """Look whether a pause has ended.

        Raises
        ------
        StoppedError
            Somebody has decided to stop.
        """
        if not self.paused:
            return
        with self._store.reading() as connection:
            state = guard_state(connection, self._run_uid)
        if state == "continue":
            self.paused = False
            self._say(f"{self._run}: goes on, by decision")
        elif state == "stop":
            time.sleep(STOP_SECONDS)
            raise StoppedError(
                f"run {self._run!r} is stopped, by decision: {self._last.finding}. Every answer is kept.\n"
                f"To be asked again:  kedro rounds --params=run={self._run}\n"
                f"To go on:           {self._command}"
            )

    @property
    def _command(self) -> str:
        return f"kedro rounds --params=run={self._run},annotator_options.guard=warn"

    @property
    def _last(self) -> AnswersSoFar:
        return self._figures or AnswersSoFar()

    def _announce(self, figures: AnswersSoFar) -> None:
        self.paused = True
        self._say(
            f"{self._run}: {figures.finding}.\n"
            f"Asking pauses: decide on the page, or press Ctrl-C. To go on without the page:  {self._command}"
        )

    def _evaluate(self) -> AnswersSoFar:
        with self._store.reading() as connection:
            given = given_answers(connection, self._run_uid, self._overlap)
        decided = [each for each in given if each.verdict != "unsure"]
        expected = [expected_same(each.kind, each.p_same) for each in decided]
        same = [each.verdict == "same" for each in decided]
        self._fires = self._options.rule.fires(expected, same, [each.attempts for each in decided])
        figures = AnswersSoFar(
            same=sum(same),
            different=len(same) - sum(same),
            unsure=len(given) - len(decided),
            expected=round(sum(expected), 1),
            **self._of_round([each for each in decided if each.round == self._number]),
        )
        if figures != self._figures:
            keep_figures(self._store, self._run_uid, figures)
            self._figures = figures
        return figures

    def _of_round(self, given: Sequence[GivenAnswer]) -> dict[str, Any]:
        a, b = (np.searchsorted(self._image_ids, [getattr(one, f"image_{side}") for one in given]) for side in "ab")
        same = np.array([each.verdict == "same" for each in given], bool)
        together = (self._labels[a] == self._labels[b]) & (self._labels[a] >= 0)
        by_strategy = bool(given) and all(each.p_same is not None for each in given)
        scores = [each.p_same for each in given] if by_strategy else (self._features[a] * self._features[b]).sum(axis=1)
        found = auc(np.array(scores, np.float64), same)
        return {
            "round_answers": len(given),
            "round_same": int(same.sum()),
            "round_changed": int((together != same).sum()),
            "auc": None if np.isnan(found) else round(found, 3),
            "by": "p(same)" if by_strategy else "similarity",
        }

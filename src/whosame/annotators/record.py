"""The record of a round: its answers in the label store, by rows of the training set instead of image ids."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whosame.annotation.queue.round_votes import RoundVotes, round_votes
from whosame.annotation.queue.voting import Decision, Key, decisions
from whosame.annotation.store.reuse import Pair, find_earlier
from whosame.annotation.store.store import AnswerEvent, LabelStore
from whosame.annotators.base import answers_about_copies
from whosame.errors import ResumeError, format_problems
from whosame.questions import Answer, Question, Source

RECENT = 20  # answers whose annotators count as answering now


class RoundRecord:
    """Commits a round's answers, and finds those that the run has already.

    Parameters
    ----------
    store : LabelStore
    run_uid, run : str
        The run's unique id and its name.
    round : int
        From 0.
    image_ids : int64 [N]
        Image ids of the training rows, ascending.
    digests : sequence of str, N long
        Digests of their bytes.
    overlap : int
        How many annotators each pair is shown to; their answers together are one decision.

    Raises
    ------
    ResumeError
        The run has answers about images that are not in the training set, or whose bytes have changed.
    """

    def __init__(
        self,
        store: LabelStore,
        *,
        run_uid: str,
        run: str,
        round: int,  # noqa: A002
        image_ids: NDArray[np.int64],
        digests: Sequence[str],
        overlap: int = 1,
    ) -> None:
        self._store, self._run_uid, self._run, self._round = store, run_uid, run, round
        self._ids: list[int] = image_ids.tolist()
        self._digests = digests
        self._overlap = overlap
        self._events: Sequence[AnswerEvent] = ()
        self._decided: dict[Key, Decision] = {}
        self._read()

    def find(self, questions: Sequence[Question]) -> list[Answer]:
        """Return the answers that these questions have already; see :class:`~whosame.annotators.base.Record`."""
        free, rest = self._without_copies(questions)
        asked = {self.key(question): question for question in rest}
        found = [_answer(asked[key], decision, "memory") for key, decision in self._decided.items() if key in asked]
        return free + found

    def commit(self, answers: Sequence[Answer]) -> None:
        """Commit answers to the store, in one transaction; see :meth:`LabelStore.append`."""
        self._store.append([self._event(answer) for answer in answers])

    def key(self, question: Question) -> Key:
        """Return a question by image ids, as in the store."""
        return self._ids[question.a], self._ids[question.b], question.attempt

    def image_ids(self, rows: Sequence[int]) -> tuple[int, ...]:
        """Return the image ids of rows."""
        return tuple(self._ids[row] for row in rows)

    def _read(self) -> None:
        self._events = self._store.answers(self._run_uid)
        self._check_images(self._events)
        self._decided = decisions(self._events, self._overlap)

    def _without_copies(self, questions: Sequence[Question]) -> tuple[list[Answer], list[Question]]:
        """Return the free answers about files of the same bytes, and the other questions."""
        free = answers_about_copies(questions, self._digests)
        answered = {answer.question for answer in free}
        return free, [question for question in questions if question not in answered]

    def _event(self, answer: Answer) -> AnswerEvent:
        a, b = answer.question.a, answer.question.b
        return AnswerEvent(
            run_uid=self._run_uid,
            run=self._run,
            round=self._round,
            image_a=self._ids[a],
            image_b=self._ids[b],
            digest_a=self._digests[a],
            digest_b=self._digests[b],
            kind=answer.question.kind,
            verdict=answer.verdict,
            source=answer.source,
            annotator=answer.annotator,
            seconds=answer.seconds,
            attempt=answer.question.attempt,
        )

    def _check_images(self, events: Sequence[AnswerEvent]) -> None:
        now = dict(zip(self._ids, self._digests, strict=True))
        then = {event.image_a: event.digest_a for event in events} | {event.image_b: event.digest_b for event in events}
        problems = [
            f"image {image}: " + ("its bytes have changed" if image in now else "not a training image")
            for image, digest in sorted(then.items())
            if now.get(image) != digest
        ]
        if problems:
            title = f"{len(problems)} images that run {self._run!r} has answers about are not what they were"
            advice = "Restore the images, or start another run (--params=run=NAME)."
            raise ResumeError(format_problems(title, problems, advice))


class AnswersChangedError(Exception):
    """The answers in the store are no longer those that the query loop has taken: it has to begin again."""


@dataclass(frozen=True)
class Progress:
    """How far people are with a round.

    Attributes
    ----------
    votes : RoundVotes
        Answers that are given and missing.
    names : tuple of str
        The annotators of the last answers, the last one first.
    seconds : float
        Median of the seconds an answer took; 0 where there is none.
    paused : bool
        Whether the run waits for a decision, and asks nothing.
    """

    votes: RoundVotes
    names: tuple[str, ...]
    seconds: float
    paused: bool = False


class PeopleRecord(RoundRecord):
    """The record of a round that people answer: the page writes to the store, this reads.

    Answers given in earlier runs are found when a pair is asked for the first time, see
    :func:`~whosame.annotation.store.reuse.find_earlier`.

    Raises
    ------
    AnswersChangedError
        By :meth:`find`, :meth:`take_new` and :meth:`check`: an answer that was taken is undone or settled otherwise, or
        a question of an earlier turn was answered after the turn.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        self._taken: dict[Key, Decision] = {}
        self._asked: set[Key] = set()  # in this turn
        self._asked_before: set[Key] = set()  # in the turns before
        super().__init__(*args, **options)

    def find(self, questions: Sequence[Question]) -> list[Answer]:
        """Begin a turn; return the answers that its questions have already, in this run or in earlier ones."""
        free, rest = self._without_copies(questions)
        self._asked_before |= self._asked
        self._asked = {self.key(question) for question in rest}
        new = [question for question in rest if question.attempt == 1 and self.key(question) not in self._decided]
        find_earlier(self._store, self._run_uid, self._run, self._round, map(self._pair, new))
        return free + self.take_new(rest, "memory")

    def take_new(self, questions: Sequence[Question], source: Source = "human") -> list[Answer]:
        """Return the answers to these questions that have arrived since the last call, in the order they arrived."""
        self._read()
        if any(self._decided.get(key) != decision for key, decision in self._taken.items()):
            raise AnswersChangedError
        if any(key in self._decided and key not in self._taken for key in self._asked_before):
            raise AnswersChangedError
        asked = {self.key(question): question for question in questions}
        new = {key: decision for key, decision in self._decided.items() if key in asked and key not in self._taken}
        self._taken |= new
        return [_answer(asked[key], decision, source) for key, decision in new.items()]

    def check(self) -> None:
        """Check, when nothing more is asked, that the answers in the store are those that were taken."""
        self._asked_before |= self._asked
        self.take_new([])

    def commit(self, answers: Sequence[Answer]) -> None:
        """Do nothing: people's answers are in the store before they are taken."""

    def progress(self) -> Progress:
        """Return how far people are."""
        given = [event for event in self._events if event.round == self._round and event.found_in is None]
        names = dict.fromkeys(event.annotator for event in reversed(given[-RECENT:]))
        with self._store.reading() as connection:
            votes = round_votes(connection, self._run_uid, self._round)
        return Progress(votes, tuple(names), statistics.median(event.seconds for event in given) if given else 0.0)

    def _pair(self, question: Question) -> Pair:
        a, b, _ = self.key(question)
        return Pair(a, b, self._digests[question.a], self._digests[question.b], question.kind)


def _answer(question: Question, decision: Decision, source: Source) -> Answer:
    free, given = decision.found_again, (decision.annotator, decision.seconds)
    return Answer(question, decision.verdict, source, *given, asked=0 if free else 1, found_again=free)

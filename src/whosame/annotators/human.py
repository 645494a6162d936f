"""People as the annotator: their questions are written to the label store, their answers are read as they arrive."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from whosame.annotation.queue.tasks import PairTask, TaskQueue
from whosame.annotators.base import Settled
from whosame.annotators.guard import Guard
from whosame.annotators.query_loop import QueryResult, run_queries
from whosame.annotators.record import AnswersChangedError, PeopleRecord, Progress
from whosame.memory import LabelMemory
from whosame.questions import Answer, Question
from whosame.strategies.base import Session

POLL_SECONDS = 0.1  # between two looks at the store
HEARTBEAT_SECONDS = 2.0

Started = tuple[Session, Sequence[Question]]
Watch = Callable[[Progress], None]
Rows = tuple[int, ...]
FindExemplars = Callable[[Question], tuple[Rows, Rows]]  # rows of the training set, of each of the two images


def ask_people(
    begin: Callable[[], Started],
    record: Callable[[], PeopleRecord],
    queue: TaskQueue,
    memory: LabelMemory,
    *,
    budget: int,
    grace: float,
    last: bool = False,
    exemplars: FindExemplars | None = None,
    guard: Guard | None = None,
    watch: Watch | None = None,
    poll_seconds: float = POLL_SECONDS,
) -> tuple[Session, QueryResult]:
    """Ask people until the session has nothing more to ask or the budget is spent.

    A strategy cannot forget an answer. When a person undoes one, the query loop therefore begins again with a new
    session: it gets the answers in the store, in their order, and asks the pair again. The result of the round depends
    on these answers alone, not on those undone.

    Parameters
    ----------
    begin : callable
        Begins a session of the strategy on the round's state; returns it with its first batch.
    record : callable
        Opens the round's record.
    queue : TaskQueue
        The round's questions to people.
    memory : LabelMemory
        Answers known as the round begins; it is not changed.
    budget : int
        How many questions may be paid for.
    grace : float
        Seconds for which the last answers may still be undone, at least 0.
    last : bool
        Whether the run asks no more after this round.
    exemplars : callable, optional
        Finds other images to show beside the two of a question; see
        :class:`~whosame.annotators.exemplars.Exemplars`.
    guard : Guard, optional
        Evaluates the answers as they are given, and may pause the run.
    watch : callable, optional
        Called with how far people are, at every look at the store.
    poll_seconds : float
        Seconds between two looks at the store.

    Returns
    -------
    Session, QueryResult
        The session that took the answers in the store, and the result of the query loop.

    Raises
    ------
    StoppedError
        The guard has paused the run, and somebody has decided to stop.
    """
    queue.begin()
    if guard is not None:
        guard.begin()
    while True:
        session, first = begin()
        try:
            taken = record()
            people = HumanAnnotator(
                queue, taken, exemplars=exemplars, guard=guard, watch=watch, poll_seconds=poll_seconds
            )
            result = run_queries(session, first, people, memory, budget=budget, record=taken)
            people.end(grace)
        except AnswersChangedError:
            continue
        if last:
            queue.finish()
        return session, result


class HumanAnnotator:
    """Waits until people have answered.

    All questions are open at once, so an answer may arrive to a question that another answer has just settled: it
    counts. Questions that are settled and not answered are closed.

    Parameters
    ----------
    queue : TaskQueue
    record : PeopleRecord
        The query loop has to use the same one.
    exemplars, guard : optional
        As for :func:`ask_people`.
    watch : callable, optional
        Called with how far people are, at every look at the store.
    poll_seconds : float
        Seconds between two looks.
    """

    name = "human"

    def __init__(
        self,
        queue: TaskQueue,
        record: PeopleRecord,
        *,
        exemplars: FindExemplars | None = None,
        guard: Guard | None = None,
        watch: Watch | None = None,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._queue, self._record, self._exemplars, self._guard = queue, record, exemplars, guard
        self._watch, self._poll_seconds = watch, poll_seconds
        self._last_heartbeat = time.monotonic()
        self._progress = record.progress()

    def answer(self, questions: Sequence[Question], settled: Settled) -> Iterator[Answer]:
        """Yield the answers as they are decided; see :class:`~whosame.annotators.base.Annotator`.

        Raises
        ------
        AnswersChangedError
            An answer that was taken is undone.
        """
        waiting = [question for question in questions if not settled(question)]
        if not waiting:
            return
        self._queue.ask([self._task(question) for question in waiting])
        seen: tuple[int, int] | None = None
        while True:
            newest = self._queue.last_event_ids()
            if newest != seen:
                seen = newest
                for answer in self._record.take_new(waiting):
                    waiting.remove(answer.question)
                    yield answer
                if needless := [question for question in waiting if settled(question)]:
                    self._queue.close([self._record.key(question)[:2] for question in needless])
                    seen = None  # one may have been answered before it was closed: look once more
                    waiting = [question for question in waiting if question not in needless]
                    yield from self._record.take_new(needless)
                    continue
                self._look()
            if not waiting:
                return
            self._wait()

    def end(self, grace: float) -> None:
        """End the round's questions when nothing has arrived for ``grace`` seconds, in which people may undo answers.

        Raises
        ------
        AnswersChangedError
            The answers in the store are no longer those that were taken.
        """
        self._queue.ask([])
        seen = self._queue.last_event_ids()
        self._record.check()
        self._look()
        self._show()
        quiet_since = time.monotonic()
        while True:
            newest = self._queue.last_event_ids()
            if newest != seen:
                seen, quiet_since = newest, time.monotonic()
                self._record.check()
            quiet = time.monotonic() - quiet_since >= grace or not self._progress.votes.given
            if quiet and not self._paused:
                if self._queue.end(seen):
                    return
            else:
                self._wait()

    @property
    def _paused(self) -> bool:
        return self._guard is not None and self._guard.paused

    def _look(self) -> None:
        self._progress = self._record.progress()
        if self._guard is not None:
            self._guard.look()

    def _show(self) -> None:
        if self._watch is not None:
            self._watch(replace(self._progress, paused=self._paused))

    def _wait(self) -> None:
        if self._guard is not None:
            self._guard.wait()
        self._show()
        if time.monotonic() - self._last_heartbeat >= HEARTBEAT_SECONDS:
            self._queue.heartbeat()
            self._last_heartbeat = time.monotonic()
        time.sleep(self._poll_seconds)

    def _task(self, question: Question) -> PairTask:
        first, second = self._exemplars(question) if self._exemplars else ((), ())
        exemplars = self._record.image_ids(first), self._record.image_ids(second)
        key = self._record.key(question)[:2]
        return PairTask(*key, question.kind, question.attempt, exemplars, question.p_same)

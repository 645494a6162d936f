"""People as an annotator: questions are laid out in the label store, and answers are heard as they come."""

import time
from collections.abc import Callable, Iterator, Sequence

from whosame.annotation.queue.tasks import PairTask, TaskQueue
from whosame.annotators.base import Settled
from whosame.annotators.people_record import PeopleRecord, Progress
from whosame.questions import Answer, Question

PAUSE = 0.1  # s between two looks at the store
BREATH = 2.0  # s between two signs of life

Watch = Callable[[Progress], None]


class HumanAnnotator:
    """Waits until people have answered.

    All questions lie on the table at once, so an answer may come to a question that another answer has just settled:
    it was given, it counts. What is settled and not answered is taken off the table.

    Parameters
    ----------
    campaign : Campaign
        Where questions are put.
    record : PeopleRecord
        Where answers come in. The conversation's record has to be the same.
    watch : callable, optional
        Told how far people are, at every look at the store.
    pause : float
        Seconds between two looks.
    """

    name = "human"

    def __init__(
        self, campaign: TaskQueue, record: PeopleRecord, *, watch: Watch | None = None, pause: float = PAUSE
    ) -> None:
        self._campaign, self._record = campaign, record
        self._watch, self._pause = watch, pause
        self._breathed = time.monotonic()
        self._progress = record.progress()

    def answer(self, questions: Sequence[Question], settled: Settled) -> Iterator[Answer]:
        """Yield the answers as they are decided; see :class:`~whosame.annotators.base.Annotator`.

        Raises
        ------
        AnswersChangedError
            An answer that was heard is taken back.
        """
        waiting = [question for question in questions if not settled(question)]
        if not waiting:
            return
        self._campaign.ask([self._wanted(question) for question in waiting])
        seen: tuple[int, int] | None = None
        while True:
            mark = self._campaign.last_event_ids()
            if mark != seen:
                seen = mark
                for answer in self._record.look(waiting):
                    waiting.remove(answer.question)
                    yield answer
                if needless := [question for question in waiting if settled(question)]:
                    self._campaign.close([self._record.key(question)[:2] for question in needless])
                    seen = None  # one may have been answered before it was closed: look once more
                    waiting = [question for question in waiting if question not in needless]
                    yield from self._record.look(needless)
                    continue
                self._progress = self._record.progress()
            if not waiting:
                return
            self._wait()

    def end(self, grace: float) -> None:
        """End the round's questions when nothing has come for ``grace`` seconds: the last answers can be taken back.

        Raises
        ------
        AnswersChangedError
            The answers are other ones now than those that were heard.
        """
        self._campaign.ask([])
        mark = self._campaign.last_event_ids()
        self._record.check()
        self._progress = self._record.progress()
        quiet = time.monotonic()
        while True:
            new = self._campaign.last_event_ids()
            if new != mark:
                mark, quiet = new, time.monotonic()
                self._record.check()
            if time.monotonic() - quiet >= grace or not self._progress.answered:
                if self._campaign.end(mark):
                    return
            else:
                self._wait()

    def _wait(self) -> None:
        if self._watch is not None:
            self._watch(self._progress)
        if time.monotonic() - self._breathed >= BREATH:
            self._campaign.heartbeat()
            self._breathed = time.monotonic()
        time.sleep(self._pause)

    def _wanted(self, question: Question) -> PairTask:
        return PairTask(*self._record.key(question)[:2], question.kind, question.attempt)

"""What a conversation with people has heard, held against the store, where answers come and are taken back."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from whosame.annotation.queue.decisions import Decision, Key
from whosame.annotation.store.reuse import Pair, find_earlier
from whosame.annotators.record import RoundRecord, as_answer
from whosame.questions import Answer, Question, Source

RECENT = 20  # answers that tell who is answering now


class AnswersChangedError(Exception):
    """The answers that stand are not those that the conversation has heard: it has to begin again."""


@dataclass(frozen=True)
class Progress:
    """How far people are with a round.

    Attributes
    ----------
    answered : int
        Questions of the round that people have answered.
    names : tuple of str
        Who gave the last answers, the last one first.
    seconds : float
        Median of the seconds an answer took; 0 where there is none.
    """

    answered: int
    names: tuple[str, ...]
    seconds: float


class PeopleRecord(RoundRecord):
    """A round's record where people answer: they write to the store, this reads.

    Answers given in earlier runs are found when a pair is asked for the first time, see
    :func:`~whosame.annotation.store.reuse.find_earlier`.

    Raises
    ------
    AnswersChangedError
        By :meth:`find`, :meth:`look` and :meth:`check`: an answer that was heard has been taken back or settled
        otherwise, or a question of an earlier turn was answered after the turn.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        self._heard: dict[Key, Decision] = {}
        self._put: set[Key] = set()  # in this turn
        self._past: set[Key] = set()  # in the turns before
        super().__init__(*args, **options)

    def find(self, questions: Sequence[Question]) -> list[Answer]:
        """Begin a turn; return the answers that its questions have already, in this run or in earlier ones."""
        self._past |= self._put
        self._put = {self.key(question) for question in questions}
        fresh = [question for question in questions if question.attempt == 1 and self.key(question) not in self._given]
        find_earlier(self._store, self._run_uid, self._run, self._round, map(self._pair, fresh))
        return self.look(questions, "memory")

    def look(self, questions: Sequence[Question], source: Source = "human") -> list[Answer]:
        """Return the answers to these questions that have come since they were looked for last, in their order."""
        self._read()
        for which, decision in self._heard.items():
            if self._given.get(which) != decision:
                raise AnswersChangedError
        if any(which in self._given and which not in self._heard for which in self._past):
            raise AnswersChangedError
        wanted = {self.key(question): question for question in questions}
        new = {
            which: decision for which, decision in self._given.items() if which in wanted and which not in self._heard
        }
        self._heard |= new
        return [as_answer(wanted[which], decision, source) for which, decision in new.items()]

    def check(self) -> None:
        """Check, when nothing more is asked, that the answers in the store are those that were heard."""
        self._past |= self._put
        self.look([])

    def commit(self, answers: Sequence[Answer]) -> None:
        """Do nothing: what people say is in the store before it is heard."""

    def progress(self) -> Progress:
        """Return how far people are."""
        votes = [
            vote
            for decision in self._given.values()
            for vote in decision.votes
            if vote.round == self._round and vote.found_in is None
        ]
        names = dict.fromkeys(vote.annotator for vote in reversed(votes[-RECENT:]))
        answered = sum(not decision.found_again for decision in self._heard.values())
        return Progress(answered, tuple(names), statistics.median(vote.seconds for vote in votes) if votes else 0.0)

    def _pair(self, question: Question) -> Pair:
        a, b, _ = self.key(question)
        return Pair(a, b, self._digests[question.a], self._digests[question.b], question.kind)

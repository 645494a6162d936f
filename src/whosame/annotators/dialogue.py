"""A round's questions, put and answered: what is asked, what is free, and what was known already."""

from collections.abc import Sequence
from dataclasses import dataclass

from whosame.annotators.base import Annotator, Record
from whosame.memory import LabelMemory
from whosame.strategies.base import Answer, Question, Session

PATIENCE = 100  # batches in a row without any answer, until a session is taken to ask the same for ever

Pair = tuple[int, int]


@dataclass(frozen=True)
class Conversation:
    """What a round learnt from its annotator.

    Attributes
    ----------
    answers : list of Answer
        All that the session was told, in its order: paid answers (source ``human`` or ``oracle``, or ``memory`` where
        found in the store) and free ones (source ``closure``).
    memory : LabelMemory
        The memory given, with the paid answers added in the order in which they were given.
    asked : int
        Questions charged to the budget. Answers found in the store are among them: they were charged when they
        were given, so that an interrupted round spends what an undisturbed one does.
    found : int
        How many of ``asked`` were found in the store.
    free : int
        Questions whose answer followed from others.
    repeated : int
        Questions that had been answered before, and were neither asked again nor told again.
    conflicts : int
        Paid answers that contradicted earlier ones: kept in the memory's conflicts, the earlier ones stand.
    """

    answers: list[Answer]
    memory: LabelMemory
    asked: int
    found: int
    free: int
    repeated: int
    conflicts: int


def converse(
    session: Session,
    first: Sequence[Question],
    annotator: Annotator,
    memory: LabelMemory,
    *,
    budget: int,
    record: Record,
) -> Conversation:
    """Ask until the session has nothing more to ask or the budget is spent.

    Every paid answer is committed to ``record`` before the memory, and so anything computed, sees it. Started again
    after a crash with the same session and memory, it finds the answers given until then, in the order in which they
    were given, and goes on from there: none is lost or asked again. With an annotator that answers in the order of
    the questions, as the oracles do, the conversation then ends exactly as if it had never stopped.

    Parameters
    ----------
    session : Session
        Of a strategy; it has asked ``first`` already.
    first : sequence of Question
        The session's first batch.
    annotator : Annotator
        Who answers.
    memory : LabelMemory
        What is known as the round begins; it is not changed.
    budget : int
        How many questions may be paid for, at least 0.
    record : Record
        Where answers are kept and found again.

    Raises
    ------
    RuntimeError
        The annotator answered what it was not asked, or the session asks what it was told again and again.
    """
    talk = _Talk(annotator, memory.copy(), budget, record)
    answers: list[Answer] = []
    batch, fruitless = first, 0
    while batch:
        heard = talk.through(batch)
        session.tell(heard)
        answers += heard
        if talk.asked >= budget:
            break
        fruitless = 0 if heard else fruitless + 1
        if fruitless == PATIENCE:
            raise RuntimeError(f"{type(session).__name__} asked {PATIENCE} batches of pairs that were all settled")
        batch = session.ask()
    return Conversation(
        answers=answers,
        memory=talk.memory,
        asked=talk.asked,
        found=talk.found,
        free=sum(answer.source == "closure" for answer in answers),
        repeated=talk.repeated,
        conflicts=len(talk.memory.conflicts) - len(memory.conflicts),
    )


class _Talk:
    """The state of a conversation between two batches."""

    def __init__(self, annotator: Annotator, memory: LabelMemory, budget: int, record: Record) -> None:
        self.annotator, self.memory, self.budget, self.record = annotator, memory, budget, record
        self.asked = self.found = self.repeated = 0
        self._answered: set[Pair] = {(a, b) for a, b, _ in memory.log}

    def through(self, batch: Sequence[Question]) -> list[Answer]:
        """Return the answers to a batch, in its order: found, asked, and free ones."""
        questions = self._new(batch)
        heard: dict[Pair, Answer] = {}
        # What was open when the batch began is what may have been asked before a crash.
        for answer in self.record.find([question for question in questions if not self._settled(question)]):
            if self.asked < self.budget:
                self._hear(answer, heard)
                self.found += 1
        self._ask(questions, heard)
        for question in questions:
            known = self.memory.implied(question.a, question.b)
            if _pair(question) not in heard and known is not None:
                heard[_pair(question)] = Answer(question, "same" if known else "different", "closure", "closure")
        self._answered.update(heard)
        return [heard[_pair(question)] for question in questions if _pair(question) in heard]

    def _new(self, batch: Sequence[Question]) -> list[Question]:
        """Return the batch without what was answered before or stands in it twice."""
        questions = {_pair(question): question for question in reversed(batch) if _pair(question) not in self._answered}
        self.repeated += len(batch) - len(questions)
        return list(reversed(questions.values()))

    def _ask(self, questions: list[Question], heard: dict[Pair, Answer]) -> None:
        waiting = [question for question in questions if _pair(question) not in heard]
        while self.asked < self.budget and (
            waiting := [question for question in waiting if not self._settled(question)]
        ):
            # No more than can be paid for; what is settled meanwhile costs nothing, so there may be another turn.
            left = self.budget - self.asked
            put, waiting = waiting[:left], waiting[left:]
            open_pairs = {_pair(question) for question in put}
            for answer in self.annotator.answer(put, self._settled):
                if _pair(answer.question) not in open_pairs:
                    raise RuntimeError(f"{self.annotator.name} answered {answer.question}, which it was not asked")
                open_pairs.remove(_pair(answer.question))
                self.record.commit([answer])  # before anything is computed from it
                self._hear(answer, heard)

    def _hear(self, answer: Answer, heard: dict[Pair, Answer]) -> None:
        a, b = heard_pair = _pair(answer.question)
        if answer.verdict == "unsure":
            self.memory.skip(a, b)
        else:
            self.memory.add(a, b, answer.verdict == "same")
        heard[heard_pair] = answer
        self.asked += 1

    def _settled(self, question: Question) -> bool:
        return self.memory.settled(question.a, question.b)


def _pair(question: Question) -> Pair:
    return question.a, question.b

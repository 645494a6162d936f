"""The query loop: a round's questions go to the annotator, until the strategy has no more or the budget is spent."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from whosame.annotation.queue.voting import majority, majority_or_first
from whosame.annotators.base import Annotator, Record
from whosame.memory import LabelMemory
from whosame.questions import Answer, Question, Verdict
from whosame.strategies.base import ReaskingSession, Session

MAX_FRUITLESS = 100  # batches in a row without any answer, after which a session is taken to repeat itself for ever

Pair = tuple[int, int]


@dataclass(frozen=True)
class QueryResult:
    """The result of a round's questions.

    Attributes
    ----------
    answers : list of Answer
        All answers that the session received, in its order: paid ones (source ``human`` or ``oracle``, or ``memory``
        where found in the store) and free ones (source ``closure``).
    memory : LabelMemory
        The memory given, with the paid answers added in the order in which they were given.
    asked : int
        Questions charged to the budget, each attempt counted. Answers found in the store are among them: they were
        charged when they were given, so that an interrupted round spends as much as an undisturbed one.
    found : int
        How many of ``asked`` were found in the store.
    found_again : int
        Pairs that people had answered in earlier runs: not among ``asked``, they cost nothing.
    free : int
        Questions whose answer followed from others, or from the bytes of the two files.
    repeated : int
        Questions that had been answered before: neither asked again nor given to the session again.
    conflicts : int
        Paid answers that contradicted earlier ones: kept in the memory's conflicts, the earlier ones stay valid.
    reasked : int
        How many of ``asked`` asked a pair again.
    overturned : int
        Questions whose first answer differs from the accepted one.
    """

    answers: list[Answer]
    memory: LabelMemory
    asked: int = 0
    found: int = 0
    found_again: int = 0
    free: int = 0
    repeated: int = 0
    conflicts: int = 0
    reasked: int = 0
    overturned: int = 0


def run_queries(
    session: Session,
    first: Sequence[Question],
    annotator: Annotator,
    memory: LabelMemory,
    *,
    budget: int,
    record: Record,
) -> QueryResult:
    """Ask until the session has nothing more to ask or the budget is spent.

    Every paid answer is committed to ``record`` before it enters the memory or any computation. Started again after a
    crash with the same session and memory, the loop finds the answers given until then, in the order in which they
    were given, and goes on from there: none is lost or asked again. With an annotator that answers in the order of
    the questions, as the oracles do, the loop then ends exactly as if it had never stopped.

    A first answer that the session doubts (:class:`ReaskingSession`) is kept but not accepted: it does not enter the
    memory, and nothing follows from it. When the annotator has answered the batch, the pair is asked again, and a
    third time where two answers differ. The verdict of two attempts is accepted; three that all differ are "unsure". A
    pair that accepted answers imply by then is not asked again, and gets the implied verdict. Where the budget ends
    before a decision, or the annotator answers no more, the first answer is accepted.

    Parameters
    ----------
    session : Session
        Of a strategy; it has returned ``first`` already.
    first : sequence of Question
        The session's first batch.
    annotator : Annotator
        Who answers.
    memory : LabelMemory
        Answers known as the round begins; it is not changed.
    budget : int
        How many questions may be paid for, at least 0.
    record : Record
        Where answers are kept and found again.

    Raises
    ------
    RuntimeError
        The annotator answered a question that it was not asked, or the session asks settled pairs for ever.
    """
    should_reask = session.should_reask if isinstance(session, ReaskingSession) else _never
    loop = _QueryLoop(annotator, memory.copy(), budget, record, should_reask)
    answers: list[Answer] = []
    batch, fruitless = first, 0
    while batch:
        answered = loop.ask_batch(batch)
        session.tell(answered)
        answers += answered
        if loop.asked >= budget:
            break
        fruitless = 0 if answered else fruitless + 1
        if fruitless == MAX_FRUITLESS:
            raise RuntimeError(f"{type(session).__name__} asked {fruitless} batches of pairs that were all settled")
        batch = session.ask()
    return QueryResult(
        answers=answers,
        memory=loop.memory,
        asked=loop.asked,
        found=loop.found,
        found_again=sum(answer.found_again for answer in answers),
        free=sum(answer.source == "closure" for answer in answers),
        repeated=loop.repeated,
        conflicts=len(loop.memory.conflicts) - len(memory.conflicts),
        reasked=sum(answer.attempts - 1 for answer in answers),
        overturned=sum(answer.overturned for answer in answers),
    )


def _never(_: Answer) -> bool:
    return False


class _QueryLoop:
    """The state of the query loop between two batches."""

    def __init__(
        self,
        annotator: Annotator,
        memory: LabelMemory,
        budget: int,
        record: Record,
        should_reask: Callable[[Answer], bool],
    ) -> None:
        self.annotator, self.memory, self.budget, self.record = annotator, memory, budget, record
        self.should_reask = should_reask
        self.asked = self.found = self.repeated = 0
        self._answered: set[Pair] = {(a, b) for a, b, _ in memory.log}
        self._votes: dict[Pair, list[Answer]] = {}  # of this batch, doubted or not, in the order given
        self._accepted: dict[Pair, Answer] = {}  # of this batch

    def ask_batch(self, batch: Sequence[Question]) -> list[Answer]:
        """Return the answers to a batch, in its order: found, asked, and free ones."""
        questions = self._new(batch)
        self._votes, self._accepted = {}, {}
        self._ask(questions)
        for question in questions:
            implied = self._implied(question)
            if _pair(question) not in self._accepted and implied is not None:
                self._accepted[_pair(question)] = Answer(question, implied, "closure", "closure")
        self._answered.update(self._accepted)
        return [self._accepted[_pair(question)] for question in questions if _pair(question) in self._accepted]

    def _new(self, batch: Sequence[Question]) -> list[Question]:
        """Return the batch without pairs that were answered before or that occur twice."""
        questions = {_pair(question): question for question in reversed(batch) if _pair(question) not in self._answered}
        self.repeated += len(batch) - len(questions)
        return list(reversed(questions.values()))

    def _ask(self, waiting: list[Question]) -> None:
        """Ask questions, turn by turn; after each turn those whose answer was doubted, again."""
        while self.asked < self.budget and (
            waiting := [question for question in waiting if not self._settled(question)]
        ):
            # No more than can be paid for; what is settled meanwhile costs nothing, so there may be another turn.
            left = self.budget - self.asked
            turn, waiting = waiting[:left], waiting[left:]
            self._ask_turn(turn)
            doubted = [question for question in turn if len(self._undecided(question)) == question.attempt]
            self._ask([replace(question, attempt=question.attempt + 1) for question in doubted])
            for question in doubted:
                self._fall_back(question)

    def _ask_turn(self, turn: list[Question]) -> None:
        """Record each question's answer: found where it was given before a crash, which asked the same in this turn."""
        unanswered = {(_pair(question), question.attempt) for question in turn}
        for answer in self.record.find(turn):
            unanswered.remove((_pair(answer.question), answer.question.attempt))
            self.found += answer.asked
            self._record_answer(answer)
        rest = [question for question in turn if (_pair(question), question.attempt) in unanswered]
        for answer in self.annotator.answer(rest, self._settled):
            if (_pair(answer.question), answer.question.attempt) not in unanswered:
                raise RuntimeError(f"{self.annotator.name} answered {answer.question}, which it was not asked")
            unanswered.remove((_pair(answer.question), answer.question.attempt))
            self.record.commit([answer])  # before anything is computed from it
            self._record_answer(answer)

    def _record_answer(self, answer: Answer) -> None:
        """Count an answer, and accept the verdict that it decides; a doubted one does not enter the memory."""
        self.asked += answer.asked
        votes = self._votes.setdefault(_pair(answer.question), [])
        votes.append(answer)
        if len(votes) == 1 and (answer.source == "closure" or not self.should_reask(answer)):
            self._accept(votes, answer.verdict)
        elif (verdict := majority([vote.verdict for vote in votes])) is not None:
            self._accept(votes, verdict)

    def _undecided(self, question: Question) -> list[Answer]:
        """Return the answers to a pair that decide nothing yet; none where it has no answer, or is decided."""
        return [] if _pair(question) in self._accepted else self._votes.get(_pair(question), [])

    def _fall_back(self, question: Question) -> None:
        """Accept, for a pair that is still undecided, the verdict that others imply, else the first answer."""
        if votes := self._undecided(question):
            self._accept(votes, self._implied(question) or majority_or_first([vote.verdict for vote in votes]))

    def _accept(self, votes: Sequence[Answer], verdict: Verdict) -> None:
        """Add a verdict to the memory; the session gets it as the answer of the last who gave it."""
        a, b = pair = _pair(votes[0].question)
        if verdict == "unsure":
            self.memory.skip(a, b)
        else:
            self.memory.add(a, b, verdict == "same")
        self._accepted[pair] = replace(
            next((vote for vote in reversed(votes) if vote.verdict == verdict), votes[-1]),
            question=votes[0].question,
            verdict=verdict,
            seconds=sum(vote.seconds for vote in votes),
            asked=sum(vote.asked for vote in votes),
            overturned=verdict != votes[0].verdict,
            found_again=votes[0].found_again,
        )

    def _settled(self, question: Question) -> bool:
        return self.memory.settled(question.a, question.b)

    def _implied(self, question: Question) -> Verdict | None:
        implied = self.memory.implied(question.a, question.b)
        return None if implied is None else "same" if implied else "different"


def _pair(question: Question) -> Pair:
    return question.a, question.b

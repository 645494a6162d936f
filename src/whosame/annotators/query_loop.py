"""A round's questions, put and answered: what is asked, what is free, and what was known already."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from whosame.annotation.queue.attempts import majority, majority_or_first
from whosame.annotators.base import Annotator, Record
from whosame.memory import LabelMemory
from whosame.questions import Answer, Question, Verdict
from whosame.strategies.base import ReaskingSession, Session

PATIENCE = 100  # batches in a row without any answer, until a session is taken to ask the same for ever

Pair = tuple[int, int]


@dataclass(frozen=True)
class QueryResult:
    """What a round learnt from its annotator.

    Attributes
    ----------
    answers : list of Answer
        All that the session was told, in its order: paid answers (source ``human`` or ``oracle``, or ``memory`` where
        found in the store) and free ones (source ``closure``).
    memory : LabelMemory
        The memory given, with the paid answers added in the order in which they were given.
    asked : int
        Questions charged to the budget, every attempt one. Answers found in the store are among them: they were
        charged when they were given, so that an interrupted round spends what an undisturbed one does.
    found : int
        How many of ``asked`` were found in the store.
    found_again : int
        Pairs that people had answered in earlier runs: not among ``asked``, they cost nothing.
    free : int
        Questions whose answer followed from others.
    repeated : int
        Questions that had been answered before, and were neither asked again nor told again.
    conflicts : int
        Paid answers that contradicted earlier ones: kept in the memory's conflicts, the earlier ones stand.
    reasked : int
        How many of ``asked`` put a pair again.
    overturned : int
        Questions whose first answer was another than the one believed.
    """

    answers: list[Answer]
    memory: LabelMemory
    asked: int
    found: int
    found_again: int
    free: int
    repeated: int
    conflicts: int
    reasked: int
    overturned: int


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

    Every paid answer is committed to ``record`` before the memory, and so anything computed, sees it. Started again
    after a crash with the same session and memory, it finds the answers given until then, in the order in which they
    were given, and goes on from there: none is lost or asked again. With an annotator that answers in the order of
    the questions, as the oracles do, the conversation then ends exactly as if it had never stopped.

    A first answer that the session doubts (:class:`ReaskingSession`) is kept but not believed: it is not in the
    memory, and nothing follows from it. When the annotator is through with what was put, the pair is put again, and a
    third time where two answers disagree. What two say is believed; three that all differ are "unsure". A pair that
    believed answers imply by then is not put again, and their verdict is its own. Where the budget ends before a
    decision, or nobody answers any more, the first answer is believed.

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
    doubts = session.should_reask if isinstance(session, ReaskingSession) else _believes_all
    talk = _Talk(annotator, memory.copy(), budget, record, doubts)
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
    return QueryResult(
        answers=answers,
        memory=talk.memory,
        asked=talk.asked,
        found=talk.found,
        found_again=sum(answer.found_again for answer in answers),
        free=sum(answer.source == "closure" for answer in answers),
        repeated=talk.repeated,
        conflicts=len(talk.memory.conflicts) - len(memory.conflicts),
        reasked=sum(answer.attempts - 1 for answer in answers),
        overturned=sum(answer.overturned for answer in answers),
    )


def _believes_all(_: Answer) -> bool:
    return False


class _Talk:
    """The state of a conversation between two batches."""

    def __init__(
        self, annotator: Annotator, memory: LabelMemory, budget: int, record: Record, doubts: Callable[[Answer], bool]
    ) -> None:
        self.annotator, self.memory, self.budget, self.record, self.doubts = (
            annotator,
            memory,
            budget,
            record,
            doubts,
        )
        self.asked = self.found = self.repeated = 0
        self._answered: set[Pair] = {(a, b) for a, b, _ in memory.log}
        self._votes: dict[Pair, list[Answer]] = {}  # of this batch, doubted or not, in the order given
        self._heard: dict[Pair, Answer] = {}  # of this batch: what is believed

    def through(self, batch: Sequence[Question]) -> list[Answer]:
        """Return the answers to a batch, in its order: found, asked, and free ones."""
        questions = self._new(batch)
        self._votes, self._heard = {}, {}
        self._ask(questions)
        heard = self._heard
        for question in questions:
            known = self._implied(question)
            if _pair(question) not in heard and known is not None:
                heard[_pair(question)] = Answer(question, known, "closure", "closure")
        self._answered.update(heard)
        return [heard[_pair(question)] for question in questions if _pair(question) in heard]

    def _new(self, batch: Sequence[Question]) -> list[Question]:
        """Return the batch without what was answered before or stands in it twice."""
        questions = {_pair(question): question for question in reversed(batch) if _pair(question) not in self._answered}
        self.repeated += len(batch) - len(questions)
        return list(reversed(questions.values()))

    def _ask(self, waiting: list[Question]) -> None:
        """Put questions, turn by turn; after each turn what was doubted in it, again."""
        while self.asked < self.budget and (
            waiting := [question for question in waiting if not self._settled(question)]
        ):
            # No more than can be paid for; what is settled meanwhile costs nothing, so there may be another turn.
            left = self.budget - self.asked
            put, waiting = waiting[:left], waiting[left:]
            self._turn(put)
            doubted = [question for question in put if len(self._doubted(question)) == question.attempt]
            self._ask([replace(question, attempt=question.attempt + 1) for question in doubted])
            for question in doubted:
                self._give_up(question)

    def _turn(self, put: list[Question]) -> None:
        """Hear each question's answer: found where it was given before a crash, which asked the same in this turn."""
        open_questions = {(_pair(question), question.attempt) for question in put}
        for answer in self.record.find(put):
            open_questions.remove((_pair(answer.question), answer.question.attempt))
            self.found += answer.asked
            self._hear(answer)
        rest = [question for question in put if (_pair(question), question.attempt) in open_questions]
        for answer in self.annotator.answer(rest, self._settled):
            if (_pair(answer.question), answer.question.attempt) not in open_questions:
                raise RuntimeError(f"{self.annotator.name} answered {answer.question}, which it was not asked")
            open_questions.remove((_pair(answer.question), answer.question.attempt))
            self.record.commit([answer])  # before anything is computed from it
            self._hear(answer)

    def _hear(self, answer: Answer) -> None:
        """Take an answer, and believe it or what it decides; one that is doubted is kept apart from the memory."""
        self.asked += answer.asked
        votes = self._votes.setdefault(_pair(answer.question), [])
        votes.append(answer)
        if len(votes) == 1 and not self.doubts(answer):
            self._believe(votes, answer.verdict)
        elif (verdict := majority([vote.verdict for vote in votes])) is not None:
            self._believe(votes, verdict)

    def _doubted(self, question: Question) -> list[Answer]:
        """Return the answers to a pair that decide nothing yet; none where it was not answered, or is decided."""
        return [] if _pair(question) in self._heard else self._votes.get(_pair(question), [])

    def _give_up(self, question: Question) -> None:
        """Believe what can be had of a pair that is still undecided: what the others imply, else the first answer."""
        if votes := self._doubted(question):
            self._believe(votes, self._implied(question) or majority_or_first([vote.verdict for vote in votes]))

    def _believe(self, votes: Sequence[Answer], verdict: Verdict) -> None:
        """Put a verdict into the memory, and keep it to be told in the words of the last who gave it."""
        a, b = pair = _pair(votes[0].question)
        if verdict == "unsure":
            self.memory.skip(a, b)
        else:
            self.memory.add(a, b, verdict == "same")
        self._heard[pair] = replace(
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
        known = self.memory.implied(question.a, question.b)
        return None if known is None else "same" if known else "different"


def _pair(question: Question) -> Pair:
    return question.a, question.b

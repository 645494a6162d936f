"""A round played with a session, in which every rule of asking is checked."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from whosame.memory import LabelMemory
from whosame.questions import Answer, Question, Verdict
from whosame.strategies.base import ReaskingSession, RoundState, Session
from whosame.testing.checks import require
from whosame.testing.rounds import PEOPLE

Pair = tuple[int, int]
Annotator = Callable[[Question], Verdict]


def _truth(question: Question) -> Verdict:
    return "same" if question.a % PEOPLE == question.b % PEOPLE else "different"


def _contrary(question: Question) -> Verdict:
    verdicts: tuple[Verdict, ...] = ("same", "different", "unsure")
    return verdicts[(7 * question.a + question.b) % 3]


ANNOTATORS: dict[str, Annotator] = {
    "the truth": _truth,
    "always different": lambda _: "different",
    "always same": lambda _: "same",
    "always unsure": lambda _: "unsure",
    "contradictions": _contrary,
}


@dataclass(frozen=True)
class PlayedRound:
    """The answers in their order, the memory with the paid ones, and the pairs of each batch."""

    answers: list[Answer]
    memory: LabelMemory
    batches: list[list[Pair]]

    @property
    def paid_pairs(self) -> set[Pair]:
        """The pairs that cost a question."""
        return {(answer.question.a, answer.question.b) for answer in self.answers if answer.source != "closure"}


def play(session: Session, state: RoundState, annotator: Annotator, *, found: int = 0) -> PlayedRound:
    """Play a round as the query loop does, and check the rules of asking on the way.

    A pair that the answers of its own batch decide gets a free answer. One that the session doubts is asked again after
    the batch, while the budget lasts, and answered the same. The first ``found`` answers come from the label store, as
    in a round that was interrupted after them.

    Raises
    ------
    AssertionError
        The session broke a rule.
    """
    memory, paid, answers = state.memory.copy(), 0, list[Answer]()
    batches: list[list[Pair]] = []
    while questions := list(session.ask()):
        _check_batch(questions, state, memory, batches, left=state.budget - paid)
        batches.append([(question.a, question.b) for question in questions])
        told: list[Answer] = []
        for question in questions:
            known = memory.implied(question.a, question.b)
            if known is not None:
                told.append(Answer(question, "same" if known else "different", source="closure"))
                continue
            answer = Answer(question, annotator(question), "memory" if paid < found else "oracle")
            if answer.verdict == "unsure":
                memory.skip(question.a, question.b)
            else:
                memory.add(question.a, question.b, answer.verdict == "same")
            told.append(answer)
            paid += 1
        if isinstance(session, ReaskingSession):
            for at, answer in enumerate(told):
                if answer.source != "closure" and session.should_reask(answer) and paid < state.budget:
                    paid += 1
                    told[at] = dataclasses.replace(answer, asked=2)
        session.tell(told)
        answers += told
    require(not list(session.ask()), "ask() returned questions after it had returned none: a finished session stays so")
    return PlayedRound(answers, memory, batches)


def _check_batch(
    questions: list[Question], state: RoundState, memory: LabelMemory, before: list[list[Pair]], *, left: int
) -> None:
    require(
        len(questions) <= left,
        f"ask() returned {len(questions)} questions with {left} left of a budget of {state.budget}: people would "
        "answer more than was paid for. SessionBudget.remaining counts",
    )
    asked = {pair for batch in before for pair in batch}
    for question in questions:
        require(isinstance(question, Question), f"ask() returned {question!r}: it returns Question objects")
        pair = (question.a, question.b)
        require(question.b < len(state.labels), f"it asks about {pair}, but there are {len(state.labels)} images")
        require(
            not memory.settled(*pair),
            f"it asks about {pair}, which earlier answers decide: the question is wasted. SessionBudget.is_open tells",
        )
        require(pair not in asked, f"it asks about {pair} twice in a round. SessionBudget.is_open tells")
        asked.add(pair)

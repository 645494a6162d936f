"""Checks of annotators: one answer to every open question, whatever the order."""

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from whosame.annotators.base import Annotator
from whosame.questions import Answer, Kind, Question
from whosame.testing.checks import require, run_checks

IDENTITIES = np.array([1, 1, 2, 2, 3, 3, 4, 4, -1, -1, 0, 0])  # four people, two junk boxes, two distractors
_KINDS: tuple[Kind, ...] = ("within", "between", "pool")
QUESTIONS = [
    Question(a, b, kind)
    for (a, b), kind in zip(itertools.combinations(range(len(IDENTITIES)), 2), itertools.cycle(_KINDS), strict=False)
]
AGAIN = [replace(question, attempt=2) for question in QUESTIONS]

Make = Callable[[NDArray[np.int64]], Annotator]


def check_annotator(make: Make, *, immediate: bool = True) -> None:
    """Check that an annotator keeps to what the query loop relies on.

    Parameters
    ----------
    make : callable
        Given the identities of the training images, int64 [N], returns a new annotator that answers by them. It may
        err, but always in the same way.
    immediate : bool
        Whether it answers one question after the other as soon as it is asked, as simulated annotators do. People
        answer several at once: an answer may come to a question that another one has settled.

    Raises
    ------
    AssertionError
        A check fails. The message names the check and what was broken.

    Examples
    --------
    >>> from whosame.annotators.oracle import Oracle
    >>> check_annotator(Oracle)
    """
    checks = {**ANNOTATOR_CHECKS, **IMMEDIATE_CHECKS} if immediate else ANNOTATOR_CHECKS
    run_checks(checks, make, make(IDENTITIES).name)


def _open(_: Question) -> bool:
    return False


def _answers(make: Make, questions: list[Question]) -> list[Answer]:
    return list(make(IDENTITIES).answer(questions, _open))


def _verdicts(answers: list[Answer]) -> dict[Question, str]:
    return {answer.question: answer.verdict for answer in answers}


def _check_complete(make: Make) -> None:
    name = make(IDENTITIES).name
    for questions in (QUESTIONS, AGAIN, []):
        answers = _answers(make, questions)
        answered = sorted((answer.question, answer.question.attempt) for answer in answers)
        require(
            answered == [(question, question.attempt) for question in questions],
            f"it answers {len(answers)} questions of {len(questions)}, or others than it was asked: each open question "
            "is answered once, with its attempt",
        )
        for answer in answers:
            require(answer.verdict in ("same", "different", "unsure"), f"{answer} has an unknown verdict")
            require(answer.source in ("human", "oracle"), f"{answer}: the source is 'human' or 'oracle'")
            require(answer.source == "human" or answer.annotator == name, f"{answer} does not name {name!r}")
            require(answer.seconds >= 0, f"{answer} took less than no time")


def _check_repeatable(make: Make) -> None:
    first, second = (_verdicts(_answers(make, QUESTIONS)) for _ in range(2))
    require(first == second, "another annotator of the same kind answers otherwise: runs could not be repeated")


def _check_order(make: Make) -> None:
    together = _verdicts(_answers(make, QUESTIONS))
    require(together == _verdicts(_answers(make, QUESTIONS[::-1])), "its verdicts depend on the order of the questions")
    alone = {question: _answers(make, [question])[0].verdict for question in QUESTIONS}
    require(together == alone, "its verdicts depend on what else is asked: a resumed round would get other answers")


def _check_settled(make: Make) -> None:
    answers = make(IDENTITIES).answer(QUESTIONS, lambda question: (question.a + question.b) % 2 == 1)
    wrong = [answer.question for answer in answers if (answer.question.a + answer.question.b) % 2 == 1]
    require(not wrong, f"it answers {wrong[:1]}, which is settled: call settled() just before each question")


def _check_settled_meanwhile(make: Make) -> None:
    settled: set[Question] = set()
    answered = []
    for answer in make(IDENTITIES).answer(QUESTIONS, settled.__contains__):
        answered.append(answer.question)
        settled |= {question for question in QUESTIONS if question.a == answer.question.a}
    require(len(set(answered)) == len(answered), "it answers a question twice")
    require(settled == set(QUESTIONS), "it leaves out questions that are not settled")


def _check_same_annotator(make: Make) -> None:
    annotator = make(IDENTITIES)
    first, second = (list(annotator.answer([*QUESTIONS, *AGAIN], _open)) for _ in range(2))
    require(first == second, "asked again, it answers otherwise: a resumed round would get other answers")


def _check_one_by_one(make: Make) -> None:
    looked: list[Question] = []

    def look(question: Question) -> bool:
        looked.append(question)
        return False

    next(make(IDENTITIES).answer(QUESTIONS, look))
    require(len(looked) == 1, "it looks at the second question before its first answer was taken")
    settled: set[Question] = set()
    for answer in make(IDENTITIES).answer(QUESTIONS, settled.__contains__):
        require(answer.question not in settled, f"it answers {answer.question}, which an answer before it settled")
        settled |= {question for question in QUESTIONS if question.a == answer.question.a}


ANNOTATOR_CHECKS: dict[str, Callable[[Make], None]] = {
    "each open question is answered once": _check_complete,
    "annotators of one kind agree": _check_repeatable,
    "verdicts do not depend on order or company": _check_order,
    "settled questions are left out": _check_settled,
    "questions settled in the meantime are left out": _check_settled_meanwhile,
}
IMMEDIATE_CHECKS: dict[str, Callable[[Make], None]] = {
    "one annotator answers the same again": _check_same_annotator,
    "answers come one by one": _check_one_by_one,
}

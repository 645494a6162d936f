"""What every annotator keeps to. A new one joins by its name in the registry."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from whosame.annotators.registry import ANNOTATORS, AnnotatorConfig, make_annotator
from whosame.strategies.base import Question

CONFIG = AnnotatorConfig(noise_within=0.2, noise_between=0.2, noise_pool=0.2)
KINDS = itertools.cycle(("within", "between", "pool"))
QUESTIONS = [Question(a, b, next(KINDS)) for a, b in itertools.combinations(range(24), 2)]
IDENTITIES = np.concatenate([np.repeat(np.arange(1, 11), 2), [-1, -1, 0, 0]])


@pytest.fixture(params=sorted(ANNOTATORS))
def annotator(request):
    return make_annotator(request.param, CONFIG, identities=IDENTITIES, seed=3)


def never(_question):
    return False


def test_every_open_question_gets_one_answer_of_a_known_form(annotator):
    answers = list(annotator.answer(QUESTIONS, never))
    assert sorted(answer.question for answer in answers) == sorted(QUESTIONS)
    for answer in answers:
        assert answer.verdict in ("same", "different", "unsure")
        assert answer.source in ("human", "oracle")
        assert answer.annotator == annotator.name
        assert answer.seconds >= 0


def test_the_same_is_said_again_and_by_another_of_the_same_kind(annotator):
    again = make_annotator(annotator.name, CONFIG, identities=IDENTITIES, seed=3)
    first = list(annotator.answer(QUESTIONS, never))
    assert list(annotator.answer(QUESTIONS, never)) == first
    assert list(again.answer(QUESTIONS, never)) == first


def test_what_is_said_does_not_depend_on_order_or_company(annotator):
    together = {answer.question: answer.verdict for answer in annotator.answer(QUESTIONS, never)}
    backwards = {answer.question: answer.verdict for answer in annotator.answer(QUESTIONS[::-1], never)}
    alone = {question: next(annotator.answer([question], never)).verdict for question in QUESTIONS}
    assert together == backwards == alone


def test_a_pair_put_again_is_answered_as_that_attempt(annotator):
    put = [replace(question, attempt=2) for question in QUESTIONS]
    answers = list(annotator.answer(put, never))
    assert {answer.question.attempt for answer in answers} == {2}
    assert list(annotator.answer(put, never)) == answers


def test_settled_questions_are_left_out(annotator):
    even = [question for question in QUESTIONS if (question.a + question.b) % 2 == 0]
    answers = annotator.answer(QUESTIONS, lambda question: (question.a + question.b) % 2 == 1)
    assert sorted(answer.question for answer in answers) == sorted(even)


def test_what_an_answer_settles_is_not_asked_in_the_same_batch(annotator):
    settled = set()
    said = []
    for answer in annotator.answer(QUESTIONS, settled.__contains__):
        assert answer.question not in settled
        said.append(answer.question)
        settled |= {question for question in QUESTIONS if question.a == answer.question.a}
    assert len(said) == 23  # one for each first image


def test_nothing_is_asked_when_there_is_nothing_to_ask(annotator):
    assert list(annotator.answer([], never)) == []


def test_answers_come_one_by_one(annotator):
    looked = []

    def settled(question):
        looked.append(question)
        return False

    answers = annotator.answer(QUESTIONS, settled)
    next(answers)
    assert len(looked) == 1  # the second question is looked at when the first answer has been taken

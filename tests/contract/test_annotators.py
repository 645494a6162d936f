"""What every annotator keeps to. A simulated one joins by its name in the registry; people are one of them."""

import itertools
import threading
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest

from whosame.annotation.queue import submit
from whosame.annotation.queue.image_tokens import ImageRef
from whosame.annotation.queue.leases import claim
from whosame.annotation.queue.tasks import RunInfo, TaskQueue
from whosame.annotation.store.schema import images
from whosame.annotation.store.store import open_store
from whosame.annotators.human import HumanAnnotator
from whosame.annotators.people_record import PeopleRecord
from whosame.annotators.registry import ANNOTATORS, HUMAN, NAMES, AnnotatorConfig, make_annotator
from whosame.questions import Question

CONFIG = AnnotatorConfig(noise_within=0.2, noise_between=0.2, noise_pool=0.2)
KINDS = itertools.cycle(("within", "between", "pool"))
N = 12
QUESTIONS = [Question(a, b, next(KINDS)) for a, b in itertools.combinations(range(N), 2)]
IDENTITIES = np.array([1, 1, 2, 2, 3, 3, 4, 4, -1, -1, 0, 0])


class Alice(threading.Thread):
    """A person who answers whatever lies on the table of the newest run, as it lies there."""

    def __init__(self, store):
        super().__init__(daemon=True)
        self.store, self.runs, self.gone = store, [], threading.Event()
        self.start()

    def asked(self):
        """Return an annotator that asks her, in a run of its own."""
        uid = str(len(self.runs))
        images = {row: ImageRef(f"{row}.png", f"digest {row}") for row in range(N)}
        campaign = TaskQueue(self.store, RunInfo(uid, uid, "/images", 0, 1, 0, 99, 99), images)
        digests = [picture.digest for picture in images.values()]
        about = {"run_uid": uid, "run": uid, "round": 0, "image_ids": np.arange(N), "digests": digests}
        campaign.begin()
        self.runs.append(uid)
        return HumanAnnotator(campaign, PeopleRecord(self.store, **about), pause=0.01)

    def run(self):
        while not self.gone.wait(0.01):
            for held in claim(self.store, self.runs[-1], "alice", "hers", count=99) if self.runs else ():
                with self.store.reading() as connection:
                    a, b = connection.scalars(
                        images.select()
                        .with_only_columns(images.c.image)
                        .where(images.c.token.in_([held.left, held.right]))
                    )
                verdict = "same" if IDENTITIES[a] == IDENTITIES[b] else "different"
                with suppress(submit.RefusedError):  # taken off the table while she looked at it
                    submit.answer(self.store, held.token, "alice", "hers", verdict, 2.0)


def simulated(name):
    return make_annotator(name, CONFIG, identities=IDENTITIES, seed=3)


@pytest.fixture(params=NAMES)
def new(request, tmp_path):
    """Make an annotator that nobody has asked yet, one of a kind."""
    if request.param != HUMAN:
        yield lambda: simulated(request.param)
        return
    with open_store(f"sqlite:///{tmp_path / 'labels.db'}") as store:
        alice = Alice(store)
        yield alice.asked
        alice.gone.set()
        alice.join()


def never(_question):
    return False


def test_every_open_question_gets_one_answer_of_a_known_form(new):
    annotator = new()
    answers = list(annotator.answer(QUESTIONS, never))
    assert sorted(answer.question for answer in answers) == sorted(QUESTIONS)
    for answer in answers:
        assert answer.verdict in ("same", "different", "unsure")
        assert answer.source == ("human" if annotator.name == HUMAN else "oracle")
        assert answer.annotator == ("alice" if annotator.name == HUMAN else annotator.name)
        assert answer.seconds >= 0


def test_another_of_the_same_kind_says_the_same(new):
    one, other = ([(said.question, said.verdict) for said in new().answer(QUESTIONS, never)] for _ in range(2))
    assert one == other


def test_what_is_said_does_not_depend_on_order_or_company(new):
    together = {answer.question: answer.verdict for answer in new().answer(QUESTIONS, never)}
    backwards = {answer.question: answer.verdict for answer in new().answer(QUESTIONS[::-1], never)}
    alone = {question: next(new().answer([question], never)).verdict for question in QUESTIONS}
    assert together == backwards == alone


def test_a_pair_put_again_is_answered_as_that_attempt(new):
    put = [replace(question, attempt=2) for question in QUESTIONS]
    answers = list(new().answer(put, never))
    assert sorted(answer.question for answer in answers) == sorted(put)


def test_settled_questions_are_left_out(new):
    even = [question for question in QUESTIONS if (question.a + question.b) % 2 == 0]
    answers = new().answer(QUESTIONS, lambda question: (question.a + question.b) % 2 == 1)
    assert sorted(answer.question for answer in answers) == sorted(even)


def test_nothing_is_asked_when_there_is_nothing_to_ask(new):
    assert list(new().answer([], never)) == []


def test_what_is_settled_meanwhile_is_left_out_unless_it_was_answered(new):
    settled = set()
    answered = []
    for answer in new().answer(QUESTIONS, settled.__contains__):
        answered.append(answer.question)
        settled |= {question for question in QUESTIONS if question.a == answer.question.a}
    assert len(set(answered)) == len(answered)
    assert settled == set(QUESTIONS)


@pytest.fixture(params=sorted(ANNOTATORS))
def oracle(request):
    """One that answers when asked: people answer what lies on the table, all at once."""
    return simulated(request.param)


def test_the_same_oracle_says_the_same_again(oracle):
    put = [*QUESTIONS, *(replace(question, attempt=2) for question in QUESTIONS)]
    said = list(oracle.answer(put, never))
    assert list(oracle.answer(put, never)) == list(simulated(oracle.name).answer(put, never)) == said


def test_what_an_answer_settles_an_oracle_is_not_asked_in_the_same_batch(oracle):
    settled = set()
    said = []
    for answer in oracle.answer(QUESTIONS, settled.__contains__):
        assert answer.question not in settled
        said.append(answer.question)
        settled |= {question for question in QUESTIONS if question.a == answer.question.a}
    assert len(said) == N - 1  # one for each first image


def test_an_oracles_answers_come_one_by_one(oracle):
    looked = []

    def settled(question):
        looked.append(question)
        return False

    answers = oracle.answer(QUESTIONS, settled)
    next(answers)
    assert len(looked) == 1  # the second question is looked at when the first answer has been taken

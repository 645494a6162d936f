"""People as an annotator: what is heard, what is taken off the table, what begins again, what earlier runs know."""

import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from whosame.annotation.queue.adjudicate import adjudicate
from whosame.annotation.queue.image_tokens import ImageRef
from whosame.annotation.queue.leases import claim
from whosame.annotation.queue.submit import RefusedError, answer, skip
from whosame.annotation.queue.tasks import RunInfo, TaskQueue
from whosame.annotation.queue.undo import last_answer, take_back
from whosame.annotation.store.schema import images, runs, tasks, undos
from whosame.annotation.store.store import open_store
from whosame.annotators.human import ask_people
from whosame.annotators.record import PeopleRecord
from whosame.configuration import Configuration
from whosame.memory import LabelMemory
from whosame.questions import Question

N = 30
IDS = np.arange(N) * 3 + 5  # image ids are not rows
WHO = np.repeat(np.arange(N // 3), 3)  # rows 0, 1, 2 are one person, 3, 4, 5 the next …
IMAGES = {int(image): ImageRef(f"{image}.png", f"digest {row}") for row, image in enumerate(IDS)}


class Script:
    """A session that asks given batches and doubts given pairs."""

    def __init__(self, batches, doubted=()):
        self.batches, self.doubted, self.told = [list(batch) for batch in batches], doubted, []

    def ask(self):
        return self.batches.pop(0) if self.batches else []

    def tell(self, answers):
        self.told.append(answers)

    def should_reask(self, answer):
        return (answer.question.a, answer.question.b) in self.doubted


def within(*pairs):
    return [Question(a, b, "within") for a, b in pairs]


def truth(a, b):
    return "same" if WHO[a] == WHO[b] else "different"


@pytest.fixture
def store(tmp_path):
    with open_store(f"sqlite:///{tmp_path / 'labels.db'}") as store:
        yield store


class Round:
    """A round that is asked in a thread of its own; this thread is the people."""

    def __init__(self, store, *batches, uid="uid", number=0, overlap=1, budget=20, grace=0.0, doubted=(), memory=None):
        self.store, self.uid, self.overlap, self.number = store, uid, overlap, number
        self.campaign = TaskQueue(store, RunInfo(uid, uid, "/images", number, 2, 0, 40, budget, overlap), IMAGES)
        self.begun = 0
        self.result = None
        self.error = None
        options = {"budget": budget, "grace": grace, "poll_seconds": 0.01, "last": number == 1}

        def begin():
            self.begun += 1
            session = Script(batches, doubted)
            return session, session.ask()

        def play():
            try:
                self.result = ask_people(begin, self.record, self.campaign, memory or LabelMemory(), **options)
            except BaseException as error:  # noqa: BLE001  shown by the test's own thread
                self.error = error

        self.thread = threading.Thread(target=play, daemon=True)
        self.thread.start()

    def record(self):
        about = {"run_uid": self.uid, "run": self.uid, "round": self.number, "overlap": self.overlap}
        return PeopleRecord(self.store, **about, image_ids=IDS, digests=[f"digest {row}" for row in range(N)])

    def rows(self, held):
        """Return which rows a pair shows."""
        with self.store.reading() as connection:
            shown = dict(connection.execute(images.select().with_only_columns(images.c.token, images.c.image)).all())
        first, second = sorted((shown[held.left], shown[held.right]))
        return (first - 5) // 3, (second - 5) // 3

    def hold(self, who, count=1):
        """Wait until there is a pair for somebody."""
        for _ in range(500):
            if held := claim(self.store, self.uid, who, f"{who}'s", count=count):
                return held
            assert self.thread.is_alive(), self.error or "the round is over"
            time.sleep(0.01)
        raise AssertionError(f"no pair for {who}")

    def say(self, who, held, verdict=None, **more):
        return answer(self.store, held.token, who, f"{who}'s", verdict or truth(*self.rows(held)), 2.0, **more)

    def next(self, who, verdict=None):
        """Answer the next pair; return its rows."""
        [held] = self.hold(who)
        rows = self.rows(held)
        self.say(who, held, verdict)
        return rows

    def heard(self, count):
        """Wait until the round has heard so many answers: their pairs are no more open."""
        for _ in range(500):
            if len(self.store.answers(self.uid)) >= count:
                time.sleep(0.1)
                return
            time.sleep(0.01)
        raise AssertionError("not heard")

    def done(self):
        self.thread.join(10)
        assert not self.thread.is_alive(), f"the round still waits, begun {self.begun} times, for {self.waits_for()}"
        if self.error:
            raise self.error
        return self.result[1]

    def waits_for(self):
        with self.store.reading() as connection:
            return "\n".join(str(row) for row in connection.execute(tasks.select().order_by(tasks.c.position)))

    def state(self):
        with self.store.reading() as connection:
            return connection.scalar(runs.select().with_only_columns(runs.c.state).where(runs.c.run_uid == self.uid))


def summary(said):
    return [(answer.question.a, answer.question.b, answer.verdict, answer.source) for answer in said.answers]


def test_answers_are_heard_and_written_once(store):
    played = Round(store, within((0, 1), (0, 3), (4, 9)), within((4, 5)))
    for _ in range(4):
        played.next("alice")
    said = played.done()
    assert summary(said) == [
        (0, 1, "same", "human"),
        (0, 3, "different", "human"),
        (4, 9, "different", "human"),
        (4, 5, "same", "human"),
    ]
    assert (said.asked, said.found, said.found_again) == (4, 0, 0)
    assert {(answer.annotator, answer.seconds > 0) for answer in said.answers} == {("alice", True)}
    assert len(store.answers("uid")) == 4
    assert played.begun == 1
    assert played.state() == "working"
    with pytest.raises(RefusedError, match="this round is over"):
        take_back(store, 4, "alice", "alice's")


def test_what_is_settled_is_taken_off_the_table_and_the_last_round_ends_the_run(store):
    played = Round(store, within((0, 1), (1, 2), (0, 2)), number=1)
    first, second, third = played.hold("alice", 3)
    played.say("alice", first)
    played.say("alice", second)
    said = played.done()
    assert (said.asked, said.free) == (2, 1)
    with pytest.raises(RefusedError, match="not needed now"):
        played.say("alice", third)
    assert played.state() == "over"


def test_an_answer_to_a_pair_that_was_just_settled_counts_and_is_no_contradiction_lost(store):
    played = Round(store, within((0, 1), (1, 2), (0, 2)), budget=3)
    held = played.hold("alice", 3)
    # In one breath: the loop sees all three at once.
    for one, verdict in zip(held, ("same", "same", "different"), strict=True):
        played.say("alice", one, verdict)
    said = played.done()
    if said.asked == 3:  # seen at once
        assert said.conflicts == 1
        assert said.memory.conflicts == [(0, 2, False)]
    else:  # the loop was between two of them
        assert (said.asked, said.free) == (2, 1)


def test_no_more_is_put_than_can_be_paid_for(store):
    played = Round(store, within((0, 1), (3, 4), (6, 7)), budget=2)
    assert len(played.hold("alice", 5)) == 2
    played.next("alice")
    played.next("alice")
    assert played.done().asked == 2


def test_after_a_crash_what_was_answered_meanwhile_is_found(store):
    batches = within((0, 1), (0, 3), (4, 9)), within((4, 5))
    first = Round(store, *batches)
    first.next("alice")
    first.heard(1)
    [held] = first.hold("alice")
    # The loop is gone: its thread never hears of this store again.
    first.campaign.last_event_ids = _gone
    first.thread.join(5)
    assert isinstance(first.error, GoneError)
    first.say("alice", held)
    second = Round(store, *batches)
    second.next("alice")
    second.next("alice")
    said = second.done()
    assert [source for *_, source in summary(said)][:2] == ["memory", "memory"]
    assert said.asked == 4
    assert said.found >= 2  # or 3: what is on the table can be answered while the loop starts
    assert len(store.answers("uid")) == 4


class GoneError(Exception):
    pass


def _gone():
    raise GoneError


def test_an_answer_taken_back_is_unheard_and_the_pair_asked_again(store):
    played = Round(store, within((0, 1), (1, 3)), within((0, 3), (6, 7)), doubted=())
    [held] = played.hold("alice")
    slip = played.say("alice", held, "different")
    played.heard(1)
    again = take_back(store, slip.event, "alice", "alice's")
    played.say("alice", again, "same")
    played.next("alice")  # 1, 3; 0, 3 follows from it now
    played.next("alice")  # 6, 7
    said = played.done()
    assert played.begun == 2
    assert said.memory.log == [(0, 1, "same"), (1, 3, "different"), (6, 7, "same")]
    assert (said.asked, said.free, said.conflicts) == (3, 1, 0)


def test_the_last_answer_can_be_taken_back_for_a_while(store):
    played = Round(store, within((0, 1)), grace=0.5)
    [held] = played.hold("alice")
    slip = played.say("alice", held, "unsure")
    played.heard(1)
    time.sleep(0.2)
    assert last_answer(store, "uid", "alice", "alice's") == slip.event
    began = time.monotonic()
    played.say("alice", take_back(store, slip.event, "alice", "alice's"), "same")
    assert [verdict for *_, verdict, _ in summary(played.done())] == ["same"]
    assert time.monotonic() - began >= 0.5
    assert played.begun == 2


def test_an_answer_given_again_to_a_question_of_an_earlier_turn_is_not_lost(store):
    """Taken back before it was heard, in a turn that then ended without it, and answered later."""
    played = Round(store, within((0, 1), (1, 2), (0, 2)), within((6, 7), (9, 10)), overlap=2)
    alice, bob = played.hold("alice", 3), played.hold("bob", 3)
    third = played.say("alice", alice[2], "different")  # one of two votes: not heard
    for who, held in (("alice", alice), ("bob", bob)):
        for one in held[:2]:
            played.say(who, one, "same")
    for _ in range(500):
        if played.rows(claim(store, "uid", "bob", "bob's")[0] if claim(store, "uid", "bob", "bob's") else bob[0]) == (
            6,
            7,
        ):
            break
        time.sleep(0.01)
    back = take_back(store, third.event, "alice", "alice's")  # opens the pair again
    played.say("alice", back, "different")
    for _ in range(2):
        played.next("alice")
        played.next("bob")
    said = played.done()
    assert said.conflicts == 0  # one vote decides nothing
    assert len(said.answers) == 5


def test_what_is_doubted_is_put_to_people_anew(store):
    played = Round(store, within((0, 1)), doubted=[(0, 1)])
    said = [played.next("alice", verdict) for verdict in ("different", "same", "same")]
    assert said == [(0, 1)] * 3
    [told] = played.done().answers
    assert (told.verdict, told.asked, told.overturned) == ("same", 3, True)
    assert [event.attempt for event in store.answers("uid")] == [1, 2, 3]


def test_several_people_make_one_decision_in_the_order_decided(store):
    batches = [within((0, 1), (3, 4), (6, 7))]
    played = Round(store, *batches, overlap=2)
    alice, bob = played.hold("alice", 3), played.hold("bob", 3)
    played.say("alice", alice[0])
    played.say("alice", alice[1])
    played.say("bob", bob[1])
    played.say("alice", alice[2], "different")
    played.say("bob", bob[2])
    played.say("bob", bob[0])
    [carol] = played.hold("carol")
    played.say("carol", carol)
    said = played.done()
    assert said.memory.log == [(3, 4, "same"), (0, 1, "same"), (6, 7, "same")]
    assert [answer.annotator for answer in said.answers] == ["alice, bob", "alice, bob", "alice, bob, carol"]
    assert said.asked == 3
    again = Round(store, *batches, overlap=2).done()
    assert again.memory.log == said.memory.log
    assert (again.asked, again.found) == (3, 3)


def test_a_coordinator_decides_a_pair_alone(store):
    played = Round(store, within((0, 1)), overlap=3)
    [held] = played.hold("alice")
    played.say("alice", held, "different")
    adjudicate(store, "uid", held.task, "chief", "same")
    assert [verdict for *_, verdict, _ in summary(played.done())] == ["same"]


class TestFoundAgain:
    """Answers of earlier runs to pairs of the same pictures."""

    def earlier(self, store, *verdicts, uid="earlier", **more):
        played = Round(store, within((0, 1), (3, 9)), uid=uid, **more)
        for who, verdict in enumerate(verdicts):
            played.next(f"person {who}", verdict)
            played.next(f"person {who}")
        return played.done()

    def test_they_are_heard_without_asking_and_cost_nothing(self, store):
        self.earlier(store, "unsure")
        played = Round(store, within((0, 1), (3, 9), (6, 7)), budget=1)
        assert played.next("bob") == (6, 7)
        said = played.done()
        assert summary(said) == [
            (0, 1, "unsure", "memory"),
            (3, 9, "different", "memory"),
            (6, 7, "same", "human"),
        ]
        assert (said.asked, said.found, said.found_again, said.reasked) == (1, 0, 2, 0)
        assert [(answer.asked, answer.seconds > 0) for answer in said.answers] == [(0, False), (0, False), (1, True)]
        pinned = [event.found_in for event in store.answers("uid")]
        assert pinned == [1, 2, None]

    def test_a_third_run_finds_the_answer_itself_and_not_its_copy(self, store):
        self.earlier(store, None)
        Round(store, within((0, 1)), uid="second").done()
        Round(store, within((0, 1))).done()
        assert [event.found_in for event in store.answers("uid")] == [1]

    def test_they_stay_when_the_other_run_changes(self, store):
        first = Round(store, within((0, 1), (3, 4)), uid="earlier")
        [held] = first.hold("alice")
        slip = first.say("alice", held, "different")
        assert Round(store, within((0, 1))).done().memory.log == [(0, 1, "different")]
        first.say("alice", take_back(store, slip.event, "alice", "alice's"), "same")
        first.next("alice")
        first.done()
        assert Round(store, within((0, 1))).done().memory.log == [(0, 1, "different")]
        assert Round(store, within((0, 1)), uid="third").done().memory.log == [(0, 1, "same")]

    def test_numbered_the_other_way_round(self, store):
        self.earlier(store, None)
        turned = Round.record

        class Turned(Round):
            def record(self):
                record = turned(self)
                record._digests = [f"digest {N - 1 - row}" for row in range(N)]
                record._check_images = lambda _: None  # that is its own test
                return record

        played = Turned(store, within((N - 2, N - 1), (N - 10, N - 4)))
        assert [verdict for *_, verdict, _ in summary(played.done())] == ["same", "different"]

    def test_where_more_people_are_wanted_they_are_votes(self, store):
        self.earlier(store, None)
        played = Round(store, within((0, 1)), overlap=2)
        [held] = played.hold("bob")
        assert claim(store, "uid", "carol", "carol's") == []  # one person is missing, not two
        assert claim(store, "uid", "person 0", "person 0's") == []  # who has answered it
        played.say("bob", held)
        said = played.done()
        assert [(answer.annotator, answer.asked) for answer in said.answers] == [("person 0, bob", 1)]
        assert (said.asked, said.found_again) == (1, 0)

    def test_two_who_agreed_are_enough_for_two(self, store):
        self.earlier(store, None, None, overlap=2)
        assert Round(store, within((0, 1)), overlap=2).done().found_again == 1

    def test_a_doubted_one_is_put_to_people(self, store):
        self.earlier(store, "different")
        played = Round(store, within((0, 1)), doubted=[(0, 1)])
        played.next("bob", "same")
        played.next("bob", "same")
        said = played.done()
        [told] = said.answers
        assert (told.verdict, told.asked, told.found_again, told.overturned) == ("same", 2, True, True)
        assert (said.asked, said.reasked, said.found_again) == (2, 2, 1)

    def test_an_oracles_answers_and_those_taken_back_are_not_found(self, store):
        self.earlier(store, None)
        [event, _] = store.answers("earlier")
        store.append([replace(event, run_uid="simulated", source="oracle", annotator="oracle", lease=None)])
        with store.writing() as connection:
            connection.execute(undos.insert().values(event_id=1, annotator="person 0", undone_at=""))
        played = Round(store, within((0, 1)))
        assert played.next("bob") == (0, 1)
        assert played.done().found_again == 0


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("overlap", [1, 2])
def test_whatever_people_do_the_round_ends_as_if_only_the_answers_that_stand_had_been_given(store, seed, overlap):
    """Random answers, skips, take-backs and crashes of the loop; then the answers are replayed."""
    rng = np.random.default_rng(seed)
    pairs = [tuple(sorted(rng.choice(N, 2, replace=False).tolist())) for _ in range(16)]
    batches = [within(*pairs[:8]), within(*pairs[8:12]), within(*pairs[12:])]
    doubted = [pair for pair in pairs if rng.random() < 0.2]
    options = {"overlap": overlap, "budget": 14, "grace": 0.15, "doubted": doubted}
    played = Round(store, *batches, **options)
    people = ["alice", "bob", "carol"]
    for step in range(1000):
        if not played.thread.is_alive() and played.error is None:
            break
        calm = step > 120  # in the end they only answer
        who = str(rng.choice(people))
        try:
            act = rng.random() * (0.6 if calm else 1.0)
            held = claim(store, "uid", who, f"{who}'s")
            if act < 0.6 and held:
                verdict = truth(*played.rows(held[0])) if rng.random() < 0.8 else str(rng.choice(["same", "unsure"]))
                played.say(who, held[0], verdict)
            elif 0.6 <= act < 0.7 and held:
                skip(store, held[0].token, who)
            elif 0.7 <= act < 0.78 and (event := last_answer(store, "uid", who, f"{who}'s")) is not None:
                take_back(store, event, who, f"{who}'s")
            elif act > 0.97:
                played.campaign.last_event_ids = _gone
                played.thread.join(10)
                if isinstance(played.error, GoneError):
                    played = Round(store, *batches, **options)
        except RefusedError:
            pass
        time.sleep(float(rng.choice([0, 0.005, 0.03])))
    said = played.done()
    replayed = Round(store, *batches, **{**options, "grace": 0.0}).done()
    assert replayed.memory.log == said.memory.log
    assert replayed.memory.conflicts == said.memory.conflicts
    assert [one[:3] for one in summary(replayed)] == [one[:3] for one in summary(said)]
    counts = ("asked", "free", "repeated", "conflicts", "reasked", "overturned")
    assert [getattr(replayed, name) for name in counts] == [getattr(said, name) for name in counts]
    assert replayed.found == replayed.asked <= 14


def test_how_people_are_reached_may_change_when_a_run_goes_on_and_how_many_they_are_may_not():
    assert Configuration(annotator="human").result_parameters()["annotator_options"]["overlap"] == 1
    for annotator in ("human", "oracle"):
        options = Configuration(annotator=annotator).result_parameters()["annotator_options"]
        assert not {"undo_seconds", "serve", "host", "port"} & set(options)
    assert "overlap" not in options

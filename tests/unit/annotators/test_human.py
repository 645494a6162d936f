"""People as the annotator: answers are taken as they arrive, undone ones begin the loop again, earlier runs are reused."""

import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from whosame.annotation.queue.adjudicate import adjudicate
from whosame.annotation.queue.image_tokens import ImageRef
from whosame.annotation.queue.submit import RefusedError
from whosame.annotation.queue.tasks import RunInfo, TaskQueue
from whosame.annotation.store.schema import images, runs, tasks, undos
from whosame.annotators.human import ask_people
from whosame.annotators.record import PeopleRecord
from whosame.configuration import Configuration
from whosame.memory import LabelMemory
from whosame.questions import Question

N = 30
IDS = np.arange(N) * 3 + 5  # image ids are not rows
PERSON = np.repeat(np.arange(N // 3), 3)  # rows 0, 1, 2 are one person, 3, 4, 5 the next …
DIGESTS = [f"digest {row}" for row in range(N)]


class Script:
    """A session that asks given batches and doubts given pairs."""

    def __init__(self, batches, doubted=()):
        self.batches, self.doubted = [list(batch) for batch in batches], doubted

    def ask(self):
        return self.batches.pop(0) if self.batches else []

    def tell(self, answers):
        pass

    def should_reask(self, answer):
        return (answer.question.a, answer.question.b) in self.doubted


def within(*pairs):
    return [Question(a, b, "within") for a, b in pairs]


def truth(a, b):
    return "same" if PERSON[a] == PERSON[b] else "different"


def eventually(found, what):
    """Wait until ``found()`` is true, and return it."""
    for _ in range(1000):
        if result := found():
            return result
        time.sleep(0.005)
    raise AssertionError(what)


class KilledError(Exception):
    pass


class MortalQueue(TaskQueue):
    """A queue whose loop dies when it looks for answers next."""

    killed = False

    def last_event_ids(self):
        if self.killed:
            raise KilledError
        return super().last_event_ids()


class Round:
    """A round that is asked in a thread of its own; this thread is the people."""

    def __init__(
        self, people, *batches, number=0, overlap=1, budget=20, grace=0.0, doubted=(), digests=DIGESTS, guard=None
    ):
        self.people, self.store, uid = people, people.store, people.run_uid
        refs = {int(image): ImageRef(f"{image}.png", digests[row]) for row, image in enumerate(IDS)}
        self.queue = MortalQueue(self.store, RunInfo(uid, uid, "/images", number, 2, 0, 40, budget, overlap), refs)
        about = {"run_uid": uid, "run": uid, "round": number, "overlap": overlap, "digests": digests, "image_ids": IDS}
        self.started = 0
        self.result = None
        self.error = None
        options = {"budget": budget, "grace": grace, "poll_seconds": 0.005, "last": number == 1, "guard": guard}

        def begin():
            self.started += 1
            session = Script(batches, doubted)
            return session, session.ask()

        def play():
            try:
                record = lambda: PeopleRecord(self.store, **about)  # noqa: E731
                self.result = ask_people(begin, record, self.queue, LabelMemory(), **options)
            except BaseException as error:  # noqa: BLE001  shown by the test's own thread
                self.error = error

        self.thread = threading.Thread(target=play, daemon=True)
        self.thread.start()

    def rows(self, lease):
        """Return the rows that a pair shows."""
        with self.store.reading() as connection:
            shown = dict(connection.execute(images.select().with_only_columns(images.c.token, images.c.image)).all())
        first, second = sorted((shown[lease.left], shown[lease.right]))
        return (first - 5) // 3, (second - 5) // 3

    def lease(self, name, count=1):
        """Wait until there is a pair for a person."""

        def leased():
            leases = self.people.lease(name, count)
            assert leases or self.thread.is_alive(), self.error or "the round is over"
            return leases

        return eventually(leased, f"no pair for {name}")

    def answer(self, name, lease, verdict=None):
        return self.people.answer(name, lease, verdict or truth(*self.rows(lease)))

    def next(self, name, verdict=None):
        """Answer the next pair; return its rows."""
        [lease] = self.lease(name)
        rows = self.rows(lease)
        self.answer(name, lease, verdict)
        return rows

    def taken(self):
        """Wait until the loop has taken the first answer: it has looked at the store since."""
        eventually(lambda: self.store.answers(self.people.run_uid), "no answer")
        time.sleep(0.05)

    def kill(self):
        """End the loop's thread as a crash would; return whether it was still at work."""
        self.queue.killed = True
        self.thread.join(10)
        return isinstance(self.error, KilledError)

    def done(self):
        self.thread.join(10)
        assert not self.thread.is_alive(), (
            f"the round still waits, started {self.started} times, for {self.waits_for()}"
        )
        if self.error:
            raise self.error
        return self.result[1]

    def tasks(self):
        with self.store.reading() as connection:
            return connection.execute(tasks.select().order_by(tasks.c.position)).all()

    def waits_for(self):
        return "\n".join(map(str, self.tasks()))

    def state(self):
        with self.store.reading() as connection:
            own = runs.c.run_uid == self.people.run_uid
            return connection.scalar(runs.select().with_only_columns(runs.c.state).where(own))


def summary(result):
    return [(answer.question.a, answer.question.b, answer.verdict, answer.source) for answer in result.answers]


def verdicts(result):
    return [answer.verdict for answer in result.answers]


@pytest.fixture
def people(sqlite_store, people_of):
    """The annotators of the run "uid", by the real clock."""
    return people_of(sqlite_store)


def test_answers_are_taken_and_written_once(people):
    played = Round(people, within((0, 1), (0, 3), (4, 9)), within((4, 5)))
    for _ in range(4):
        played.next("alice")
    result = played.done()
    assert summary(result) == [
        (0, 1, "same", "human"),
        (0, 3, "different", "human"),
        (4, 9, "different", "human"),
        (4, 5, "same", "human"),
    ]
    assert (result.asked, result.found, result.found_again) == (4, 0, 0)
    assert {(answer.annotator, answer.seconds > 0) for answer in result.answers} == {("alice", True)}
    assert len(people.store.answers("uid")) == 4
    assert played.started == 1
    assert played.state() == "working"
    with pytest.raises(RefusedError, match="this round is over"):
        people.undo("alice", 4)


def test_a_pair_of_files_of_the_same_bytes_is_shown_to_no_one(people):
    digests = [DIGESTS[0] if row == 5 else DIGESTS[row] for row in range(N)]
    played = Round(people, within((0, 5), (0, 1), (1, 5)), within((0, 5)), digests=digests)
    assert played.next("alice") == (0, 1)
    result = played.done()
    assert summary(result) == [(0, 5, "same", "closure"), (0, 1, "same", "human"), (1, 5, "same", "closure")]
    assert (result.asked, result.free, result.repeated) == (1, 2, 1)
    assert len(people.store.answers("uid")) == 1
    assert (IDS[0], IDS[5]) not in {(task.image_a, task.image_b) for task in played.tasks()}


def test_settled_questions_are_closed_and_the_last_round_ends_the_run(people):
    played = Round(people, within((0, 1), (1, 2), (0, 2)), number=1)
    first, second, third = played.lease("alice", 3)
    played.answer("alice", first)
    played.answer("alice", second)
    result = played.done()
    assert (result.asked, result.free) == (2, 1)
    with pytest.raises(RefusedError, match="not needed now"):
        played.answer("alice", third)
    assert played.state() == "over"


def test_an_answer_to_a_pair_that_was_just_settled_counts_and_its_contradiction_is_kept(people):
    played = Round(people, within((0, 1), (1, 2), (0, 2)), budget=3)
    leases = played.lease("alice", 3)
    # At once: the loop finds all three at one look.
    for lease, verdict in zip(leases, ("same", "same", "different"), strict=True):
        played.answer("alice", lease, verdict)
    result = played.done()
    if result.asked == 3:  # at one look
        assert result.conflicts == 1
        assert result.memory.conflicts == [(0, 2, False)]
    else:  # the loop looked between two of them
        assert (result.asked, result.free) == (2, 1)


def test_no_more_is_asked_than_can_be_paid_for(people):
    played = Round(people, within((0, 1), (3, 4), (6, 7)), budget=2)
    assert len(played.lease("alice", 5)) == 2
    played.next("alice")
    played.next("alice")
    assert played.done().asked == 2


def test_after_a_crash_the_answers_given_meanwhile_are_found(people):
    batches = within((0, 1), (0, 3), (4, 9)), within((4, 5))
    first = Round(people, *batches)
    first.next("alice")
    first.taken()
    [lease] = first.lease("alice")
    assert first.kill()
    first.answer("alice", lease)
    second = Round(people, *batches)
    second.next("alice")
    second.next("alice")
    result = second.done()
    assert [source for *_, source in summary(result)][:2] == ["memory", "memory"]
    assert result.asked == 4
    assert result.found >= 2  # or 3: open questions can be answered while the loop starts
    assert len(people.store.answers("uid")) == 4


def test_an_undone_answer_begins_the_loop_again_and_the_pair_is_asked_again(people):
    played = Round(people, within((0, 1), (1, 3)), within((0, 3), (6, 7)))
    [lease] = played.lease("alice")
    slip = played.answer("alice", lease, "different")
    played.taken()
    played.answer("alice", people.undo("alice", slip.event), "same")
    played.next("alice")  # 1, 3; 0, 3 follows from it now
    played.next("alice")  # 6, 7
    result = played.done()
    assert played.started == 2
    assert result.memory.log == [(0, 1, "same"), (1, 3, "different"), (6, 7, "same")]
    assert (result.asked, result.free, result.conflicts) == (3, 1, 0)


def test_the_last_answer_can_be_undone_for_a_while(people):
    played = Round(people, within((0, 1)), grace=0.3)
    [lease] = played.lease("alice")
    slip = played.answer("alice", lease, "unsure")
    played.taken()
    assert people.last_undoable("alice") == slip.event
    began = time.monotonic()
    played.answer("alice", people.undo("alice", slip.event), "same")
    assert verdicts(played.done()) == ["same"]
    assert time.monotonic() - began >= 0.3
    assert played.started == 2


def test_an_answer_given_again_to_a_question_of_an_earlier_turn_is_not_lost(people):
    """Undone before it was taken, in a turn that then ended without it, and answered later."""
    played = Round(people, within((0, 1), (1, 2), (0, 2)), within((6, 7), (9, 10)), overlap=2)
    leases = {"alice": played.lease("alice", 3), "bob": played.lease("bob", 3)}
    third = played.answer("alice", leases["alice"][2], "different")  # one of two votes: not taken
    for name in leases:
        for lease in leases[name][:2]:
            played.answer(name, lease, "same")
    eventually(lambda: [played.rows(lease) for lease in people.lease("bob")] == [(6, 7)], "no second turn")
    played.answer("alice", people.undo("alice", third.event), "different")  # undoing opens the pair again
    for _ in range(2):
        played.next("alice")
        played.next("bob")
    result = played.done()
    assert result.conflicts == 0  # one vote decides nothing
    assert len(result.answers) == 5


def test_people_are_asked_again_where_an_answer_is_doubted(people):
    played = Round(people, within((0, 1)), doubted=[(0, 1)])
    assert [played.next("alice", verdict) for verdict in ("different", "same", "same")] == [(0, 1)] * 3
    [answer] = played.done().answers
    assert (answer.verdict, answer.asked, answer.overturned) == ("same", 3, True)
    assert [event.attempt for event in people.store.answers("uid")] == [1, 2, 3]


def test_several_people_make_one_decision_in_the_order_decided(people):
    batches = [within((0, 1), (3, 4), (6, 7))]
    played = Round(people, *batches, overlap=2)
    alice, bob = played.lease("alice", 3), played.lease("bob", 3)
    played.answer("alice", alice[0])
    played.answer("alice", alice[1])
    played.answer("bob", bob[1])
    played.answer("alice", alice[2], "different")
    played.answer("bob", bob[2])
    played.answer("bob", bob[0])
    [carol] = played.lease("carol")
    played.answer("carol", carol)
    result = played.done()
    assert result.memory.log == [(3, 4, "same"), (0, 1, "same"), (6, 7, "same")]
    assert [answer.annotator for answer in result.answers] == ["alice, bob", "alice, bob", "alice, bob, carol"]
    assert result.asked == 3
    again = Round(people, *batches, overlap=2).done()
    assert again.memory.log == result.memory.log
    assert (again.asked, again.found) == (3, 3)


def test_a_coordinator_decides_a_pair_alone(people):
    played = Round(people, within((0, 1)), overlap=3)
    [lease] = played.lease("alice")
    played.answer("alice", lease, "different")
    adjudicate(people.store, "uid", lease.task, "chief", "same")
    assert verdicts(played.done()) == ["same"]


class TestReuse:
    """Answers of earlier runs to pairs of the same images."""

    @pytest.fixture
    def earlier(self, people, people_of):
        def play(*given, overlap=1):
            played = Round(people_of(people.store, run_uid="earlier"), within((0, 1), (3, 9)), overlap=overlap)
            for number, verdict in enumerate(given):
                played.next(f"person {number}", verdict)
                played.next(f"person {number}")
            return played.done()

        return play

    def test_they_are_taken_without_asking_and_cost_nothing(self, people, earlier):
        earlier("unsure")
        played = Round(people, within((0, 1), (3, 9), (6, 7)), budget=1)
        assert played.next("bob") == (6, 7)
        result = played.done()
        assert summary(result) == [
            (0, 1, "unsure", "memory"),
            (3, 9, "different", "memory"),
            (6, 7, "same", "human"),
        ]
        assert (result.asked, result.found, result.found_again, result.reasked) == (1, 0, 2, 0)
        costs = [(answer.asked, answer.seconds > 0) for answer in result.answers]
        assert costs == [(0, False), (0, False), (1, True)]
        assert [event.found_in for event in people.store.answers("uid")] == [1, 2, None]

    def test_a_third_run_finds_the_answer_itself_and_not_its_copy(self, people, people_of, earlier):
        earlier(None)
        Round(people_of(people.store, run_uid="second"), within((0, 1))).done()
        Round(people, within((0, 1))).done()
        assert [event.found_in for event in people.store.answers("uid")] == [1]

    def test_an_answer_that_is_undone_is_undone_in_every_run_and_the_next_one_is_found(self, people, people_of):
        other = people_of(people.store, run_uid="earlier")
        first = Round(other, within((0, 1), (3, 4)))
        [lease] = first.lease("alice")
        slip = first.answer("alice", lease, "different")
        assert Round(people, within((0, 1))).done().memory.log == [(0, 1, "different")]
        first.answer("alice", other.undo("alice", slip.event), "same")
        first.next("alice")
        first.done()
        assert Round(people, within((0, 1))).done().memory.log == [(0, 1, "same")]
        assert Round(people_of(people.store, run_uid="third"), within((0, 1))).done().memory.log == [(0, 1, "same")]

    def test_images_numbered_the_other_way_round(self, people, earlier):
        earlier(None)
        played = Round(people, within((N - 2, N - 1), (N - 10, N - 4)), digests=DIGESTS[::-1])
        assert verdicts(played.done()) == ["same", "different"]

    def test_with_overlap_they_are_votes(self, people, earlier):
        earlier(None)
        played = Round(people, within((0, 1)), overlap=2)
        [lease] = played.lease("bob")
        assert people.lease("carol") == []  # one person is missing, not two
        assert people.lease("person 0") == []  # who has answered it
        played.answer("bob", lease)
        result = played.done()
        assert [(answer.annotator, answer.asked) for answer in result.answers] == [("person 0, bob", 1)]
        assert (result.asked, result.found_again) == (1, 0)

    def test_two_who_agreed_are_enough_for_two(self, people, earlier):
        earlier(None, None, overlap=2)
        assert Round(people, within((0, 1)), overlap=2).done().found_again == 1

    def test_people_are_asked_where_one_is_doubted(self, people, earlier):
        earlier("different")
        played = Round(people, within((0, 1)), doubted=[(0, 1)])
        played.next("bob", "same")
        played.next("bob", "same")
        result = played.done()
        [answer] = result.answers
        assert (answer.verdict, answer.asked, answer.found_again, answer.overturned) == ("same", 2, True, True)
        assert (result.asked, result.reasked, result.found_again) == (2, 2, 1)

    def test_an_oracles_answers_and_undone_ones_are_not_found(self, people, earlier):
        earlier(None)
        [event, _] = people.store.answers("earlier")
        people.store.append([replace(event, run_uid="simulated", source="oracle", annotator="oracle", lease=None)])
        with people.store.writing() as connection:
            connection.execute(undos.insert().values(event_id=1, annotator="person 0", undone_at=""))
        played = Round(people, within((0, 1)))
        assert played.next("bob") == (0, 1)
        assert played.done().found_again == 0


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("overlap", [1, 2])
def test_the_round_ends_as_if_only_the_answers_not_undone_had_been_given(people, seed, overlap):
    """Random answers, skips, undos and crashes of the loop; then the answers are replayed."""
    rng = np.random.default_rng(seed)
    pairs = [tuple(sorted(rng.choice(N, 2, replace=False).tolist())) for _ in range(16)]
    batches = [within(*pairs[:8]), within(*pairs[8:12]), within(*pairs[12:])]
    doubted = [pair for pair in pairs if rng.random() < 0.2]
    options = {"overlap": overlap, "budget": 14, "grace": 0.15, "doubted": doubted}
    played = Round(people, *batches, **options)
    for step in range(1000):
        if not played.thread.is_alive() and played.error is None:
            break
        calm = step > 120  # in the end they only answer
        name = str(rng.choice(["alice", "bob", "carol"]))
        act = rng.random() * (0.6 if calm else 1.0)
        leases = people.lease(name)
        try:
            if act < 0.6 and leases:
                verdict = truth(*played.rows(leases[0])) if rng.random() < 0.8 else str(rng.choice(["same", "unsure"]))
                people.answer(name, leases[0], verdict)
            elif 0.6 <= act < 0.7 and leases:
                people.skip(name, leases[0])
            elif 0.7 <= act < 0.78 and (event := people.last_undoable(name)) is not None:
                people.undo(name, event)
            elif act > 0.97 and played.kill():
                played = Round(people, *batches, **options)
        except RefusedError:
            pass
        time.sleep(float(rng.choice([0, 0.005, 0.03])))
    result = played.done()
    replayed = Round(people, *batches, **{**options, "grace": 0.0}).done()
    assert replayed.memory.log == result.memory.log
    assert replayed.memory.conflicts == result.memory.conflicts
    assert [one[:3] for one in summary(replayed)] == [one[:3] for one in summary(result)]
    counts = ("asked", "free", "repeated", "conflicts", "reasked", "overturned")
    assert [getattr(replayed, name) for name in counts] == [getattr(result, name) for name in counts]
    assert replayed.found == replayed.asked <= 14


def test_how_people_are_reached_may_change_when_a_run_goes_on_and_how_many_they_are_may_not():
    assert Configuration(annotator="human").result_parameters()["annotator_options"]["overlap"] == 1
    for annotator in ("human", "oracle"):
        options = Configuration(annotator=annotator).result_parameters()["annotator_options"]
        assert not {"undo_seconds", "serve", "host", "port"} & set(options)
    assert "overlap" not in options

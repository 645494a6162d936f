"""What the one who runs a round sees: disputes, decisions, contradictions, each person's work, the end in sight."""

import time
from itertools import combinations, islice

import pytest

from whosame.annotation.quality.annotator_stats import annotator_stats, ratings
from whosame.annotation.quality.answered_pairs import answered_pair, answered_pairs, disputes, recent_answers
from whosame.annotation.quality.contradictions import PairVerdict, contradictions, pair_verdicts
from whosame.annotation.quality.round_progress import round_progress
from whosame.annotation.queue.adjudicate import adjudicate
from whosame.annotation.queue.image_tokens import ImageRef
from whosame.annotation.queue.submit import RefusedError
from whosame.annotation.queue.tasks import PairTask, RunInfo, TaskQueue
from whosame.annotation.store.schema import answer_events, tasks, users
from whosame.annotation.store.store import open_store

IMAGES = {image: ImageRef(f"{image}.png", f"digest {image}") for image in range(60)}


def campaign(store, clock, pairs, *, overlap=2, number=0, round_budget=10):
    about = RunInfo("uid", "mine", "/images", number, 3, 10 * number, 30, round_budget, overlap)
    made = TaskQueue(store, about, IMAGES, now=clock)
    made.begin()
    made.ask([PairTask(a, b, "between") for a, b in pairs])
    return made


def says(people, clock, who, *verdicts, seconds=2.0):
    """Let somebody answer the next pairs, each in so many seconds; return the pairs' questions and the answers."""
    done = []
    for verdict in verdicts:
        [lease] = people.lease(who)
        clock.time += seconds
        done.append((lease.task, people.answer(who, lease, verdict, seconds).event))
    return done


def votes(store, task):
    return [(said.annotator, said.verdict, said.settles) for said in answered_pair(store, "uid", task).answers]


def test_disputes_are_the_pairs_with_different_answers_newest_first(store, clock, people):
    campaign(store, clock, [(0, 1), (2, 3), (4, 5)])
    (first, _), (second, _), (third, _) = says(people, clock, "alice", "same", "same", "unsure")
    says(people, clock, "bob", "different", "same", "different")
    found = disputes(store, "uid")
    assert [one.task for one in found] == [third, first]
    assert [(said.annotator, said.verdict) for said in found[1].answers] == [("alice", "same"), ("bob", "different")]
    assert found[1].images == (0, 1)
    assert len(set(found[1].tokens)) == 2
    assert [(one.verdict, one.can_settle, one.settled) for one in found] == [(None, True, False)] * 2
    assert answered_pair(store, "uid", second).verdict == "same"
    assert not answered_pair(store, "uid", second).disputed
    assert disputes(store, "another run") == []


def test_a_third_answer_decides_and_an_answer_taken_back_ends_a_dispute(store, clock, people):
    campaign(store, clock, [(0, 1), (2, 3)])
    says(people, clock, "alice", "same", "same")
    (first, _), (second, his) = says(people, clock, "bob", "different", "different")
    says(people, clock, "carol", "same")
    assert [one.task for one in disputes(store, "uid", undecided=True)] == [second]
    [decided] = disputes(store, "uid", undecided=False)
    assert (decided.task, decided.verdict) == (first, "same")
    people.undo("bob", his)
    assert [one.task for one in disputes(store, "uid")] == [first]


def test_disputes_of_one_round_and_no_more_than_asked_for(store, clock, people):
    campaign(store, clock, [(0, 1), (2, 3)])
    says(people, clock, "alice", "same", "same")
    says(people, clock, "bob", "different", "different")
    campaign(store, clock, [(4, 5)], number=1)
    says(people, clock, "alice", "same")
    says(people, clock, "bob", "different")
    assert [one.round for one in disputes(store, "uid")] == [1, 0, 0]
    assert [one.can_settle for one in disputes(store, "uid")] == [True, False, False]
    assert len(disputes(store, "uid", number=0)) == 2
    assert len(disputes(store, "uid", limit=1)) == 1


def test_cases_come_in_the_order_asked_for(store, clock):
    campaign(store, clock, [(0, 1), (2, 3)])
    assert [one.task for one in answered_pairs(store, "uid", [2, 1, 77])] == [2, 1]
    assert answered_pair(store, "another run", 1) is None
    assert not answered_pair(store, "uid", 1).can_settle  # nobody has answered


def test_a_coordinator_decides_and_the_last_decision_counts(store, clock, people):
    campaign(store, clock, [(0, 1)])
    [(task, _)] = says(people, clock, "alice", "same")
    says(people, clock, "bob", "different")
    [waiting] = people.lease("carol")
    receipt = adjudicate(store, "uid", task, "chief", "different", now=clock)
    decided = answered_pair(store, "uid", task)
    assert (decided.verdict, decided.settled, decided.answers[-1].event) == ("different", True, receipt.event)
    with pytest.raises(RefusedError, match="not needed now"):
        people.answer("carol", waiting)
    assert people.lease("dave") == []
    again = adjudicate(store, "uid", task, "chief", "different", now=clock)  # a double click
    assert (again.event, again.repeated) == (receipt.event, True)
    adjudicate(store, "uid", task, "chief", "same", now=clock)
    assert answered_pair(store, "uid", task).verdict == "same"
    assert (
        adjudicate(store, "uid", task, "chief", "different", now=clock).event > receipt.event
    )  # back again is a new word
    [event] = [event for event in store.answers("uid") if event.settles][:1]
    assert (event.digest_a, event.source, event.session, event.seconds, event.round) == (
        "digest 0",
        "human",
        None,
        0,
        0,
    )


def test_a_coordinators_own_vote_is_not_in_the_way_and_stays(store, clock, people):
    campaign(store, clock, [(0, 1)])
    [(task, _)] = says(people, clock, "chief", "same")
    says(people, clock, "bob", "different")
    adjudicate(store, "uid", task, "chief", "different", now=clock)
    assert votes(store, task) == [("chief", "same", False), ("bob", "different", False), ("chief", "different", True)]
    assert [event.revision for event in store.answers("uid")] == [0, 0, 1]
    assert answered_pair(store, "uid", task).verdict == "different"


def test_the_loop_sees_that_a_pair_was_settled(store, clock, people):
    round_ = campaign(store, clock, [(0, 1)], overlap=1)
    [(task, _)] = says(people, clock, "alice", "same")
    mark = round_.last_event_ids()
    adjudicate(store, "uid", task, "chief", "different", now=clock)
    assert not round_.end(mark)
    assert round_.end(round_.last_event_ids())


def test_what_is_over_unanswered_or_unknown_is_not_settled(store, clock, people):
    round_ = campaign(store, clock, [(0, 1), (2, 3)])
    [(task, _)] = says(people, clock, "alice", "same")
    for asked, reason in ((task + 1, "unanswered"), (99, "unknown")):
        with pytest.raises(RefusedError) as refused:
            adjudicate(store, "uid", asked, "chief", "same", now=clock)
        assert refused.value.reason == reason
    with pytest.raises(RefusedError, match="no such pair"):
        adjudicate(store, "another run", task, "chief", "same", now=clock)
    round_.end(round_.last_event_ids())
    with pytest.raises(RefusedError, match="round 1 asks no more"):
        adjudicate(store, "uid", task, "chief", "same", now=clock)
    campaign(store, clock, [(4, 5)], number=1)  # asking again, but another round
    with pytest.raises(RefusedError, match="round 1 asks no more"):
        adjudicate(store, "uid", task, "chief", "same", now=clock)
    assert len(store.answers("uid")) == 1


def test_beliefs_are_what_the_panel_decides_in_the_order_of_first_answers(store, clock, people):
    campaign(store, clock, [(0, 1), (2, 3), (4, 5)])
    says(people, clock, "alice", "same", "same", "same")
    says(people, clock, "bob", "same", "different")
    adjudicate(store, "uid", 3, "chief", "unsure", now=clock)
    found = [(belief.a, belief.b, belief.verdict, belief.settled) for belief in pair_verdicts(store, "uid")]
    assert found == [(0, 1, "same", False), (4, 5, "unsure", True)]
    assert pair_verdicts(store, "uid", 1) == []


@pytest.mark.parametrize(
    ("attempts", "verdict"),
    [("sd", "same"), ("sdd", "different"), ("sdu", "unsure"), ("ds", "different")],
)
def test_of_several_attempts_most_count_and_else_the_first(store, clock, attempts, verdict, people):
    name = {"s": "same", "d": "different", "u": "unsure"}
    about = RunInfo("uid", "mine", "/images", 0, 3, 0, 30, 10)
    round_ = TaskQueue(store, about, IMAGES, now=clock)
    round_.begin()
    for attempt, said in enumerate(attempts, 1):
        round_.ask([PairTask(0, 1, "between", attempt)])
        says(people, clock, "alice", name[said])
    [belief] = pair_verdicts(store, "uid")
    assert (belief.verdict, belief.task) == (verdict, len(attempts))


def believed(*said):
    return [PairVerdict(task, a, b, verdict) for task, (a, b, verdict) in enumerate(said)]


def test_a_contradiction_comes_with_the_shortest_chain_that_says_the_opposite():
    said = believed(
        (0, 1, "same"), (1, 2, "same"), (2, 3, "same"), (1, 3, "same"), (3, 4, "different"), (5, 6, "same"),
        (0, 3, "different"), (0, 4, "same"),
    )  # fmt: skip
    newest, older = contradictions(said)
    assert older.answer == said[6]
    assert older.chain == (said[0], said[3])
    assert newest.answer == said[7]
    assert newest.chain == (said[0], said[3], said[4])


def test_a_chain_crosses_one_difference_and_no_second():
    said = believed(
        (0, 5, "different"), (4, 5, "different"), (0, 1, "same"), (1, 2, "same"), (2, 4, "different"), (0, 4, "same")
    )  # fmt: skip
    [found] = contradictions(said)
    assert found.chain == (said[2], said[3], said[4])  # though by way of 5 it were shorter


def test_two_differences_or_an_unsure_contradict_nothing():
    said = believed((0, 1, "different"), (1, 2, "different"), (0, 2, "same"), (3, 4, "same"), (4, 5, "unsure"))
    assert contradictions([*said, PairVerdict(9, 3, 5, "different")]) == []


def test_what_is_settled_is_held_against_the_others():
    said = believed((0, 1, "same"), (1, 2, "same"))
    settled = PairVerdict(9, 0, 2, "different", settled=True)
    [found] = contradictions([*said, settled])
    assert found.answer == said[1]
    assert set(found.chain) == {said[0], settled}


def test_contradictions_end_when_a_coordinator_decides_otherwise(store, clock, people):
    campaign(store, clock, [(0, 1), (1, 2), (0, 2)], overlap=1)
    says(people, clock, "alice", "same", "same", "different")
    [found] = contradictions(pair_verdicts(store, "uid"))
    assert (found.answer.task, [belief.task for belief in found.chain]) == (3, [1, 2])
    adjudicate(store, "uid", 2, "chief", "different", now=clock)
    assert contradictions(pair_verdicts(store, "uid")) == []


def test_each_persons_work_is_counted_without_decisions(store, clock, people):
    campaign(store, clock, [(2 * k, 2 * k + 1) for k in range(6)])
    with store.writing() as connection:
        row = {"name": "idle", "role": "annotator", "token_hash": "x", "added_at": "", "removed": False}
        connection.execute(users.insert().values(row))
    says(people, clock, "alice", "same", "different", "unsure", seconds=2.0)
    [(_, wrong)] = says(people, clock, "alice", "same", seconds=8.0)
    people.undo("alice", wrong)
    says(people, clock, "alice", "different", seconds=500.0)
    says(people, clock, "bob", "same", "same")
    [held] = people.lease("bob")
    people.skip("bob", held)
    adjudicate(store, "uid", 2, "alice", "same", now=clock)
    found = {one.annotator: one for one in annotator_stats(store, "uid", now=clock)}
    assert list(found) == ["alice", "bob", "idle"]
    alice, bob, idle = found.values()
    assert (alice.same, alice.different, alice.unsure, alice.answers) == (1, 2, 1, 4)
    assert (alice.settled, alice.undone, alice.skipped) == (1, 1, 0)
    assert (bob.skipped, bob.answering, alice.last_seen) == (1, False, clock.time)
    assert (bob.agreement.units, bob.agreement.alike) == (2, 0.5)
    assert (idle.answers, idle.seconds, idle.last_seen, idle.agreement.value) == (0, None, None, None)
    assert [one.answers for one in annotator_stats(store, "uid", 1, now=clock)] == [
        0
    ]  # of the next round, only who is registered


@pytest.mark.parametrize(
    ("seconds", "median"),
    [([4.0], 4.0), ([1.0, 2.0, 9.0], 2.0), ([1.0, 5.0], 3.0), ([50.0, 400.0], 55.0), ([0.0], None)],
)
def test_the_median_caps_idle_time(store, clock, seconds, median, people):
    campaign(store, clock, [(2 * k, 2 * k + 1) for k in range(len(seconds))], overlap=1)
    for one in seconds:
        says(people, clock, "alice", "same", seconds=one)
    assert annotator_stats(store, "uid", now=clock)[0].seconds == median


def test_who_looks_at_a_pair_is_shown_until_the_hold_lapses(store, clock, people):
    campaign(store, clock, [(0, 1)])
    says(people, clock, "alice", "same")
    people.lease("bob", seconds=100)
    adjudicate(store, "uid", 1, "chief", "same", now=clock)
    assert not any(one.answering for one in annotator_stats(store, "uid", now=clock))
    campaign(store, clock, [(2, 3)], number=1)
    people.lease("alice", seconds=100)
    assert [one.answering for one in annotator_stats(store, "uid", now=clock)] == [True, False]
    clock.time += 101
    assert not annotator_stats(store, "uid", now=clock)[0].answering


def test_ratings_hold_what_several_have_answered(store, clock, people):
    campaign(store, clock, [(0, 1), (2, 3)])
    says(people, clock, "alice", "same", "same")
    says(people, clock, "bob", "different")
    adjudicate(store, "uid", 1, "chief", "same", now=clock)
    assert ratings(store, "uid") == {(0, 1): {"alice": "same", "bob": "different"}}


def test_how_far_a_round_is(store, clock, people):
    assert round_progress(store, "uid", now=clock) is None
    campaign(store, clock, [(2 * k, 2 * k + 1) for k in range(6)], number=1)
    says(people, clock, "alice", "same", "same", "same", "same")
    says(people, clock, "bob", "same", "same", "different")
    found = round_progress(store, "uid", now=clock)
    assert (found.run, found.round, found.rounds, found.state, found.overlap) == ("mine", 1, 3, "asking", 2)
    assert (found.decided, found.round_budget, found.round_left, found.waiting) == (2, 10, 8, 4)
    assert (found.asked, found.budget, found.left) == (12, 30, 18)
    # 7 answers in the 12 s since the first of them; of the 20 wanted 4 were decisive, and 3 are halfway
    assert found.end == pytest.approx(clock.time + 12 / 7 * (8 * 2 - 3))
    clock.time += 1000
    assert round_progress(store, "uid", now=clock).end is None  # nobody has answered for long


def test_the_latest_answers_with_those_taken_back(store, clock, people):
    campaign(store, clock, [(0, 1), (2, 3)])
    [(task, wrong), (other, kept)] = says(people, clock, "alice", "same", "unsure")
    people.undo("alice", wrong)
    newest, older = recent_answers(store, "uid")
    assert (newest.event, newest.task, newest.verdict, newest.undone) == (kept, other, "unsure", False)
    assert (older.task, older.verdict, older.undone, older.annotator) == (task, "same", True, "alice")
    assert newest.tokens == answered_pair(store, "uid", other).tokens
    assert [one.event for one in recent_answers(store, "uid", limit=1)] == [kept]


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """A store with 100,000 answers, two to each pair, of eight people."""
    with open_store(f"sqlite:///{tmp_path_factory.mktemp('full') / 'labels.db'}") as store:
        about = RunInfo("uid", "mine", "/images", 0, 1, 0, 50_000, 50_000, 2)
        images = {image: ImageRef(f"{image}.png", str(image)) for image in range(400)}
        round_ = TaskQueue(store, about, images)
        round_.begin()
        round_.ask(
            [PairTask(image, image + 1, "between") for image in range(0, 400, 2)]
        )  # gives every image its handle
        with store.writing() as connection:
            connection.execute(tasks.delete())
            asked, said = [], []
            for task, (a, b) in enumerate(islice(combinations(range(400), 2), 50_000)):
                pair = {"run_uid": "uid", "round": 0, "image_a": a, "image_b": b, "kind": "between", "attempt": 1}
                asked.append(
                    {**pair, "id": task, "position": task, "votes": 2, "votes_needed": 2, "open": task % 100 == 0}
                )
                for vote in range(2):
                    same = (a % 40 == b % 40) != (task % 100 == 50 * vote or task % 1000 == 7)
                    said.append(
                        {
                            **pair,
                            "run": "mine",
                            "digest_a": str(a),
                            "digest_b": str(b),
                            "verdict": "same" if same else "different",
                            "source": "human",
                            "annotator": f"person {(task + vote) % 8}",
                            "seconds": 1 + task % 7,
                            "answered_at": "2026-01-01T00:00:00.000+00:00",
                        }
                    )
            connection.execute(tasks.insert(), asked)
            connection.execute(answer_events.insert(), said)
        yield store


@pytest.mark.parametrize(
    "look",
    [
        lambda store: disputes(store, "uid", undecided=True),
        lambda store: annotator_stats(store, "uid"),
        lambda store: round_progress(store, "uid"),
        lambda store: recent_answers(store, "uid"),
        lambda store: answered_pair(store, "uid", 777),
        lambda store: contradictions(pair_verdicts(store, "uid")),
    ],
    ids=["disputes", "contributions", "headway", "recent", "case", "contradictions"],
)
def test_a_hundred_thousand_answers_are_looked_through_while_somebody_waits(full, look):
    began = time.process_time()
    assert look(full)
    assert time.process_time() - began < 5  # s of the processor; the slowest took 1.6

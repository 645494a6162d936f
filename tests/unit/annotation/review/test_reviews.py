"""Reviews of identities: ticks, merges and names become answers that hold; contradictions, versions and undo."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from whosame.annotation.quality.review_rates import review_rates
from whosame.annotation.queue.submit import RefusedError
from whosame.annotation.review.names import TakenError, check_name, given_names, name_identity
from whosame.annotation.review.read_state import read_reviews, read_state
from whosame.annotation.review.record import ChangedError, ContradictionsError, Review, Reviewer, record_review
from whosame.annotation.review.sheet import PAGE, sheet_of
from whosame.annotation.review.statements import merged, one_individual, ticked
from whosame.annotation.review.table import ReviewedTable
from whosame.annotation.review.undo import last_review, undo_review
from whosame.annotation.store.store import AnswerEvent
from whosame.questions import Known

LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2, -1])  # identities "a", "b", "c"; an outlier
IDS = np.arange(len(LABELS)) * 3 + 1


def table_of(labels=LABELS, **changed):
    names = [chr(ord("a") + label) for label in range(labels.max() + 1)]
    n = len(labels)
    near = np.array([[other for other in range(len(names)) if other != own] for own in range(len(names))])
    table = ReviewedTable(
        run_uid="uid",
        run="mine",
        root=Path("/images"),
        overlap=1,
        image_ids=np.arange(n) * 3 + 1,
        paths=[f"{row}.png" for row in range(n)],
        digests=[f"digest {row}" for row in range(n)],
        names=names,
        labels=labels,
        p=np.linspace(0.9, 0.5, n),
        answered=np.zeros(n, bool),
        closeness=np.linspace(0.9, 0.8, n, dtype=np.float32),
        near=near,
        digest="digest",
        last_review=0,
        varied=np.empty((len(names), 0), np.int64),
    )
    return replace(table, **changed)


class Desk:
    """The reviews of a table in a store, by people."""

    def __init__(self, store, table):
        self.store, self.table, self.learnt = store, table, set()

    @property
    def state(self):
        with self.store.reading() as connection:
            return read_state(connection, self.table)

    def review(self, form, identity, statements, who="alice", *, version=None, seconds=6.0, **more):
        request = {"request": more.pop("request")} if "request" in more else {}
        with self.store.writing() as connection:
            state = read_state(connection, self.table)
            reference = state.reference(identity) if identity in state.members else 0
            given = statements(reference) if callable(statements) else statements
            version = version or state.version(identity)
            person = Reviewer(who, f"session of {who}", seconds, **request)
            review = Review(form, identity, version, reference, given, person, **more)
            return record_review(connection, state, 2, review, now=lambda: 1_800_000_000.0)

    def tick(self, identity, *rows, others=(), **more):
        return self.review("tick", identity, lambda r: [*ticked(r, rows), *one_individual(r, others)], **more)

    def merge(self, identity, same=(), different=(), **more):
        return self.review("merge", identity, lambda r: merged(r, same, different), **more)

    def name(self, identity, name, who="alice"):
        with self.store.writing() as connection:
            state = read_state(connection, self.table)
            person = Reviewer(who, "session", 2.0)
            return name_identity(connection, state, identity, state.version(identity), check_name(name), person)

    def undo(self, review, who="alice"):
        with self.store.writing() as connection:
            return undo_review(connection, review, who, self.learnt, now=time.time())

    def answers(self):
        return [(e.image_a // 3, e.image_b // 3, e.verdict) for e in self.store.answers("uid")]


@pytest.fixture
def desk(store):
    return Desk(store, table_of())


def test_a_tick_is_an_answer_against_the_reference_and_the_image_leaves(desk):
    done = desk.tick(0, 2, 3)
    assert (done.answers, desk.answers()) == (2, [(0, 2, "different"), (0, 3, "different")])
    [one, _] = desk.store.answers("uid")
    assert (one.annotator, one.round, one.seconds, one.review, one.kind) == ("alice", 2, 3.0, done.id, "within")
    assert not one.settles
    state = desk.state
    assert state.members[0].tolist() == [0, 1]
    assert state.labels[[2, 3]].tolist() == [-1, -1]
    assert state.reviewed == {0}
    assert state.memory.implied(0, 1) is None  # an image without a tick is not confirmed


def test_all_others_are_one_individual_is_a_chain(desk):
    assert desk.tick(0, 3, others=[1, 2]).answers == 3
    assert desk.answers() == [(0, 3, "different"), (0, 1, "same"), (1, 2, "same")]
    assert desk.tick(0, others=[1, 2]).known == 2  # nothing is stored twice
    assert len(desk.answers()) == 3


def test_nothing_ticked_is_looked_through_and_the_doubtful_come_first(desk):
    assert desk.state.order == [2, 1, 0]
    assert sheet_of(desk.state).identity == 2
    assert desk.tick(2).answers == 0
    assert sheet_of(desk.state).identity == 1
    assert sheet_of(desk.state, 2).following == 1


def test_one_against_many(desk):
    assert [each.name for each in sheet_of(desk.state, 0).suggestions] == ["b", "c"]
    desk.merge(0, same=[4], different=[7])
    assert desk.answers() == [(0, 4, "same"), (0, 7, "different")]
    assert [event.kind for event in desk.store.answers("uid")] == ["between", "between"]
    state = desk.state
    assert state.members.keys() == {0, 2}
    assert state.members[0].tolist() == list(range(7))
    assert sheet_of(state, 0).suggestions == []


def test_an_image_that_left_one_identity_joins_another(desk):
    desk.tick(0, 3)
    desk.review("merge", 1, [(4, 3, True)])
    assert desk.state.members[1].tolist() == [3, 4, 5, 6]
    assert desk.state.members[0].tolist() == [0, 1, 2]


def test_an_outlier_joins(desk):
    desk.review("merge", 1, [(4, 9, True)])
    assert desk.state.members[1].tolist() == [4, 5, 6, 9]


def test_a_contradiction_is_shown_before_it_is_stored_and_the_earlier_answers_hold(desk):
    desk.tick(0, others=[1, 2, 3], who="bob")
    with pytest.raises(ContradictionsError) as found:
        desk.tick(0, 2)
    [clash] = found.value.contradictions
    assert (clash.rows, clash.same) == ((0, 2), False)
    assert [(answer.annotator, answer.verdict) for answer in clash.answers] == [("bob", "same")] * 2
    assert len(desk.answers()) == 3
    assert desk.tick(0, 2, contradictions="leave").answers == 0
    assert desk.tick(0, 2, contradictions="keep").answers == 1
    assert desk.answers()[-1] == (0, 2, "different")
    state = desk.state
    assert state.members[0].tolist() == [0, 1, 2, 3]
    assert state.memory.conflicts == [(0, 2, False)]
    assert state.order[0] == 0  # contradictory answers are the most doubtful


def test_two_of_one_request_contradict_each_other(desk):
    with pytest.raises(ContradictionsError) as found:
        desk.review("tick", 0, [(0, 1, True), (0, 1, False)])
    assert found.value.contradictions[0].answers == ()
    assert desk.answers() == []


def test_an_identity_that_somebody_has_changed_is_refused_with_who_did_it(desk):
    seen = desk.state.version(1)
    desk.merge(0, same=[4], who="bob")
    with pytest.raises(ChangedError, match=r"bob has changed this identity since it was shown: it is part of a now"):
        desk.tick(1, 5, version=seen)
    seen = desk.state.version(0)
    desk.tick(0, 3, who="bob")
    with pytest.raises(ChangedError, match="bob has changed"):
        desk.tick(0, 2, version=seen)
    assert len(desk.answers()) == 2
    other = desk.state.version(2)
    desk.tick(0, 2, who="bob")
    desk.tick(2, 8, version=other)  # elsewhere nothing has changed


def test_undo_restores_everything_and_is_for_ones_own(desk):
    before = desk.state.version(0)
    done = desk.tick(0, 3, others=[1, 2])
    with pytest.raises(RefusedError, match="only your own"):
        desk.undo(done.id, "bob")
    assert (desk.undo(done.id), desk.undo(done.id)) == (3, 0)
    assert desk.answers() == []
    assert desk.state.version(0) == before
    assert desk.state.reviewed == set()
    again = desk.tick(0, 3)  # the same answer again is a new one
    assert [event.revision for event in desk.store.answers("uid")] == [1]
    desk.learnt = {(int(IDS[0]), int(IDS[3]))}
    with pytest.raises(RefusedError, match="a round has begun"):
        desk.undo(again.id)


def test_a_request_sent_twice_is_one_review(desk):
    seen = desk.state.version(0)
    first = desk.tick(0, 3, version=seen, request="r" * 32)
    assert desk.tick(0, 3, version=seen, request="r" * 32).id == first.id
    assert len(desk.answers()) == 1


def test_images_of_other_identities_are_refused(desk):
    with pytest.raises(RefusedError, match="not of this identity"):
        desk.tick(0, 4)


def test_names_are_kept_are_of_one_identity_and_can_be_undone(desk):
    named = desk.name(0, "  Anna   Karenina ")
    assert desk.state.names[0] == "Anna Karenina"
    for wrong in ("", "12", "x" * 61, "a\x07b"):
        with pytest.raises(RefusedError, match="name"):
            desk.name(1, wrong)
    for taken, other in (("Anna Karenina", 0), ("c", 2)):
        with pytest.raises(TakenError, match=f"{taken} is the name of another identity.*or give b another") as found:
            desk.name(1, taken)
        assert found.value.other == other
    desk.merge(0, same=[4])
    desk.name(0, "Levin")
    with desk.store.reading() as connection:
        events = read_reviews(connection, "uid")
        assert last_review(connection, "uid", "alice") == events[-1].id
    assert given_names(events, 0) == {1: "Levin"}
    assert given_names(events, events[-1].id) == {}
    desk.undo(events[-1].id)
    assert desk.state.names[0] == "Anna Karenina"
    desk.undo(named)
    assert desk.state.names[0] == "a"


CATALOGUE = {0: "Anna", 1: "Anna", 4: "Levin"}  # rows


@pytest.fixture
def catalogued(store):
    """Anna's two images are the catalogue's, Levin's is one; images 2 and 3 are one encounter, and so are 5 and 6."""
    known = Known(np.array([0, 0, -1, -1, 1, -1, -1, -1, -1, -1]), np.array([-1, -1, 0, 0, -1, 1, 1, -1, -1, -1]))
    return Desk(store, table_of(known=known, catalogue=CATALOGUE))


def test_the_catalogue_and_encounters_are_known_on_the_sheet_and_not_asked(catalogued):
    shown = sheet_of(catalogued.state, 0)
    assert shown.notes == {0: "catalogue: Anna", 1: "catalogue: Anna"}
    assert [each.name for each in shown.suggestions] == ["c"]  # "b" has an image of Levin
    catalogued.tick(0, others=[2])
    assert sheet_of(catalogued.state, 0).notes[3] == "answered"  # of the encounter of the answered one
    catalogued.tick(2, others=[8])
    encounter = replace(catalogued.table, catalogue={})
    assert sheet_of(Desk(catalogued.store, encounter).state, 0).notes[1] == "encounter"


@pytest.mark.parametrize(
    ("what", "known"),
    [
        (lambda desk: desk.tick(0, 1), "the catalogue: both are Anna"),
        (lambda desk: desk.merge(0, same=[4]), "the catalogue: Anna and Levin"),
        (lambda desk: desk.review("tick", 0, [(2, 3, False)]), "they are of one encounter"),
    ],
)
def test_what_contradicts_the_catalogue_is_refused_with_its_word_and_the_catalogue_holds(catalogued, what, known):
    with pytest.raises(ContradictionsError) as found:
        what(catalogued)
    assert [each.known for each in found.value.contradictions] == [known]
    assert catalogued.answers() == []
    assert catalogued.tick(0, 1, contradictions="keep").answers == 1
    assert catalogued.state.members[0].tolist() == [0, 1, 2, 3]


def test_what_follows_from_answers_and_the_catalogue_together_is_explained(catalogued):
    catalogued.tick(0, others=[2], who="bob")
    with pytest.raises(ContradictionsError) as found:
        catalogued.tick(0, 3)  # of the encounter of 2, which bob says is Anna's
    assert [answer.annotator for answer in found.value.contradictions[0].answers] == ["bob"]
    catalogued.review("tick", 1, [(4, 5, True)], who="bob")
    with pytest.raises(ContradictionsError) as found:
        catalogued.review("merge", 0, [(3, 6, True)])
    assert found.value.contradictions[0].known == "the catalogue: Anna and Levin"


def test_an_individual_of_the_catalogue_keeps_its_name(catalogued):
    with pytest.raises(RefusedError, match="the catalogue names this individual Anna"):
        catalogued.name(0, "Kitty")


def test_an_answer_between_two_identities_whose_cores_differ_does_not_join_them(desk):
    desk.tick(0, others=[1])
    desk.tick(1, others=[5])
    desk.merge(0, different=[4])
    desk.review("merge", 0, [(3, 6, True)])
    state = desk.state
    assert {label: rows.tolist() for label, rows in state.members.items()} == {0: [0, 1, 2, 3, 6], 1: [4, 5], 2: [7, 8]}


def test_a_similar_identity_is_shown_by_its_reference_and_two_images_that_differ(store):
    table = table_of(varied=np.array([[0, 3, 2, 1], [4, 6, -1, -1], [7, 8, -1, -1]]))
    desk = Desk(store, table)
    assert [each.rows for each in sheet_of(desk.state, 1).suggestions] == [[0, 3, 2], [7, 8]]
    desk.tick(0, 3)
    assert sheet_of(desk.state, 1).suggestions[0].rows == [0, 2, 1]


def test_a_large_identity_has_pages_the_doubtful_images_first(store):
    labels = np.zeros(100, np.int64)
    state = Desk(store, table_of(labels)).state
    pages = [sheet_of(state, 0, page) for page in range(4)]
    assert [len(page.rows) for page in pages] == [PAGE, PAGE, 99 - 2 * PAGE, 99 - 2 * PAGE]
    assert pages[0].rows == list(range(99, 99 - PAGE, -1))
    assert pages[0].reference == 0


def test_a_pair_that_the_round_asks_is_answered_by_a_review_and_asked_again_after_undo(desk, task_queue, people):
    pairs = [(int(IDS[0]), int(IDS[3])), (int(IDS[0]), int(IDS[4]))]
    task_queue(pairs, round=2)
    done = desk.tick(0, 3)
    [lease] = people.lease("carol")
    assert lease.task == 2
    people.answer("carol", lease, "different")
    assert people.lease("carol") == []
    desk.undo(done.id)
    assert [lease.task for lease in people.lease("carol")] == [1]


def test_an_unsure_answer_does_not_keep_a_review_from_counting(desk):
    given = AnswerEvent("uid", "mine", 1, 1, 4, "digest 0", "digest 1", "within", "unsure", "human", "bob", 4.0)
    desk.store.append([given])
    desk.tick(0, 1)
    assert desk.state.members[0].tolist() == [0, 2, 3]


def test_decided_links_per_minute_by_form(desk):
    desk.store.append(
        [AnswerEvent("uid", "mine", 0, 1, 28, "digest 0", "digest 9", "pool", "different", "human", "bob", 4.0)]
    )
    desk.tick(0, 3, others=[1, 2], seconds=6.0)
    desk.tick(1, seconds=3.0)  # nothing to tick takes time too
    desk.undo(desk.merge(0, same=[7], seconds=9.0).id)
    desk.merge(0, different=[7], seconds=2.0)
    rates = {rate.form: rate for rate in review_rates(desk.store, "uid")}
    assert {form: (rate.links, rate.seconds) for form, rate in rates.items()} == {
        "pair": (1, 4.0),
        "tick": (3, 9.0),
        "merge": (1, 2.0),
    }
    assert [round(rates[form].per_minute) for form in ("pair", "tick", "merge")] == [15, 20, 30]

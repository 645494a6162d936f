"""Answers of any age are undone from the terminal, with their copies; all others stay, and every row does."""

import numpy as np
import pytest

from whosame.annotation.exchange.undo_answers import Chosen, count_chosen, import_uid, undo_answers
from whosame.annotation.store.audit_log import log
from whosame.annotation.store.schema import answer_events
from whosame.annotators.earlier_answers import earlier_answers

FILE = "path_a,path_b,verdict,annotator\nc0/0.png,c1/1.png,same,carol\nc2/2.png,c0/12.png,same,carol\n"


def stored(here):
    with here.store.reading() as connection:
        return connection.execute(answer_events.select()).all()


def copied(here):
    """Begin a round of another run about the same images."""
    digests = [ref.digest for ref in here.images.values()]
    about = {"run": "next", "round": 0, "image_ids": np.arange(20), "digests": digests, "overlap": 1, "known": ()}
    found = earlier_answers(here.store, run_uid="next", **about)
    return [(answer.question.a, answer.question.b, answer.verdict) for answer in found]


def test_an_import_is_undone_with_what_it_counted_kept_and_gave_to_other_runs(here):
    here.ask(2)
    here.give("alice", "different")  # images 2 and 3 are still open, 0 and 1 are not
    here.ask([(0, 1), (4, 5)], overlap=2)
    done = here.read(FILE)
    assert (done.counted, done.kept) == (1, 1)
    assert len(copied(here)) == 2
    rows = stored(here)
    chosen = Chosen(import_uid=import_uid(FILE.encode()))
    assert count_chosen(here.store, chosen) == 2
    assert undo_answers(here.store, chosen) == 2
    assert here.answers("annotator") == [("alice",), ("alice",)]  # hers, and its copy
    assert copied(here) == [(0, 1, "different")]
    assert stored(here) == rows  # none is changed
    assert undo_answers(here.store, chosen) == 0
    [entry] = [entry for entry in log(here.store) if entry.action == "undid answers"]
    assert entry.details["answers"] == 2
    again = here.read(FILE)  # typed again, it is meant
    assert (again.counted, again.kept, again.undone) == (1, 1, 0)


@pytest.mark.parametrize(
    ("chosen", "left"),
    [
        (Chosen("uid", annotator="alice"), [(0, 1, "bob"), (2, 3, "oracle")]),
        (Chosen("uid", pair=(0, 1)), [(2, 3, "alice"), (2, 3, "oracle")]),
        (Chosen("uid"), [(2, 3, "oracle")]),  # an oracle answers as it did, whatever is undone
        (Chosen("other"), [(0, 1, "alice"), (0, 1, "bob"), (2, 3, "alice"), (2, 3, "oracle")]),
    ],
)
def test_answers_of_ended_rounds_are_undone_by_person_or_pair(here, chosen, left):
    queue = here.ask(2, overlap=2)
    here.give("alice", "same", "same")
    here.give("bob", "same")
    with here.store.writing() as connection:
        row = {**stored(here)[1]._mapping, "annotator": "oracle", "source": "oracle", "lease": None}
        connection.execute(answer_events.insert().values({name: row[name] for name in row if name != "id"}))
    queue.finish()
    undo_answers(here.store, chosen)
    assert sorted(here.answers("image_a", "image_b", "annotator")) == left

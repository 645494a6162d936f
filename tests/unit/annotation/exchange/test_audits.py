"""Answers of an audit are exported apart, marked, and stay answers of an audit wherever they are imported."""

import numpy as np
import pytest

from whosame.annotation.exchange.run_images import find_run
from whosame.annotation.exchange.undo_answers import Chosen, import_uid, undo_answers
from whosame.annotation.store.store import AnswerEvent
from whosame.annotation.store.uids import audit_uid, is_audit
from whosame.annotators.earlier_answers import earlier_answers
from whosame.errors import InputError


@pytest.fixture
def audited(here):
    """A run with an answer of its own, and one of an audit."""
    here.ask(1)
    here.give("alice", "same")
    digests = [here.images[image].digest for image in (2, 3)]
    about = (
        audit_uid("uid", "names", 0),
        "mine (audit)",
        0,
        2,
        3,
        *digests,
        "pool",
        "different",
        "human",
        "alice",
        1.0,
    )
    here.store.append([AnswerEvent(*about, answered_at="2030-01-01T00:00:00.000+00:00")])
    return here


def known_elsewhere(there):
    digests = [ref.digest for ref in there.images.values()]
    about = {"run": "next", "round": 0, "image_ids": np.arange(20), "digests": digests, "overlap": 1, "known": ()}
    found = earlier_answers(there.store, run_uid="next", **about)
    return [(answer.question.a, answer.question.b) for answer in found]


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_they_are_left_out_or_marked_and_no_run_knows_them(audited, elsewhere, form):
    own, _ = audited.write("own", form)
    marked, done = audited.write("audit", form, audits=True)
    assert done.answers == 1
    for file, kept in ((own, [(0, 1)]), (marked, [(2, 3)])):
        assert elsewhere.read(file).kept == 1
        assert elsewhere.read(file).known == 1
        assert elsewhere.answers("image_a", "image_b")[-1:] == kept
    assert [is_audit(uid) for (uid,) in elsewhere.answers("run_uid")] == [False, True]
    assert known_elsewhere(elsewhere) == [(0, 1)]
    elsewhere.ask([(2, 3)])
    assert elsewhere.read(marked).counted == 0  # an open question is not answered by it
    assert undo_answers(elsewhere.store, Chosen(import_uid=import_uid(marked.read_bytes()))) == 1


def test_what_a_person_says_in_an_audit_is_compared_with_audits_only(audited, table):
    assert audited.read(table("c2/2.png,c0/3.png,same,alice")).kept == 1
    names = "path_a,path_b,verdict,annotator,audit"
    audited.refusal(table("c2/2.png,c0/3.png,same,alice,true", names=names))


def test_label_studio_would_return_them_as_others(audited):
    with pytest.raises(InputError, match="take csv or jsonl"):
        audited.write("tasks.json", "label-studio", audits=True)


def test_the_run_that_was_active_last_is_no_audit(audited):
    assert find_run(audited.store).uid == "uid"


def test_another_run_other_names_and_another_seed_are_other_audits():
    about = [("run", "names", 0), ("run", "names", 1), ("run", "others", 0), ("another", "names", 0)]
    assert len({audit_uid(*each) for each in about}) == 4
    assert audit_uid("run", "names", 0) == audit_uid("run", "names", 0)

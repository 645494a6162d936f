"""The record of a round: rows of the training set and image ids, and answers found again."""

from dataclasses import replace

import numpy as np
import pytest

from whosame.annotation.store.store import AnswerEvent
from whosame.annotators.record import RoundRecord
from whosame.errors import ResumeError
from whosame.questions import Answer, Question


def make_record(store, image_ids=(10, 20, 30, 40), digests=("a", "b", "c", "d"), number=0):
    return RoundRecord(store, run_uid="uid", run="demo", round=number, image_ids=np.array(image_ids), digests=digests)


def test_rows_are_kept_as_image_ids_with_their_digests(store):
    make_record(store, number=2).commit([Answer(Question(1, 3, "pool"), "different", "oracle", "oracle", 5.0)])
    (kept,) = store.answers("uid")
    expected = AnswerEvent("uid", "demo", 2, 20, 40, "b", "d", "pool", "different", "oracle", "oracle", 5.0)
    assert replace(kept, answered_at="") == expected


def test_answers_are_found_again_in_the_order_given(store):
    record = make_record(store)
    record.commit([Answer(Question(2, 3, "pool"), "same", "human", "alice", 2.5)])
    record.commit([Answer(Question(0, 1, "within"), "unsure", "human", "bob", 1.5)])
    put = [Question(0, 1, "within", score=7.0), Question(0, 2, "within"), Question(2, 3, "pool")]
    assert make_record(store, number=1).find(put) == [
        Answer(put[2], "same", "memory", "alice", 2.5),
        Answer(put[0], "unsure", "memory", "bob", 1.5),
    ]


def test_each_attempt_at_a_pair_is_found_by_itself(store):
    record = make_record(store)
    attempts = [Question(0, 1, "within", attempt=number) for number in (1, 2, 3)]
    for question, verdict in zip(attempts, ("same", "different", "unsure"), strict=True):
        record.commit([Answer(question, verdict)])
    assert [event.attempt for event in store.answers("uid")] == [1, 2, 3]
    for question, verdict in zip(attempts, ("same", "different", "unsure"), strict=True):
        (found,) = make_record(store).find([question])
        assert (found.question.attempt, found.verdict) == (question.attempt, verdict)
    assert make_record(store).find([Question(0, 2, "within", attempt=2)]) == []


def test_the_first_answer_stands_where_a_pair_has_several(store):
    given = AnswerEvent("uid", "demo", 0, 10, 20, "a", "b", "within", "same", "oracle", "oracle", 5.0)
    store.append([replace(given, verdict="different"), replace(given, annotator="bob")])
    (found,) = make_record(store).find([Question(0, 1, "within")])
    assert (found.verdict, found.annotator) == ("different", "oracle")


def test_answers_about_other_pictures_are_refused(store):
    make_record(store).commit([Answer(Question(0, 2, "pool"), "same"), Answer(Question(1, 2, "pool"), "same")])
    with pytest.raises(
        ResumeError, match=r"(?s)2 images.*image 10: not a training image.*image 20: its bytes have changed"
    ):
        make_record(store, image_ids=(20, 30, 40, 50), digests=("B", "c", "d", "e"))


def test_files_of_the_same_bytes_are_the_same_for_free_and_nothing_is_kept_of_it(store):
    record = make_record(store, digests=("a", "b", "a", "b"))
    record.commit([Answer(Question(0, 1, "within"), "same", "human", "alice", 2.5)])
    put = [Question(0, 1, "within"), Question(1, 3, "pool"), Question(0, 2, "within"), Question(2, 3, "pool")]
    assert record.find(put[1:]) == [Answer(question, "same", "closure", "bytes", asked=0) for question in put[1:3]]
    assert make_record(store, digests=("a", "b", "a", "b")).find(put)[2:] == [
        Answer(put[0], "same", "memory", "alice", 2.5)
    ]
    assert len(store.answers("uid")) == 1

"""People's answers elsewhere about a run's images are known as it begins; whatever is not decided, or not theirs, is not."""

from dataclasses import replace

import numpy as np

from whosame.annotation.store.store import AnswerEvent
from whosame.annotators.earlier_answers import earlier_answers

IDS, DIGESTS = np.array([10, 20, 30, 40, 50]), ("a", "b", "c", "d", "a")  # 50 is a copy of 10


def event(first, second, verdict="same", **changes):
    given = AnswerEvent("other", "old", 3, 1, 2, first, second, "pool", verdict, "human", "ann", 4.0)
    pair = {"image_a": min(ord(first), ord(second)), "image_b": max(ord(first), ord(second))}  # ids of another manifest
    return replace(given, **pair, **changes)


def found(store, overlap=1, known=()):
    answers = earlier_answers(
        store, run_uid="uid", run="mine", round=1, image_ids=IDS, digests=DIGESTS, overlap=overlap, known=known
    )
    assert all((answer.source, answer.asked, answer.found_again) == ("memory", 0, True) for answer in answers)
    return [(answer.question.a, answer.question.b, answer.verdict, answer.annotator) for answer in answers]


def test_all_pairs_of_its_images_are_found_once_and_in_order(store):
    store.append([event("c", "a", "different", run_uid="import-1"), event("b", "c"), event("b", "x"), event("a", "b")])
    expected = [(0, 2, "different", "ann"), (1, 2, "same", "ann"), (0, 1, "same", "ann")]
    assert found(store) == expected
    assert found(store) == expected  # an interrupted round begins again
    copies = store.answers("uid", 1)
    assert [(each.image_a, each.image_b, each.digest_a, each.digest_b) for each in copies] == [
        (10, 30, "a", "c"),
        (20, 30, "b", "c"),
        (10, 20, "a", "b"),
    ]
    assert all(each.found_in for each in copies)
    assert len(store.answers("other")) == 3


def test_what_oracles_say_what_is_known_and_what_people_have_not_decided_is_left_out(store):
    store.append(
        [
            event("a", "b", source="oracle", annotator="oracle"),
            event("a", "c", attempt=2),
            event("b", "c"),
            event("b", "d"),
            event("b", "d", "same", annotator="bob", run_uid="third"),
            AnswerEvent("uid", "mine", 0, 30, 40, "c", "d", "pool", "same", "human", "ann", 4.0),
            event("c", "d", "different", annotator="bob"),
        ]
    )
    assert found(store, overlap=2, known={(20, 30)}) == [(1, 3, "same", "ann, bob")]
    assert [each.annotator for each in store.answers("uid", 1)] == ["ann", "bob"]

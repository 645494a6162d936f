"""People's answers elsewhere about a run's images are known as it begins; whatever is not decided, or not theirs, is not."""

from dataclasses import replace

import numpy as np
import pandas as pd

from whosame.annotation.store.store import AnswerEvent
from whosame.annotators.earlier_answers import earlier_answers, review_answers
from whosame.naming.collect_answers import not_taken

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


def test_reviews_of_the_run_are_known_as_its_next_round_begins_and_are_taken_once(store):
    here = {"run_uid": "uid", "round": 1, "review": 7}
    pairs = [(10, 20, "same"), (20, 30, "different"), (30, 40, "same")]
    given = [replace(event("a", "b", verdict, **here), image_a=a, image_b=b) for a, b, verdict in pairs]
    answered = replace(event("a", "d", run_uid="uid"), image_a=10, image_b=40)  # not of a review
    store.append([*given, answered])

    def taken(known=(), overlap=1):
        answers = review_answers(store, run_uid="uid", image_ids=IDS, overlap=overlap, known=known)
        return [(answer.question.a, answer.question.b, answer.verdict, answer.asked) for answer in answers]

    assert taken() == [(0, 1, "same", 0), (1, 2, "different", 0), (2, 3, "same", 0)]
    assert taken(known={(10, 20), (30, 40)}) == [(1, 2, "different", 0)]
    assert taken(overlap=2) == []  # each is one person's vote


def test_names_obey_reviews_that_no_round_has_taken(store):
    memory = pd.DataFrame({"image_a": [10, 20], "image_b": [20, 30], "verdict": ["same", "unsure"]})
    here = {"run_uid": "uid", "review": 7}
    given = [
        replace(event("a", "b", "same", **here), image_a=a, image_b=b, round=number)
        for a, b, number in [(10, 20, 0), (20, 30, 1), (30, 40, 1), (40, 50, 2)]
    ]
    asked = [replace(given[0], image_b=50, round=number, review=None) for number in (1, 2)]
    events = [*given, *asked]
    assert not_taken(events, 2, memory) == [*given[1:], asked[1]]
    assert not_taken(events, None, memory) == given[1:]

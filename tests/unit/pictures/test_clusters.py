"""Clusters before and after answers: the cases that changed most, and the frames that say where an image was."""

import io
from itertools import combinations

import numpy as np
import pandas as pd
from PIL import Image

from whosame.data.manifest import Manifest, TrainSet
from whosame.pictures.cells import BLUE, GREY, ORANGE
from whosame.pictures.cluster_cases import cluster_cases
from whosame.pictures.cluster_changes import cluster_changes_picture
from whosame.questions import Answer, Question

#                   0  1  2  3  4  5  6  7  8  9  10 11
BEFORE = np.array([0, 0, 0, 1, 1, 2, 2, 2, 2, 3, 3, -1])
AFTER = np.array([0, 0, 0, 0, 0, 2, 2, 4, 4, 3, 3, 3])


def said(a, b, verdict, source="oracle"):
    return Answer(Question(a, b, "between"), verdict, source)


ANSWERS = [
    said(0, 1, "same"),  # as the clusters have it
    said(9, 11, "same"),  # an outlier joins two
    said(5, 6, "same", "closure"),
    said(2, 3, "same"),  # three and two become five
    said(5, 8, "different"),  # four become two and two
    said(0, 4, "same"),  # the same clusters again
]


def together_in_one_only(rows):
    def together(labels, a, b):
        return labels[a] == labels[b] != -1

    return sum(together(BEFORE, a, b) != together(AFTER, a, b) for a, b in combinations(rows, 2))


def test_the_answers_that_changed_most_come_first_and_no_image_twice():
    cases = cluster_cases(ANSWERS, BEFORE, AFTER, 5)
    assert [(case.answer.question.a, case.answer.question.b) for case in cases] == [(2, 3), (5, 8), (9, 11)]
    assert [case.number for case in cases] == [3, 4, 2]  # free ones are no questions
    assert [case.changed for case in cases] == [6, 4, 2]
    for case in cases:
        assert case.changed == together_in_one_only(np.concatenate(case.before).tolist())
    merged, split, joined = cases
    assert [group.tolist() for group in merged.before] == [[0, 1, 2], [3, 4]]
    assert [group.tolist() for group in merged.after] == [[0, 1, 2, 3, 4]]
    assert [group.tolist() for group in split.before] == [[5, 6, 7, 8]]
    assert [group.tolist() for group in split.after] == [[5, 6], [7, 8]]
    assert [group.tolist() for group in joined.before] == [[9, 10], [11]]
    assert [case.number for case in cluster_cases(ANSWERS, BEFORE, AFTER, 1)] == [3]
    assert cluster_cases(ANSWERS, BEFORE, BEFORE, 5) == []


def test_frames_say_where_an_image_was(tmp_path):
    count = len(BEFORE)
    names = [f"{row}.png" for row in range(count)]
    for name in names:
        Image.new("RGB", (20, 20), (250, 250, 250)).save(tmp_path / name)
    manifest = Manifest(tmp_path, "some", pd.DataFrame({"path": names, "height": 20, "width": 20}))
    train_set = TrainSet(np.arange(count), np.full(count, -1), ("",) * count)
    after = AFTER.copy()
    after[9] = 0  # another answer brings an image of a third cluster
    [case] = cluster_cases(ANSWERS[3:4], BEFORE, after, 1)
    drawn = cluster_changes_picture([case], 0, manifest, train_set, tmp_path, 32)
    pixels = np.asarray(Image.open(io.BytesIO(drawn), formats=["PNG"]))
    # a frame is 4 pixels wide: so many pixels of its colour in a row, above and below each image
    found = {colour: _edges(pixels, colour) for colour in (BLUE, ORANGE, GREY)}
    # blue: three before, one in the question, three after; orange: two, one, two; grey: the one of another cluster
    assert found == {BLUE: 7, ORANGE: 5, GREY: 1}


def _edges(pixels, colour):
    """Return how many squares of 40 pixels have a frame of a colour."""
    exact = (pixels == colour).all(axis=2)
    top = np.lib.stride_tricks.sliding_window_view(exact, (4, 40)).all(axis=(2, 3))
    return int(top.sum()) // 2  # above and below

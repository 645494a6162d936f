"""Exemplars: images that answers have told to be the same, the views that compare best first, at most five."""

import numpy as np

from whosame.annotators.exemplars import Exemplars
from whosame.memory import LabelMemory
from whosame.questions import Question


def on_circle(*degrees):
    angles = np.deg2rad(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_they_are_what_answers_have_joined_nearest_to_the_other_side_first():
    memory = LabelMemory()
    for a, b, same in ((0, 1, True), (1, 2, True), (3, 4, True), (5, 6, False)):
        memory.add(a, b, same)
    memory.skip(0, 5)
    exemplars = Exemplars(memory, on_circle(0, 30, 80, 90, 100, 1, 2))
    assert exemplars.of(Question(0, 3, "between")) == ((2, 1), (4,))
    assert exemplars.of(Question(2, 5, "between")) == ((0, 1), ())  # neither "different" nor "unsure" joins
    assert exemplars.of(Question(5, 6, "pool")) == ((), ())


def test_at_most_five_and_never_the_image_itself():
    memory = LabelMemory()
    for row in range(1, 9):
        memory.add(0, row, same=True)
    first, second = Exemplars(memory, on_circle(*range(10))).of(Question(4, 9, "between"))
    assert (first, second) == ((8, 7, 6, 5, 3), ())

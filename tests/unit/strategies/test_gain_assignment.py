"""Which images join a cluster without a question."""

import numpy as np
import pytest
from scipy.special import softmax

from whosame.memory import LabelMemory
from whosame.strategies.gain.assignment import assign_clear
from whosame.strategies.gain.gain import Gain, GainConfig
from whosame.strategies.gain.plda_groups import PLDAGroups
from whosame.testing import round_state

PEOPLE = np.repeat(np.arange(6), 8)


def drawn(labels, *, memory=None, spread=0.12, seed=0):
    """Return a state of six people on a circle, the labels given, and the groups of it."""
    angle = PEOPLE * np.pi / 3
    points = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    points = points + spread * np.random.default_rng(seed).normal(size=points.shape)
    state = round_state(points.astype(np.float32), labels, memory=memory or LabelMemory())
    return state, PLDAGroups(state, state.features, np.random.default_rng(0), shared_view=0.2)


def with_outliers(rows):
    labels = PEOPLE.copy()
    labels[rows] = -1
    return labels


def test_an_outlier_joins_the_person_it_clearly_is():
    _, plda = drawn(with_outliers([3, 20, 41]))
    np.testing.assert_array_equal(assign_clear(plda, LabelMemory(), clear=0.8, neighbours=4), PEOPLE)


def test_an_image_of_another_cluster_moves_unless_it_was_asked_about():
    labels = PEOPLE.copy()
    labels[5] = 3  # of person 0
    memory = LabelMemory()
    memory.add(5, 24, same=True)
    _, plda = drawn(labels)
    assert assign_clear(plda, LabelMemory(), clear=0.8, neighbours=4)[5] == 0
    placed = assign_clear(plda, memory, clear=0.8, neighbours=4)
    assert placed[5] == placed[24]
    assert placed[5] != placed[4]


@pytest.mark.parametrize("neighbours", [2, 6])
def test_the_probability_is_that_of_a_dense_transcription(neighbours):
    labels = with_outliers([0, 1, 9, 30])
    _, plda = drawn(labels, spread=0.35)
    means, noise = plda.means[~plda.is_outlier], plda.noise[~plda.is_outlier]
    ratios = np.stack(
        [
            plda.model.log_ratio(np.repeat(point[None], 6, axis=0).astype(float), np.ones(6), means, noise)
            for point in plda.points
        ]
    )
    if neighbours == 6:
        shares = softmax(np.concatenate([ratios, np.zeros((len(ratios), 1))], axis=1), axis=1)[:, :-1]
        for clear in (0.4, 0.6, 0.9):
            placed = assign_clear(plda, LabelMemory(), clear=clear, neighbours=6)
            expected = np.where(shares.max(axis=1) >= clear, shares.argmax(axis=1), labels)
            np.testing.assert_array_equal(placed, expected)
    else:  # fewer candidates make each more probable: what joined among all joins among the nearest
        all_six = assign_clear(plda, LabelMemory(), clear=0.6, neighbours=6)
        nearest = assign_clear(plda, LabelMemory(), clear=0.6, neighbours=2)
        assert (nearest[all_six >= 0] >= 0).all()


def test_nothing_is_clear_at_1_or_without_two_clusters():
    labels = with_outliers([3])
    _, plda = drawn(labels, spread=0.35)
    np.testing.assert_array_equal(assign_clear(plda, LabelMemory(), clear=1.0, neighbours=4), labels)
    _, plda = drawn(np.where(PEOPLE == 0, 0, -1))
    np.testing.assert_array_equal(assign_clear(plda, LabelMemory(), clear=0.1, neighbours=4), plda.state.labels)


def test_a_cluster_that_is_left_with_one_image_is_dissolved():
    labels = np.where(PEOPLE == 2, 1, PEOPLE)
    labels[[0, 8]] = 2  # one of person 0, one of person 1
    memory = LabelMemory()
    memory.add(8, 40, same=False)  # row 8 stays
    _, plda = drawn(labels)
    placed = assign_clear(plda, memory, clear=0.5, neighbours=5)
    assert placed[0] == placed[1]
    assert placed[8] == -1


def test_gain_assigns_and_obeys_every_answer_and_gain_labels_does_not_assign():
    memory = LabelMemory()
    memory.add(3, 0, same=False)
    memory.add(20, 17, same=True)
    labels = with_outliers([3, 20, 41])
    state, _ = drawn(labels, memory=memory)
    placed = Gain().reassign(state, memory, [])
    assert placed[41] == placed[40]
    assert placed[20] == placed[17]
    assert placed[3] == -1
    for config in (GainConfig(assign=False), GainConfig(aim="labels")):
        assert Gain(config).reassign(state, memory, [])[41] == -1

"""The best round: chosen by mAP on the test set, and carried along from round to round."""

import pytest

from whosame.reporting.best_round import best_round, best_so_far


def rounds(*scores):
    return [{} if score is None else {"retrieval/mAP": score, "retrieval/rank1": 1 - score} for score in scores]


@pytest.mark.parametrize(
    ("scores", "best"),
    [((0.2, 0.5, 0.4), 1), ((0.5, 0.2, 0.5), 0), ((None, 0.1), 1), ((0.3, None), 0), ((None, None), 1), ((0.0,), 0)],
)
def test_the_best_round_is_that_with_the_highest_map(scores, best):
    played = rounds(*scores)
    assert best_round(played) == best
    previous = None
    for number, metrics in enumerate(played):
        previous = metrics | best_so_far(previous, metrics, number)
    if scores[best] is None:
        assert previous == {}
    else:
        assert previous["retrieval/best_round"] == best
        assert previous["retrieval/mAP_best_round"] == scores[best]
        assert previous["retrieval/rank1_best_round"] == 1 - scores[best]

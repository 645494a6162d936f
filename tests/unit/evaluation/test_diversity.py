"""Selection diversity by hand: counts, shares and the divergence from the uniform distribution."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whosame.evaluation.diversity import cluster_counts, kl_to_uniform, selection_shares


def test_shares_and_divergence_of_the_counts():
    counts = cluster_counts(np.array([2, 0, 1, 1, 9]), np.array([3, 3, 5, 8, -1]))
    assert counts.tolist() == [2, 1, 1]
    assert selection_shares(counts).tolist() == [0.5, 0.25, 0.25]
    assert kl_to_uniform(counts, kappa=0) == pytest.approx((math.log(2 / 3) + 2 * math.log(4 / 3)) / 3)
    assert kl_to_uniform(counts, kappa=1) == pytest.approx((math.log(7 / 9) + 2 * math.log(7 / 6)) / 3)
    assert kl_to_uniform(np.array([2.0, 0, 1]), kappa=0) == math.inf
    assert kl_to_uniform(np.zeros(3), kappa=0) == kl_to_uniform(np.empty(0)) == 0
    assert selection_shares(np.zeros(2)).tolist() == [0, 0]


@given(st.lists(st.integers(0, 20), min_size=5, max_size=5))
def test_divergence_is_zero_only_where_counts_are_equal(counts):
    divergence = kl_to_uniform(np.array(counts, float))
    assert divergence >= -1e-12
    assert (divergence < 1e-12) == (len(set(counts)) == 1)

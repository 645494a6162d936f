"""The lazy greedy against the literal loop and against all subsets."""

import math
from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from whosame.strategies.dcps.greedy import LazyGreedy, rarity

CLUSTERS = 5
weights = st.sampled_from([0.0, 0.1, 1.0, 3.0, 30.0])
kappas = st.sampled_from([1e-9, 0.5, 1.0])
costs = st.floats(-5, 5, allow_nan=False) | st.integers(-2, 2).map(float)  # whole numbers: ties
cluster = st.integers(0, CLUSTERS - 1)
counts = st.lists(st.integers(0, 20), min_size=CLUSTERS, max_size=CLUSTERS)


def literal(cost, pairs, counts, weight, kappa, steps):
    """Eq. 10 as it stands: look at every pair that is left, take the least, update the counts."""
    counts, left, chosen = [float(count) for count in counts], list(range(len(cost))), []
    for _ in range(min(steps, len(cost))):
        best = min(left, key=lambda i: (cost[i] - weight * rarity(np.array(counts), *pairs[i], kappa), i))
        left.remove(best)
        chosen.append(best)
        for position in pairs[best]:
            counts[position] += 1
    return chosen


def lazy(cost, pairs, counts, weight, kappa, steps):
    table = np.array(pairs, np.int64).reshape(-1, 2)
    greedy = LazyGreedy(np.array(cost, float), table, np.array(counts, float), weight=weight, kappa=kappa)
    taken = [greedy.take() for _ in range(steps)]
    return [index for index, _ in filter(None, taken)]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(costs, cluster, cluster), max_size=25), counts, weights, kappas, st.integers(0, 30))
def test_lazy_equals_literal(table, counts, weight, kappa, steps):
    cost = [row[0] for row in table]
    pairs = [row[1:] for row in table]  # of one cluster or of two
    assert lazy(cost, pairs, counts, weight, kappa, steps) == literal(cost, pairs, counts, weight, kappa, steps)


def objective(chosen, cost, pairs, counts, weight, kappa):
    """Eq. 9 up to constants: sum of distances less lambda times the sum of the final log counts."""
    counts = [count + 2 * sum(pairs[i][0] == c for i in chosen) for c, count in enumerate(counts)]
    return sum(cost[i] for i in chosen) - weight * sum(math.log(count + kappa) for count in counts)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(costs, cluster), min_size=1, max_size=8), counts, weights, kappas, st.integers(1, 8))
def test_greedy_is_optimal_within_clusters(table, counts, weight, kappa, steps):
    cost, pairs = [row[0] for row in table], [(row[1], row[1]) for row in table]
    steps = min(steps, len(cost))
    chosen = lazy(cost, pairs, counts, weight, kappa, steps)
    best = min(
        objective(subset, cost, pairs, counts, weight, kappa) for subset in combinations(range(len(cost)), steps)
    )
    assert objective(chosen, cost, pairs, counts, weight, kappa) <= best + 1e-9


@given(counts, cluster, cluster)
def test_rarity_is_what_a_pair_takes_from_the_divergence(counts, first, second):
    # D_KL with p_j = cnt_j / (2 T) for a fixed T: only the mean of log counts moves (Eq. 8, 11).
    before = np.array(counts, float)
    after = before.copy()
    for position in (first, second):
        after[position] += 1
    change = (np.log(before + 1).sum() - np.log(after + 1).sum()) / CLUSTERS
    assert math.isclose(-rarity(before, first, second, 1.0) / CLUSTERS, change, abs_tol=1e-12)

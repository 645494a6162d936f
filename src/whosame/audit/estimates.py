"""Estimates of an audit, with their confidence intervals."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal, NamedTuple

import numpy as np
from scipy import stats
from scipy.special import expit, logit

from whosame.audit.population import Population
from whosame.audit.unit import Kind, UnitResult

UNSEEN = 1.5  # variance of roots that were not drawn, in squares of what one of them would add
UNSEEN_PAIRS = 0.01  # of missed pairs likewise: most draws would add much and are improbable
FREEDOM = 0.5  # degrees of freedom of a variance, for each unit that it is estimated from
TINY = 1e-9

Results = Mapping[Kind, Sequence[tuple[float, UnitResult]]]


@dataclass(frozen=True)
class Interval:
    """An estimate and its confidence interval; all nan where there is nothing that it could be estimated from."""

    value: float
    low: float
    high: float

    def __contains__(self, truth: float) -> bool:
        return self.low - TINY <= truth <= self.high + TINY

    @property
    def known(self) -> bool:
        """Whether there is an estimate."""
        return not math.isnan(self.value)


UNKNOWN = Interval(math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class Estimates:
    """What an audit estimates.

    Attributes
    ----------
    precision, recall : Interval
        Pairwise: of the pairs of one name, the share that is one individual; of the pairs of one individual, the share
        that has one name.
    bcubed_precision, bcubed_recall : Interval
        Mean over images of the share of its name that is its individual; of its individual that has its name. The
        last one is approximate, see ``docs/audit.md``.
    individuals : Interval
        How many there are.
    """

    precision: Interval
    recall: Interval
    bcubed_precision: Interval
    bcubed_recall: Interval
    individuals: Interval

    def as_dict(self) -> dict[str, dict[str, float] | None]:
        """Return value, low and high by name; None where unknown."""
        return {name: asdict(interval) if interval.known else None for name, interval in vars(self).items()}


def estimate(population: Population, results: Results, level: float = 0.95) -> Estimates:
    """Estimate precision, recall and the number of individuals from the units of an audit.

    Parameters
    ----------
    population : Population
    results : mapping of kind to sequence of (float, UnitResult)
        Units with their places in the order of the draws; see :class:`~whosame.audit.session.AuditSession`.
    level : float
        Share of the audits whose intervals cover the truth.
    """
    n, pairs = len(population), population.within_pairs
    wrong, missed = _total(results["inside"], "pairs"), _total(results["across"], "pairs")
    found = wrong._replace(value=max(pairs - wrong.value, 1.0)) if pairs else _Total()
    precision = _share_left(wrong / pairs, level) if pairs and wrong.units else UNKNOWN
    recall = bcubed_recall = UNKNOWN
    if population.groups == 1:
        recall = Interval(1.0, 1.0, 1.0) if n > 1 else UNKNOWN
    elif missed.units and (not pairs or wrong.units):
        open_to = missed._replace(variance=missed.variance + UNSEEN_PAIRS * missed.hit**2)
        recall = _ratio(found, open_to, level)
    odd = _total(results["inside"], "shares")
    bcubed_precision = _share_left(odd / n, level) if pairs and odd.units else UNKNOWN
    individuals = _count(population, results, level)
    if recall.known and individuals.known:
        # The mean of 1 / size over all pairs of one individual is (n - individuals) / 2 by their number. Taken as that
        # over the pairs of two groups: individuals are torn apart whatever their size.
        of_image = 1 - individuals.value / n
        bcubed_recall = Interval(*(1 - (1 - share) * of_image for share in vars(recall).values()))
    return Estimates(precision, recall, bcubed_precision, bcubed_recall, individuals)


class _Total(NamedTuple):
    """A total with the variance of its estimate, the units it is estimated from, and what one more hit would add."""

    value: float = 0.0
    variance: float = 0.0
    units: int = 0
    hit: float = 0.0

    def __truediv__(self, factor: float) -> "_Total":
        return _Total(self.value / factor, self.variance / factor**2, self.units, self.hit / factor)


def _total(units: Sequence[tuple[float, UnitResult]], of: Literal["pairs", "shares", "roots"]) -> _Total:
    """Return the mean of the units' estimates of a total.

    The draws are spread evenly over an order. The variance is therefore that of a systematic sample: half the mean
    square of the differences between neighbours (Wolter, *Introduction to Variance Estimation*, 2007, chapter 8).
    """
    in_order = [unit for _, unit in sorted(units, key=lambda each: each[0])]
    m = len(in_order)
    if m < 2:
        return _Total()
    x = np.array([getattr(unit, of) for unit in in_order], dtype=np.float64)
    variance = float((np.diff(x) ** 2).sum() / 2 / (m - 1)) / m
    return _Total(float(x.mean()), variance, m, float(np.mean([unit.scale for unit in in_order])) / m)


def _t(freedom: float, level: float) -> float:
    return float(stats.t.ppf(0.5 + level / 2, max(freedom, 2.0)))


def _unseen(level: float) -> float:
    """Return the exact upper bound of a Poisson mean of which nothing was seen: 3.7 for 95 % of two sides."""
    return -math.log((1 - level) / 2)


def _share_left(loss: _Total, level: float) -> Interval:
    """Return the interval of 1 - loss, on the logit scale; one-sided where no loss, or nothing else, was seen."""
    q = min(max(loss.value, 0.0), 1.0)
    if q < TINY:
        return Interval(1.0, max(0.0, 1 - _unseen(level) * loss.hit), 1.0)
    if q > 1 - TINY or loss.variance <= 0:
        return Interval(1 - q, 0.0, min(1.0, 1 - q + _unseen(level) / max(loss.units, 1)))
    half = _t(FREEDOM * loss.units, level) * math.sqrt(loss.variance) / (q * (1 - q))
    return Interval(1 - q, float(1 - expit(logit(q) + half)), float(1 - expit(logit(q) - half)))


def _ratio(found: _Total, missed: _Total, level: float) -> Interval:
    """Return the interval of found / (found + missed): the logarithm of their ratio, linearised."""
    if missed.value <= 0:
        return Interval(1.0, found.value / max(found.value + _unseen(level) * missed.hit, TINY), 1.0)
    if found.value <= 0:
        return Interval(0.0, 0.0, 0.0)
    one, other = missed.variance / missed.value**2, found.variance / found.value**2
    freedom = (one + other) ** 2 / max(
        one**2 / (FREEDOM * missed.units) + other**2 / (FREEDOM * max(found.units, 1)), TINY**2
    )
    half = _t(freedom, level) * math.sqrt(one + other)
    log = math.log(missed.value / found.value)
    return Interval(float(expit(-log)), float(expit(-log - half)), float(expit(-log + half)))


def _count(population: Population, results: Results, level: float) -> Interval:
    """Return the interval of the number of individuals.

    Below it is symmetric, above on the log scale: the lower end is open to individuals that are found only far away,
    the upper one to those that no head shows.
    """
    n = len(population)
    if population.groups == 1 and not population.within_pairs:
        return Interval(1.0, 1.0, 1.0) if n else UNKNOWN
    head, member = _total(results["head"], "roots"), _total(results["member"], "roots")
    several = population.groups > 1
    if (several and not head.units) or (population.many and not member.units):
        return UNKNOWN
    k = population.roots_expected + head.value + member.value
    variances = [
        (each.variance + UNSEEN * (one / each.units) ** 2, each.units)
        for each, one in ((head, population.groups), (member, population.many))
        if each.units
    ]
    variance = sum(v for v, _ in variances)
    freedom = variance**2 / max(sum(v**2 / (FREEDOM * units) for v, units in variances), TINY)
    k = min(max(k, 1.0), float(n))
    half = _t(freedom, level) * math.sqrt(variance)
    return Interval(k, max(1.0, k - half), min(float(n), k * math.exp(min(half / k, 700))))

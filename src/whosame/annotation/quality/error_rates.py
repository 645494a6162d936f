"""Error rates of annotators, from the pairs that several of them have answered."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from whosame.annotation.quality.dawid_skene import ErrorRates, dawid_skene
from whosame.annotation.store.store import AnswerEvent

COVERAGE = 0.95  # of the intervals
RATE_FACTOR = 2.0  # careless: the lower bound is above so many times the rate of all others together ...
MIN_RATE = 0.05  # ... and above this share: one slip among perfect annotators is not careless
MIN_ANNOTATORS = 3  # of shared pairs: with fewer, the answers do not tell who errs


@dataclass(frozen=True)
class Rate:
    """A share of wrong answers, 0 to 1, with the bounds of its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class AnnotatorQuality:
    """One annotator's error rates.

    Attributes
    ----------
    annotator : str
    answers, unsure : int
        Pairs answered "same" or "different", and pairs left "unsure".
    shared : int
        Of ``answers``, those to pairs that another annotator answered "same" or "different" too.
    false_same, false_different : Rate or None
        Rate of "same" for two people, and of "different" for one; None where nothing is shared.
    careless : bool
        Whether the lower bound of either rate is above :data:`RATE_FACTOR` times the rate of all others together, and
        above :data:`MIN_RATE`; never with fewer than :data:`MIN_ANNOTATORS` annotators of shared pairs.
    """

    annotator: str
    answers: int
    unsure: int
    shared: int
    false_same: Rate | None = None
    false_different: Rate | None = None
    careless: bool = False


def annotator_quality(events: Sequence[AnswerEvent]) -> list[AnnotatorQuality]:
    """Estimate how often each annotator errs.

    Images are identified by their digests, so that answers of several runs about the same two are about one pair.
    Where an annotator answered a pair more than once (another attempt, another run), the last answer counts. Only pairs
    that two have answered tell about errors: the estimate uses these.

    Parameters
    ----------
    events : sequence of AnswerEvent
        In the order in which they were given.

    Returns
    -------
    list of AnnotatorQuality
        By annotator's name.

    References
    ----------
    Dawid and Skene 1979, see :func:`dawid_skene`.
    """
    last = {(event.annotator, *sorted((event.digest_a, event.digest_b))): event.verdict for event in events}
    names = sorted({name for name, *_ in last})
    sure = [(name, tuple(pair), verdict == "same") for (name, *pair), verdict in last.items() if verdict != "unsure"]
    answers = Counter(pair for _, pair, _ in sure)
    shared = [(name, pair, same) for name, pair, same in sure if answers[pair] > 1]
    counted = [
        AnnotatorQuality(
            name,
            answers=sum(who == name for who, _, _ in sure),
            unsure=sum(who == name and verdict == "unsure" for (who, *_), verdict in last.items()),
            shared=sum(who == name for who, _, _ in shared),
        )
        for name in names
    ]
    return _rated(counted, shared) if shared else counted


def _rated(counted: list[AnnotatorQuality], shared: list[tuple[str, tuple[str, ...], bool]]) -> list[AnnotatorQuality]:
    who = {name: position for position, name in enumerate(sorted({name for name, _, _ in shared}))}
    which = {pair: position for position, pair in enumerate(dict.fromkeys(pair for _, pair, _ in shared))}
    estimate = dawid_skene(
        np.array([which[pair] for _, pair, _ in shared]),
        np.array([who[name] for name, _, _ in shared]),
        np.array([same for _, _, same in shared]),
    )
    kinds = (estimate.false_same, estimate.false_different)
    careless = np.any([_is_careless(rates) for rates in kinds], axis=0)
    return [
        replace(
            one,
            false_same=_rate(estimate.false_same, who[one.annotator]),
            false_different=_rate(estimate.false_different, who[one.annotator]),
            careless=bool(careless[who[one.annotator]]),
        )
        if one.shared
        else one
        for one in counted
    ]


def _rate(rates: ErrorRates, position: int) -> Rate:
    low, high = rates.interval(COVERAGE)[:, position].tolist()
    return Rate(float(rates.rate[position]), low, high)


def _is_careless(rates: ErrorRates) -> NDArray[np.bool_]:
    if len(rates.wrong) < MIN_ANNOTATORS:
        return np.zeros(len(rates.wrong), bool)
    others = ErrorRates(rates.wrong.sum() - rates.wrong, rates.asked.sum() - rates.asked, rates.prior)
    careless: NDArray[np.bool_] = rates.interval(COVERAGE)[0] > np.maximum(MIN_RATE, RATE_FACTOR * others.rate)
    return careless

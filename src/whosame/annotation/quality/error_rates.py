"""Who answers well: each annotator's error rates from the pairs that others have answered too."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from whosame.annotation.quality.dawid_skene import ErrorRates, dawid_skene
from whosame.annotation.store.store import AnswerEvent

COVERAGE = 0.95  # of the intervals
TIMES = 2.0  # careless: the lower bound is above so many times what the others err together ...
LEAST = 0.05  # ... and above this share, so that nobody is blamed for one slip among perfect people
VOICES = 3  # with fewer annotators of shared pairs nobody can tell who errs


@dataclass(frozen=True)
class Rate:
    """A share of wrong answers, 0 to 1, with the bounds of its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Quality:
    """One annotator's answers, as far as others can vouch for them.

    Attributes
    ----------
    annotator : str
    answers, unsure : int
        Pairs answered "same" or "different", and pairs left "unsure".
    shared : int
        Of ``answers``, those to pairs that somebody else answered "same" or "different" too.
    false_same, false_different : Rate or None
        How often "same" was said of two people, and "different" of one; None where nothing is shared.
    careless : bool
        Whether the lower bound of either rate is above :data:`TIMES` times the rate of all others together, and above
        :data:`LEAST`; never with fewer than :data:`VOICES` annotators of shared pairs.
    """

    annotator: str
    answers: int
    unsure: int
    shared: int
    false_same: Rate | None = None
    false_different: Rate | None = None
    careless: bool = False


def annotator_quality(events: Sequence[AnswerEvent]) -> list[Quality]:
    """Estimate how often each annotator errs.

    Pictures are told by their digests, so that answers of several runs about the same two count as about one pair.
    Where an annotator answered a pair more than once (another attempt, another run), the last answer counts. Only pairs
    that two have answered say anything about errors: the estimate is made from these.

    Parameters
    ----------
    events : sequence of AnswerEvent
        In the order in which they were given.

    Returns
    -------
    list of Quality
        By annotator's name.

    References
    ----------
    Dawid and Skene 1979, see :func:`dawid_skene`.
    """
    last = {(event.annotator, *sorted((event.digest_a, event.digest_b))): event.verdict for event in events}
    names = sorted({name for name, *_ in last})
    said = [(name, tuple(pair), verdict == "same") for (name, *pair), verdict in last.items() if verdict != "unsure"]
    voices: dict[tuple[str, ...], int] = {}
    for _, pair, _ in said:
        voices[pair] = voices.get(pair, 0) + 1
    shared = [(name, pair, same) for name, pair, same in said if voices[pair] > 1]
    counted = [
        Quality(
            name,
            answers=sum(who == name for who, _, _ in said),
            unsure=sum(who == name and verdict == "unsure" for (who, *_), verdict in last.items()),
            shared=sum(who == name for who, _, _ in shared),
        )
        for name in names
    ]
    return _rated(counted, shared) if shared else counted


def _rated(counted: list[Quality], shared: list[tuple[str, tuple[str, ...], bool]]) -> list[Quality]:
    who = {name: position for position, name in enumerate(sorted({name for name, _, _ in shared}))}
    which = {pair: position for position, pair in enumerate(dict.fromkeys(pair for _, pair, _ in shared))}
    estimate = dawid_skene(
        np.array([which[pair] for _, pair, _ in shared]),
        np.array([who[name] for name, _, _ in shared]),
        np.array([same for _, _, same in shared]),
    )
    kinds = (estimate.false_same, estimate.false_different)
    careless = np.any([_stands_out(rates) for rates in kinds], axis=0)
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


def _stands_out(rates: ErrorRates) -> NDArray[np.bool_]:
    if len(rates.wrong) < VOICES:
        return np.zeros(len(rates.wrong), bool)
    others = ErrorRates(rates.wrong.sum() - rates.wrong, rates.asked.sum() - rates.asked, rates.prior)
    stands_out: NDArray[np.bool_] = rates.interval(COVERAGE)[0] > np.maximum(LEAST, TIMES * others.rate)
    return stands_out

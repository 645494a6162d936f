"""Inter-annotator agreement beyond chance: Cohen's kappa for two annotators, Krippendorff's alpha for any number.

"Unsure" is a missing answer here, not a category. It adds nothing to the label memory, so that "same" and "unsure" do
not contradict each other; as a category it would make careful people look unreliable. It is counted separately.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from whosame.questions import Verdict

Ratings = Mapping[Hashable, Mapping[str, Verdict]]  # pair -> annotator -> verdict


@dataclass(frozen=True)
class Agreement:
    """A coefficient of agreement: 1 is perfect, 0 what chance alone would give, below 0 is worse than chance.

    Attributes
    ----------
    value : float or None
        None where it is not defined; ``reason`` then says why.
    units : int
        Pairs that at least two have answered: what the value rests on.
    alike : float or None
        Share of agreeing answers among all that can be compared, 0 to 1; None without any.
    reason : str
    """

    value: float | None
    units: int
    alike: float | None = None
    reason: str = ""


def cohens_kappa(first: Sequence[Hashable], second: Sequence[Hashable]) -> Agreement:
    """Return kappa of two annotators who have answered the same pairs.

    Parameters
    ----------
    first, second : sequence
        The answers of each, pair by pair.

    Raises
    ------
    ValueError
        They differ in length.

    References
    ----------
    Cohen, *A coefficient of agreement for nominal scales*, Educational and Psychological Measurement 20(1), 1960.

    Examples
    --------
    >>> cohens_kappa(["same", "same", "different", "different"], ["same", "same", "different", "same"]).value
    0.5
    """
    both = Counter(zip(first, second, strict=True))
    n = both.total()
    if n == 0:
        return Agreement(None, 0, reason="no pair that both have answered")
    rows, columns = Counter(first), Counter(second)
    agreeing = sum(times for (one, other), times in both.items() if one == other)
    by_chance = sum(times * columns[answer] for answer, times in rows.items())  # times n²
    if by_chance == n * n:
        return Agreement(None, n, 1.0, f"both said nothing but {first[0]!r}: chance alone would agree as much")
    return Agreement((n * agreeing - by_chance) / (n * n - by_chance), n, agreeing / n)


def krippendorffs_alpha(units: Iterable[Sequence[Hashable]]) -> Agreement:
    """Return alpha for nominal data, any number of annotators, and answers that are missing.

    Parameters
    ----------
    units : iterable of sequences
        The answers to each pair, in any order. Pairs with fewer than two are ignored.

    References
    ----------
    Krippendorff, *Computing Krippendorff's alpha-reliability*, 2011: section C, nominal data, any number of observers.

    Examples
    --------
    >>> krippendorffs_alpha([["same", "same"], ["different", "different"], ["same"]]).value
    1.0
    """
    totals: Counter[Hashable] = Counter()
    alike, compared = 0.0, 0
    for answers in units:
        if (m := len(answers)) < 2:
            continue
        compared += 1
        counts = Counter(answers)
        totals.update(counts)
        alike += sum(times * (times - 1) for times in counts.values()) / (m - 1)  # diagonal of the coincidences
    n = totals.total()
    if n == 0:
        return Agreement(None, 0, reason="no pair that two have answered")
    if len(totals) == 1:
        [only] = totals
        return Agreement(None, compared, 1.0, f"all said nothing but {only!r}: chance alone would agree as much")
    by_chance = sum(times * (times - 1) for times in totals.values()) / (n - 1)
    return Agreement((alike - by_chance) / (n - by_chance), compared, alike / n)


def agreement(ratings: Ratings) -> Agreement:
    """Return the agreement of all: kappa where two annotators have answered, alpha where there are more.

    Parameters
    ----------
    ratings : mapping of mappings
        Pair, annotator, verdict; "unsure" is left out.
    """
    sure = _sure(ratings)
    names = sorted({name for given in sure.values() for name in given})
    if len(names) == 2:
        one, other = names
        both = [(given[one], given[other]) for given in sure.values() if len(given) == 2]
        return cohens_kappa([pair[0] for pair in both], [pair[1] for pair in both])
    return krippendorffs_alpha([list(given.values()) for given in sure.values()])


def agreement_with_others(ratings: Ratings) -> dict[str, Agreement]:
    """Return for each annotator kappa with the majority of the others; pairs on which the others tie are left out.

    Parameters
    ----------
    ratings : mapping of mappings
        Pair, annotator, verdict; "unsure" is left out.
    """
    mine: dict[str, list[tuple[Verdict, Verdict]]] = {name: [] for given in ratings.values() for name in given}
    for given in _sure(ratings).values():
        if len(given) < 2:
            continue
        votes = Counter(given.values())
        for name, verdict in given.items():
            same = votes["same"] - (verdict == "same")
            different = votes["different"] - (verdict == "different")
            if same != different:
                mine[name].append((verdict, "same" if same > different else "different"))
    return {
        name: cohens_kappa([own for own, _ in both], [others for _, others in both])
        for name, both in sorted(mine.items())
    }


def by_pair(answers: Iterable[tuple[Hashable, str, Verdict]]) -> Ratings:
    """Return ratings from (pair, annotator, verdict); of several answers of one annotator to a pair the last counts."""
    ratings: dict[Hashable, dict[str, Verdict]] = defaultdict(dict)
    for pair, annotator, verdict in answers:
        ratings[pair][annotator] = verdict
    return ratings


def _sure(ratings: Ratings) -> Ratings:
    return {
        pair: {name: verdict for name, verdict in given.items() if verdict != "unsure"}
        for pair, given in ratings.items()
    }

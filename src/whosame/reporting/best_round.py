"""The best round of a run, as others report it: chosen by its mAP on the test set."""

import math
from collections.abc import Mapping, Sequence

MAP, RANK1 = "retrieval/mAP", "retrieval/rank1"


def best_round(rounds: Sequence[Mapping[str, float]]) -> int:
    """Return the number of the round with the highest mAP; the first where they tie, the last where none has one.

    Cluster Contrast, SpCL and SPAL report this round. The choice uses the test set, so its figures are too good; those
    of the last round are not.

    Examples
    --------
    >>> best_round([{"retrieval/mAP": 0.2}, {"retrieval/mAP": 0.4}, {"retrieval/mAP": 0.3}])
    1
    """
    scores = {
        number: metrics[MAP] for number, metrics in enumerate(rounds) if math.isfinite(metrics.get(MAP, math.nan))
    }
    return max(scores, key=scores.__getitem__, default=len(rounds) - 1)


def best_so_far(previous: Mapping[str, float] | None, current: Mapping[str, float], number: int) -> dict[str, float]:
    """Return mAP, rank-1 and number of the best round up to this one, from its metrics and those of the round before.

    Parameters
    ----------
    previous : mapping or None
        The metrics of the round before, with what this function gave it; None before the first.
    current : mapping
        This round's.
    number : int
        Of this round, from 0.

    Returns
    -------
    dict
        ``retrieval/mAP_best_round``, ``retrieval/rank1_best_round``, ``retrieval/best_round``: chosen on the test set.
        Empty where there is no mAP.
    """
    kept = {name: previous[name] for name in _NAMES if name in previous} if previous else {}
    if not math.isfinite(current.get(MAP, math.nan)) or current[MAP] <= kept.get(_NAMES[0], -math.inf):
        return kept
    return dict(zip(_NAMES, (current[MAP], current.get(RANK1, math.nan), number), strict=True))


_NAMES = (f"{MAP}_best_round", f"{RANK1}_best_round", "retrieval/best_round")

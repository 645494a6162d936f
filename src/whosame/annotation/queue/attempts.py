"""What is believed of a pair that was put again because its first answer was doubted."""

from collections import Counter
from collections.abc import Sequence

from whosame.questions import Verdict

ATTEMPTS = 3  # at a pair: enough for a majority


def majority(verdicts: Sequence[Verdict]) -> Verdict | None:
    """Return what two say, "unsure" where three say three things; None: too few have spoken.

    Parameters
    ----------
    verdicts : sequence of str
        An attempt each, at least one.

    Examples
    --------
    >>> majority(["same", "different"]) is None
    True
    >>> majority(["same", "different", "different"])
    'different'
    """
    said, times = Counter(verdicts).most_common(1)[0]
    return said if times > 1 else "unsure" if len(verdicts) >= ATTEMPTS else None


def majority_or_first(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the verdict of :func:`majority`, or the first where there is none: nobody will be asked again.

    Parameters
    ----------
    verdicts : sequence of str
        An attempt each, at least one, in their order.

    Examples
    --------
    >>> majority_or_first(["same", "different"])
    'same'
    """
    return majority(verdicts) or verdicts[0]

"""What several people together say about one pair."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from whosame.questions import Verdict


@dataclass(frozen=True)
class Vote:
    """One person's answer; one that ``settles`` is a coordinator's, and decides alone."""

    verdict: Verdict
    settles: bool = False


def decide(votes: Sequence[Vote], overlap: int) -> Verdict | None:
    """Return what the votes decide; None: more are wanted.

    The verdict that most have given, once ``overlap`` people have answered. Where two verdicts tie one more person is
    asked; where that does not help either the pair is "unsure". A coordinator's vote decides at once.

    Parameters
    ----------
    votes : sequence of Vote
        In the order given, one a person.
    overlap : int
        How many people each pair is put to, at least 1.

    Examples
    --------
    >>> decide([Vote("same")], overlap=1)
    'same'
    >>> decide([Vote("same"), Vote("different")], overlap=2) is None
    True
    >>> decide([Vote("same"), Vote("different"), Vote("unsure")], overlap=2)
    'unsure'
    """
    settled = [vote.verdict for vote in votes if vote.settles]
    if settled:
        return settled[-1]
    if len(votes) < overlap:
        return None
    ranked = Counter(vote.verdict for vote in votes).most_common(2)
    if len(ranked) == 1 or ranked[0][1] > ranked[1][1]:
        return ranked[0][0]
    return "unsure" if len(votes) > overlap else None

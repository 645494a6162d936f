"""Voting: what several answers to one pair decide, be they of several people or of several attempts."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from whosame.annotation.store.store import AnswerEvent
from whosame.questions import Verdict

ATTEMPTS = 3  # at a pair whose first answer is doubted: enough for a majority

Key = tuple[int, int, int]  # a question: two image ids, and the attempt


@dataclass(frozen=True)
class Vote:
    """One person's answer; one that ``settles`` is a coordinator's, and decides alone."""

    verdict: Verdict
    settles: bool = False


@dataclass(frozen=True)
class Decision:
    """What the answers to one question decide.

    Attributes
    ----------
    verdict : str
    votes : tuple of AnswerEvent
        The answers that it was decided by, in the order given, up to the one that decided.
    """

    verdict: Verdict
    votes: tuple[AnswerEvent, ...]

    @property
    def annotator(self) -> str:
        """Who answered: one name, or several."""
        return ", ".join(dict.fromkeys(vote.annotator for vote in self.votes))

    @property
    def seconds(self) -> float:
        """Seconds that the answers took in this run, all people together."""
        return sum(vote.seconds for vote in self.votes if vote.found_in is None)

    @property
    def found_again(self) -> bool:
        """Whether all answers are of earlier runs."""
        return all(vote.found_in is not None for vote in self.votes)


def decide(votes: Sequence[Vote], overlap: int) -> Verdict | None:
    """Return what the votes decide; None: more are needed.

    The most frequent verdict, once ``overlap`` people have answered. Where two verdicts tie, one more person is asked;
    where that does not break the tie, the pair is "unsure". A coordinator's vote decides at once.

    Parameters
    ----------
    votes : sequence of Vote
        In the order given, one a person.
    overlap : int
        How many people each pair is shown to, at least 1.

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


def decisions(events: Iterable[AnswerEvent], overlap: int) -> dict[Key, Decision]:
    """Return what the answers of a run decide, in the order in which they decided it.

    A question is decided by its first answers that decide (:func:`decide`); of later ones only a coordinator's, which
    settles it, changes the verdict. Answers found in earlier runs count as given at the same moment.

    Parameters
    ----------
    events : iterable of AnswerEvent
        Of one run, in the order in which they were given, without those undone.
    overlap : int
        How many people each pair is shown to, at least 1.
    """
    events = list(events)
    found = Counter(_key(event) for event in events if event.found_in is not None)
    given: dict[Key, list[AnswerEvent]] = {}
    decided: dict[Key, Decision] = {}
    for event in events:
        key = _key(event)
        given.setdefault(key, []).append(event)
        found[key] -= event.found_in is not None
        if found[key] > 0 or (key in decided and not event.settles):
            continue
        verdict = decide([Vote(vote.verdict, vote.settles) for vote in given[key]], overlap)
        if verdict is not None:
            decided.pop(key, None)  # a new decision comes last
            decided[key] = Decision(verdict, tuple(given[key]))
    return decided


def majority(verdicts: Sequence[Verdict]) -> Verdict | None:
    """Return the verdict of two attempts at a pair, "unsure" where three attempts all differ; None: more are needed.

    Parameters
    ----------
    verdicts : sequence of str
        One an attempt, at least one.

    Examples
    --------
    >>> majority(["same", "different"]) is None
    True
    >>> majority(["same", "different", "different"])
    'different'
    """
    verdict, times = Counter(verdicts).most_common(1)[0]
    return verdict if times > 1 else "unsure" if len(verdicts) >= ATTEMPTS else None


def majority_or_first(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the verdict of :func:`majority`, or the first where there is none and the pair is not asked again.

    Parameters
    ----------
    verdicts : sequence of str
        One an attempt, at least one, in their order.

    Examples
    --------
    >>> majority_or_first(["same", "different"])
    'same'
    """
    return majority(verdicts) or verdicts[0]


def _key(event: AnswerEvent) -> Key:
    return event.image_a, event.image_b, event.attempt

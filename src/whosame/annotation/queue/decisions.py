"""What the answers in the store decide: several people's answers to one question are one decision."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from whosame.annotation.queue.voting import Vote, decide
from whosame.annotation.store.store import AnswerEvent
from whosame.questions import Verdict

Key = tuple[int, int, int]  # two image ids, and which attempt


@dataclass(frozen=True)
class Decision:
    """One question's answer.

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
        """How long it took in this run, all people together."""
        return sum(vote.seconds for vote in self.votes if vote.found_in is None)

    @property
    def found_again(self) -> bool:
        """Whether all of it was said in earlier runs."""
        return all(vote.found_in is not None for vote in self.votes)


def decisions(events: Iterable[AnswerEvent], overlap: int) -> dict[Key, Decision]:
    """Return what the answers of a run decide, in the order in which it was decided.

    A question is decided by its first answers that decide (:func:`~whosame.annotation.queue.voting.decide`); of
    later ones only a coordinator's, which settles it, changes the verdict. What was found in earlier runs counts as
    said at once.

    Parameters
    ----------
    events : iterable of AnswerEvent
        Of one run, in the order in which they were given, without those taken back.
    overlap : int
        How many people each pair is put to, at least 1.
    """
    events = list(events)
    found = Counter(key(event) for event in events if event.found_in is not None)
    said: dict[Key, list[AnswerEvent]] = {}
    decided: dict[Key, Decision] = {}
    for event in events:
        which = key(event)
        said.setdefault(which, []).append(event)
        found[which] -= event.found_in is not None
        if found[which] > 0 or (which in decided and not event.settles):
            continue
        verdict = decide([Vote(vote.verdict, vote.settles) for vote in said[which]], overlap)
        if verdict is not None:
            decided.pop(which, None)  # what is decided anew is decided now
            decided[which] = Decision(verdict, tuple(said[which]))
    return decided


def key(event: AnswerEvent) -> Key:
    """Return which question an answer is to."""
    return event.image_a, event.image_b, event.attempt

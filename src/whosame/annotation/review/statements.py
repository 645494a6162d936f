"""Statements of a review: which answers about pairs an action makes, and which of them contradict earlier ones."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from whosame.annotation.quality.contradictions import PairVerdict, shortest_chain
from whosame.annotation.queue.voting import decisions
from whosame.annotation.review.state import ReviewState, whose
from whosame.annotation.store.store import AnswerEvent

Statement = tuple[int, int, bool]  # two rows of the table, and whether they show one individual


@dataclass(frozen=True)
class Contradiction:
    """A statement whose opposite follows from answers: with those answers, each of one person or several."""

    rows: tuple[int, int]
    same: bool
    answers: tuple[AnswerEvent, ...]


@dataclass(frozen=True)
class Statements:
    """The statements of an action.

    Attributes
    ----------
    new : list of Statement
        They add something to what is known.
    contradictions : list of Contradiction
    known : int
        How many follow from answers already.
    """

    new: list[Statement]
    contradictions: list[Contradiction]
    known: int


def ticked(reference: int, rows: Iterable[int]) -> list[Statement]:
    """Return the statements of images that do not belong: each is another individual than the reference."""
    return [(reference, row, False) for row in rows]


def one_individual(reference: int, rows: Iterable[int]) -> list[Statement]:
    """Return the statements of images that are one individual with the reference, as a chain."""
    return [(one, other, True) for one, other in pairwise([reference, *rows])]


def merged(reference: int, same: Iterable[int], different: Iterable[int]) -> list[Statement]:
    """Return the statements of one identity against several, each by its reference."""
    return [*((reference, row, True) for row in same), *((reference, row, False) for row in different)]


def weigh(state: ReviewState, statements: Iterable[Statement], annotator: str) -> Statements:
    """Divide statements into new ones, those that are known, and those that contradict answers.

    Each is compared with the answers so far, with the statements before it, and with what the person has answered to
    the same pair, where that decides nothing yet because several people answer each pair.
    """
    memory = state.memory.copy()
    given = whose(state.events)
    new: list[Statement] = []
    wrong: list[Statement] = []
    known = 0
    for one, other, same in statements:
        implied = memory.implied(one, other)
        if implied is None and (own := _own(state, given, one, other, annotator)) in ("same", "different"):
            implied = own == "same"
        if implied is None:
            memory.add(one, other, same)
            new.append((one, other, same))
        elif implied == same:
            known += 1
        else:
            wrong.append((one, other, same))
    return Statements(new, _explained(state, wrong), known)


def _own(
    state: ReviewState, given: Mapping[tuple[int, int], Sequence[AnswerEvent]], one: int, other: int, annotator: str
) -> str | None:
    pair = state.table.image_ids[[min(one, other), max(one, other)]].tolist()
    return next((event.verdict for event in given.get((pair[0], pair[1]), ()) if event.annotator == annotator), None)


def _explained(state: ReviewState, wrong: list[Statement]) -> list[Contradiction]:
    if not wrong:
        return []
    conflicts = {(a, b) for a, b, _ in state.memory.conflicts}
    decided = decisions(state.events, state.table.overlap)
    neighbours: dict[int, list[tuple[int, PairVerdict]]] = defaultdict(list)
    votes: dict[tuple[int, int], tuple[AnswerEvent, ...]] = {}
    for (a, b, _), decision in decided.items():
        one, other = state.table.row(a), state.table.row(b)
        if one is None or other is None or decision.verdict == "unsure" or (one, other) in conflicts:
            continue
        pair = PairVerdict(0, one, other, decision.verdict)
        neighbours[one].append((other, pair))
        neighbours[other].append((one, pair))
        votes[one, other] = tuple(vote for vote in decision.votes if vote.verdict == decision.verdict)
    found = []
    for one, other, same in wrong:
        conflict = PairVerdict(0, one, other, "same" if same else "different")
        try:
            chain = shortest_chain(neighbours, conflict)
        except KeyError:  # what contradicts it was stated in the same action
            chain = ()
        found.append(Contradiction((one, other), same, tuple(vote for pair in chain for vote in votes[pair.a, pair.b])))
    return found

"""Statements of a review: which answers about pairs an action makes, and which of them contradict earlier ones."""

from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np

from whosame.annotation.quality.contradictions import PairVerdict, shortest_chain
from whosame.annotation.queue.voting import decisions
from whosame.annotation.review.state import ReviewState
from whosame.annotation.store.store import AnswerEvent
from whosame.memory import LabelMemory

Statement = tuple[int, int, bool]  # two rows of the table, and whether they show one individual


@dataclass(frozen=True)
class Contradiction:
    """A statement whose opposite is known: with the answers that it follows from, and what the catalogue says."""

    rows: tuple[int, int]
    same: bool
    answers: tuple[AnswerEvent, ...]
    known: str = ""


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
    statements = list(statements)
    memory = _among(state.memory, {row for one, other, _ in statements for row in (one, other)})
    new: list[Statement] = []
    wrong: list[Statement] = []
    known = 0
    for one, other, same in statements:
        implied = memory.implied(one, other)
        if implied is None and (own := _own(state, one, other, annotator)) in ("same", "different"):
            implied = own == "same"
        if implied is None:
            memory.add(one, other, same)
            new.append((one, other, same))
        elif implied == same:
            known += 1
        else:
            wrong.append((one, other, same))
    return Statements(new, _explained(state, wrong), known)


def _among(memory: LabelMemory, rows: Iterable[int]) -> LabelMemory:
    """Return a memory of what is known among some rows: to add to it costs nothing of the whole one."""
    found = LabelMemory()
    for one, other in combinations(sorted(rows), 2):
        if (same := memory.implied(one, other)) is not None:
            found.add(one, other, same)
    return found


def _own(state: ReviewState, one: int, other: int, annotator: str) -> str | None:
    a, b = state.table.image_ids[[min(one, other), max(one, other)]].tolist()
    return next((event.verdict for event in state.given.get((a, b), ()) if event.annotator == annotator), None)


def _explained(state: ReviewState, wrong: list[Statement]) -> list[Contradiction]:
    if not wrong:
        return []
    table = state.table
    conflicts = {(a, b) for a, b, _ in state.memory.conflicts}
    neighbours: dict[int, list[tuple[int, PairVerdict]]] = defaultdict(list)
    votes: dict[tuple[int, int], tuple[AnswerEvent, ...]] = {}
    for (a, b, _), decision in decisions(state.events, table.overlap).items():
        one, other = table.row(a), table.row(b)
        if one is None or other is None or decision.verdict == "unsure" or (one, other) in conflicts:
            continue
        pair = PairVerdict(0, one, other, decision.verdict)
        first, second = table.given_roots[[one, other]].tolist()  # the images of an encounter are one point of a chain
        neighbours[first].append((second, pair))
        neighbours[second].append((first, pair))
        votes[one, other] = tuple(vote for vote in decision.votes if vote.verdict == decision.verdict)
    found = []
    for one, other, same in wrong:
        first, second = table.given_roots[[one, other]].tolist()
        chain: tuple[PairVerdict, ...] = ()
        with suppress(KeyError):  # the catalogue alone contradicts it, or what was stated in the same action
            chain = shortest_chain(neighbours, PairVerdict(0, first, second, "same" if same else "different"))
        answers = tuple(vote for pair in chain for vote in votes[pair.a, pair.b])
        found.append(Contradiction((one, other), same, answers, _given(state, one, other)))
    return found


def _given(state: ReviewState, one: int, other: int) -> str:
    """Return what is known of two images without an answer; empty: nothing."""
    catalogue, names = state.table.catalogue, []
    for row in (one, other):
        component = np.flatnonzero(state.roots == state.roots[row]).tolist()
        names.append(next((catalogue[each] for each in component if each in catalogue), ""))
    if all(names):
        return "the catalogue: " + (f"both are {names[0]}" if names[0] == names[1] else " and ".join(names))
    same = state.table.given_roots[one] == state.table.given_roots[other]
    return "they are of one encounter" if same else ""

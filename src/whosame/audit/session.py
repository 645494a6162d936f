"""Session of an audit: its questions, batch by batch, as a strategy's session asks them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whosame.audit.population import Population
from whosame.audit.unit import UNITS, Kind, Pair, Unit, UnitResult
from whosame.memory import LabelMemory
from whosame.questions import Answer, Question
from whosame.seeding import stream

GOLDEN = (5**0.5 - 1) / 2  # its multiples, without their whole part, spread evenly over 0..1
PART = 0.4  # of the questions left that a wave may be expected to cost
FIRST = 0.2  # of the first wave, when the cost is not known
EXPECTED = 11.0  # questions that the units of one number cost together, as long as none was asked


@dataclass
class _Running:
    kind: Kind
    share: float
    asking: Unit
    pending: Pair | None = None
    result: UnitResult | None = None

    def advance(self, reply: bool | None) -> None:
        try:
            self.pending = self.asking.send(reply)
        except StopIteration as stop:
            self.pending, self.result = None, stop.value


class AuditSession:
    """Asks about drawn pairs until the questions are spent.

    Units are drawn in waves, and a wave counts only when it is answered in full: otherwise units that need many
    questions would be missing from the estimate. What a unit draws depends on the seed and its number alone, so an
    audit with more questions begins with the draws of one with fewer.

    Parameters
    ----------
    population : Population
    memory : LabelMemory
        Answers that are taken as true: what follows from them is not asked.
    questions : int
        How many may be paid for.
    seed : int

    Attributes
    ----------
    results : dict of str to list of (float, UnitResult)
        Of the units that are answered in full, by kind; each with its place in 0..1 in the order of the draws.
    asked, free, unsure : int
        Questions that were paid for, answers that followed from others as they were to be asked, and answers that were
        "unsure".
    """

    def __init__(self, population: Population, memory: LabelMemory, questions: int, seed: int) -> None:
        self.results: dict[Kind, list[tuple[float, UnitResult]]] = {kind: [] for kind in UNITS}
        self.asked = self.free = self.unsure = 0
        self._population, self._memory, self._questions, self._seed = population, memory.copy(), questions, seed
        self._wave: list[_Running] = []
        self._begun = 0
        kinds: tuple[Kind, ...] = ("inside", "member") if population.within_pairs else ()
        self._kinds: tuple[Kind, ...] = kinds + (("across", "head") if population.groups > 1 else ())

    def ask(self) -> list[Question]:
        """Return the questions that are open; none when the audit is over."""
        while True:
            for unit in self._wave:
                self._advance(unit)
            if pending := {unit.pending for unit in self._wave if unit.pending is not None}:
                return [self._question(*pair) for pair in sorted(pending)]
            self._close_wave()
            if not self._begin_wave():
                return []

    def tell(self, answers: Sequence[Answer]) -> None:
        """Take the answers to a batch."""
        for answer in answers:
            a, b = answer.question.a, answer.question.b
            self.asked += answer.asked
            self.free += not answer.asked
            if answer.verdict == "unsure":
                self.unsure += 1
                self._memory.skip(a, b)
            else:
                self._memory.add(a, b, answer.verdict == "same")

    def next_state(self) -> dict[str, NDArray[np.generic]]:
        """Return nothing: an audit has no next round."""
        return {}

    def _advance(self, unit: _Running) -> None:
        if unit.pending is None and unit.result is None:
            unit.advance(None)
        while unit.pending is not None and self._memory.settled(*unit.pending):
            unit.advance(self._memory.implied(*unit.pending))

    def _close_wave(self) -> None:
        for unit in self._wave:
            assert unit.result is not None
            self.results[unit.kind].append((unit.share, unit.result))
        self._wave = []

    def _begin_wave(self) -> bool:
        cost = (self.asked + EXPECTED) / (self._begun + 1)
        left = self._questions - self.asked
        if not self._kinds or left < 1.5 * cost or self._begun >= self._questions:
            return False
        until = self._begun + max(1, int((PART if self._begun else FIRST) * left / cost))
        for kind in self._kinds:
            unit, times = UNITS[kind]
            start = stream(self._seed, "audit", kind).random()
            for number in range(self._begun * times, until * times):
                share = (start + number * GOLDEN) % 1
                asking = unit(self._population, stream(self._seed, "audit", kind, number), share)
                self._wave.append(_Running(kind, share, asking))
        self._begun = until
        return True

    def _question(self, a: int, b: int) -> Question:
        one = self._population.group[a] == self._population.group[b]
        return Question(a, b, "within" if one else "between", reason="audit")

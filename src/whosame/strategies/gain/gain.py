"""Gain: questions whose answers are expected to change most for the better (``docs/gain.md`` derives it)."""

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from whosame.clustering.constraints import enforce
from whosame.memory import LabelMemory
from whosame.questions import Answer, Kind, Question
from whosame.strategies.base import RoundState, Strategy
from whosame.strategies.budget import spread
from whosame.strategies.gain.assignment import assign_clear
from whosame.strategies.gain.candidates import COLUMNS, HOME, MERGE, PAIR, SPLIT
from whosame.strategies.gain.value import GainConfig, QuestionValue, groups_of
from whosame.strategies.session import SessionBudget

__all__ = ["Gain", "GainConfig", "GainSession"]

KINDS: dict[int, tuple[Kind, str]] = {
    MERGE: ("between", "two clusters, one person?"),
    HOME: ("pool", "an outlier's cluster?"),
    PAIR: ("pool", "two outliers, one person?"),
    SPLIT: ("within", "one cluster, two people?"),
}
ANSWERS = "gain_answers"  # from round to round: kind, same, evidence of every answer so far
CHECKS = "gain_checks"  # from round to round: pairs that were answered, and those on which answers differed
RESERVE = 0.15  # share of the rest of a round's budget that a batch leaves for asking again
FIRST_RATE, FIRST_ANSWERS = 0.03, 100  # the error rate assumed at first, and how many answers that counts for


class GainSession:
    """One round of ``gain``. Nothing is computed before the first question is wanted.

    Parameters
    ----------
    state : RoundState
    config : GainConfig
    value : QuestionValue, optional
        Of the state; made here where it is left out.
    """

    def __init__(self, state: RoundState, config: GainConfig, value: QuestionValue | None = None) -> None:
        self._config = config
        self._budget = SessionBudget(state)
        self._past = _past(state)
        self._value = value or QuestionValue(state, config, self._past)
        self._evidence: dict[tuple[int, int], NDArray[np.float64]] = {}
        self._stakes: dict[tuple[int, int], tuple[float, float]] = {}  # p(same), images moved
        self._learnt: list[NDArray[np.float64]] = []
        self._before = np.asarray(state.previous_state.get(CHECKS, np.zeros(2, np.int64)), np.int64)
        self._checks = self._before.copy()
        self._price = 0.0
        self._taken: Counter[int] = Counter()

    def ask(self) -> Sequence[Question]:
        """Return the best of the remaining questions, and leave some of the budget for asking again."""
        left = self._budget.remaining
        if left == 0:
            return []
        size = left - int(RESERVE * left) if self._config.repair else left
        found, same, change = self._value.candidates, self._value.p_same, self._value.expected_change
        questions: list[Question] = []
        while len(questions) < size and (index := next(self._waiting, None)) is not None:
            first, second, kind = int(found.first[index]), int(found.second[index]), int(found.kind[index])
            if self._budget.is_open(first, second) and self._take(found.groups[index].tolist(), kind):
                name, reason = KINDS[kind]
                group = int(found.groups[index, 0])
                score = float(change[index])
                reason = f"{reason} p(same) {same[index]:.2f}, {score:.2f} images"
                question = self._budget.question(
                    first, second, name, score=score, group=group, reason=reason, p_same=float(same[index])
                )
                self._evidence[question.a, question.b] = np.concatenate([[kind, np.nan], found.evidence[index]])
                self._stakes[question.a, question.b] = float(same[index]), float(self._value.images_moved[index])
                questions.append(question)
        self._price = min((question.score for question in questions), default=0.0)
        return questions

    def should_reask(self, answer: Answer) -> bool:
        """Return whether asking again is worth its price.

        An answer is wrong with the probability that Bayes' rule gives from p(same) and the rate of errors so far.
        Asking again can then save the images that it moves, or fails to move.
        """
        if not self._config.repair or answer.verdict == "unsure":
            return False
        same, moved = self._stakes[answer.question.a, answer.question.b]
        likely = same if answer.verdict == "same" else 1 - same
        rate = self._error_rate()
        wrong = rate * (1 - likely) / (rate * (1 - likely) + (1 - rate) * likely)
        return wrong > self._config.least_doubt and wrong * moved > self._config.price * self._price

    def tell(self, answers: Sequence[Answer]) -> None:
        """Take the answers. p(same) is learnt from those that were given, not from closure answers."""
        self._budget.tell(answers)
        for answer in answers:
            if answer.source != "closure":
                self._checks += [1, answer.attempts > 2]  # three answers: one of them was wrong
            learnt = self._evidence[answer.question.a, answer.question.b].copy()
            if answer.verdict != "unsure" and answer.source != "closure":
                learnt[1] = answer.verdict == "same"
                self._learnt.append(learnt)

    def next_state(self) -> dict[str, NDArray[np.generic]]:
        """Return the evidence of every answer so far, and the number of contested ones."""
        return {ANSWERS: np.vstack([self._past, *self._learnt]), CHECKS: self._checks}

    def _error_rate(self) -> float:
        given, contested = self._before
        return float((contested + FIRST_RATE * FIRST_ANSWERS) / (given + FIRST_ANSWERS))

    @cached_property
    def _waiting(self) -> Iterator[int]:
        return iter(self._value.order.tolist())

    def _take(self, groups: list[int], kind: int) -> bool:
        """Return whether the groups of a candidate are free for a question, and use them up if so."""
        taken = self._taken
        cap, alone = self._config.merge_cap, self._value.plda.is_outlier
        if kind == SPLIT:
            free = taken[groups[0]] == 0
            taken[groups[0]] += cap if free else 0
            return free
        # An outlier goes into one question. A cluster may be the home of many, but of few merges.
        weights = [1 if alone[group] or kind == MERGE else 0 for group in groups]
        limits = [1 if alone[group] else cap for group in groups]
        free = all(taken[group] + weight <= limit for group, weight, limit in zip(groups, weights, limits, strict=True))
        if free:
            for group, weight in zip(groups, weights, strict=True):
                taken[group] += weight
        return free


class Gain(Strategy):
    """Expected gain, this project's own strategy."""

    def __init__(self, config: GainConfig | None = None) -> None:
        self.config = config or GainConfig()

    def start(self, state: RoundState) -> GainSession:
        """Begin a round."""
        return GainSession(state, self.config)

    def schedule(self, budget: int, rounds: int) -> list[int]:
        """Spread the budget as configured."""
        return spread(budget, rounds, self.config.schedule)

    def reassign(self, state: RoundState, memory: LabelMemory, answers: Sequence[Answer]) -> NDArray[np.int64]:
        """Return labels that obey the answers; with aim ``model``, images whose cluster is clear have joined it."""
        labels = super().reassign(state, memory, answers)
        if self.config.aim == "labels" or not self.config.assign:
            return labels
        plda = groups_of(dataclasses.replace(state, labels=labels, memory=memory), self.config)
        placed = assign_clear(plda, memory, clear=self.config.clear, neighbours=self.config.neighbours)
        return enforce(placed, state.features, memory)


def _past(state: RoundState) -> NDArray[np.float64]:
    answers = state.previous_state.get(ANSWERS)
    return np.empty((0, 2 + COLUMNS)) if answers is None else np.asarray(answers, np.float64)

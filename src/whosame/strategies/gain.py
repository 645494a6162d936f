"""``gain``: ask where the answer is expected to change most for the better (``docs/gain.md`` derives it)."""

import copy
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from whosame.errors import unknown_name
from whosame.features.centring import centre_by_camera
from whosame.parameters import check_rules
from whosame.strategies.account import Account
from whosame.strategies.base import Answer, Kind, Question, RoundState, Strategy
from whosame.strategies.belief import calibrated, fit_logistic
from whosame.strategies.budget import check_schedule, spread
from whosame.strategies.candidates import COLUMNS, HOME, MERGE, PAIR, SPLIT, Candidates, Scene

KINDS: dict[int, tuple[Kind, str]] = {
    MERGE: ("between", "two clusters, one person?"),
    HOME: ("pool", "an outlier's cluster?"),
    PAIR: ("pool", "two outliers, one person?"),
    SPLIT: ("within", "one cluster, two people?"),
}
# Weights of the evidence before any answer: constant, likelihood ratio / 10, its lead over the next best, links, log of
# the smaller and of the larger size.
PRIORS = {
    MERGE: np.array([-1.0, 3.0, 0.0, 0.5, 1.0, -0.3]),
    HOME: np.array([-0.5, 3.0, 0.0, 2.0, 0.0, -0.3]),
    PAIR: np.array([-3.0, 4.0, 0.0, 1.5, 0.0, 0.0]),
    SPLIT: np.array([0.3, 2.2, 0.0, 0.0, 0.3, 0.0]),
}
AIMS = ("model", "labels")
ANSWERS = "gain_answers"  # carried: kind, same, evidence of every answer so far
CHECKS = "gain_checks"  # carried: pairs that were answered, and those on which answers differed
RESERVE = 0.15  # share of what is left of a round's budget that a batch leaves for asking again
FIRST_RATE, FIRST_ANSWERS = 0.03, 100  # the rate of errors that is assumed at first, and the answers it is worth


@dataclass(frozen=True)
class GainConfig:
    """Parameters of ``gain`` and ``gain-labels``; ``docs/gain.md`` says what each part is worth."""

    # How the budget is spread over the rounds: uniform, early, gaussian, … (budget.py).
    schedule: str = "uniform"
    # What the answers are for: the trained model (merges across cameras first, then splits), or the finished labels.
    aim: str = "model"
    # Kinds of question that may be asked; the first three are the ablations.
    merges: bool = True
    splits: bool = True
    outliers: bool = True  # only with aim labels: outliers melt away while a model is trained
    # Whether questions are chosen on features centred by camera, where cameras are known; clustering is not changed.
    centre: bool = True
    # Nearest clusters that each cluster and outlier is paired with, >= 1.
    neighbours: int = 10
    # 0..1: share of an image's noise that all images of a person by one camera have in common.
    shared_view: float = 0.2
    # Whether p(same) is refitted on the answers; false keeps the curves it begins with.
    refit: bool = True
    # > 0: how firmly the weights of p(same) stay where they begin (inverse variance).
    precision: float = 1.0
    # Logits, > 0: answers so near in p(same) count for a candidate; and how many answers the curve is worth, > 0.
    width: float = 0.7
    trust: float = 5.0
    # 0..1: weight of a split between images moved (0) and pairs of images parted (1).
    split_power: float = 0.3
    # Merges of a cluster that may be asked in a round, >= 1. A split excludes them; an outlier is asked about once.
    merge_cap: int = 2
    # 0..1, aim model: merges less probable than this come after the splits.
    improbable: float = 0.03
    # Whether doubtful answers are asked again, where that is worth more than another question; and how probably wrong,
    # 0..1, an answer must be.
    repair: bool = True
    doubt: float = 0.1
    # >= 0: what asking again costs, in questions of the round's least worth; below 1, because an error stays.
    price: float = 0.3
    # >= 0: a round stops where less than so many images are expected to move by a question; the rest is left for later.
    worth: float = 0.02

    def __post_init__(self) -> None:
        """Raise :class:`ParameterError` naming everything that is out of range."""
        check_schedule(self.schedule)
        if self.aim not in AIMS:
            raise unknown_name("value of 'gain.aim'", self.aim, AIMS)
        check_rules(
            "gain",
            self,
            {
                "neighbours is 1 or more": self.neighbours >= 1,
                "shared_view is a share from 0 to 1": 0 <= self.shared_view <= 1,
                "precision is more than 0": self.precision > 0,
                "width is more than 0": self.width > 0,
                "trust is more than 0": self.trust > 0,
                "split_power is a share from 0 to 1": 0 <= self.split_power <= 1,
                "merge_cap is 1 or more": self.merge_cap >= 1,
                "improbable is a probability from 0 to 1": 0 <= self.improbable <= 1,
                "doubt is a probability from 0 to 1": 0 <= self.doubt <= 1,
                "price is 0 or more": self.price >= 0,
                "worth is 0 or more": self.worth >= 0,
            },
        )


class Prospect:
    """The candidates of a round, how probable each is, and what asking is expected to change."""

    def __init__(self, state: RoundState, config: GainConfig, past: NDArray[np.float64]) -> None:
        self._state, self._config, self._past = state, config, past

    @cached_property
    def scene(self) -> Scene:
        """The groups as the likelihood model sees them."""
        state = self._state
        centred = self._config.centre and bool((state.cameras >= 0).any())
        features = centre_by_camera(state.features, state.cameras) if centred else state.features
        return Scene(state, features, copy.deepcopy(state.generator), shared_view=self._config.shared_view)

    @cached_property
    def candidates(self) -> Candidates:
        """All that may be asked."""
        return Candidates.find(self.scene, self._config.neighbours)

    @cached_property
    def same(self) -> NDArray[np.float64]:
        """p("same") of every candidate: a curve a kind, refitted on the answers so far."""
        config, found = self._config, self.candidates
        p = np.zeros(len(found.kind))
        for kind, prior in PRIORS.items():
            its, told = found.kind == kind, self._past[self._past[:, 0] == kind]
            if not config.refit:
                p[its] = expit(found.evidence[its] @ prior)
                continue
            same, evidence = told[:, 1], told[:, 2:]
            weights = fit_logistic(evidence, same, prior, config.precision)
            curve, known = expit(found.evidence[its] @ weights), expit(evidence @ weights)
            p[its] = calibrated(curve, known, same, width=config.width, trust=config.trust)
        return p

    @cached_property
    def moved(self) -> NDArray[np.float64]:
        """Images that change company if clusters are merged, an outlier finds its home, a cluster is divided."""
        config, found = self._config, self.candidates
        images = found.sizes.sum(axis=1)
        product = found.sizes.prod(axis=1)
        # Of BCubed: each image of A gains |B| of |A| + |B|, and the reverse.
        moved: NDArray[np.float64] = 2 * product / images
        split = found.kind == SPLIT
        moved[split] = moved[split] ** (1 - config.split_power) * product[split] ** config.split_power
        if config.aim == "model" and (self._state.cameras >= 0).any():
            moved = np.where(split, moved, 2 * found.across / images)
        return moved

    @cached_property
    def change(self) -> NDArray[np.float64]:
        """Images expected to change company by the answer; 0 for what is not to be asked."""
        config, found = self._config, self.candidates
        changed = np.where(found.kind == SPLIT, 1 - self.same, self.same)
        outliers = config.outliers and config.aim == "labels"
        wanted = {MERGE: config.merges, SPLIT: config.splits, HOME: outliers, PAIR: outliers}
        unwanted = [kind for kind, asked in wanted.items() if not asked]
        change: NDArray[np.float64] = changed * self.moved * ~np.isin(found.kind, unwanted)
        return change

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """Candidates worth a question, best first; with aim model probable merges before all else."""
        later = np.zeros(len(self.change), bool)
        if self._config.aim == "model":
            later = (self.candidates.kind != MERGE) | (self.same < self._config.improbable)
        order = np.lexsort((-self.change, later))
        return order[self.change[order] > self._config.worth]


class GainSession:
    """One round of ``gain``. Nothing is computed before the first question is wanted."""

    def __init__(self, state: RoundState, config: GainConfig) -> None:
        self._config = config
        self._account = Account(state)
        self._past = _past(state)
        self._prospect = Prospect(state, config, self._past)
        self._evidence: dict[tuple[int, int], NDArray[np.float64]] = {}
        self._stakes: dict[tuple[int, int], tuple[float, float]] = {}  # p(same), images moved
        self._told: list[NDArray[np.float64]] = []
        self._before = np.asarray(state.carried.get(CHECKS, np.zeros(2, np.int64)), np.int64)
        self._checks = self._before.copy()
        self._price = 0.0
        self._taken: Counter[int] = Counter()

    def ask(self) -> Sequence[Question]:
        """Return the best questions that are left, in batches that leave some of the budget for asking again."""
        left = self._account.left
        if left == 0:
            return []
        size = left - int(RESERVE * left) if self._config.repair else left
        found, same, change = self._prospect.candidates, self._prospect.same, self._prospect.change
        questions: list[Question] = []
        while len(questions) < size and (index := next(self._waiting, None)) is not None:
            first, second, kind = int(found.first[index]), int(found.second[index]), int(found.kind[index])
            if self._account.is_open(first, second) and self._take(found.groups[index].tolist(), kind):
                name, reason = KINDS[kind]
                group = int(found.groups[index, 0])
                score = float(change[index])
                reason = f"{reason} p(same) {same[index]:.2f}, {score:.2f} images"
                question = self._account.question(first, second, name, score=score, group=group, reason=reason)
                self._evidence[question.a, question.b] = np.concatenate([[kind, np.nan], found.evidence[index]])
                self._stakes[question.a, question.b] = float(same[index]), float(self._prospect.moved[index])
                questions.append(question)
        self._price = min((question.score for question in questions), default=0.0)
        return questions

    def doubts(self, answer: Answer) -> bool:
        """Tell whether asking again is worth its price.

        An answer is wrong with the probability that Bayes' rule gives from p(same) and the rate of errors seen so far;
        then the images that it moves, or fails to move, are what asking again can save.
        """
        if not self._config.repair or answer.verdict == "unsure":
            return False
        same, moved = self._stakes[answer.question.a, answer.question.b]
        likely = same if answer.verdict == "same" else 1 - same
        rate = self._error_rate()
        wrong = rate * (1 - likely) / (rate * (1 - likely) + (1 - rate) * likely)
        return wrong > self._config.doubt and wrong * moved > self._config.price * self._price

    def tell(self, answers: Sequence[Answer]) -> None:
        """Take the answers; what p(same) is learnt from are those that were given, not those that followed."""
        self._account.tell(answers)
        for answer in answers:
            if answer.source != "closure":
                self._checks += [1, answer.asked > 2]  # three answers: one of them was wrong
            learnt = self._evidence[answer.question.a, answer.question.b].copy()
            if answer.verdict != "unsure" and answer.source != "closure":
                learnt[1] = answer.verdict == "same"
                self._told.append(learnt)

    def carry(self) -> dict[str, NDArray[np.generic]]:
        """Return the evidence of every answer so far, and how many were contested."""
        return {ANSWERS: np.vstack([self._past, *self._told]), CHECKS: self._checks}

    def _error_rate(self) -> float:
        given, contested = self._before
        return float((contested + FIRST_RATE * FIRST_ANSWERS) / (given + FIRST_ANSWERS))

    @cached_property
    def _waiting(self) -> Iterator[int]:
        return iter(self._prospect.order.tolist())

    def _take(self, groups: list[int], kind: int) -> bool:
        """Take the groups of a candidate for a question, if they are free for it."""
        taken = self._taken
        cap, alone = self._config.merge_cap, self._prospect.scene.alone
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
    """Expected gain: our own."""

    def __init__(self, config: GainConfig | None = None) -> None:
        self.config = config or GainConfig()

    def start(self, state: RoundState) -> GainSession:
        """Begin a round."""
        return GainSession(state, self.config)

    def schedule(self, budget: int, rounds: int) -> list[int]:
        """Spread the budget as configured."""
        return spread(budget, rounds, self.config.schedule)


def _past(state: RoundState) -> NDArray[np.float64]:
    carried = state.carried.get(ANSWERS)
    return np.empty((0, 2 + COLUMNS)) if carried is None else np.asarray(carried, np.float64)

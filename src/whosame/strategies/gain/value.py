"""Question value: how probable each answer is, and how many images it would move (``docs/gain.md``)."""

import copy
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt
from scipy.special import expit

from whosame.features.centring import centre_by_camera
from whosame.parameters import Parameters, Share, parameter
from whosame.strategies.base import RoundState
from whosame.strategies.budget import Schedule
from whosame.strategies.gain.candidates import HOME, MERGE, PAIR, SPLIT, Candidates
from whosame.strategies.gain.joins import find_joins
from whosame.strategies.gain.plda_groups import PLDAGroups
from whosame.strategies.gain.splits import find_splits
from whosame.strategies.logistic_regression import calibrated, fit_logistic

# Weights of the evidence before any answer: constant, likelihood ratio / 10, its lead over the next best, links, log of
# the smaller and of the larger size.
PRIORS = {
    MERGE: np.array([-1.0, 3.0, 0.0, 0.5, 1.0, -0.3]),
    HOME: np.array([-0.5, 3.0, 0.0, 2.0, 0.0, -0.3]),
    PAIR: np.array([-3.0, 4.0, 0.0, 1.5, 0.0, 0.0]),
    SPLIT: np.array([0.3, 2.2, 0.0, 0.0, 0.3, 0.0]),
}
# By aim, how probably wrong an answer is that may be asked again. What errors do to the labels stays; a model that is
# trained meanwhile makes good for some.
DOUBT = {"model": 0.1, "labels": 0.05}


class GainConfig(Parameters):
    """Parameters of ``gain`` and ``gain-labels``, all of them this project's; docs/gain.md says what each is worth."""

    schedule: Schedule = parameter("early", source="own choice; as DCPS: gaussian in its papers' environments")
    """How the budget is spread over the rounds."""
    aim: Literal["model", "labels"] = "model"
    """What the answers are for: the trained model (merges across cameras first, then splits), or the finished labels
    (the strategy gain-labels)."""
    merges: bool = True
    """Whether pairs of clusters may be asked about."""
    splits: bool = True
    """Whether divisions of clusters may be asked about."""
    outliers: bool = True
    """Aim labels: whether outliers' clusters may be asked about; while a model is trained, outliers melt away."""
    centre: bool = True
    """Whether questions are chosen on features centred by camera, where these are known; clustering is not changed."""
    neighbours: PositiveInt = parameter(10, unit="clusters")
    """Nearest clusters that each cluster and outlier is paired with."""
    shared_view: Share = 0.2
    """Share of an image's noise that all images of a person by one camera have in common."""
    refit: bool = True
    """Whether p(same) is refitted on the answers; otherwise it keeps the curves it begins with."""
    precision: PositiveFloat = 1.0
    """How firmly the weights of p(same) stay where they begin (inverse variance)."""
    width: PositiveFloat = parameter(0.7, unit="logits")
    """Answers so near in p(same) count for a candidate."""
    trust: PositiveFloat = parameter(5.0, unit="answers")
    """What the curve of p(same) is worth."""
    split_power: Share = 0.3
    """Weight of a split between images moved (0) and pairs of images parted (1)."""
    merge_cap: PositiveInt = parameter(2, unit="merges")
    """Merges of a cluster that may be asked in a round. A split excludes them; an outlier is asked about once."""
    improbable: Share = 0.03
    """Aim model: merges less probable than this come after the splits."""
    repair: bool = True
    """Whether doubtful answers are asked again, where that is worth more than another question."""
    doubt: Share | None = None
    """How probably wrong an answer must be to be asked again; null: 0.1 with aim model, 0.05 with aim labels."""
    price: NonNegativeFloat = parameter(0.3, unit="questions")
    """What asking again costs, in questions of the round's least worth; below 1, because an error stays."""
    assign: bool = True
    """Aim model: whether images whose cluster is clear after the answers join it, so that they are trained on."""
    clear: Share = 0.8
    """How probable a cluster must be for an image to join it without a question."""
    worth: NonNegativeFloat = parameter(0.02, unit="images")
    """A round stops where fewer images are expected to move by a question; the rest of the budget is kept for later."""
    first: NonNegativeInt = parameter(20, unit="answers")
    """Before so many answers the best questions are asked, whatever they are expected to be worth: with few images
    p(same) can be sure of itself and wrong, and no answer has shown it yet."""

    @property
    def least_doubt(self) -> float:
        """How probably wrong an answer must be to be asked again."""
        return DOUBT[self.aim] if self.doubt is None else self.doubt


def groups_of(state: RoundState, config: GainConfig) -> PLDAGroups:
    """Return the groups of a state, centred by camera where that is configured and cameras are known."""
    centred = config.centre and bool((state.cameras >= 0).any())
    features = centre_by_camera(state.features, state.cameras) if centred else state.features
    return PLDAGroups(state, features, copy.deepcopy(state.generator), shared_view=config.shared_view)


class QuestionValue:
    """The candidates of a round, the probability of each, and what asking is expected to change."""

    def __init__(self, state: RoundState, config: GainConfig, past: NDArray[np.float64]) -> None:
        self._state, self._config, self._past = state, config, past

    @cached_property
    def plda(self) -> PLDAGroups:
        """The groups of the round."""
        return groups_of(self._state, self._config)

    @cached_property
    def candidates(self) -> Candidates:
        """Every question that may be asked: pairs of groups, then divisions of clusters."""
        return find_joins(self.plda, self._config.neighbours).joined(find_splits(self.plda))

    @cached_property
    def p_same(self) -> NDArray[np.float64]:
        """p("same") of every candidate: one curve for each kind, refitted on the answers so far."""
        config, found = self._config, self.candidates
        p = np.zeros(len(found.kind))
        for kind, prior in PRIORS.items():
            its, past = found.kind == kind, self._past[self._past[:, 0] == kind]
            if not config.refit:
                p[its] = expit(found.evidence[its] @ prior)
                continue
            same, evidence = past[:, 1], past[:, 2:]
            weights = fit_logistic(evidence, same, prior, config.precision)
            curve, known = expit(found.evidence[its] @ weights), expit(evidence @ weights)
            p[its] = calibrated(curve, known, same, width=config.width, trust=config.trust)
        return p

    @cached_property
    def images_moved(self) -> NDArray[np.float64]:
        """Images that change their cluster by a merge, an outlier's home, or a division, float64 [P]."""
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
    def expected_change(self) -> NDArray[np.float64]:
        """Images expected to change their cluster by the answer, float64 [P]; 0 for kinds that are switched off."""
        config, found = self._config, self.candidates
        changed = np.where(found.kind == SPLIT, 1 - self.p_same, self.p_same)
        outliers = config.outliers and config.aim == "labels"
        wanted = {MERGE: config.merges, SPLIT: config.splits, HOME: outliers, PAIR: outliers}
        unwanted = [kind for kind, asked in wanted.items() if not asked]
        change: NDArray[np.float64] = changed * self.images_moved * ~np.isin(found.kind, unwanted)
        return change

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """Positions of the candidates worth a question, best first; with aim ``model``, probable merges come first.

        As long as the run has fewer than ``first`` answers, the best of the others follow, up to that number.
        """
        later = np.zeros(len(self.expected_change), bool)
        if self._config.aim == "model":
            later = (self.candidates.kind != MERGE) | (self.p_same < self._config.improbable)
        order = np.lexsort((-self.expected_change, later))
        worth = self.expected_change[order] > self._config.worth
        missing = max(self._config.first - len(self._past) - int(worth.sum()), 0)
        return np.concatenate([order[worth], order[~worth][:missing]])

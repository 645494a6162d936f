"""Anchors and blocks of DRAL: anchors in lock-step, each with its state and the episode the agent learns from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whosame.questions import Verdict
from whosame.strategies.dral.state import Floats, Mask, Rows, distances, rewards, similarities, transition

Arrays = Mapping[str, NDArray[np.generic]]


class Anchors:
    """The order in which images become anchors, each once in a run, and the number of those that did.

    Parameters
    ----------
    previous_state : mapping of str to array
        From :meth:`arrays` of the round before; without DRAL's arrays, the order is drawn.
    images : int
        N.
    generator : numpy.random.Generator
        Draws the order.
    """

    def __init__(self, previous_state: Arrays, images: int, generator: np.random.Generator) -> None:
        given = "dral_anchors" in previous_state
        self._order = np.array(previous_state["dral_anchors"] if given else generator.permutation(images), np.int64)
        self._done = int(previous_state["dral_done"]) if given else 0
        if len(self._order) < images:  # some were added since
            self._order = np.append(self._order, generator.permutation(np.arange(len(self._order), images)))

    def put_first(self, rows: NDArray[np.int64]) -> None:
        """Move the unused ones of some rows before all others; both keep their order."""
        coming = self._order[self._done :]
        preferred = np.isin(coming, rows)
        self._order[self._done :] = np.concatenate([coming[preferred], coming[~preferred]])

    def take(self, count: int) -> NDArray[np.int64]:
        """Return the next anchors, int64 [count] or fewer at the end."""
        anchors = self._order[self._done : self._done + count]
        self._done += len(anchors)
        return anchors

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return the arrays that the next round continues from."""
        return {"dral_anchors": self._order.copy(), "dral_done": np.array(self._done)}


@dataclass(frozen=True)
class Choice:
    """An action of the policy, and the state in which it was chosen.

    Attributes
    ----------
    anchor : int
        Position of the anchor in its block.
    state : float32 [(1 + n)²]
        The similarities.
    allowed : bool [n]
        The images of the pool that could be asked about.
    action : int
        Its number: 0 is the nearest of the pool.
    """

    anchor: int
    state: Floats
    allowed: Mask
    action: int


Episode = list[tuple[Choice, float]]  # an anchor's answered questions, in order, with their rewards


class Block:
    """Several anchors in lock-step: each asks one question at a time.

    Parameters
    ----------
    features : float32 [N, D]
        L2-normalised.
    rows : int64 [B, 1 + n]
        Anchors and their pools, from :func:`nearest_open`.
    quotas : int64 [B]
        Questions of each anchor.
    k, threshold, margin
        As in :mod:`whosame.strategies.dral.state`.

    Attributes
    ----------
    rows : int64 [B, 1 + n]
    episodes : list of Episode
        One an anchor.
    """

    def __init__(
        self, features: Floats, rows: Rows, quotas: NDArray[np.int64], *, k: int, threshold: float, margin: float
    ) -> None:
        self.rows, self.episodes = rows, [Episode() for _ in rows]
        self._quotas = quotas
        self._k, self._threshold, self._margin = k, threshold, margin
        self._distances = distances(features, rows)
        self._similar = similarities(self._distances, rows >= 0, k)
        self._positive = np.zeros(rows.shape, bool)
        self._positive[:, 0] = True
        self._negative = np.zeros(rows.shape, bool)

    def waiting(self) -> Rows:
        """Return the positions of the anchors that have questions left, int64 [A]."""
        return np.flatnonzero(
            [len(episode) < quota for episode, quota in zip(self.episodes, self._quotas, strict=True)]
        )

    def states(self, anchors: Rows) -> Floats:
        """Return the states of some anchors, the inputs of the policy, float32 [A, (1 + n)²]."""
        return self._similar[anchors].reshape(len(anchors), self.rows.shape[1] ** 2)

    def tell(self, choices: Sequence[Choice], verdicts: Sequence[Verdict]) -> None:
        """Take answers, at most one for each anchor: update the states and reward each answer.

        "Unsure" changes no state, and its reward is 0.
        """
        gains = np.zeros(len(choices))
        decided = [one for one, verdict in enumerate(verdicts) if verdict != "unsure"]
        if decided:
            anchors = np.array([choices[one].anchor for one in decided])
            chosen = np.array([choices[one].action + 1 for one in decided])
            gains[decided] = self._learn(anchors, chosen, np.array([verdicts[one] == "same" for one in decided]))
        for choice, gain in zip(choices, gains.tolist(), strict=True):
            self.episodes[choice.anchor].append((choice, gain))

    def _learn(self, anchors: Rows, chosen: Rows, same: Mask) -> NDArray[np.float64]:
        gains = rewards(
            self._distances[anchors, chosen],
            same,
            self._positive[anchors],
            self._negative[anchors],
            farthest=self._distances[anchors, 0].max(axis=1),
            margin=self._margin,
        )
        self._positive[anchors[same], chosen[same]] = True
        self._negative[anchors[~same], chosen[~same]] = True
        self._similar[anchors] = transition(self._similar[anchors], chosen, same, k=self._k, threshold=self._threshold)
        return gains

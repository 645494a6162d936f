"""Agent of DRAL: a policy over an anchor's pool, improved by REINFORCE (Williams, Machine Learning 8, 1992)."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from whosame.errors import ParameterError
from whosame.strategies.dral.episode import Episode
from whosame.strategies.dral.state import Floats

HIDDEN = (256, 256, 256)  # the three hidden layers
RECENT = 0.1  # weight of the newest block in the baseline after ten of them; before, all have the same weight

Arrays = Mapping[str, NDArray[np.generic]]


class Agent:
    """A policy π(action | state), its optimiser, and the mean return of each question of an anchor.

    Parameters
    ----------
    arrays : mapping of str to array
        From :func:`newborn`, or from :meth:`arrays` of an earlier agent.
    pool : int
        n, actions.
    gamma : float
        Discount of later rewards.
    entropy : float
        Weight of the policy's entropy in the objective.
    learning_rate : float
        Of Adam; at 0 the agent never learns.
    """

    def __init__(self, arrays: Arrays, *, pool: int, gamma: float, entropy: float, learning_rate: float) -> None:
        self._shapes = _shapes(pool)
        self._gamma, self._entropy = gamma, entropy
        self._weights = _tensor(arrays["dral_weights"]).requires_grad_()
        self._optimiser = torch.optim.Adam([self._weights], lr=learning_rate)
        self._optimiser.state[self._weights] = {
            "step": _tensor(arrays["dral_updates"]),
            "exp_avg": _tensor(arrays["dral_mean"]),
            "exp_avg_sq": _tensor(arrays["dral_square"]),
        }
        self._baseline = np.array(arrays["dral_baseline"], np.float64)
        self._blocks = np.array(arrays["dral_blocks"], np.int64)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return the whole agent as arrays, to continue from later."""
        adam = self._optimiser.state[self._weights]
        return {
            "dral_weights": self._weights.detach().numpy().copy(),
            "dral_updates": adam["step"].numpy().copy(),
            "dral_mean": adam["exp_avg"].numpy().copy(),
            "dral_square": adam["exp_avg_sq"].numpy().copy(),
            "dral_baseline": self._baseline.copy(),
            "dral_blocks": self._blocks.copy(),
        }

    def logits(self, states: Floats) -> NDArray[np.float64]:
        """Return the preferences of the policy, float64 [A, n], for states float32 [A, (1 + n)²]."""
        with torch.no_grad():
            return self._forward(torch.from_numpy(states)).numpy().astype(np.float64)

    def learn(self, episodes: Sequence[Episode]) -> None:
        """Take one step of Adam up E[log π(a_t | s_t) (G_t - b_t)] + entropy, over all questions of a block.

        G_t is the reward-to-go, b_t the running mean of the returns of all anchors' questions number t.
        """
        choices = [choice for episode in episodes for choice, _ in episode]
        if not choices:
            return
        turns = np.concatenate([np.arange(len(episode)) for episode in episodes])
        returns = np.concatenate([reward_to_go([gain for _, gain in episode], self._gamma) for episode in episodes])
        advantages = self._advantages(turns, returns)
        allowed = torch.from_numpy(np.stack([choice.allowed for choice in choices]))
        logits = self._forward(torch.from_numpy(np.stack([choice.state for choice in choices])))
        log_policy = logits.masked_fill(~allowed, -torch.inf).log_softmax(dim=1)
        taken = log_policy.gather(1, torch.tensor([[choice.action] for choice in choices])).squeeze(1)
        entropy = -(log_policy.exp() * log_policy.masked_fill(~allowed, 0)).sum(dim=1)
        loss = -(taken * torch.from_numpy(advantages.astype(np.float32)) + self._entropy * entropy).mean()
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()

    def _advantages(self, turns: NDArray[np.int64], returns: NDArray[np.float64]) -> NDArray[np.float64]:
        counts = np.bincount(turns)
        means = np.bincount(turns, returns) / counts
        self._blocks[: len(means)] += 1
        rates = np.maximum(1 / self._blocks[: len(means)], RECENT)
        self._baseline[: len(means)] += rates * (means - self._baseline[: len(means)])
        advantages: NDArray[np.float64] = returns - self._baseline[turns]
        return advantages

    def _forward(self, states: Tensor) -> Tensor:
        """Return the logits [A, n] of states [A, (1 + n)²]."""
        values, begin = states, 0
        for layer, (inputs, outputs) in enumerate(self._shapes):
            weights = self._weights[begin : begin + inputs * outputs].view(outputs, inputs)
            begin += inputs * outputs
            values = functional.linear(values, weights, self._weights[begin : begin + outputs])
            begin += outputs
            if layer < len(self._shapes) - 1:
                values = values.relu()
        return values


def newborn(pool: int, k_max: int, generator: np.random.Generator) -> dict[str, NDArray[np.generic]]:
    """Return the arrays of a new agent.

    Weights and biases are uniform within ±1 / √inputs, from ``generator``, so that the policy is nearly uniform.
    """
    layers = []
    for inputs, outputs in _shapes(pool):
        bound = inputs**-0.5
        layers.append(generator.uniform(-bound, bound, (inputs + 1) * outputs))
    return {**_blank(pool, k_max), "dral_weights": np.concatenate(layers).astype(np.float32)}


def inherited(previous_state: Arrays, pool: int, k_max: int) -> dict[str, NDArray[np.generic]] | None:
    """Return the arrays of the agent of the round before; None if there is none.

    Raises
    ------
    ParameterError
        The agent was made for another pool or another number of questions an anchor.
    """
    if "dral_weights" not in previous_state:
        return None
    for name, value in _blank(pool, k_max).items():
        if previous_state[name].shape != value.shape:
            raise ParameterError(
                f"the agent of the round before has '{name}' of shape {list(previous_state[name].shape)}, but "
                f"dral.pool = {pool} and dral.k_max = {k_max} take {list(value.shape)}: both are fixed for a whole run"
            )
    return {name: previous_state[name] for name in _blank(pool, k_max)}


def masked_softmax(logits: NDArray[np.float64], allowed: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the policy of one state, float64 [n]: 0 where an action is not allowed. One at least must be."""
    weights = np.exp(np.where(allowed, logits - logits[allowed].max(), -np.inf))
    policy: NDArray[np.float64] = weights / weights.sum()
    return policy


def draw(policy: NDArray[np.float64], generator: np.random.Generator) -> int:
    """Draw an action; one of probability 0 is never drawn."""
    sums = policy.cumsum()
    return int(np.searchsorted(sums, generator.random() * sums[-1], side="right"))


def reward_to_go(gains: Sequence[float], gamma: float) -> NDArray[np.float64]:
    """Return G_t = R_t + γ R_{t+1} + γ² R_{t+2} + … of an episode, float64 [T]."""
    returns, later = np.zeros(len(gains)), 0.0
    for turn in reversed(range(len(gains))):
        returns[turn] = later = gains[turn] + gamma * later
    return returns


def _shapes(pool: int) -> list[tuple[int, int]]:
    return list(pairwise(((1 + pool) ** 2, *HIDDEN, pool)))


def _blank(pool: int, k_max: int) -> dict[str, NDArray[np.generic]]:
    weights = sum((inputs + 1) * outputs for inputs, outputs in _shapes(pool))
    return {
        "dral_weights": np.zeros(weights, np.float32),
        "dral_updates": np.zeros((), np.float32),
        "dral_mean": np.zeros(weights, np.float32),
        "dral_square": np.zeros(weights, np.float32),
        "dral_baseline": np.zeros(k_max),
        "dral_blocks": np.zeros(k_max, np.int64),
    }


def _tensor(array: NDArray[np.generic]) -> Tensor:
    return torch.from_numpy(np.array(array, np.float32))

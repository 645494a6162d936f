"""An action drawn from what a policy prefers among what is allowed."""

import numpy as np
from numpy.typing import NDArray


def masked_softmax(logits: NDArray[np.float64], allowed: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the policy of one state, float64 [n]: 0 where an action is not allowed. One at least must be."""
    weights = np.exp(np.where(allowed, logits - logits[allowed].max(), -np.inf))
    policy: NDArray[np.float64] = weights / weights.sum()
    return policy


def draw(policy: NDArray[np.float64], generator: np.random.Generator) -> int:
    """Draw an action; one of probability 0 never comes."""
    sums = policy.cumsum()
    return int(np.searchsorted(sums, generator.random() * sums[-1], side="right"))

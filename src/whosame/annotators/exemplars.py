"""Exemplars: other images of the two individuals of a question, as far as answers have told who they are.

The members of a cluster are not among them: that they belong together is the model's guess, and a guess beside the
question would be answered instead of it.
"""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from whosame.memory import LabelMemory
from whosame.questions import Question

MAX_EXEMPLARS = 5  # of each image

Rows = tuple[int, ...]


class Exemplars:
    """Finds the exemplars of questions.

    Parameters
    ----------
    memory : LabelMemory
        The answers as the round began: the exemplars of a pair do not change while it is asked.
    features : float32 [N, D]
        Of the training images, of length 1.
    """

    def __init__(self, memory: LabelMemory, features: NDArray[np.float32]) -> None:
        self._memory, self._features = memory, features

    def of(self, question: Question) -> tuple[Rows, Rows]:
        """Return up to five rows that are known to show the same individual as ``a``, and as ``b``.

        Those most similar to the image on the other side come first: their views compare best.
        """
        return self._side(question.a, question.b), self._side(question.b, question.a)

    def _side(self, row: int, other: int) -> Rows:
        known = np.flatnonzero(self._roots == self._roots[row])
        known = known[known != row]
        nearest = np.argsort(-(self._features[known] @ self._features[other]), kind="stable")
        return tuple(known[nearest[:MAX_EXEMPLARS]].tolist())

    @cached_property
    def _roots(self) -> NDArray[np.int64]:
        return self._memory.must_link_roots(len(self._features))

"""Base of all strategies: a round's state, the session that asks, and the strategy that starts it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from whosame.memory import LabelMemory
from whosame.questions import Answer, Kind, Question


def _unknown() -> NDArray[np.int64]:
    return np.empty(0, np.int64)


@dataclass(frozen=True)
class RoundState:
    """Everything a strategy may look at in one round. It holds no identity.

    Attributes
    ----------
    features : float32 [N, D]
        L2-normalised features of the training images.
    graph : scipy.sparse.csr_array, float32 [N, N]
        Jaccard distances up to the clustering's ``max_distance``; absent = farther.
    labels : int64 [N]
        Clusters after the label memory was applied; -1 is an outlier.
    budget : int
        Questions that may be asked this round.
    round, rounds : int
        This round (from 0), and the number of rounds of the run.
    cameras : int64 [N]
        -1 where unknown; left out, all are.
    views : int64 [N]
        Which side of the individual each image shows, by number; -1 where unknown; left out, all are.
    memory : LabelMemory
        Every answer so far. Sessions read it and work on a copy.
    query_counts : int64 [N]
        Number of questions each image was in so far; left out, those of ``memory``.
    generator : numpy.random.Generator
        The round's own stream of random numbers for the strategy.
    previous_state : mapping of str to array
        :meth:`Session.next_state` of the round before.
    nearest : int64 [N] or None
        Row of each image's nearest other image by cosine, as the search for the graph found it; ties to the smaller
        row. None where no search was made.
    vertical : uint8 [N, D] or None
        Row of each channel's maximum in the last feature map; its height is ``map_height``.
    """

    features: NDArray[np.float32]
    graph: csr_array
    labels: NDArray[np.int64]
    budget: int
    round: int = 0
    rounds: int = 1
    cameras: NDArray[np.int64] = field(default_factory=_unknown)
    views: NDArray[np.int64] = field(default_factory=_unknown)
    memory: LabelMemory = field(default_factory=LabelMemory)
    query_counts: NDArray[np.int64] = field(default_factory=_unknown)
    generator: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    previous_state: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)
    nearest: NDArray[np.int64] | None = None
    vertical: NDArray[np.uint8] | None = None
    map_height: int = 1

    def __post_init__(self) -> None:
        """Fill in what was left out and depends on the number of images."""
        images = len(self.labels)
        for name in ("cameras", "views"):
            if len(getattr(self, name)) == 0:
                object.__setattr__(self, name, np.full(images, -1, np.int64))
        if len(self.query_counts) == 0:
            object.__setattr__(self, "query_counts", self.memory.query_counts(images))

    def kind(self, a: int, b: int) -> Kind:
        """Return the kind of a question about two rows: of one cluster, of two, or with an outlier among them."""
        one, other = self.labels[[a, b]].tolist()
        return "pool" if min(one, other) < 0 else "within" if one == other else "between"


class Session(Protocol):
    """One round of a strategy: it asks and takes answers in turn, until it has no more questions."""

    def ask(self) -> Sequence[Question]:
        """Return the next batch; empty: done. No pair that the memory or an answer so far decides is among it."""

    def tell(self, answers: Sequence[Answer]) -> None:
        """Take the answers to the last batch, in its order; questions left out were not answered."""

    def next_state(self) -> dict[str, NDArray[np.generic]]:
        """Return the arrays that the next round's session needs: its ``RoundState.previous_state``."""


@runtime_checkable
class ReaskingSession(Protocol):
    """A session that asks again where an answer is unlikely. Having :meth:`should_reask` is all it takes."""

    def should_reask(self, answer: Answer) -> bool:
        """Return whether the pair is to be asked again: the answer is unlikely, or would cost much if it were wrong.

        Called once for every paid first answer, before :meth:`Session.tell` gets the answers of its batch. A pure
        function of the round's state, the answers of earlier batches, and the answer's question and verdict: a
        resumed round gets the same answers from another source.
        """


class Strategy(ABC):
    """A way of choosing questions. It is stateless: a round's state goes in, a session comes out.

    Attributes
    ----------
    asks : bool
        Whether it ever asks; a strategy that does not has a schedule of zeros.
    uses_truth : bool
        Whether the pipeline replaces the labels by the true identities: the upper bound of a comparison.
    needs_vertical : bool
        Whether it reads ``RoundState.vertical``; otherwise the extraction need not compute it.
    """

    asks: bool = True
    uses_truth: bool = False
    needs_vertical: bool = False

    @abstractmethod
    def start(self, state: RoundState) -> Session:
        """Begin a round."""

    @abstractmethod
    def schedule(self, budget: int, rounds: int) -> list[int]:
        """Return how many questions each round may ask; the sum is ``budget``, or 0 where nothing is asked."""

    def reassign(
        self,
        state: RoundState,
        memory: LabelMemory,
        answers: Sequence[Answer],  # noqa: ARG002  the memory holds them all; a method may want the round's
    ) -> NDArray[np.int64]:
        """Return the labels after the round's answers.

        Parameters
        ----------
        state : RoundState
            As the round began.
        memory : LabelMemory
            With the round's answers.
        answers : sequence of Answer
            The round's answers, closure answers among them.

        Returns
        -------
        int64 [N]
            Labels that violate no answer; -1 is an outlier.
        """
        from whosame.clustering.constraints import enforce

        return enforce(state.labels, state.features, memory)

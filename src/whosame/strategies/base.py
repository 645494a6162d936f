"""What every strategy sees, says and is told: one round's state, questions, answers."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from whosame.memory import LabelMemory
from whosame.questions import Answer, Kind, Question


@dataclass(frozen=True)
class RoundState:
    """All that a strategy may look at. No identity is among it.

    Attributes
    ----------
    round, rounds : int
        This round (from 0), and how many the run has.
    features : float32 [N, D]
        L2-normalised features of the training images.
    vertical : uint8 [N, D] or None
        Row of each channel's maximum in the last feature map; its height is ``map_height``.
    graph : scipy.sparse.csr_array, float32 [N, N]
        Jaccard distances up to the clustering's ``max_distance``; absent = farther.
    labels : int64 [N]
        Clusters after the label memory was applied; -1 is an outlier.
    cameras : int64 [N]
        -1 where unknown.
    shown : int64 [N]
        How often each image has been in a question so far.
    memory : LabelMemory
        Every answer so far. Read it, do not write to it: sessions work on a copy.
    budget : int
        Questions that may be asked this round.
    generator : numpy.random.Generator
        The round's own stream of random numbers for the strategy.
    carried : mapping of str to array
        What the strategy's session handed over at the end of the round before.
    nearest : int64 [N] or None
        Row of each image's nearest other image by cosine, as the search for the graph found it; ties to the smaller
        row. None where nothing was searched.
    """

    round: int
    rounds: int
    features: NDArray[np.float32]
    vertical: NDArray[np.uint8] | None
    map_height: int
    graph: csr_array
    labels: NDArray[np.int64]
    cameras: NDArray[np.int64]
    shown: NDArray[np.int64]
    memory: LabelMemory
    budget: int
    generator: np.random.Generator
    carried: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)
    nearest: NDArray[np.int64] | None = None

    def kind(self, a: int, b: int) -> Kind:
        """Return the kind of a question about two rows: of one cluster, of two, or with an outlier among them."""
        one, other = self.labels[[a, b]].tolist()
        return "pool" if min(one, other) < 0 else "within" if one == other else "between"


class Session(Protocol):
    """One round of a strategy: ask, be told, ask again until there is nothing more to ask."""

    def ask(self) -> Sequence[Question]:
        """Return the next batch; empty: done. Never a pair that the memory or an answer told so far decides."""

    def tell(self, answers: Sequence[Answer]) -> None:
        """Take the answers to the last batch, in its order; questions left out were not answered."""

    def carry(self) -> dict[str, NDArray[np.generic]]:
        """Return what the next round's session needs, as arrays."""


@runtime_checkable
class Doubting(Protocol):
    """A session that has answers put again which it finds unlikely; having :meth:`doubts` is all it takes."""

    def doubts(self, answer: Answer) -> bool:
        """Return whether an answer is so unlikely, or would cost so much if wrong, that the pair is to be put again.

        Called once for every paid first answer, before the answers of its batch are told. A pure function of the
        round's state, the answers told before, and the answer's question and verdict: a round that is resumed hears
        the same answers from another source.
        """


class Strategy(ABC):
    """A way of choosing questions. Strategies are stateless: a round's state goes in, a session comes out.

    Attributes
    ----------
    asks : bool
        Whether it ever asks; a strategy that does not has an empty schedule.
    uses_truth : bool
        Whether the pipeline puts the true identities in place of the labels: the upper bound of a comparison.
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

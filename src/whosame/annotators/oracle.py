"""Simulated annotators: answers from the true identities, without errors or with errors at a known rate."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from whosame.annotators.base import Settled
from whosame.errors import LISTED, ParameterError
from whosame.identities import UNKNOWN, is_same
from whosame.questions import Answer, Kind, Question, Verdict
from whosame.seeding import stream

VERDICTS: dict[bool | None, Verdict] = {True: "same", False: "different", None: "unsure"}
FLIPPED: dict[Verdict, Verdict] = {"same": "different", "different": "same", "unsure": "unsure"}


class Oracle:
    """Answers every question at once and without errors.

    Junk (identity -1: boxes that show no person clearly) is ``unsure`` beside anything, as the retrieval protocol
    counts it neither right nor wrong. A distractor (identity 0) is different from every person; two distractors are
    ``unsure``.

    Parameters
    ----------
    identities : int64 [N]
        The training images' identities.
    seconds : float
        Seconds that an answer counts as in the annotation cost, at least 0.

    Raises
    ------
    ParameterError
        An image has no known identity (-2).
    """

    name = "oracle"

    def __init__(self, identities: NDArray[np.int64], *, seconds: float = 0.0) -> None:
        unknown = np.flatnonzero(identities == UNKNOWN)
        if len(unknown):
            rows = ", ".join(map(str, unknown[:LISTED])) + (", …" if len(unknown) > LISTED else "")
            raise ParameterError(
                f"annotator={self.name} answers from the true identities, but {len(unknown):,} of {len(identities):,} "
                f"training images have none (rows {rows}). Who is to answer? People: annotator=human, and with "
                "catalogue=identities those that are known count as answers. The oracle: give images whose names all "
                "carry an identity (folder.pattern; folder.unmatched=skip leaves the others out)."
            )
        self._identities: list[int] = identities.tolist()
        self._seconds = seconds

    def answer(self, questions: Sequence[Question], settled: Settled) -> Iterator[Answer]:
        """Yield the answers one after another, in the order of the questions; see :class:`Annotator`."""
        for question in questions:
            if not settled(question):
                yield Answer(question, self.verdict(question), "oracle", self.name, self._seconds)

    def verdict(self, question: Question) -> Verdict:
        """Return the verdict of the true identities."""
        return VERDICTS[is_same(self._identities[question.a], self._identities[question.b])]


class NoisyOracle(Oracle):
    """An oracle that errs: ``same`` and ``different`` are exchanged at a rate that may depend on the kind of question.

    Whether a pair is answered wrongly depends on the seed, the pair and the attempt alone, not on when it is asked: a
    resumed run gets the same errors. Attempts at one pair err independently of each other. A higher rate adds errors to
    those of a lower one.

    Parameters
    ----------
    identities : int64 [N]
        The training images' identities.
    rates : mapping of kind to float
        Share of wrong answers, 0 to 1, for ``within``, ``between`` and ``pool``.
    seed : int
        Of the run.
    seconds : float
        As for :class:`Oracle`.
    """

    name = "noisy-oracle"

    def __init__(
        self, identities: NDArray[np.int64], rates: Mapping[Kind, float], *, seed: int, seconds: float = 0.0
    ) -> None:
        super().__init__(identities, seconds=seconds)
        self._rates = dict(rates)
        self._seed = seed

    def verdict(self, question: Question) -> Verdict:
        """Return the verdict of the true identities, exchanged where this annotator errs."""
        right = super().verdict(question)
        again = (question.attempt,) if question.attempt > 1 else ()
        wrong = stream(self._seed, "noise", question.a, question.b, *again).random() < self._rates[question.kind]
        return FLIPPED[right] if wrong else right

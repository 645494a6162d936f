"""The registry of annotators: simulated ones by their names, and people."""

from collections.abc import Callable
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import NonNegativeFloat, PositiveInt

from whosame.annotators.base import Annotator
from whosame.annotators.guard import GuardOptions, Mode
from whosame.annotators.oracle import NoisyOracle, Oracle
from whosame.errors import unknown_name
from whosame.evaluation.candidates import CandidateRule
from whosame.parameters import Parameters, Share, parameter

HUMAN: Final = "human"
ERRORS = "an assumption; docs/measured.md has what wrong answers cost"


class AnnotatorConfig(Parameters):
    """How simulated annotators err, what their answers are counted as, and how people are asked."""

    noise_within: Share = parameter(0.03, source=ERRORS)
    """Annotator noisy-oracle: share of wrong answers to pairs within a cluster."""
    noise_between: Share = parameter(0.03, source=ERRORS)
    """Annotator noisy-oracle: share of wrong answers to pairs between two clusters."""
    noise_pool: Share = parameter(0.03, source=ERRORS)
    """Annotator noisy-oracle: share of wrong answers to pairs from a pool of neighbours."""
    seconds_per_pair: NonNegativeFloat = parameter(5.0, unit="seconds", source="an assumption: no paper gives a time")
    """What a simulated answer is counted as in the account of the cost."""
    overlap: PositiveInt = parameter(1, unit="people")
    """Annotator human: how many people answer each pair, and one more where they disagree."""
    guard: Mode = parameter("pause", results=False)
    """Annotator human: what happens where the first answers show that the features find no candidates. pause: asking
    waits until somebody decides; warn: it is said, and asking goes on; silent."""
    guard_answers: PositiveInt = parameter(20, unit="answers", results=False)
    """Annotator human: "same" and "different" before the guard concludes anything, those to pairs asked again too."""
    guard_share: Share = parameter(0.5, results=False)
    """Annotator human: share of the "same" that were expected below which answers count as wasted; without a
    probability by the strategy, half of the pairs are expected to be the same."""
    guard_confidence: Share = parameter(0.9, results=False)
    """Annotator human: how probable it must be that less than this share comes true; at 0.9, with 20 answers and no
    probability by the strategy, 2 "same" pause a run and 3 do not."""
    question: str | None = parameter(
        None, takes="text of 1 to 200 characters, or null", min_length=1, max_length=200, results=False
    )
    """Annotator human: what the page asks about each pair; null: layout folder "Same individual?", omniglot "Same
    character?", the others "Same person?"."""
    instruction: str | None = parameter(
        None, takes="text of up to 4,000 characters, or null", max_length=4000, results=False
    )
    """Annotator human: how to tell, for people to read before they answer; null: there is none."""
    examples: str | None = parameter(None, takes="the path of a file of answers, or null", results=False)
    """Annotator human: up to 12 pairs that are shown with the instruction: a CSV of path_a, path_b, verdict."""
    undo_seconds: NonNegativeFloat = parameter(5.0, unit="seconds", results=False)
    """Annotator human: how long answers can still be undone after a round's last one."""
    serve: bool = parameter(True, results=False)
    """Annotator human: kedro rounds serves the annotation page itself; otherwise kedro annotate does."""
    host: str = parameter("127.0.0.1", takes="an address of this machine", results=False)
    """What the page listens on; 127.0.0.1: this machine alone."""
    port: int = parameter(8765, ge=1, le=65535, results=False)
    """The page's port."""

    @property
    def guarded(self) -> GuardOptions:
        """What the guard does, and when."""
        return GuardOptions(self.guard, CandidateRule(self.guard_answers, self.guard_share, self.guard_confidence))


def _oracle(identities: NDArray[np.int64], config: AnnotatorConfig, seed: int) -> Annotator:  # noqa: ARG001
    return Oracle(identities, seconds=config.seconds_per_pair)


def _noisy_oracle(identities: NDArray[np.int64], config: AnnotatorConfig, seed: int) -> Annotator:
    return NoisyOracle(
        identities,
        {"within": config.noise_within, "between": config.noise_between, "pool": config.noise_pool},
        seed=seed,
        seconds=config.seconds_per_pair,
    )


AnnotatorName = Literal["auto", "oracle", "noisy-oracle", "human"]
ANNOTATORS: dict[str, Callable[[NDArray[np.int64], AnnotatorConfig, int], Annotator]] = {
    "auto": _oracle,  # where it is still open, identities of some images are known: an error that asks
    "oracle": _oracle,
    "noisy-oracle": _noisy_oracle,
}

NAMES: tuple[AnnotatorName, ...] = get_args(AnnotatorName)


def make_annotator(name: str, config: AnnotatorConfig, *, identities: NDArray[np.int64], seed: int) -> Annotator:
    """Return the simulated annotator of that name.

    Parameters
    ----------
    name : str
        ``oracle``, ``noisy-oracle`` or ``auto``.
    config : AnnotatorConfig
    identities : int64 [N]
        True identities of the training images; -2 where unknown.
    seed : int
        Of the run.

    Raises
    ------
    ParameterError
        The name is unknown, or an oracle is asked for and an identity is missing.
    """
    if name not in ANNOTATORS:
        raise unknown_name("annotator", name, NAMES)
    return ANNOTATORS[name](identities, config, seed)

"""The registry of annotators: simulated ones by their names, and people."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whosame.annotators.base import Annotator
from whosame.annotators.oracle import NoisyOracle, Oracle
from whosame.errors import ParameterError, unknown_name

HUMAN = "human"
REACHING = ("undo_seconds", "serve", "host", "port")  # how people are reached: no result depends on it


@dataclass(frozen=True)
class AnnotatorConfig:
    """How simulated annotators err, what their answers are counted as, and how people are asked.

    Attributes
    ----------
    noise_within, noise_between, noise_pool : float
        Share of wrong answers of ``noisy-oracle``, 0 to 1, by the kind of question. The 3 % is an assumption;
        docs/measured.md has what wrong answers cost.
    seconds_per_pair : float
        Seconds that a simulated answer is counted as in the account of the cost, at least 0. Stated, not measured:
        neither paper gives a time; 5 s is an assumption, about 720 pairs an hour.
    overlap : int
        How many people each pair is put to, at least 1; one more where they disagree.
    undo_seconds : float
        Seconds after a round's last answer in which people may still take answers back, at least 0.
    serve : bool
        Whether ``kedro rounds`` serves the annotation page itself.
    host : str
        The address that page listens on.
    port : int
        Its port, 1 to 65535.
    """

    noise_within: float = 0.03
    noise_between: float = 0.03
    noise_pool: float = 0.03
    seconds_per_pair: float = 5.0
    overlap: int = 1
    undo_seconds: float = 5.0
    serve: bool = True
    host: str = "127.0.0.1"
    port: int = 8765

    def __post_init__(self) -> None:
        problems = [
            f"annotator_options.{name} is {rate}, but is a share from 0 to 1"
            for name in ("noise_within", "noise_between", "noise_pool")
            if not 0 <= (rate := getattr(self, name)) <= 1
        ]
        if not 0 <= self.seconds_per_pair < float("inf"):
            problems.append(f"annotator_options.seconds_per_pair is {self.seconds_per_pair}, but is at least 0")
        if self.overlap < 1:
            problems.append(f"annotator_options.overlap is {self.overlap}, but takes 1 or more people")
        if not 0 <= self.undo_seconds < float("inf"):
            problems.append(f"annotator_options.undo_seconds is {self.undo_seconds}, but is at least 0")
        if not 1 <= self.port <= 65535:
            problems.append(f"annotator_options.port is {self.port}, but is a port from 1 to 65535")
        if problems:
            raise ParameterError("\n".join(problems))


def _oracle(identities: NDArray[np.int64], config: AnnotatorConfig, seed: int) -> Annotator:  # noqa: ARG001
    return Oracle(identities, seconds=config.seconds_per_pair)


def _noisy_oracle(identities: NDArray[np.int64], config: AnnotatorConfig, seed: int) -> Annotator:
    return NoisyOracle(
        identities,
        {"within": config.noise_within, "between": config.noise_between, "pool": config.noise_pool},
        seed=seed,
        seconds=config.seconds_per_pair,
    )


ANNOTATORS: dict[str, Callable[[NDArray[np.int64], AnnotatorConfig, int], Annotator]] = {
    "oracle": _oracle,
    "noisy-oracle": _noisy_oracle,
}

NAMES = (*ANNOTATORS, HUMAN)


def make_annotator(name: str, config: AnnotatorConfig, *, identities: NDArray[np.int64], seed: int) -> Annotator:
    """Return the simulated annotator of that name.

    Parameters
    ----------
    name : str
        ``oracle`` or ``noisy-oracle``.
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

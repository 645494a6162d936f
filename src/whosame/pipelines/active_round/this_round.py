"""The round that is played, as ``open_round`` has checked it."""

from dataclasses import dataclass, field

from whosame.distributed.engine import Engine, OneProcess
from whosame.features.device import Precision


@dataclass(frozen=True)
class ThisRound:
    """Settings of one round, the same for all its nodes.

    Attributes
    ----------
    uid : str
        The run's own key in the label store: a run deleted and started again under its name has another.
    run : str
        The run's name.
    number : int
        The round, from 0.
    schedule : tuple of int
        How many questions each round of the run may ask, before what earlier rounds left is added.
    seed : int
        The run's: every random number of the round is drawn from it and the round's number.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    precision : str
        ``float32`` or ``bfloat16``.
    database : str
        URL of the label store.
    needs_vertical : bool
        Whether the strategy reads the rows of the channels' maxima.
    engine : Engine
        What extracts features and trains.
    origins : tuple of str
        Of a fork, the keys of the runs whose answers it goes on with.
    """

    uid: str
    run: str
    number: int
    schedule: tuple[int, ...]
    seed: int
    device: str
    precision: Precision
    database: str
    needs_vertical: bool
    engine: Engine = field(default_factory=OneProcess)
    origins: tuple[str, ...] = ()

    @property
    def rounds(self) -> int:
        """How many rounds the run has."""
        return len(self.schedule)

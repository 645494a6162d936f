"""What tells one round from another: which run's and which number, whose random numbers, on which device."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ThisRound:
    """The round that is played.

    Attributes
    ----------
    uid : str
        The run's own key in the label store: a run deleted and begun again under its name has another.
    run : str
        The run's name.
    number, rounds : int
        The round, from 0, and how many the run will have.
    seed : int
        The run's: every random number of the round is drawn from it and the round's number.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    """

    uid: str
    run: str
    number: int
    rounds: int
    seed: int
    device: str

"""What tells one round from another: whose random numbers, which folder, how many questions."""

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
        The round, from 0, and how many there are.
    seed : int
    device : str
    """

    uid: str
    run: str
    number: int
    rounds: int
    seed: int
    device: str

"""Plans of comparisons: the runs to play, and the file that keeps what was planned and what failed."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from whosame import artefacts
from whosame.errors import ParameterError
from whosame.strategies import registry

Mode = Literal["selection", "native", "found"]  # found: runs that were not planned as a comparison
Nested = dict[str, Any]
BASELINE = "none"  # the strategy that asks nothing: every figure is compared with it
CEILING = "supervised"  # the strategy that trains on true labels: the upper bound
FILE = "plan.json"


@dataclass(frozen=True)
class PlannedRun:
    """One run of a comparison.

    Attributes
    ----------
    name : str
        Of the run: comparison, strategy, budget where it asks, seed.
    strategy : str
    budget : int
        0 where the strategy never asks.
    seed : int
    parameters : dict
        The run's ``--params``, nested.
    """

    name: str
    strategy: str
    budget: int
    seed: int
    parameters: Nested


@dataclass(frozen=True)
class Plan:
    """All runs of a comparison, the baselines first, seed by seed."""

    name: str
    mode: Mode
    runs: tuple[PlannedRun, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class SavedPlan:
    """What ``kedro compare`` keeps in a comparison's folder for the report.

    Attributes
    ----------
    mode : str
    runs : tuple of str
        Names of the runs that were planned.
    notes : tuple of str
    failed : dict of run to message
    """

    mode: Mode = "found"
    runs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    failed: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Return the plan in a comparison's folder; None where there is none."""
        path = folder / FILE
        if not path.exists():
            return None
        kept = artefacts.read(path)
        return cls(kept["mode"], tuple(kept["runs"]), tuple(kept["notes"]), dict(kept["failed"]))

    def write(self, folder: Path) -> None:
        """Write the plan into a comparison's folder."""
        artefacts.write(folder / FILE, asdict(self))


def never_asks(strategy: str) -> bool:
    """Return whether a strategy asks nothing, whatever its parameters; False for one that is not known here."""
    try:
        return not registry.make(strategy).asks
    except ParameterError:
        return False

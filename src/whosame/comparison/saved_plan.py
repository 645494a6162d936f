"""What ``kedro compare`` leaves for the report: what was planned, and what failed."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, Self

from whosame.runs import write_json

FILE = "plan.json"


@dataclass(frozen=True)
class SavedPlan:
    """A comparison as it was played.

    Attributes
    ----------
    mode : str
    runs : tuple of str
        Names of the runs that were planned.
    notes : tuple of str
    failed : dict of run to message
    """

    mode: Literal["selection", "native", "found"] = "found"
    runs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    failed: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Return the record in a comparison's folder; None where there is none."""
        path = folder / FILE
        if not path.exists():
            return None
        kept = json.loads(path.read_text())
        return cls(kept["mode"], tuple(kept["runs"]), tuple(kept["notes"]), dict(kept["failed"]))

    def write(self, folder: Path) -> None:
        """Write it, whole or not at all."""
        write_json(folder / FILE, asdict(self))

"""Parameters of a comparison."""

from dataclasses import dataclass

from whosame.errors import ParameterError
from whosame.runs import is_name
from whosame.strategies.budget import check_schedule


@dataclass(frozen=True)
class ComparisonConfig:
    """Which runs are compared, and what they have in common.

    Attributes
    ----------
    name : str or None
        The comparison: its runs bear it as a tag, its report lies in ``data/08_reporting/<name>``. None: every
        finished run on the newest run's images.
    schedule : str
        How every strategy spreads its budget over the rounds when only the questions are to differ.
    """

    name: str | None = None
    schedule: str = "gaussian"

    def __post_init__(self) -> None:
        problems = []
        if self.name is not None and not is_name(self.name):
            problems.append(f"compare.name is {self.name!r}, but takes letters, digits, '.', '_' and '-' only")
        try:
            check_schedule(self.schedule)
        except ParameterError as error:
            problems.append(f"compare.schedule: {error}")
        if problems:
            raise ParameterError("\n".join(problems))

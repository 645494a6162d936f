"""Nodes of the pipeline ``compare``."""

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from whosame.app import paths
from whosame.app.mlflow_server import attempt
from whosame.comparison import figures, report, tables
from whosame.comparison.arms import Comparison
from whosame.comparison.plan import SavedPlan
from whosame.comparison.played_runs import planned_runs, runs_found
from whosame.comparison.tables import Tables
from whosame.configuration import ComparisonConfig
from whosame.parameters import parse
from whosame.pipelines.compare.mlflow_run import log


def collect_runs(parameters: dict[str, Any]) -> Comparison:
    """Read the runs of a comparison; without a name, all finished runs on the newest run's images."""
    config = parse(ComparisonConfig, parameters.get("compare", {}), "compare")
    runs = paths.runs_folder()
    if config.name is None:
        return runs_found(runs, layout=str(parameters.get("layout", "")))
    return planned_runs(runs, config.name, SavedPlan.read(paths.comparison_folder(config.name)))


def tabulate(comparison: Comparison) -> Tables:
    """Take means, standard deviations and paired differences over seeds."""
    return tables.tabulate(comparison)


def draw(comparison: Comparison, comparison_tables: Tables) -> dict[str, Figure]:
    """Draw accuracy, purity and questions."""
    return figures.draw(comparison, comparison_tables)


def write_report(comparison: Comparison, comparison_tables: Tables, comparison_figures: dict[str, Figure]) -> Path:
    """Write the report with its tables and figures; return their folder."""
    folder = paths.comparison_folder(comparison.name)
    return report.write_report(comparison, comparison_tables, comparison_figures, folder).parent


def log_comparison(comparison: Comparison, comparison_tables: Tables, comparison_folder: Path) -> str:
    """Log the comparison to MLflow as one run; return the path of the report."""
    attempt(lambda client: log(client, comparison, comparison_tables, comparison_folder))
    return str(comparison_folder / "report.html")

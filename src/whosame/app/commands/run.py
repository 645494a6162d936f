"""``kedro run``: Kedro's own command, with short names of nodes, friendly errors, and the round's table at the end."""

from pathlib import Path
from typing import Any

import click
from kedro.framework.cli.project import project_group as kedro_commands
from kedro.framework.project import pipelines

from whosame.app.commands.options import PARAMS, Command, friendly_errors
from whosame.app.selection import check_selection
from whosame.reporting.table import rounds_table
from whosame.runs import Run

ORIGINAL = kedro_commands.commands["run"]


@friendly_errors
def _run(**options: Any) -> None:
    from whosame.app.config.run_parameters import continued

    options |= check_selection(options, pipelines)
    options["env"], options["params"] = continued(options["env"], options["params"])
    result = ORIGINAL.callback(**options) if ORIGINAL.callback else {}
    if "metrics" in (result or {}):
        finished = Run(Path(result["metrics"]._path).parents[1])  # noqa: SLF001
        click.echo(rounds_table(finished))
    if "names" in (result or {}):
        click.echo(result["names"].load().text())
    if "export_summary" in (result or {}):
        click.echo(result["export_summary"].load().text())
    if "comparison_report" in (result or {}):
        click.echo(f"report: {result['comparison_report'].load()}")


OPTIONS = [click.Option(["--params"], **PARAMS) if each.name == "params" else each for each in ORIGINAL.params]
run = Command("run", params=OPTIONS, callback=_run, help=ORIGINAL.help)

"""``kedro audit``: ask about few drawn pairs how right the names of a run are."""

from typing import Any

import click

from whosame.app import paths
from whosame.app.commands.options import Command, friendly_errors, parameters_option
from whosame.runs import find_run


@click.command(cls=Command)
@click.option("--run", "name", required=True, metavar="NAME", help="The run whose names are audited.")
@click.option("--questions", type=click.IntRange(min=1), help="How many may be asked; 200 by default.")
@click.option("--seed", type=click.IntRange(min=0), help="Which pairs are drawn; 0 by default.")
@parameters_option
@friendly_errors
def audit(name: str, questions: int | None, seed: int | None, params: dict[str, Any]) -> None:
    """Estimate how right the names of a run are, and how many individuals there are, with confidence intervals.

    Pairs are drawn at random, and people answer them on the annotation page, or the oracle where the run has one.
    Nothing is trained on the answers. Typed again, an audit continues with its answers; with more --questions its
    intervals become narrower.
    """
    from whosame.app.audit.audit_run import audit_run

    run = find_run(paths.runs_folder(), name)
    given = {key: value for key, value in (("questions", questions), ("seed", seed)) if value is not None}
    report = audit_run(run, {**params, "audit": {**params.get("audit", {}), **given}})
    click.echo(report.text())

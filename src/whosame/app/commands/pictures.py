"""``kedro pictures``: draw a run."""

from typing import Any

import click

from whosame.app import paths
from whosame.app.commands.options import Command, friendly_errors, parameters_option
from whosame.runs import find_run


@click.command(cls=Command)
@click.argument("name", metavar="RUN")
@parameters_option
@friendly_errors
def pictures(name: str, params: dict[str, Any]) -> None:
    """Draw RUN: retrieval curves, what queries find, clusters before and after answers, a map of the features.

    At any time after the first training. The names and the gallery of the run are written again, as kedro identities
    and kedro search do.
    """
    from whosame.app.make_pictures import make_pictures

    click.echo(make_pictures(find_run(paths.runs_folder(), name), params).text())

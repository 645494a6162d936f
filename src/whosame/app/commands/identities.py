"""``kedro identities``: write which individual each image of a run shows."""

from pathlib import Path
from typing import Any

import click

from whosame.app import paths
from whosame.app.commands.options import Command, friendly_errors, parameters_option
from whosame.errors import ParameterError
from whosame.runs import find_run


@click.command(cls=Command)
@click.argument("name", metavar="RUN")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.csv",
    help="The table; contact sheets are written beside it. By default identities.csv in the run's folder.",
)
@parameters_option
@friendly_errors
def identities(name: str, out: Path | None, params: dict[str, Any]) -> None:
    """Write the identity of every training image of RUN: a table, and a page with the pictures of each identity.

    At any time after the first training, also while people answer. Images are clustered by the network as it was
    trained last, and all answers so far are applied.
    """
    from whosame.app.name_images import name_images

    run = find_run(paths.runs_folder(), name)
    if out is not None:
        if out.suffix.lower() != ".csv":
            raise ParameterError(f"--out={out} is to be a table: give a name that ends with .csv")
        params = {**params, "naming": {**params.get("naming", {}), "out": str(out.absolute())}}
    click.echo(name_images(run, params).text())

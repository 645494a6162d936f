"""``kedro params``: every parameter with value in force, default, range, source and meaning."""

from typing import Any

import click
from kedro.framework.cli.utils import env_option

from whosame.app.commands.options import Command, friendly_errors, parameters_option


@click.command(cls=Command)
@click.argument("group", required=False)
@env_option
@parameters_option
@friendly_errors
def params(group: str | None, env: str | None, params: dict[str, Any]) -> None:
    """Print every parameter, or those of GROUP: value in force, default, range, source, meaning.

    GROUP is a name such as training, strategies.dcps or training.augment. What differs from its default is marked with
    a star. The changes of kedro compare --mode=native are not applied.
    """
    from whosame.app.round_loop import configured
    from whosame.reporting.parameters import parameters_text

    values = configured(env, params)
    click.echo(parameters_text(values.replace(round=params.get("round")), group))  # the next one is no change

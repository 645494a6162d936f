"""``kedro rounds``: play the rounds of a run until they are done; typed again, continue."""

import os
import sys
from typing import Any

import click
from kedro.framework.cli.utils import env_option

from whosame.app.commands.options import Command, friendly_errors, parameters_option
from whosame.reporting.table import rounds_table
from whosame.runs import Run

INTERRUPTED = 130  # exit status after Ctrl-C, as shells have it


@click.command(cls=Command)
@env_option
@parameters_option
@click.option("--fork", metavar="RUN:ROUND", help="Continue after this round of another run, under a new name.")
@friendly_errors
def rounds(env: str | None, params: dict[str, Any], fork: str | None) -> None:
    """Play rounds of active_round until they are done; typed again, continue.

    A run that has started continues with its own parameters: --params=run=NAME is enough. Budget and rounds may be
    raised.
    """
    from whosame.app.config.run_parameters import configuration_of
    from whosame.app.name_images import are_named
    from whosame.app.round_loop import play
    from whosame.reporting.run_text import completion

    try:
        finished = play(env, params, fork=fork)
        click.echo(rounds_table(finished))
        if not are_named(finished):
            click.echo(_finish(finished, params))
    except KeyboardInterrupt:
        click.echo("\nstopped: nothing is lost, the same command goes on", err=True)
        sys.stdout.flush()
        # At once: interrupted amid a library's work, the interpreter's own end has been seen to abort.
        os._exit(INTERRUPTED)
    click.echo(completion(finished, configuration_of(finished)))


def _finish(run: Run, params: dict[str, Any]) -> str:
    """Write the names of a run, and its pictures where they are wanted; return what was made."""
    from whosame.app.config.run_parameters import configuration_of
    from whosame.app.make_pictures import make_pictures
    from whosame.app.name_images import name_images

    if not params.get("pictures", {}).get("at_end", configuration_of(run).pictures.at_end):
        return name_images(run, params).text()
    made = make_pictures(run, params)
    return f"{made.names.text()}\n{made.text()}"

"""``kedro runs``: list the runs, and prune their old rounds."""

import click

from whosame.app import paths
from whosame.app.commands.options import friendly_errors
from whosame.reporting.table import runs_table
from whosame.runs import Run, all_runs


@click.group(invoke_without_command=True)
@click.pass_context
@friendly_errors
def runs(context: click.Context) -> None:
    """List the runs: rounds, questions, mAP, size on disk."""
    if context.invoked_subcommand is None:
        click.echo(runs_table(list(all_runs(paths.runs_folder()))))


@runs.command()
@click.argument("name")
@click.option(
    "--keep-every", type=click.IntRange(min=1), default=10, show_default=True, help="Every n-th round keeps everything."
)
@friendly_errors
def prune(name: str, keep_every: int) -> None:
    """Remove features, graphs and checkpoints of a run's old rounds.

    Round 0, every KEEP_EVERY-th and the newest two keep everything. Questions, answers, labels and metrics are never
    removed.
    """
    freed = Run.named(paths.runs_folder(), name).prune(keep_every)
    click.echo(f"{freed / 2**20:.1f} MiB freed")

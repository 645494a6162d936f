"""``kedro runs``: list the runs, show one, prune its old rounds, remove it."""

import click

from whosame.app import paths
from whosame.app.commands.options import friendly_errors
from whosame.reporting.table import runs_table
from whosame.runs import all_runs, find_run


@click.group(invoke_without_command=True)
@click.pass_context
@friendly_errors
def runs(context: click.Context) -> None:
    """List the runs: rounds, questions, mAP, size on disk."""
    if context.invoked_subcommand is None:
        click.echo(runs_table(list(all_runs(paths.runs_folder()))))


@runs.command()
@click.argument("name")
@friendly_errors
def show(name: str) -> None:
    """Show one run: rounds, figures, answers, where it is, and the parameters that differ from their defaults."""
    from whosame.app.commands.label_store import stored_answers
    from whosame.app.config.run_parameters import configuration_of
    from whosame.reporting.run_text import run_text

    run = find_run(paths.runs_folder(), name)
    configuration = configuration_of(run) if run.about() else None
    answers = "" if configuration is None else stored_answers(configuration, run)
    click.echo(run_text(run, configuration, answers))


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
    freed = find_run(paths.runs_folder(), name).prune(keep_every)
    click.echo(f"{freed / 2**20:.1f} MiB freed")


@runs.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@friendly_errors
def remove(name: str, *, yes: bool) -> None:
    """Remove a run: its rounds with their files. Never removes an answer: the label store keeps them for other runs."""
    run = find_run(paths.runs_folder(), name)
    run.lock().close()  # one that is being played is refused before the question
    size = f"{run.completed()} rounds, {run.bytes_on_disk() / 2**20:,.1f} MiB"
    kept = "Answers in the label store, its record in MLflow and runs forked from it stay."
    if not yes:
        click.confirm(f"Remove run {name} ({size})? {kept}", abort=True)
    run.remove()
    click.echo(f"run {name} is removed: {size}. {kept}")

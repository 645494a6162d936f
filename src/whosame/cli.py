"""The project's own commands beside Kedro's: ``kedro rounds``, ``annotate``, ``answers``, ``runs``, ``compare``."""

import os
import sys
from pathlib import Path
from typing import Any

import click
from kedro.framework.cli.project import project_group as kedro_commands
from kedro.framework.cli.utils import env_option
from kedro.framework.project import pipelines

from whosame.app import paths
from whosame.app.commands.annotate import annotate
from whosame.app.commands.annotators import annotators
from whosame.app.commands.answers import answers
from whosame.app.commands.options import friendly_errors, parameters_option
from whosame.app.commands.params import params
from whosame.reporting.table import rounds_table, runs_table
from whosame.runs import Run, all_runs

INTERRUPTED = 130  # exit status after Ctrl-C, as shells have it


@click.group(name="whosame")
def cli() -> None:
    """Commands of whosame."""


def _run_command() -> click.Command:
    """Return Kedro's own ``run``, with nodes by their short names, friendly errors and the round's table at the end."""
    original = kedro_commands.commands["run"]

    @friendly_errors
    def run(**options: Any) -> None:
        stages = {node.short_name: node.name for pipeline in pipelines.values() for node in pipeline.nodes}
        for option in ("node_names", "from_nodes", "to_nodes"):
            options[option] = [stages.get(name, name) for name in options[option]]
        result = original.callback(**options) if original.callback else {}
        if "metrics" in (result or {}):
            finished = Run(Path(result["metrics"]._path).parents[1])  # noqa: SLF001
            click.echo(rounds_table(finished))
        if "comparison_report" in (result or {}):
            click.echo(f"report: {result['comparison_report'].load()}")

    return click.Command("run", params=original.params, callback=run, help=original.help)


cli.add_command(_run_command())
cli.add_command(annotate)
cli.add_command(annotators)
cli.add_command(answers)
cli.add_command(params)


@cli.command()
@env_option
@parameters_option
@click.option("--fork", metavar="RUN:ROUND", help="Continue after this round of another run, under a new name.")
@friendly_errors
def rounds(env: str | None, params: dict[str, Any], fork: str | None) -> None:
    """Play rounds of active_round until they are done; typed again, continue."""
    from whosame.app.round_loop import play

    try:
        finished = play(env, params, fork=fork)
    except KeyboardInterrupt:
        click.echo("\nstopped: nothing is lost, the same command goes on", err=True)
        sys.stdout.flush()
        # At once: interrupted amid a library's work, the interpreter's own end has been seen to abort.
        os._exit(INTERRUPTED)
    click.echo(rounds_table(finished))


@cli.command()
@click.option("--strategies", required=True, metavar="A,B,…", help="Strategies; a baseline without questions is added.")
@click.option("--budgets", required=True, metavar="T,…", help="Questions of a run, each budget a run.")
@click.option("--seeds", default="0,1,2", show_default=True, metavar="S,…", help="Seeds, each a run.")
@click.option("--mode", default="selection", show_default=True, help="selection: only the questions differ; native.")
@click.option("--name", help="Name of the comparison: its runs and its report are named after it.")
@env_option
@parameters_option
@friendly_errors
def compare(
    strategies: str,
    budgets: str,
    seeds: str,
    mode: str,
    name: str | None,
    env: str | None,
    params: dict[str, Any],
) -> None:
    """Play strategies by budgets by seeds, then report; typed again, continue."""
    from whosame.app.comparison_loop import play_comparison

    played = play_comparison(
        env,
        params,
        strategies=_items(strategies),
        budgets=_items(budgets),
        seeds=_items(seeds),
        mode=mode,
        name=name,
    )
    click.echo(f"report: {played.report}")
    if played.failed:
        reasons = "".join(f"\n  {run}: {why}" for run, why in played.failed.items())
        raise click.ClickException(f"{len(played.failed)} runs failed and are excluded from the report:{reasons}")


def _items(typed: str) -> list[str]:
    return [item.strip() for item in typed.split(",") if item.strip()]


@cli.group(invoke_without_command=True)
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

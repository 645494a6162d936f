"""``kedro compare``: play strategies by budgets by seeds, then write the report."""

from typing import Any

import click
from kedro.framework.cli.utils import env_option

from whosame.app.commands.options import Command, friendly_errors, parameters_option


@click.command(cls=Command)
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

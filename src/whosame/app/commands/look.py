"""``kedro look``: what a folder holds, what a run would make of it, and whether it is worth asking."""

from typing import Any

import click
from kedro.framework.cli.utils import env_option

from whosame.app import paths
from whosame.app.commands.options import Command, friendly_errors, parameters_option


@click.command(cls=Command)
@env_option
@parameters_option
@friendly_errors
def look(env: str | None, params: dict[str, Any]) -> None:
    """Look at a folder of images before anybody is asked: --params=images=PATH.

    Counts, sizes, copies, damaged files, what the names say; how near the nearest images are to the configured network;
    time and disk of the run; a verdict, and what to type next. Nothing but the page is written.
    """
    from whosame.app.round_loop import configured
    from whosame.inspection.look import look as look_at
    from whosame.inspection.next_command import next_command
    from whosame.inspection.report_page import write_page
    from whosame.inspection.report_text import report_text
    from whosame.inspection.verdict import judge

    # Who answers is not looked up: for a folder of a million files that would take longer than the look.
    configuration = configured(env, {"annotator": "human", **params})
    if "annotator" not in params:
        configuration = configuration.replace(annotator="auto")
    findings = look_at(configuration, paths.root() / "data")
    verdict = judge(findings)
    command = next_command(findings, verdict, env, params)
    page = paths.root() / "data" / "08_reporting" / f"look-{findings.root.name}.html"
    write_page(findings, verdict, command, page)
    click.echo(report_text(findings, verdict, command, str(page)))

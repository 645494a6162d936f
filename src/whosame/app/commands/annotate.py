"""``kedro annotate``: serve the page where people answer."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click
from kedro.framework.cli.utils import env_option

from whosame.app import paths
from whosame.app.commands.label_store import store_url
from whosame.app.commands.options import Command, friendly_errors, parameters_option
from whosame.errors import ParameterError, unknown_name
from whosame.runs import Run, is_name

if TYPE_CHECKING:
    from whosame.annotation.store.store import LabelStore


@click.command(cls=Command)
@click.option("--run", "name", metavar="NAME", help="The run that is asked about; by default the newest one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen; 0.0.0.0 lets other machines in.")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="The next one if taken.")
@click.option("--name", "names", multiple=True, metavar="HOST", help="Another name under which browsers ask for it.")
@click.option("--https", is_flag=True, help="A proxy in front of the page speaks HTTPS to the browsers.")
@click.option("--database", metavar="URL", help="The label store; by default that of the parameters.")
@env_option
@parameters_option
@friendly_errors
def annotate(
    name: str | None,
    host: str,
    port: int,
    names: tuple[str, ...],
    https: bool,
    database: str | None,
    env: str | None,
    params: dict[str, Any],
) -> None:
    """Serve the page where people say whether two images show the same individual."""
    from whosame.annotation.store.store import open_store
    from whosame.annotation.web.server import Address, serve

    with open_store(database or store_url(env, params, name)) as store:
        uid = None if name is None else _uid(store, name)
        serve(store, Address(host, port, names, https), run_uid=uid, runs=paths.runs_folder(), ready=_print_link)
    click.echo("The page is closed; every answer is kept.")


def _print_link(link: str, notes: Sequence[str]) -> None:
    click.echo("\n".join(["Open this link to answer, it logs you in:", "", f"  {link}", "", *notes]))
    click.echo("Ctrl-C closes the page. The run that asks is another command: kedro rounds --params=annotator=human,…")


def _uid(store: "LabelStore", name: str) -> str:
    """Return the uid of a run: from its folder, or from the store where the folder is on another machine."""
    from sqlalchemy import select

    from whosame.annotation.store.schema import runs

    if is_name(name) and (uid := Run.named(paths.runs_folder(), name).about().get("uid")):
        return str(uid)
    with store.reading() as connection:
        asked = connection.execute(select(runs.c.run, runs.c.run_uid).order_by(runs.c.last_heartbeat)).all()
    known = {row.run: row.run_uid for row in asked}  # of several runs of a name, the newest
    if name in known:
        return str(known[name])
    if not known:
        raise ParameterError(f"there is no run {name!r}, and none has asked people yet: leave --run out and start one")
    raise unknown_name("run", name, known)

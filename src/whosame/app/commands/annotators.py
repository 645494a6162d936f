"""``kedro annotators``: the people who answer, their login links, and how well they answer."""

import re
from typing import Any
from urllib.parse import urlsplit

import click
from kedro.framework.cli.utils import env_option

from whosame.app import paths
from whosame.app.commands.label_store import label_store
from whosame.app.commands.options import friendly_errors, parameters_option
from whosame.errors import ParameterError
from whosame.runs import find_run

DEFAULT_URL = "http://127.0.0.1:8765"
MADE_BY = "the first answer, or with kedro annotators add NAME"

url_option = click.option(
    "--url",
    default=DEFAULT_URL,
    show_default=True,
    metavar="URL",
    help="Where people reach the page; the link begins with it.",
)


@click.group()
def annotators() -> None:
    """Who answers, and how well."""


@annotators.command()
@env_option
@parameters_option
@click.argument("name")
@click.option("--coordinator", is_flag=True, help="Also sees the overview and settles conflicts.")
@url_option
@friendly_errors
def add(env: str | None, params: dict[str, Any], name: str, url: str, *, coordinator: bool) -> None:
    """Let NAME answer, and print their login link, once: only a hash of it is kept."""
    from whosame.annotation.accounts import users

    address = _address(url)
    with label_store(env, params) as store:
        token = users.add_user(store, name, role="coordinator" if coordinator else "annotator")
    click.echo(f"{address}/login#{token}")


@annotators.command("list")
@env_option
@parameters_option
@friendly_errors
def list_(env: str | None, params: dict[str, Any]) -> None:
    """List who may answer, and when they were last on the page."""
    from whosame.annotation.accounts import users
    from whosame.reporting.annotators import users_table

    with label_store(env, params, made_by=MADE_BY, reading=True) as store:
        click.echo(users_table(users.all_users(store)))


@annotators.command()
@env_option
@parameters_option
@click.argument("name")
@friendly_errors
def remove(env: str | None, params: dict[str, Any], name: str) -> None:
    """Let NAME answer no more. Their link and logins end at once; their answers stay."""
    from whosame.annotation.accounts import users

    with label_store(env, params, made_by=MADE_BY) as store:
        users.remove_user(store, name)
    click.echo(f"{name} may answer no more; answers given so far are kept")


@annotators.command()
@env_option
@parameters_option
@click.argument("name")
@url_option
@friendly_errors
def rotate(env: str | None, params: dict[str, Any], name: str, url: str) -> None:
    """Print a new login link for NAME. The old link and logins made with it end at once."""
    from whosame.annotation.accounts import users

    address = _address(url)
    with label_store(env, params, made_by=MADE_BY) as store:
        token = users.rotate_token(store, name)
    click.echo(f"{address}/login#{token}")


@annotators.command()
@env_option
@parameters_option
@click.option(
    "--run", "name", metavar="NAME", help="Only the answers of this run; otherwise of all in the label store."
)
@friendly_errors
def quality(env: str | None, params: dict[str, Any], name: str | None) -> None:
    """Estimate how often each annotator errs, from the pairs that several have answered (Dawid and Skene 1979)."""
    from whosame.annotation.quality.error_rates import annotator_quality
    from whosame.reporting.annotators import quality_report

    uid = None
    if name is not None:
        uid = find_run(paths.runs_folder(), name).about().get("uid", "")  # one that has not started has no answer
    with label_store(env, params, run=name, made_by=MADE_BY, reading=True) as store:
        events = store.answers(uid)
        where = f"label store {store.where}" if name is None else f"run {name}"
    click.echo(quality_report(annotator_quality(events), where))


@annotators.command()
@env_option
@parameters_option
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many of the newest events.")
@friendly_errors
def log(env: str | None, params: dict[str, Any], limit: int) -> None:
    """Show who did what, the newest last: logins, answers, undone ones, exports, imports, changes of who may answer."""
    from whosame.annotation.store import audit_log
    from whosame.reporting.annotators import event_line

    with label_store(env, params, made_by=MADE_BY, reading=True) as store:
        events = audit_log.log(store, limit=limit)
    click.echo("\n".join(map(event_line, reversed(events))) or "The log is empty")


def _address(url: str) -> str:
    """Return the page's address, without the slash at the end."""
    if not re.fullmatch(r"https?://[^\s/?#@]+/?", url) or not _is_address(url):
        raise ParameterError(f"--url={url} is not where a page can be: write http://HOST:PORT, or https:// and a host")
    return url.removesuffix("/")


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:  # brackets without an address, a port that is no number
        return False

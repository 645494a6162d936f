"""Options of all commands: friendly errors, and parameters."""

import functools
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, TypeVar

import click

from whosame.errors import ParameterError, StoppedError, find_user_error

F = TypeVar("F", bound=Callable[..., Any])


def friendly_errors(command: F) -> F:
    """Turn an error that a user can correct into its message; leave a bug its traceback."""

    @functools.wraps(command)
    def checked(*args: Any, **options: Any) -> Any:
        try:
            return command(*args, **options)
        except Exception as error:
            cause = find_user_error(error)
            if cause is None:
                raise
            if isinstance(cause, StoppedError):
                click.echo(str(cause), err=True)
                return None
            raise click.ClickException(str(cause)) from error

    return checked  # type: ignore[return-value]


class Command(click.Command):
    """A command with parameters: its error for a stray word says that a value with a space takes quotes."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the words of a command line."""
        words = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            if not _is_cut(words):
                raise
            hint = "Where a value of --params has a space, put it in quotes: --params='images=/my crops'"
            raise click.UsageError(f"{error.format_message()}. {hint}", ctx) from error


def _is_cut(words: Sequence[str]) -> bool:
    """Return whether a word that is no option follows the parameters: the shell ends a value at a space."""
    return any(first.startswith("--params=") and not second.startswith("-") for first, second in pairwise(words))


def _read(context: click.Context, option: click.Parameter, typed: Any) -> dict[str, Any]:
    del context
    if not isinstance(typed, str):  # from the file of kedro run --config
        return dict(typed or {})
    if not typed:
        return {}
    from whosame.app.config.typed_parameters import read_typed
    from whosame.configuration import Configuration

    try:
        return read_typed(typed, Configuration)
    except ParameterError as error:
        raise click.BadParameter(str(error), param=option) from error


PARAMS: dict[str, Any] = {
    "type": click.UNPROCESSED,
    "default": "",
    "callback": _read,
    "help": "Parameters as name=value,name=value; kedro params lists them. In quotes where the shell changes them.",
}
parameters_option = click.option("--params", **PARAMS)

"""Options of all commands: friendly errors, and parameters as for ``kedro run``."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click
from kedro.framework.cli.utils import _split_params

from whosame.errors import find_user_error

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
            raise click.ClickException(str(cause)) from error

    return checked  # type: ignore[return-value]


parameters_option = click.option(
    "--params",
    type=click.UNPROCESSED,
    default="",
    callback=_split_params,
    help="Parameters as name=value,name=value; the same as for kedro run.",
)

"""``kedro mlflow``: the commands of kedro-mlflow, imported when one of them is typed.

Kedro imports the commands of every plugin before any command, and these bring mlflow: two seconds.
"""

import sys
from importlib import import_module
from types import ModuleType

import click

PLUGIN = "kedro_mlflow.framework.cli.cli"  # the module of its entry point kedro.project_commands
NAME = "mlflow"


class _StandIn(ModuleType):
    """What Kedro finds in the place of the module."""

    def __init__(self) -> None:
        super().__init__(PLUGIN)
        group = _MlflowCommands(NAME, help="Use mlflow-specific commands inside kedro project.")
        self.commands = click.Group("Mlflow", commands={NAME: group})


class _MlflowCommands(click.Group):
    """kedro-mlflow's own group."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of its commands."""
        return _own_group().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return one of them."""
        return _own_group().get_command(ctx, cmd_name)


def import_when_typed() -> None:
    """Make Kedro import kedro-mlflow's commands when one of them is typed, not before."""
    if PLUGIN not in sys.modules:
        sys.modules[PLUGIN] = _StandIn()


def _own_group() -> click.Group:
    if isinstance(sys.modules.get(PLUGIN), _StandIn):
        del sys.modules[PLUGIN]
    group: click.Group = import_module(PLUGIN).commands.commands[NAME]
    return group

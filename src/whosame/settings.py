"""Kedro's settings of the project: hooks, the session, how configuration is read."""

import logging

import kedro_mlflow  # noqa: F401  (before its level is set: it sets one itself when imported)
from kedro.framework.session import KedroServiceSession

from whosame.app.commands.mlflow import import_when_typed
from whosame.app.config.loader import ConfigLoader
from whosame.app.hooks import RoundHooks
from whosame.app.mlflow_setup import MlflowHooks

logging.getLogger("kedro_mlflow").setLevel(logging.WARNING)
import_when_typed()

HOOKS = (MlflowHooks(), RoundHooks())
DISABLE_HOOKS_FOR_PLUGINS = ("kedro-mlflow", "kedro_mlflow")  # as its releases spell it; its commands stay
SESSION_CLASS = KedroServiceSession
CONFIG_LOADER_CLASS = ConfigLoader
CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    "merge_strategy": {"parameters": "soft"},  # an environment names only what differs
}

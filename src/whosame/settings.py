"""Kedro's settings of the project: hooks, the session, how configuration is read."""

import logging
import warnings

from kedro.config import OmegaConfigLoader
from kedro.framework.session import KedroServiceSession
from mlflow.telemetry import set_telemetry_client

from whosame import project
from whosame.hooks import RoundHooks

set_telemetry_client()  # kedro-mlflow imports mlflow before whosame can say no: let it ask again
logging.getLogger("kedro_mlflow").setLevel(logging.WARNING)  # it sets its own level when imported
warnings.filterwarnings("ignore", message="register_new_resolver", category=UserWarning)  # Kedro and kedro-mlflow

HOOKS = (RoundHooks(),)
SESSION_CLASS = KedroServiceSession
CONFIG_LOADER_CLASS = OmegaConfigLoader
CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    "merge_strategy": {"parameters": "soft"},  # an environment names only what differs
    "custom_resolvers": {
        "round_number": project.round_number,
        "round_folder": project.round_folder,
        "previous_folder": project.previous_folder,
    },
}

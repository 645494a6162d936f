"""whosame: a re-identification model from person crops and as few human answers as possible."""

import os

__version__ = "0.1.0"

# Person images are sensitive: nothing is reported to anybody. Kedro reads .telemetry beside pyproject.toml too.
for _name in ("DO_NOT_TRACK", "KEDRO_DISABLE_TELEMETRY", "MLFLOW_DISABLE_TELEMETRY"):
    os.environ.setdefault(_name, "true")

"""Telemetry: switched off, with the warnings of dependencies that no user can act on.

Kedro calls :func:`hush` before it loads any plugin: the entry point ``kedro.init`` in ``pyproject.toml``.
"""

import os
import sys
import warnings
from pathlib import Path
from typing import TextIO

TELEMETRY = ("DO_NOT_TRACK", "KEDRO_DISABLE_TELEMETRY", "MLFLOW_DISABLE_TELEMETRY")
NOISE = ("register_new_resolver() is deprecated", "Add type hints to the `predict` method")  # kedro, kedro-mlflow
IN_CHILDREN = (  # processes that Kedro's plugins start: kedro mlflow ui, kedro viz run
    "ignore:starlette.middleware.wsgi is deprecated",
    "ignore:ORJSONResponse is deprecated",
)

_show = warnings.showwarning


def hush() -> None:
    """Switch telemetry off and hide warnings between dependencies. Variables that the user has set are kept."""
    for name in TELEMETRY:
        os.environ.setdefault(name, "true")  # person images are sensitive; .telemetry says the same to Kedro
    _find_own_programs()
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # two lines for each round on a server
    typed = [each for each in os.environ.get("PYTHONWARNINGS", "").split(",") if each and each not in IN_CHILDREN]
    os.environ["PYTHONWARNINGS"] = ",".join([*typed, *IN_CHILDREN])
    if warnings.showwarning is _show:  # mlflow sets filters of its own around its warning: a filter cannot hold it
        warnings.showwarning = _show_unless_noise


def _find_own_programs() -> None:
    """Let ``.venv/bin/kedro mlflow ui`` find ``mlflow`` in an environment that is not activated."""
    programs = str(Path(sys.executable).parent)
    paths = os.environ.get("PATH", "").split(os.pathsep)
    if programs not in paths:
        os.environ["PATH"] = os.pathsep.join([programs, *paths])


def _show_unless_noise(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    if not any(noise in str(message) for noise in NOISE):
        _show(message, category, filename, lineno, file, line)

"""Commands that compute nothing start without what computes: torch and mlflow take seconds to import."""

import json
import os
import subprocess
import sys

import pytest

SLOW = {"torch", "torchvision", "mlflow", "sklearn", "matplotlib", "pandas", "numba", "faiss", "sqlalchemy"}
TYPED = """
import json, sys
from kedro.framework.cli.cli import main
sys.argv = ["kedro", *json.loads(sys.argv[1])]
try:
    main()
except SystemExit as done:
    print(json.dumps({"status": done.code, "modules": sorted({name.partition(".")[0] for name in sys.modules})}))
"""


def loaded_by(folder, *words):
    """Type a command in a process of its own; return what it printed, and the packages that are imported by its end."""
    done = subprocess.run(
        [sys.executable, "-c", TYPED, json.dumps(words)],
        cwd=folder,
        env={**os.environ, "KEDRO_DISABLE_TELEMETRY": "true"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    *printed, last = done.stdout.splitlines()
    found = json.loads(last)
    assert found["status"] in (0, None), done.stderr
    return "\n".join(printed), set(found["modules"])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--help", "mlflow  Use mlflow-specific"),
        ("runs", "calm"),
        ("rounds --help", "--fork"),
        ("mlflow --help", "Opens the mlflow user interface"),
    ],
)
def test_it_starts_without_slow_packages(calm, line, said):
    printed, modules = loaded_by(calm, *line.split())
    assert said in printed
    assert modules & SLOW <= ({"mlflow", "pandas", "sqlalchemy", "sklearn"} if line.startswith("mlflow") else set())

"""The waiting policy of OpenMP's threads: set before torch and faiss read it, unless the user has chosen."""

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize("chosen", [None, "ACTIVE"])
def test_threads_sleep_while_they_wait_unless_the_user_chose(chosen):
    environment = {
        name: value for name, value in os.environ.items() if name not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
    }
    environment |= {"OMP_DISPLAY_ENV": "verbose"} | ({"OMP_WAIT_POLICY": chosen} if chosen else {})
    command = [sys.executable, "-c", "import whosame, faiss, torch"]
    shown = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=120).stderr
    turns = [int(line.split("'")[1]) for line in shown.splitlines() if "GOMP_SPINCOUNT" in line]
    if not turns:
        pytest.skip("torch's OpenMP is not libgomp")
    assert max(turns) == 0 if chosen is None else min(turns) > 0

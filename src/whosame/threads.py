"""OpenMP's threads sleep while they wait for each other.

By default libgomp, which torch and faiss use, waits by spinning: on a machine with other work the spinning thread
keeps the core from the thread that it waits for. docs/measured.md has the figures.
"""

import os


def sleep_while_waiting() -> None:
    """Choose the waiting policy. It is read as torch and faiss are loaded; what the user has set is kept."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

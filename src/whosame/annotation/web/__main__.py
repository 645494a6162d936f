"""The page as a process: ``python -m whosame.annotation.web``. The first line that it prints is a login link."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from whosame.annotation.store.store import open_store
from whosame.annotation.web.process import DATABASE
from whosame.annotation.web.server import PORT, Address, serve
from whosame.errors import WhosameError


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the page by command-line arguments; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m whosame.annotation.web", description="Serve the annotation page.")
    parser.add_argument(
        "--database",
        default=os.environ.get(DATABASE),
        required=DATABASE not in os.environ,
        help=f"sqlite:///PATH or postgresql://…; by default the value of the variable {DATABASE}",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=PORT, help="0: any that is free")
    parser.add_argument("--name", action="append", default=[], help="another name under which browsers reach it")
    parser.add_argument("--https", action="store_true", help="a proxy in front of it speaks HTTPS")
    parser.add_argument("--run-uid", help="the run whose pairs are shown; by default the newest")
    parser.add_argument("--person", help="the owner of the login link; by default the system's user")
    parser.add_argument("--runs", type=Path, help="data/runs of the project, for the overview's cluster previews")
    given = parser.parse_args(arguments)
    address = Address(given.host, given.port, tuple(given.name), given.https)

    def ready(link: str, notes: Sequence[str]) -> None:
        print(link, *notes, sep="\n", flush=True)

    try:
        with open_store(given.database) as store:
            serve(store, address, run_uid=given.run_uid, person=given.person, runs=given.runs, ready=ready)
    except WhosameError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""A copy of a run in an object store: sent as each round ends, fetched where the run is not on this machine."""

import logging

from whosame.artefacts import LOCK, METRICS
from whosame.data.object_store import ObjectFolder
from whosame.errors import WhosameError
from whosame.runs import Run

logger = logging.getLogger(__name__)
PARAMETER = "storage.url"


def send_run(run: Run, url: str) -> None:
    """Send what the copy has not: files of rounds, which are written once, and the run's own, which change.

    A round's ``metrics.json`` is sent after its other files: a round that has it is complete in the copy too. A store
    that fails is a warning: the next round sends what is missing.
    """
    files = sorted(path for path in run.folder.rglob("*") if path.is_file() and path.name != LOCK)
    sizes = {path.relative_to(run.folder).as_posix(): path.stat().st_size for path in files}
    try:
        store = ObjectFolder(f"{url.rstrip('/')}/{run.name}", PARAMETER)
        there = {path: size for path, (size, _) in store.listed().items()}
        new = [path for path, size in sizes.items() if "/" not in path or there.get(path) != size]
        store.send([path for path in new if not path.endswith(f"/{METRICS}")], run.folder)
        store.send([path for path in new if path.endswith(f"/{METRICS}")], run.folder)
    except WhosameError as error:
        logger.warning("run %s was not copied: %s", run.name, error)


def fetch_run(run: Run, url: str) -> None:
    """Fetch the copy of a run that is not on this machine; without a copy do nothing.

    Raises
    ------
    InputError
        The store cannot be reached.
    """
    if run.exists():
        return
    store = ObjectFolder(f"{url.rstrip('/')}/{run.name}", PARAMETER)
    paths = list(store.listed())
    if paths:
        logger.warning("run %s is not on this machine: its %d files are fetched from %s", run.name, len(paths), url)
        store.fetch(paths, run.folder)

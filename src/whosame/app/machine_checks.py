"""What this machine has to have for a run, checked before any image is read: GPU, packages, weights, label store."""

from collections.abc import Callable, Iterable
from functools import partial

from whosame.annotation.store.store import open_store
from whosame.app import paths
from whosame.configuration import Configuration
from whosame.distributed.choice import make_engine
from whosame.errors import ParameterError, WhosameError
from whosame.features.backbones import check_image_size
from whosame.features.device import find_device
from whosame.features.network import build_network
from whosame.runs import Run


def check_machine(configurations: Iterable[Configuration]) -> None:
    """Check what the runs need of this machine.

    Parameters
    ----------
    configurations : iterable of Configuration
        Of the runs to play. One that has played a round needs no initial weights.

    Raises
    ------
    ParameterError
        Everything that is missing: a GPU, or one with the precision; weights that cannot be fetched or read, or do not
        fit; a package; a label store that cannot be written.
    """
    checks: dict[tuple[str, str], Callable[[], object]] = {}  # each once, whatever number of runs needs it
    for configuration in configurations:
        database, network = configuration.database_url(paths.root()), configuration.network
        device, precision = configuration.device, configuration.precision
        checks["device", f"{device} {precision}"] = partial(find_device, device, precision)
        where = (configuration.engine, configuration.processes, device, configuration.address)
        checks["engine", f"{where}"] = make_engine(*where).check
        checks["database", database] = partial(_open_store, database)
        if configuration.pixels.height is not None:  # or the size is one that the network takes
            size = configuration.pixels.size
            checks["size", f"{network.architecture} {size}"] = partial(check_image_size, network, *size)
        if not Run.named(paths.runs_folder(), configuration.run).completed():
            checks["network", network.model_dump_json()] = partial(build_network, network, seed=0)
    problems = []
    for check in checks.values():
        try:
            check()
        except WhosameError as error:
            problems.append(str(error))
    if problems:
        raise ParameterError("\n".join(dict.fromkeys(problems)))


def _open_store(url: str) -> None:
    open_store(url).close()

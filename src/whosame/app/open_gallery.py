"""Gallery and network of a run, ready to search: read where they are there, made where they are not."""

import importlib.util
import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from whosame import artefacts
from whosame.app import paths
from whosame.artefacts import CHECKPOINT, EXPORT, SEARCH
from whosame.errors import ResumeError, StorageError
from whosame.runs import Run
from whosame.search.gallery import Gallery
from whosame.search.searcher import NETWORK, Network, Searcher, onnx_network

logger = logging.getLogger(__name__)


def open_searcher(run: Run, *, fresh: bool = False) -> Searcher:
    """Return what searches a run's images.

    Parameters
    ----------
    run : Run
        It may be played meanwhile: nothing of its rounds is changed.
    fresh : bool
        Whether to make the gallery again, with the answers and names of now.

    Returns
    -------
    Searcher
        The network is that of an export of the same round, where there is one and onnxruntime is installed: it starts
        sooner, and is the same within 1e-4. Otherwise it is that of the checkpoint.

    Raises
    ------
    ResumeError
        Nothing was trained yet; the checkpoint is gone, or of another version.
    """
    gallery = None if fresh else _kept(run)
    if gallery is None:
        _make_gallery(run)
        gallery = Gallery.load(run.folder / SEARCH)
    return Searcher(gallery, _exported(run, gallery.round) or checkpoint_network(run, gallery.round))


def _kept(run: Run) -> Gallery | None:
    """Return the gallery that is there, if it is of the last training."""
    try:
        gallery = Gallery.load(run.folder / SEARCH)
    except FileNotFoundError:
        return None
    except (ResumeError, StorageError) as error:
        logger.warning("%s", error)
        return None
    return gallery if gallery.round == run.completed() - 1 else None


def _make_gallery(run: Run) -> None:
    from kedro.framework.session import KedroServiceSession
    from kedro.framework.startup import bootstrap_project

    from whosame.app.config.run_parameters import continued
    from whosame.app.name_images import check_trained

    check_trained(run)
    bootstrap_project(paths.root())
    env, parameters = continued(None, {"run": run.name})
    with KedroServiceSession.create(project_path=paths.root(), env=env) as session:
        session.run(pipeline_names=["gallery"], runtime_params=parameters)


def _exported(run: Run, number: int) -> Network | None:
    folder = run.folder / EXPORT
    about = artefacts.read_if_whole(folder / "export.json") or {}
    network: Path = folder / "model" / NETWORK
    if about.get("round") != number or not network.exists() or importlib.util.find_spec("onnxruntime") is None:
        return None
    return onnx_network(network.read_bytes())


def checkpoint_network(run: Run, number: int) -> Network:
    """Return the network that a round has trained, run by torch.

    Raises
    ------
    ResumeError
        The checkpoint is gone, damaged or of another version.
    """
    import torch

    from whosame.app.config.run_parameters import configuration_of
    from whosame.export.deployed import Deployed
    from whosame.training import Checkpoint

    path = run.round(number) / CHECKPOINT
    if not path.exists():
        raise ResumeError(f"{path} is gone: restore it, or play another round (kedro rounds --params=run={run.name})")
    deployed = Deployed(Checkpoint.load(path).build(configuration_of(run).network))

    def network(inputs: NDArray[np.generic]) -> NDArray[np.float32]:
        with torch.inference_mode():
            found: NDArray[np.float32] = deployed(torch.from_numpy(np.ascontiguousarray(inputs))).numpy()
        return found

    return network

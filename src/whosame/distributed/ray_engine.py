"""The engine of a Ray cluster: extraction by Ray Data, training by Ray Train, with the functions of one machine.

A process that is lost is started again by Ray: extraction repeats the part that it had, training the round, from the
checkpoint that the round began with.
"""

import pickle
import tempfile
from dataclasses import replace
from typing import Any

from whosame.distributed import tasks
from whosame.distributed.blocks import in_blocks
from whosame.distributed.engine import Engine
from whosame.distributed.extraction import ExtractionJob, divide, join
from whosame.distributed.ray_cluster import check_cluster, connect
from whosame.distributed.training import Trained, TrainingJob, warn_of_idle
from whosame.errors import DeviceMemoryError, WhosameError, WorkerError
from whosame.features.batches import Pixels
from whosame.features.extraction import Features
from whosame.features.frozen_maps import FrozenMaps
from whosame.training.ranks import Ranks

PARTS = 4  # of each process in an extraction: one that is lost costs one of them
RESTARTS = 3  # of a round's training


class RayEngine(Engine):
    """Processes on the machines of a Ray cluster.

    Parameters
    ----------
    address : str
        See :func:`whosame.distributed.ray_cluster.connect`.
    processes : int
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    """

    def __init__(self, address: str, processes: int, device: str) -> None:
        self._address, self._processes, self._device = address, processes, device
        self._gpu: bool | None = None  # not connected yet
        self._pixels: dict[str, Pixels] = {}  # those that are in the cluster's store, by their key

    def check(self) -> None:
        """Connect to the cluster, and check that it has as many GPUs or cores, and this package everywhere."""
        self._connect()

    def _connect(self) -> str:
        """Connect to the cluster once; return the device of its processes."""
        if self._gpu is None:
            connect(self._address)
            self._gpu = check_cluster(self._processes, self._device)
        return "cuda" if self._gpu else "cpu"

    def _everywhere(self, pixels: Pixels) -> Pixels:
        """Return the pixels as every machine can read them."""
        key = str(pixels.files) if isinstance(pixels, FrozenMaps) else getattr(pixels, "key", None)
        if key is None:
            return in_blocks(pixels)
        if key not in self._pixels:
            self._pixels = {key: in_blocks(pixels)}
        return self._pixels[key]

    def extract(self, job: ExtractionJob) -> list[Features]:
        """Return the features of each of the job's sets of images."""
        import ray

        device = self._connect()
        job = replace(job, pixels=self._everywhere(job.pixels), device=device)
        parts = divide(job, self._processes * PARTS)
        shared = ray.put(replace(job, image_ids=(), checkpoint=parts[0].checkpoint))
        rows = [{"part": number, "image_ids": pickle.dumps(part.image_ids)} for number, part in enumerate(parts)]
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        try:
            found = (
                ray.data.from_items(rows, override_num_blocks=len(rows))
                .map(
                    _Extractor,
                    fn_constructor_args=([shared],),
                    compute=ray.data.ActorPoolStrategy(size=self._processes),
                    num_gpus=int(device == "cuda"),
                )
                .take_all()
            )
        except Exception as error:
            raise _cause(error) from error
        found.sort(key=lambda row: row["part"])
        return join([pickle.loads(row["features"]) for row in found])  # noqa: S301  from this package's own process

    def train(self, job: TrainingJob) -> Trained:
        """Return the network after the round, and the report."""
        import ray
        from ray.train import FailureConfig, RunConfig, ScalingConfig
        from ray.train.torch import TorchTrainer

        warn_of_idle(job.config, self._processes)
        device = self._connect()
        shared = ray.put(replace(job, pixels=self._everywhere(job.pixels), device=device))
        with tempfile.TemporaryDirectory(prefix="whosame-") as folder:
            trainer = TorchTrainer(
                _train,
                train_loop_config={"job": [shared]},
                scaling_config=ScalingConfig(num_workers=self._processes, use_gpu=device == "cuda"),
                run_config=RunConfig(storage_path=folder, failure_config=FailureConfig(max_failures=RESTARTS)),
            )
            try:
                outcome = trainer.fit().return_value
            except Exception as error:
                raise _cause(error) from error
        if isinstance(outcome, WhosameError):
            raise outcome
        assert isinstance(outcome, tuple)
        return outcome


class _Extractor:
    """A process that extracts the features of one part after another."""

    def __init__(self, shared: list[Any]) -> None:
        import ray

        self.job: ExtractionJob = ray.get(shared[0])

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        job = replace(self.job, image_ids=pickle.loads(row["image_ids"]))  # noqa: S301
        return {"part": row["part"], "features": pickle.dumps(tasks.extraction(Ranks(), job))}


def _train(config: dict[str, Any]) -> Trained | WhosameError | None:
    """Train as one of the processes. The first one's result is returned; so is an error that all of them have."""
    import ray
    from ray.train import get_context

    ranks = Ranks(get_context().get_world_rank(), get_context().get_world_size())
    job = ray.get(config["job"][0])
    try:
        return tasks.training(ranks, job)
    except DeviceMemoryError:
        raise  # of this process: the others wait for it, and have to be ended
    except WhosameError as error:
        return error


def _cause(error: Exception) -> WhosameError:
    """Return the error that a process raised, or one that the process was lost."""
    chain: list[BaseException] = [error]
    for each in chain:  # it grows: Ray wraps what a process raised several times
        if isinstance(each, WhosameError) and not hasattr(each, "cause"):
            return each
        inner = [*getattr(each, "worker_failures", {}).values(), getattr(each, "cause", None), each.__cause__]
        chain += [one for one in inner if isinstance(one, BaseException) and one not in chain]
    return WorkerError(
        f"the Ray cluster could not finish: {error}\n"
        "The round's files are as they were, and the same command continues from the last checkpoint."
    )

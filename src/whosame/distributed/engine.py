"""Engines: what extracts features and trains. The process that calls it, or several on this machine."""

import logging
from abc import ABC, abstractmethod
from functools import lru_cache

from whosame.distributed import tasks
from whosame.distributed.extraction import ExtractionJob, divide, join
from whosame.distributed.pool import ProcessPool
from whosame.distributed.training import Trained, TrainingJob
from whosame.features.extraction import Features
from whosame.training.ranks import Ranks

logger = logging.getLogger(__name__)


class Engine(ABC):
    """Does the jobs of a round. The results are the same whatever the engine."""

    @abstractmethod
    def extract(self, job: ExtractionJob) -> list[Features]:
        """Return the features of each of the job's sets of images."""

    @abstractmethod
    def train(self, job: TrainingJob) -> Trained:
        """Return the network after the round, and the report."""


class OneProcess(Engine):
    """The process that calls it."""

    def extract(self, job: ExtractionJob) -> list[Features]:
        """Return the features of each of the job's sets of images."""
        return tasks.extraction(Ranks(), job)

    def train(self, job: TrainingJob) -> Trained:
        """Return the network after the round, and the report."""
        trained = tasks.training(Ranks(), job)
        assert trained is not None
        return trained


class SeveralProcesses(Engine):
    """Several processes on this machine; they start with the first job, and end with this process.

    Parameters
    ----------
    count : int
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    """

    def __init__(self, count: int, device: str) -> None:
        self._count, self._device = count, device
        self._pool: ProcessPool | None = None

    @property
    def pool(self) -> ProcessPool:
        """The processes; new ones where the last ones failed."""
        if self._pool is None or self._pool.closed:
            self._pool = ProcessPool(self._count, self._device)
        return self._pool

    def extract(self, job: ExtractionJob) -> list[Features]:
        """Return the features of each of the job's sets of images."""
        return join(self.pool.run(tasks.extraction, divide(job, self._count)))

    def train(self, job: TrainingJob) -> Trained:
        """Return the network after the round, and the report."""
        batch = job.config.clusters_per_batch * job.config.images_per_cluster
        chunks = -(-batch // job.config.norm_chunk)
        if chunks < self._count:
            logger.warning(
                "%d of %d processes train: a batch of %d images is %d chunk%s of training.norm_chunk=%d, which are not "
                "divided",
                chunks,
                self._count,
                batch,
                chunks,
                "s" * (chunks > 1),
                job.config.norm_chunk,
            )
        first, *_ = self.pool.run(tasks.training, [job] * self._count)
        assert first is not None
        return first


@lru_cache(maxsize=1)
def make_engine(processes: int, device: str) -> Engine:
    """Return what extracts and trains; the same for the same arguments, so that processes serve all rounds."""
    return OneProcess() if processes == 1 else SeveralProcesses(processes, device)

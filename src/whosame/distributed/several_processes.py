"""The engine of several processes on this machine."""

from whosame.distributed import tasks
from whosame.distributed.engine import Engine
from whosame.distributed.extraction import ExtractionJob, divide, join
from whosame.distributed.pool import ProcessPool, check_processes
from whosame.distributed.training import Trained, TrainingJob, warn_of_idle
from whosame.features.extraction import Features


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

    def check(self) -> None:
        """Check that there are as many GPUs or cores."""
        check_processes(self._count, self._device)

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
        warn_of_idle(job.config, self._count)
        first, *_ = self.pool.run(tasks.training, [job] * self._count)
        assert first is not None
        return first

"""Engines: what extracts features and trains. By default the process that calls it."""

from abc import ABC, abstractmethod

from whosame.distributed import tasks
from whosame.distributed.extraction import ExtractionJob
from whosame.distributed.training import Trained, TrainingJob
from whosame.features.extraction import Features
from whosame.training.ranks import Ranks


class Engine(ABC):
    """Does the jobs of a round. The results are the same whatever the engine."""

    def check(self) -> None:  # noqa: B027  the process that calls it needs nothing
        """Check that there is what it needs: cores, GPUs, a cluster.

        Raises
        ------
        ParameterError
            Something is missing.
        """

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

"""Tasks: what a process does for a job, alone or as one of several."""

from contextlib import suppress

import torch

from whosame.distributed.extraction import ExtractionJob, extract_all
from whosame.distributed.out_of_memory import extraction_error, training_error
from whosame.distributed.training import Trained, TrainingJob, train
from whosame.features.extraction import Features
from whosame.training.ranks import Ranks


def extraction(ranks: Ranks, job: ExtractionJob) -> list[Features]:
    """Extract the features of a job's images, a share of all where the job is one (:func:`extraction.divide`).

    Raises
    ------
    DeviceMemoryError
        The device has not enough memory: the message names the batch that fits.
    """
    del ranks
    with suppress(torch.OutOfMemoryError):  # what the exception holds is released before sizes are tried
        return extract_all(job)
    raise extraction_error(job)


def training(ranks: Ranks, job: TrainingJob) -> Trained | None:
    """Train for a round; the first process returns the result, others None.

    Raises
    ------
    DeviceMemoryError
        The device has not enough memory: the message names the number of clusters that fits.
    """
    with suppress(torch.OutOfMemoryError):
        return train(ranks, job)
    raise training_error(ranks, job)

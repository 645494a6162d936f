"""Rounds by two processes: questions, labels and figures are those of one, also where a process was killed."""

import os
import signal
import threading

import numpy as np
import pandas as pd
import pytest

from whosame import artefacts
from whosame.runs import Run

pytestmark = pytest.mark.xdist_group("distributed")

OPTIONS = {"rounds": 2, "budget": 12, "training": {"norm_chunk": 8}}  # two chunks a batch


def kill_while_training():
    """Of the processes that train the second round, stop one, which the other waits for, and then kill it."""
    from whosame.distributed.several_processes import SeveralProcesses

    train = SeveralProcesses.train

    def killed(self, job):
        if job.round == 1:
            os.kill(self.pool.pids[1], signal.SIGSTOP)
            threading.Timer(0.5, os.kill, (self.pool.pids[1], signal.SIGKILL)).start()
        return train(self, job)

    SeveralProcesses.train = killed


def test_two_processes_play_what_one_does_though_one_is_killed(project, play, type_kedro):
    assert play(project, run="one", **OPTIONS) == 0
    one, two = (Run(project / "data" / "runs" / name) for name in ("one", "two"))
    assert play(project, run="two", processes=2, sabotage=kill_while_training, **OPTIONS) == 1
    left = {path.name for path in two.round(1).iterdir()}
    assert artefacts.LABELS in left
    assert not left & {artefacts.CHECKPOINT, artefacts.TRAINING_REPORT, artefacts.METRICS}
    answered = (two.round(1) / artefacts.ANSWERS).stat().st_mtime_ns
    type_kedro(project, "rounds", "--params=run=two,processes=2")
    assert (two.round(1) / artefacts.ANSWERS).stat().st_mtime_ns == answered
    for number in range(2):
        of_one, of_two = one.round(number), two.round(number)
        for name in (artefacts.CLUSTERS, artefacts.LABELS):
            np.testing.assert_array_equal(np.load(of_two / name), np.load(of_one / name))
        questions = [
            pd.read_parquet(folder / artefacts.QUESTIONS)[["image_a", "image_b"]] for folder in (of_one, of_two)
        ]
        pd.testing.assert_frame_equal(*questions)
    for ours, theirs in zip(two.metrics(), one.metrics(), strict=True):
        assert ours["retrieval/mAP"] == pytest.approx(theirs["retrieval/mAP"], abs=0.001)
        assert ours == pytest.approx(theirs, abs=0.001, rel=1e-3)

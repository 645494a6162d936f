"""Killed with SIGKILL at any moment of the query loop, a run goes on: no answer is lost, none is asked again.

This file is also the program that is killed: it forks a child for each attempt, and the child kills itself at a given
line of whosame's own code, be it between two answers or in the middle of a commit.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import whosame
from whosame.annotation.store.store import open_store
from whosame.annotators.oracle import NoisyOracle
from whosame.annotators.query_loop import run_queries
from whosame.annotators.record import RoundRecord
from whosame.memory import LabelMemory
from whosame.questions import Question

N, ROUNDS, BUDGET, KILLS = 40, 3, 12, 12
IDS = np.arange(N) * 3 + 5  # image ids are not rows
CORE = str(Path(whosame.__file__).parent)
DIGESTS = [f"{image:032x}" for image in IDS]


class Adaptive:
    """Asks batches that depend on the answers before, and doubts every "same"."""

    def __init__(self, round_number):
        self.generator, self.told = np.random.default_rng(round_number), 0

    def ask(self):
        offset = self.told % 7
        pairs = [np.sort((self.generator.choice(N, 2, replace=False) + offset) % N) for _ in range(5)]
        return [Question(int(a), int(b), "between") for a, b in pairs]

    def should_reask(self, answer):
        return answer.verdict == "same"

    def tell(self, answers):
        self.told += sum(answer.verdict == "same" for answer in answers) + len(answers)


class Noting(NoisyOracle):
    """Notes every pair it is asked, with the attempt, as a person would remember it."""

    notes: Path

    def verdict(self, question):
        with self.notes.open("a") as file:
            file.write(f"{IDS[question.a]} {IDS[question.b]} {question.attempt}\n")
        return super().verdict(question)


def run(folder):
    """Play three rounds with one store; return the answers, the memory and the counts."""
    identities = np.random.default_rng(0).integers(1, 5, N)
    annotator = Noting(identities, dict.fromkeys(("within", "between", "pool"), 0.1), seed=0)
    annotator.notes = folder / "asked.txt"
    memory, told, counts = LabelMemory(), [], []
    for number in range(ROUNDS):
        session = Adaptive(number)
        with open_store(f"sqlite:///{folder}/labels.db") as store:
            record = RoundRecord(store, run_uid="uid", run="demo", round=number, image_ids=IDS, digests=DIGESTS)
            result = run_queries(session, session.ask(), annotator, memory, budget=BUDGET, record=record)
        memory = result.memory
        told += [(answer.question.a, answer.question.b, answer.verdict) for answer in result.answers]
        counts.append((result.asked, result.free, result.repeated, result.conflicts, result.reasked, result.overturned))
    return {"told": told, "log": memory.log, "counts": counts}


def attempt(folder, kill_at):
    """Run in a child that kills itself when it has come to its ``kill_at``-th line of the core; -1: never."""
    lines = 0

    def trace(frame, _event, _argument):
        nonlocal lines
        if not frame.f_code.co_filename.startswith(CORE):
            return None
        lines += 1
        if lines == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    child = os.fork()
    if child == 0:
        sys.settrace(trace)
        result = run(folder)
        sys.settrace(None)
        (folder / "result.json").write_text(json.dumps({**result, "lines": lines}))
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def kept(folder):
    if not (folder / "labels.db").exists():
        return []
    with open_store(f"sqlite:///{folder}/labels.db") as store:
        return [f"{event.image_a} {event.image_b} {event.attempt}" for event in store.answers("uid")]


def asked(folder):
    notes = folder / "asked.txt"
    return notes.read_text().split("\n")[:-1] if notes.exists() else []


def program(folder, seed):
    undisturbed, disturbed = folder / "undisturbed", folder / "disturbed"
    undisturbed.mkdir()
    disturbed.mkdir()
    assert attempt(undisturbed, -1) == 0
    expected = json.loads((undisturbed / "result.json").read_text())
    moments = np.sort(np.random.default_rng(seed).integers(1, expected.pop("lines"), KILLS)).tolist()
    killed = 0
    for moment in [*moments, -1]:
        before, noted = kept(disturbed), len(asked(disturbed))
        code = attempt(disturbed, moment)
        # A run that finds its answers walks through fewer lines: it may come to its end before the moment.
        assert code in ((-signal.SIGKILL, 0) if moment > 0 else (0,)), f"{moment=} of {moments}: exit {code}"
        killed += code != 0
        after = kept(disturbed)
        assert after[: len(before)] == before, f"{moment=} of {moments}: an answer was lost"
        assert not set(asked(disturbed)[noted:]) & set(before), f"{moment=} of {moments}: asked again"
    result = json.loads((disturbed / "result.json").read_text())
    result.pop("lines")
    assert result == expected, f"{moments=}"
    assert kept(disturbed) == kept(undisturbed) == asked(undisturbed), f"{moments=}"
    counts = {"answers": len(kept(disturbed)), "asked": len(asked(disturbed)), "killed": killed}
    print(json.dumps({**counts, "reasked": sum(count[4] for count in result["counts"])}))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_at_random_moments_the_run_ends_the_same(tmp_path):
    done = subprocess.run(
        [sys.executable, __file__, tmp_path, "0"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)
    assert counts["killed"] >= KILLS // 4
    assert counts["answers"] == ROUNDS * BUDGET
    assert counts["reasked"] > 0
    assert (
        counts["asked"] <= counts["answers"] + counts["killed"]
    )  # at most the one answer that was on its way at each kill


if __name__ == "__main__":
    program(Path(sys.argv[1]), seed=int(sys.argv[2]))

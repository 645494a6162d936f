"""The rounds as a whole: the same again for the same seed, every strategy, resumed, forked, killed at any moment."""

import functools
import os
import random
import signal
import sqlite3
import time

import numpy as np
import pandas as pd
import pytest

from whosame import artefacts
from whosame.runs import Run
from whosame.strategies.registry import PRESETS

pytestmark = pytest.mark.xdist_group("rounds")  # these share the run that nothing happened to


def run_of(folder, name) -> Run:
    return Run(folder / "data" / "runs" / name)


def events(folder, name) -> list[tuple]:
    """Return every stored answer of a run, in order."""
    with sqlite3.connect(folder / "data" / "answers.db") as store:
        return store.execute(
            "SELECT round, image_a, image_b, verdict FROM answer_events WHERE run_uid = ? ORDER BY id",
            (run_of(folder, name).about()["uid"],),
        ).fetchall()


def test_a_run_leaves_every_artefact_and_keeps_its_budget(calm):
    run = run_of(calm, "calm")
    metrics = run.metrics()
    assert len(metrics) == 4
    names = {value for name, value in vars(artefacts).items() if name.isupper() and isinstance(value, str)}
    of_the_run = {path.name for path in run.folder.iterdir() if path.is_file()}
    assert of_the_run == {artefacts.RUN, artefacts.IMAGES, artefacts.LOCK, artefacts.MLFLOW_RUN}
    for number in range(4):  # the catalog names every file as the module does
        found = {path.name for path in run.round(number).iterdir()}
        assert found == names - {
            artefacts.RUN,
            artefacts.IMAGES,
            artefacts.FORK,
            artefacts.COMPARISON,
            artefacts.LOCK,
            artefacts.IDENTITIES,
            artefacts.SEARCH,
            artefacts.PICTURES,
            artefacts.PICTURES_PAGE,
            artefacts.EXPORT,
            artefacts.AUDIT,
            artefacts.IDENTITIES_NEAR,
            artefacts.IDENTITIES_REVIEWS,
        }
    last = metrics[-1]
    assert 0 < last["annotation/asked_total"] <= 40
    assert last["annotation/asked_total"] == sum(m["annotation/asked"] for m in metrics) == len(events(calm, "calm"))
    assert 0 < last["retrieval/mAP"] < 1
    pairs = [(a, b) for _, a, b, _ in events(calm, "calm")]
    assert len(set(pairs)) == len(pairs)


def test_labels_violate_no_answer(calm):
    run = run_of(calm, "calm")
    for number in range(4):
        labels = np.load(run.round(number) / "labels.npy")
        memory = pd.read_parquet(run.round(number) / "memory.parquet")
        ids = np.sort(np.unique(memory[["image_a", "image_b"]]))
        assert len(ids) > 0
        train = pd.read_parquet(next((calm / "data" / "02_index").glob("manifest_*.parquet")))
        rows = np.flatnonzero(train["split"] == "train")
        a, b = (labels[np.searchsorted(rows, memory[name])] for name in ("image_a", "image_b"))
        together = (a == b) & (a >= 0)
        assert together[memory["verdict"] == "same"].all()
        assert not together[memory["verdict"] == "different"].any()


def test_the_same_seed_gives_the_same_again_and_another_seed_does_not(calm, play):
    assert play(calm, run="again") == 0
    assert play(calm, run="other", seed=1) == 0
    again, other, run = run_of(calm, "again"), run_of(calm, "other"), run_of(calm, "calm")
    assert again.metrics() == run.metrics()
    assert events(calm, "again") == events(calm, "calm")
    assert other.metrics() != run.metrics()
    assert events(calm, "other") != events(calm, "calm")


METHODS = [name for name, preset in PRESETS.items() if preset.group in (name, None) and name != "dcps"]  # calm's


@pytest.mark.parametrize("strategy", METHODS)
def test_every_strategy_runs_in_the_same_loop(calm, play, strategy):
    rounds = 2 if strategy == "dral" else 1  # its agent is handed on
    search = "approximate" if strategy == "none" else "auto"  # auto: exact, of so few images
    assert play(calm, run=strategy, strategy=strategy, rounds=rounds, budget=6, clustering={"search": search}) == 0
    last = run_of(calm, strategy).metrics()[-1]
    assert last.get("neighbour_recall") == (1 if strategy == "none" else None)  # all in one leaf
    fewest = {"none": 0, "supervised": 0, "gain": 1}.get(strategy, 6)  # gain leaves what is not worth a question
    assert fewest <= last["annotation/asked_total"] <= (6 if fewest else 0)
    if strategy == "supervised":
        assert last["clusters/ari"] == 1


def test_what_is_whole_is_not_made_again(calm, play, project):
    assert play(project, run="calm", rounds=4) == 0
    run = run_of(project, "calm")
    kept = {
        path: path.stat().st_mtime_ns for path in run.round(3).iterdir() if path.name in {"features.npz", "labels.npy"}
    }
    for name in ("checkpoint.pt", "metrics.json", "training.json"):
        (run.round(3) / name).unlink()
    assert play(project, run="calm") == 0
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert run.metrics() == run_of(calm, "calm").metrics()


def test_the_maps_of_frozen_stages_are_computed_by_the_first_run_that_needs_them(calm, play):
    network = {"frozen_stages": 1, "weights": "random", "neck_images": 0}
    assert play(calm, run="frozen", rounds=2, budget=6, network=network) == 0
    kept = {path: path.stat().st_mtime_ns for path in (calm / "data" / "04_maps").iterdir()}
    assert len(kept) == 4
    assert play(calm, run="frozen-too", rounds=1, budget=0, strategy="none", network=network) == 0
    assert {path: path.stat().st_mtime_ns for path in (calm / "data" / "04_maps").iterdir()} == kept
    first, last = run_of(calm, "frozen").metrics()
    assert first["training/loss"] > last["training/loss"]


def test_a_fork_continues_under_another_strategy(calm, play):
    assert play(calm, run="forked", fork="calm:1", strategy="random") == 0
    fork, run = run_of(calm, "forked"), run_of(calm, "calm")
    assert fork.metrics()[:2] == run.metrics()[:2]
    assert fork.metrics()[2:] != run.metrics()[2:]
    assert fork.metrics()[-1]["annotation/pool_same_total"] + fork.metrics()[-1]["annotation/pool_different_total"] > 0
    before = {(a, b) for number, a, b, _ in events(calm, "calm") if number <= 1}
    assert before.isdisjoint({(a, b) for _, a, b, _ in events(calm, "forked")})


def test_a_complete_run_goes_on_with_more_rounds_or_under_a_new_name(calm, play, type_kedro, project):
    for command in (["run", "--pipelines=active_round"], ["rounds"]):
        done = type_kedro(calm, *command, "--env=tiny", "--params=run=calm", check=False)
        assert done.returncode == (1 if command[0] == "run" else 0)
        assert "Traceback" not in done.stderr
        assert "run 'calm' is complete: 4 rounds, " in done.stdout + done.stderr
        assert "kedro rounds --params=run=calm,rounds=8,budget=80" in done.stdout + done.stderr
    assert not list(run_of(calm, "calm").round(4).glob("*"))
    assert play(calm, run="longer", fork="calm:3", rounds=5, budget=45) == 0
    longer = run_of(calm, "longer").metrics()
    assert longer[:4] == run_of(calm, "calm").metrics()
    assert [len(longer), longer[4]["annotation/asked_total"]] == [5, 45]


@pytest.mark.slow
def test_raised_and_killed_it_ends_as_raised_and_undisturbed(project, play):
    """The round that was under way keeps its allowance; what comes after is a function of what was typed when."""
    for name in ("raised", "killed"):
        started = play(project, run=name, rounds=2, budget=8, sabotage=functools.partial(die_while_answering, 1))
        assert started == -signal.SIGKILL
        sabotage = functools.partial(die_while_answering, 6) if name == "killed" else None
        died = play(project, run=name, rounds=3, budget=16, sabotage=sabotage) == -signal.SIGKILL
        assert died == (name == "killed")
        assert play(project, run=name) == 0
    raised = run_of(project, "raised")
    assert raised.about()["schedules"][1] == {"from": 1, "budget": 16, "rounds": 3}
    assert raised.metrics()[-1]["annotation/asked_total"] == 16
    assert run_of(project, "killed").metrics() == raised.metrics()
    assert events(project, "killed") == events(project, "raised")


def test_a_thinned_run_goes_on(project, play):
    assert play(project, run="prune", rounds=4, storage={"keep_every": 3}) == 0
    run = run_of(project, "prune")
    kept = [number for number in range(4) if all((run.round(number) / name).exists() for name in artefacts.HEAVY)]
    assert kept == [0, 2, 3]
    assert len(run.metrics()) == 4


def die_while_saving(nth):
    """Die when the nth file is written and not yet renamed."""
    from pathlib import Path

    replace, left = Path.replace, [nth]

    def replaced(self, target):
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return replace(self, target)

    Path.replace = replaced


def die_while_answering(nth):
    """Die when the nth answer is committed, and before it is used."""
    from whosame.annotators.record import RoundRecord

    commit, left = RoundRecord.commit, [nth]

    def committed(self, answers):
        commit(self, answers)
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    RoundRecord.commit = committed


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killed_at_ten_moments_it_ends_as_if_nothing_had_happened(project, calm, play):
    rng = random.Random(0)
    died = 0
    sabotages = [functools.partial(die_while_saving, rng.randrange(8)) for _ in range(3)]
    sabotages += [functools.partial(die_while_answering, rng.randrange(6)) for _ in range(3)]
    rng.shuffle(sabotages)
    for sabotage in sabotages:
        died += play(project, sabotage=sabotage, run="calm") == -signal.SIGKILL
    for _ in range(4):
        process = play.start(project, run="calm")
        time.sleep(rng.uniform(0.3, 3))  # any moment, the start and a finished run among them
        process.kill()
        process.join()
        died += process.exitcode == -signal.SIGKILL
    assert died >= 6
    assert play(project, run="calm") == 0
    assert run_of(project, "calm").metrics() == run_of(calm, "calm").metrics()
    assert events(project, "calm") == events(calm, "calm")


def test_killed_between_doubted_answers_nothing_is_asked_again(project, play):
    noise = dict.fromkeys(("noise_within", "noise_between", "noise_pool"), 0.3)
    options = {"strategy": "gain", "annotator": "noisy-oracle", "annotator_options": noise, "rounds": 2}
    assert play(project, run="undisturbed", **options) == 0
    metrics = run_of(project, "undisturbed").metrics()
    assert sum(round_["annotation/reasked"] for round_ in metrics) > 0
    for nth in (3, 7, 9):
        sabotage = functools.partial(die_while_answering, nth)
        assert play(project, run="killed", sabotage=sabotage, **options) == -signal.SIGKILL
    assert play(project, run="killed", **options) == 0
    assert run_of(project, "killed").metrics() == metrics
    assert [pair for *pair, _ in events(project, "killed")] == [pair for *pair, _ in events(project, "undisturbed")]

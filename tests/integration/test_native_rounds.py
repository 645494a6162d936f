"""Every base and loss through the nodes: two rounds each; what SpCL's base fixed in the first one outlives a cut."""

import json

import numpy as np
import pytest

from whosame.runs import Run

pytestmark = pytest.mark.xdist_group("rounds")

SPCL = {"clustering": {"base": "spcl", "eps_gap": 0.1}, "training": {"loss": "hybrid-memory", "outliers": "classes"}}


def run_of(folder, name) -> Run:
    return Run(folder / "data" / "runs" / name)


def report(run, number):
    return json.loads((run.round(number) / "training.json").read_text())


def state(run, number):
    return json.loads((run.round(number) / "clustering_state.json").read_text())


@pytest.mark.parametrize("loss", ["purification", "triplet", "hybrid-memory-ranking"])
def test_losses_on_answers(project, play, loss):
    assert play(project, run=loss, training={"loss": loss}, rounds=2, budget=60) == 0
    run = run_of(project, loss)
    labels = np.load(run.round(1) / "labels.npy")
    last = report(run, 1)
    assert last["iterations"] == 4
    assert np.isfinite(last["loss"])
    assert state(run, 1) == {}
    if loss != "triplet":
        assert last["images"] == (labels >= 0).sum()
    else:
        assert 0 < last["images"] < (labels >= 0).sum()


def test_answers_that_act_in_the_loss_alone(project, play):
    """What is trained on are the clusters as they were found: those that the first round begins with."""
    training = {"obeyed": "none", "answer_weight": 1.0}
    assert play(project, run="loss-only", strategy="random", training=training, rounds=1, budget=60) == 0
    folder = run_of(project, "loss-only").round(0)
    labels, clusters = np.load(folder / "labels.npy"), np.load(folder / "clusters.npy")
    assert (labels.max(), (labels >= 0).sum()) != (clusters.max(), (clusters >= 0).sum())  # the answers changed them
    last = report(run_of(project, "loss-only"), 0)
    assert (last["classes"], last["images"]) == (clusters.max() + 1, (clusters >= 0).sum())
    assert np.isfinite(last["loss"])


def test_true_labels_count_as_answers_about_all_pairs(project, play):
    """The ceiling of a method that trains on answers, which otherwise would train nothing."""
    assert play(project, run="ceiling", strategy="supervised", training={"loss": "triplet"}, rounds=1) == 0
    run = run_of(project, "ceiling")
    assert report(run, 0)["images"] == (np.load(run.round(0) / "labels.npy") >= 0).sum() > 0
    assert report(run, 0)["iterations"] > 0


def test_spcl_base_keeps_its_threshold_when_a_round_is_made_again(project, play):
    assert play(project, run="spcl", rounds=2, **SPCL) == 0
    run = run_of(project, "spcl")
    threshold = state(run, 0)["independence"]
    assert 0 <= threshold < 1
    assert state(run, 1) == {"independence": threshold}
    assert report(run, 1)["images"] == 120
    assert report(run, 1)["classes"] > np.load(run.round(1) / "labels.npy").max() + 1  # outliers are classes too
    clusters, metrics = np.load(run.round(1) / "clusters.npy"), run.metrics()
    for path in run.round(1).iterdir():
        if path.name != "features.npz":
            path.unlink()
    assert play(project, run="spcl", rounds=2, **SPCL) == 0
    assert state(run, 1) == {"independence": threshold}
    np.testing.assert_array_equal(np.load(run.round(1) / "clusters.npy"), clusters)
    assert run.metrics() == metrics

    # What the round before handed over decides: with another threshold there, other clusters are given up.
    (run.round(0) / "clustering_state.json").write_text('{"independence": -1.0}')
    for path in run.round(1).iterdir():
        if path.name != "features.npz":
            path.unlink()
    assert play(project, run="spcl", rounds=2, **SPCL) == 0
    assert state(run, 1) == {"independence": -1.0}
    assert not np.array_equal(np.load(run.round(1) / "clusters.npy"), clusters)

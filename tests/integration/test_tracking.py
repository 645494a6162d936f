"""MLflow read back through its client: a parent with a child per round, the metrics at every step."""

import pytest
from mlflow.tracking import MlflowClient

from whosame.runs import Run

pytestmark = [
    pytest.mark.xdist_group("rounds"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # mlflow's own use of SQLAlchemy
]


@pytest.fixture(scope="module")
def client(calm):
    return MlflowClient(f"sqlite:///{calm / 'mlflow.db'}")


def parent_of(client, name):
    (experiment,) = [e for e in client.search_experiments() if e.name.startswith("synthetic-demo-")]
    found = client.search_runs([experiment.experiment_id], f"tags.`whosame.run` = '{name}'")
    assert len(found) == 1
    return found[0]


def test_a_parent_with_a_child_per_round(calm, client):
    parent = parent_of(client, "calm")
    assert parent.info.status == "FINISHED"
    assert parent.data.params["clustering.k1"] == "8"
    assert parent.data.params["strategy"] == "dcps"
    (dataset,) = parent.inputs.dataset_inputs
    assert Run(calm / "data" / "runs" / "calm").about()["manifest"]["digest"].startswith(dataset.dataset.digest)
    children = client.search_runs([parent.info.experiment_id], f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'")
    assert sorted(child.data.tags["whosame.round"] for child in children) == ["0", "1", "2", "3"]
    for child in children:
        files = {artefact.path for artefact in client.list_artifacts(child.info.run_id)}
        assert {"pairs.png", "checkpoint.pt", "answers.parquet", "metrics.json"} <= files
        assert child.info.status == "FINISHED"


def test_the_metrics_stand_at_every_round_and_at_every_number_of_questions(calm, client):
    parent, metrics = parent_of(client, "calm"), Run(calm / "data" / "runs" / "calm").metrics()
    history = {m.step: m.value for m in client.get_metric_history(parent.info.run_id, "retrieval/mAP")}
    assert history == {number: pytest.approx(m["retrieval/mAP"]) for number, m in enumerate(metrics)}
    by_questions = client.get_metric_history(parent.info.run_id, "by_questions/retrieval/mAP")
    assert {m.step for m in by_questions} == {m["annotation/asked_total"] for m in metrics}
    assert by_questions[-1].value == pytest.approx(metrics[-1]["retrieval/mAP"])
    seconds = client.get_metric_history(parent.info.run_id, "by_questions/annotation/seconds_total")
    assert {m.step: m.value for m in seconds} == {
        m["annotation/asked_total"]: pytest.approx(m["annotation/seconds_total"]) for m in metrics
    }
    by_round = {name for name in parent.data.metrics if not name.startswith("by_questions/")}
    assert {*metrics[-1], "time/round_seconds"} <= by_round
    assert parent.data.metrics.keys() == by_round | {f"by_questions/{name}" for name in by_round}


def test_a_resumed_run_continues_the_same_parent_and_logs_what_is_missing(calm, client, play):
    assert play(calm, run="resumed", rounds=4, budget=0, strategy="none") == 0
    run = Run(calm / "data" / "runs" / "resumed")
    before = parent_of(client, "resumed").info.run_id
    (run.round(3) / "metrics.json").unlink()
    (run.round(3) / "mlflow.json").unlink()  # as if the process had died before the round was logged
    (run.folder / "mlflow.json").unlink()
    assert play(calm, run="resumed", rounds=4, budget=0, strategy="none") == 0
    parent = parent_of(client, "resumed")
    assert parent.info.run_id == before
    assert {m.step for m in client.get_metric_history(before, "retrieval/mAP")} == {0, 1, 2, 3}
    children = client.search_runs([parent.info.experiment_id], f"tags.`mlflow.parentRunId` = '{before}'")
    assert len(children) == 4


def test_runs_of_different_strategies_compare_by_the_same_names(calm, client, play):
    assert play(calm, run="nobody", strategy="none", rounds=1) == 0
    silent, asked = parent_of(client, "nobody").data.metrics, parent_of(client, "calm").data.metrics
    # of no answers the share, the pace and the agreement are undefined
    undefined = ("_share", "share_same", "seconds_per_pair", "_auc", "p_same_", "network_improved")
    conditional = {name for name in asked if any(part in name for part in undefined)}
    assert "annotation/images_moved" in silent
    assert "annotation/within_found_again_total" in silent
    assert set(asked) - conditional <= set(silent)

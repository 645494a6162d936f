"""A comparison as people type it: runs, report, tables, and one MLflow run that its client reads back."""

import functools
import json
import shutil

import pandas as pd
import pytest
from mlflow.tracking import MlflowClient

from whosame import artefacts
from whosame.comparison.played_runs import planned_runs, runs_found
from whosame.errors import InputError

pytestmark = [
    pytest.mark.xdist_group("compare"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # mlflow's own use of SQLAlchemy
]
RUNS = [
    f"small-{arm}-s{seed}" for arm in ("none", "none-plain", "none-centred", "random-12", "dcps-12") for seed in (0, 1)
]


def fail_in_round_1():
    from whosame.pipelines.active_round import model

    train = model.train

    @functools.wraps(train)
    def failing(this_round, *inputs):
        if this_round.number == 1:
            raise RuntimeError("the power is gone")
        return train(this_round, *inputs)

    model.train = failing


@pytest.fixture(scope="module")
def compared(drawn, copied, type_kedro, tmp_path_factory):
    """A project with a finished comparison; what it said."""
    folder = copied(drawn, tmp_path_factory.mktemp("compared") / "project")
    options = ("--strategies=random,dcps", "--budgets=12", "--seeds=0,1", "--name=small")
    params = "--params=rounds=2,clustering.distance=auto,clustering.centre_cameras=true"  # as by default
    return folder, type_kedro(folder, "compare", "--env=tiny", *options, params)


def tables(folder):
    return {path.name: path.read_bytes() for path in sorted((folder / "data/08_reporting/small").glob("*.csv"))}


def search(client, condition):
    (experiment,) = [found for found in client.search_experiments() if found.name.startswith("synthetic-demo-")]
    return client.search_runs([experiment.experiment_id], condition)


def test_a_comparison_ends_with_its_report_and_one_mlflow_run(compared):
    folder, said = compared
    assert "run 10 of 10, small-dcps-12-s1, about" in said.stderr
    report = folder / "data/08_reporting/small/report.html"
    assert f"report: {report}" in said.stdout
    assert "only the questions differ" in report.read_text()
    assert (report.parent / "ranking-12.png").stat().st_size > 5000
    assert (report.parent / "retrieval-12.png").stat().st_size > 5000
    runs = pd.read_csv(report.parent / "runs.csv")
    assert sorted(runs["run"]) == sorted(RUNS)
    assert set(runs.loc[runs["budget"] > 0, "asked"]) == {12}
    last = json.loads((folder / "data/runs/small-dcps-12-s1/round_001/metrics.json").read_text())
    assert runs.set_index("run").loc["small-dcps-12-s1", "mAP"] == pytest.approx(last["retrieval/mAP"])

    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    (logged,) = search(client, "tags.`whosame.comparison_report` = 'small'")
    assert logged.info.run_name == "comparison small"
    assert logged.info.status == "FINISHED"
    of_dcps = runs.loc[runs["strategy"] == "dcps", "mAP"]
    assert logged.data.metrics["mAP/dcps-12"] == pytest.approx(of_dcps.mean())
    assert logged.data.metrics["mAP_sd/dcps-12"] == pytest.approx(of_dcps.std())
    assert {"mAP/none", "mAP/none-plain", "mAP/none-centred"} <= logged.data.metrics.keys()
    assert {"report.html", "arms.csv", "ranking-12.png"} <= {
        found.path for found in client.list_artifacts(logged.info.run_id)
    }
    (parent,) = search(client, "tags.`whosame.run` = 'small-dcps-12-s0'")
    assert parent.data.tags["whosame.comparison"] == "small"
    for child in search(client, f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'"):
        assert {"selection_shares.npy", "p_j.png"} <= {found.path for found in client.list_artifacts(child.info.run_id)}


def test_made_again_it_is_the_same_and_excludes_what_is_unfinished_or_of_other_images(compared, play, type_kedro):
    folder, _ = compared
    before = tables(folder)
    assert len(before) == 5
    images = folder / "images"
    shutil.copytree(next((folder / "data/01_raw").iterdir()), images)
    next((images / "bounding_box_test").glob("*.jpg")).unlink()
    for run in ("elsewhere", "cut"):
        artefacts.write(folder / "data/runs" / run / artefacts.COMPARISON, {"name": "small", "mode": "selection"})
    assert play(folder, run="elsewhere", rounds=1, strategy="none", layout="market1501", images=str(images)) == 0
    assert play(folder, sabotage=fail_in_round_1, run="cut", rounds=2, strategy="dcps", budget=12, seed=2) == 1

    done = type_kedro(folder, "run", "--pipelines=compare", "--env=tiny", "--params=compare.name=small")
    assert "report:" in done.stdout
    assert tables(folder) == before
    html = (folder / "data/08_reporting/small/report.html").read_text()
    assert "other images: market1501" in html
    assert "unfinished: 1 of 2 rounds" in html
    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    assert len(search(client, "tags.`whosame.comparison_report` = 'small'")) == 1

    with pytest.raises(InputError, match="unknown comparison 'smal': did you mean 'small'"):
        planned_runs(folder / "data/runs", "smal", None)
    found = runs_found(folder / "data/runs", "synthetic")  # what a comparison without a name shows
    assert (found.name, found.mode) == ("all-synthetic", "found")
    assert sorted(history.run for history in found.histories) == sorted(RUNS)
    assert [run.run for run in found.excluded] == ["cut"]

    (folder / "data/runs/cut/round_000/metrics.json").write_bytes(b"")  # one damaged file
    found = planned_runs(folder / "data/runs", "small", None)
    assert sorted(history.run for history in found.histories) == sorted(RUNS)
    (why,) = [run.why for run in found.excluded if run.run == "cut"]
    assert "metrics.json cannot be read: it is empty" in why

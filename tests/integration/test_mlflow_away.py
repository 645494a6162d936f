"""MLflow refuses connections, then is back: rounds, a comparison, answers and people go on, and nothing is missing."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing, contextmanager

import pytest
from mlflow.tracking import MlflowClient

from whosame.runs import Run

pytestmark = [
    pytest.mark.xdist_group("mlflow"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # mlflow's own use of SQLAlchemy
]
ROUNDS = ("rounds", "--env=tiny", "--params=run=away,rounds=2,budget=20")
COMPARE = ("compare", "--env=tiny", "--strategies=none", "--budgets=4", "--seeds=0", "--name=c", "--params=rounds=1")
NEED_NO_MLFLOW = (
    ("runs",),
    ("annotators", "add", "alice"),
    ("answers", "export", "--run=away", "--env=tiny", "--format=csv", "answers.csv"),
)


@contextmanager
def mlflow_server(folder, port):
    """MLflow's own server, as people start it."""
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{folder}/server.db"]
    command += ["--artifacts-destination", str(folder / "served"), "--port", str(port), "--workers", "1"]
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, start_new_session=True)
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
                break
            except (urllib.error.URLError, TimeoutError):
                assert server.poll() is None, (folder / "server.log").read_text()
                time.sleep(0.1)
        yield
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


def test_with_mlflow_away_everything_goes_on_and_is_there_when_it_is_back(project, tmp_path, type_kedro):
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    env = {"MLFLOW_TRACKING_URI": address}
    for command in (ROUNDS, COMPARE):
        away = type_kedro(project, *command, env=env)
        assert away.stderr.count(f"MLflow at {address} did not take the figures") == 1
        assert "Connection refused" in away.stderr
        assert "Traceback" not in away.stderr
    report = project / "data/08_reporting/c/report.html"
    assert report.exists()
    for command in NEED_NO_MLFLOW:
        assert "MLflow at" not in type_kedro(project, *command, env=env).stderr
    assert len((project / "answers.csv").read_text().splitlines()) == 21

    with mlflow_server(tmp_path, port):
        for command in (ROUNDS, COMPARE):
            back = type_kedro(project, *command, env=env)
            assert "did not take" not in back.stderr
            assert "View run" not in back.stdout
        client = MlflowClient(address)
        (experiment,) = [found for found in client.search_experiments() if found.name.startswith("synthetic-demo-")]

        def search(condition):
            return client.search_runs([experiment.experiment_id], condition)

        (parent,) = search("tags.`whosame.run` = 'away'")
        assert parent.info.status == "FINISHED"
        children = search(f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'")
        assert sorted(child.data.tags["whosame.round"] for child in children) == ["0", "1"]
        metrics = Run(project / "data/runs/away").metrics()
        for name in ("retrieval/mAP", "annotation/seconds_total"):
            history = {point.step: point.value for point in client.get_metric_history(parent.info.run_id, name)}
            assert history == {number: pytest.approx(each[name]) for number, each in enumerate(metrics)}
        (comparison,) = search("tags.`whosame.comparison_report` = 'c'")
        assert "report.html" in {found.path for found in client.list_artifacts(comparison.info.run_id)}
        assert len(search("tags.`whosame.comparison` = 'c'")) == 3  # as configured, plain, centred
    assert not (project / "mlflow.db").exists()


def test_a_damaged_file_stops_no_round_and_one_that_is_moved_away_is_made_again(project, play, type_kedro):
    database = project / "mlflow.db"
    assert play(project, run="a", rounds=1, budget=4) == 0
    database.write_bytes(b"no database" * 1000)
    damaged = type_kedro(project, "rounds", "--env=tiny", "--params=run=b,rounds=2,budget=4")
    assert damaged.stderr.count("DatabaseError: file is not a database") == 1
    assert "Traceback" not in damaged.stderr
    database.unlink()
    for run in ("a", "b"):
        assert play(project, run=run, rounds=2 if run == "b" else 1, budget=4) == 0
    client = MlflowClient(f"sqlite:///{database}")
    (experiment,) = [found for found in client.search_experiments() if found.name.startswith("synthetic-demo-")]
    rounds = client.search_runs([experiment.experiment_id], "tags.`whosame.round` LIKE '%'")
    assert sorted(found.info.run_name for found in rounds) == ["a round 0", "b round 0", "b round 1"]

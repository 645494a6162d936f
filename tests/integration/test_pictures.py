"""Pictures of a run: made of what the evaluation has kept, on a page of their own, and in MLflow as far as they may be."""

import pytest
from mlflow.tracking import MlflowClient

from whosame import artefacts
from whosame.runs import Run

pytestmark = [
    pytest.mark.xdist_group("rounds"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # mlflow's own use of SQLAlchemy
]
ALL = {"map.png", "retrieval.png", "strips.png", "clusters.png"}


@pytest.fixture
def folder(calm, copied, tmp_path):
    """A copy of the project of the run "calm", with an MLflow of its own."""
    return copied(calm, tmp_path / "project")


def test_a_run_is_drawn_on_a_page_and_in_mlflow(folder, type_kedro):
    run = Run(folder / "data" / "runs" / "calm")
    last, metrics = run.round(3), run.metrics()[3]
    curves = artefacts.read(last / artefacts.RETRIEVAL)
    assert curves["cmc"][[0, 4, 9]].tolist() == [metrics[f"retrieval/rank{rank}"] for rank in (1, 5, 10)]
    assert curves["precision"].mean() == pytest.approx(metrics["retrieval/mAP"])

    secret = type_kedro(folder, "pictures", "calm", "--params=storage.log_crops=never,pictures.map_images=100")
    assert f"pictures:       {run.folder / 'pictures.html'}" in secret.stdout
    assert {path.name for path in (run.folder / "pictures").iterdir()} == ALL
    assert logged(folder, run) == {"map.png", "retrieval.png"}
    page = (run.folder / "pictures.html").read_text()
    assert page.count("data:image/png;base64,") == 4
    assert "100 of 120 training images" in page

    before = (run.folder / "pictures" / "strips.png").read_bytes()
    (last / artefacts.RETRIEVAL).unlink()  # as if an older version had played the round
    type_kedro(folder, "pictures", "calm", "--params=pictures.cases=0,pictures.map_images=100")
    assert logged(folder, run) == ALL - {"clusters.png"}
    assert {path.name for path in (run.folder / "pictures").iterdir()} == ALL - {"clusters.png"}
    assert (run.folder / "pictures" / "strips.png").read_bytes() == before
    few = "--params=pictures.cases=1,pictures.strips=1,pictures.top=3,pictures.side=80"
    made = type_kedro(folder, "pictures", "calm", few)
    assert made.stdout.startswith("pictures:")  # all of them
    assert logged(folder, run) == ALL
    assert len((run.folder / "pictures" / "strips.png").read_bytes()) < len(before)


def logged(folder, run):
    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    noted = artefacts.read(run.folder / artefacts.MLFLOW_RUN)["run_id"]
    return {found.path.removeprefix("pictures/") for found in client.list_artifacts(noted, "pictures")}

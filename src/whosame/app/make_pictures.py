"""Pictures of a run: the pipeline ``pictures`` as one call, and their copies in MLflow."""

from collections.abc import Mapping
from typing import Any

from kedro.framework.session import KedroServiceSession
from kedro.framework.startup import bootstrap_project
from mlflow.tracking import MlflowClient

from whosame.app import paths
from whosame.app.config.run_parameters import continued
from whosame.app.mlflow_log import may_have_crops
from whosame.app.mlflow_server import attempt
from whosame.app.name_images import check_trained
from whosame.artefacts import MLFLOW_RUN, PICTURES, read_if_whole
from whosame.configuration import Configuration
from whosame.parameters import merge, parse
from whosame.pictures.summary import PicturesSummary
from whosame.runs import Run


def make_pictures(run: Run, parameters: Mapping[str, Any]) -> PicturesSummary:
    """Write the names of a run, its gallery and its pictures; log the pictures to its run in MLflow.

    Parameters
    ----------
    run : Run
        It may be played meanwhile: nothing of its rounds is changed.
    parameters : mapping
        Those of ``--params``; only what no result of the rounds depends on may differ from the run's.

    Raises
    ------
    ResumeError
        Nothing was trained yet.
    """
    bootstrap_project(paths.root())
    check_trained(run)
    env, parameters = continued(None, merge(parameters, {"run": run.name}))
    with KedroServiceSession.create(project_path=paths.root(), env=env) as session:
        log_crops = parse(Configuration, session.load_context(runtime_params=parameters).params).storage.log_crops
        made = session.run(pipeline_names=["pictures"], runtime_params=parameters)
    pictures: PicturesSummary = made["pictures_summary"].load()
    attempt(lambda client: _log(client, run, pictures, log_crops))
    return pictures


def _log(client: MlflowClient, run: Run, made: PicturesSummary, log_crops: str) -> None:
    """Log the pictures to the run in MLflow, where it has one; those with images of the data set where these may go."""
    noted = (read_if_whole(run.folder / MLFLOW_RUN) or {}).get("run_id")
    if noted is None:
        return
    crops = may_have_crops(client, noted, log_crops)
    secret = {picture.name for picture in made.pictures if picture.crops and not crops}
    for file in made.files:
        if file.stem not in secret:
            client.log_artifact(noted, str(file), PICTURES)

"""MLflow's log of a run, made from the run's folder: a parent run with a child per round.

:func:`log_run` logs the rounds that are complete and not yet logged. A crash, or a server that cannot be reached, loses
nothing: the next round catches up, and so does a finished run that is typed again. Logging twice changes nothing,
because times and steps are the files' own.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.entities import Run as MlflowRun
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from whosame import artefacts
from whosame.app import paths
from whosame.app.mlflow_server import attempt
from whosame.app.run_record import configuration_at
from whosame.artefacts import (
    ANSWERS,
    CHECKPOINT,
    METRICS,
    MLFLOW_RUN,
    PAIRS_PICTURE,
    QUESTIONS,
    RETRIEVAL,
    SELECTION_SHARES,
)
from whosame.comparison.run_history import figures
from whosame.configuration import Configuration
from whosame.reporting.curves import selection_histogram
from whosame.runs import Run, flatten

UID = "whosame.uid"
ROUND = "whosame.round"
PARENT = "mlflow.parentRunId"
MANIFEST = "whosame.manifest"
FORKED = "whosame.forked_from"
RAISED = "whosame.raised"  # from which round on budget or rounds were raised
COMPARISON = "whosame.comparison"  # the comparison that a run was played for
MODE = "whosame.comparison_mode"
THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
BY_QUESTIONS = "by_questions/"  # every metric once more, with the questions asked so far as MLflow's step
ASKED = "annotation/asked_total"


def log_run(run: Run, configuration: Configuration) -> bool:
    """Bring MLflow up to date with a run's folder, and return whether it is; a failure is a warning.

    Parameters
    ----------
    run : Run
        At least ``run.json`` must be there.
    configuration : Configuration
        Its ``rounds`` tell when the run is finished, its ``storage.log_checkpoints`` which checkpoints are copied.
    """
    return attempt(lambda client: _synchronise(client, run, configuration))


def find_experiment(client: MlflowClient, name: str) -> str:
    """Return the id of the experiment of a data set, which is made where there is none."""
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    database = not client.tracking_uri.startswith(("http", "databricks", "file:"))  # has no store for artefacts
    location = (paths.root() / "mlartifacts" / name).resolve().as_uri() if database else None
    try:
        return str(client.create_experiment(name, artifact_location=location))
    except MlflowException:
        found = client.get_experiment_by_name(name)
        if found is None:
            raise
        return str(found.experiment_id)  # another process has just made it


def _synchronise(client: MlflowClient, run: Run, configuration: Configuration) -> None:
    rounds, checkpoints = configuration.rounds, configuration.storage.log_checkpoints
    crops = configuration.storage.log_crops
    about, done = run.about(), run.metrics()
    experiment = find_experiment(client, about["manifest"]["dataset"])
    parent = _parent(client, experiment, run, about)
    if how := run.raised():
        client.set_tag(parent, RAISED, how)
    for number, metrics in enumerate(done):
        note = run.round(number) / MLFLOW_RUN
        if _noted(note).get("parent") != parent:
            last = number == rounds - 1
            copied = checkpoints == "every" or (checkpoints == "last" and last)
            child = _log_round(client, experiment, parent, run, number, metrics, checkpoint=copied, crops=crops)
            artefacts.write(note, {"run_id": child, "parent": parent})
    if len(done) >= rounds:
        client.set_terminated(parent, "FINISHED")


def _noted(path: Path) -> dict[str, str]:
    """Return what was noted beside the artefacts; empty where there is no note, or it is damaged."""
    return dict(artefacts.read_if_whole(path) or {})


def _find(client: MlflowClient, experiment: str, tags: Mapping[str, str]) -> str | None:
    condition = " and ".join(f"tags.`{name}` = '{value}'" for name, value in tags.items())
    found = client.search_runs([experiment], condition, max_results=1)
    return str(found[0].info.run_id) if found else None


def _parent(client: MlflowClient, experiment: str, run: Run, about: Mapping[str, Any]) -> str:
    path = run.folder / MLFLOW_RUN
    noted = _noted(path).get("run_id")
    if noted is not None and _holds(client, noted):
        _tag_comparison(client, noted, run)
        return noted
    found = _find(client, experiment, {UID: about["uid"]})
    if found is None:
        created: MlflowRun = client.create_run(experiment, run_name=run.name, tags={UID: about["uid"]})
        found = str(created.info.run_id)
    tags = {"whosame.run": run.name, "whosame.code": about["code"], MANIFEST: about["manifest"]["digest"]}
    if run.forked_from is not None:
        tags[FORKED] = run.forked_from
    _log(client, found, params=configuration_at(about, 0), tags=tags)
    _log_dataset(client, found, about["manifest"])
    _tag_comparison(client, found, run)
    artefacts.write(path, {"run_id": found})
    return found


def _holds(client: MlflowClient, run_id: str) -> bool:
    """Return whether MLflow has a run: the note may be of another server, or of a database that was removed."""
    try:
        return bool(client.get_run(run_id).info.lifecycle_stage == "active")
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return False


def _tag_comparison(client: MlflowClient, parent: str, run: Run) -> None:
    """Tag the run with its comparison, which may be younger than the run."""
    comparison = artefacts.read_if_whole(run.folder / artefacts.COMPARISON)
    if comparison:
        client.set_tag(parent, COMPARISON, comparison["name"])
        client.set_tag(parent, MODE, comparison["mode"])


def _child(client: MlflowClient, experiment: str, parent: str, number: int) -> str:
    tags = {PARENT: parent, ROUND: str(number)}
    found = _find(client, experiment, tags)
    if found is None:
        name = f"{client.get_run(parent).info.run_name} round {number}"
        found = str(client.create_run(experiment, run_name=name, tags=tags).info.run_id)
    return found


def _log_round(
    client: MlflowClient,
    experiment: str,
    parent: str,
    run: Run,
    number: int,
    metrics: Mapping[str, Any],
    *,
    checkpoint: bool,
    crops: str,
) -> str:
    folder = run.round(number)
    child = _child(client, experiment, parent, number)
    when = int((folder / METRICS).stat().st_mtime * 1000)
    numbers = figures(metrics, run.seconds(number))
    by_round = [Metric(name, value, when, number) for name, value in numbers.items()]
    asked = int(numbers.get(ASKED, 0))
    by_questions = [Metric(BY_QUESTIONS + name, value, when, asked) for name, value in numbers.items()]
    _log(client, child, params=configuration_at(run.about(), number), metrics=by_round)
    _log(client, parent, metrics=[*by_round, *by_questions])
    pictures = (PAIRS_PICTURE,) if may_have_crops(client, child, crops) else ()
    for name in (*pictures, QUESTIONS, ANSWERS, SELECTION_SHARES, RETRIEVAL, METRICS):
        if (folder / name).exists():
            client.log_artifact(child, str(folder / name))
    shares = artefacts.read_if_whole(folder / SELECTION_SHARES)
    if shares is not None and shares.any():
        client.log_figure(child, selection_histogram({f"{run.name}, round {number}": shares}), "p_j.png")
    if checkpoint and (folder / CHECKPOINT).exists():
        client.log_artifact(child, str(folder / CHECKPOINT))
    client.set_terminated(child, "FINISHED")
    return child


def may_have_crops(client: MlflowClient, run_id: str, log_crops: str) -> bool:
    """Return whether a run of MLflow gets pictures in which images of the data set are seen.

    Parameters
    ----------
    client : MlflowClient
    run_id : str
    log_crops : str
        ``storage.log_crops``; ``local``: where the files are in a folder of this machine, or behind a server on it.
    """
    if log_crops != "local":
        return log_crops == "always"
    files = urlsplit(client.get_run(run_id).info.artifact_uri)
    server = urlsplit(client.tracking_uri)
    if files.scheme == "mlflow-artifacts":  # behind the tracking server
        return server.hostname in THIS_MACHINE
    return files.scheme in ("", "file")


def _log(
    client: MlflowClient,
    run_id: str,
    *,
    params: Mapping[str, Any] | None = None,
    metrics: list[Metric] | None = None,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Log in batches of what MLflow takes at once: 100 parameters, 1,000 entries.

    A parameter that MLflow has already keeps its value, which cannot be changed there.
    """
    there = client.get_run(run_id).data.params if params else {}
    flat = [Param(name, str(value)) for name, value in flatten(params or {}).items() if name not in there]
    kept = [RunTag(name, str(value)) for name, value in (tags or {}).items()]
    for start in range(0, max(len(flat), 1), 100):
        client.log_batch(run_id, params=flat[start : start + 100], tags=kept if start == 0 else ())
    for start in range(0, len(metrics or []), 900):
        client.log_batch(run_id, metrics=(metrics or [])[start : start + 900])


def _log_dataset(client: MlflowClient, run_id: str, manifest: Mapping[str, Any]) -> None:
    dataset = Dataset(
        name=manifest["dataset"],
        digest=manifest["digest"][:36],
        source_type="local",
        source=json.dumps({"uri": manifest["root"]}),
        profile=json.dumps({"images": manifest["images"], **manifest.get("splits", {})}),
    )
    client.log_inputs(run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", "active learning")])])

"""MLflow's log of a run, made from the run's folder: a parent run with a child per round.

:func:`synchronise` logs the rounds that are complete and not yet logged. A crash, or a server that cannot be reached,
loses nothing: the next round catches up. Logging twice changes nothing, because times and steps are the files' own.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.entities import Run as MlflowRun
from mlflow.tracking import MlflowClient

from whosame import artefacts
from whosame.app import paths
from whosame.artefacts import ANSWERS, CHECKPOINT, METRICS, MLFLOW_RUN, PAIRS_PICTURE, QUESTIONS, SELECTION_SHARES
from whosame.configuration import Configuration
from whosame.reporting.curves import selection_histogram
from whosame.runs import Run, flatten

UID = "whosame.uid"
ROUND = "whosame.round"
PARENT = "mlflow.parentRunId"
MANIFEST = "whosame.manifest"
FORKED = "whosame.forked_from"
COMPARISON = "whosame.comparison"  # the comparison that a run was played for
MODE = "whosame.comparison_mode"
BY_QUESTIONS = "by_questions/"  # every metric once more, with the questions asked so far as MLflow's step
ASKED = "annotation/asked_total"


def synchronise(run: Run, configuration: Configuration) -> None:
    """Bring the configured MLflow server or database up to date with a run's folder.

    Parameters
    ----------
    run : Run
        At least ``run.json`` must be there.
    configuration : Configuration
        Its ``rounds`` tell when the run is finished, its ``storage.log_checkpoints`` which checkpoints are copied.
    """
    uri = mlflow.get_tracking_uri()
    client = MlflowClient(uri)
    about, rounds, checkpoints = run.about(), configuration.rounds, configuration.storage.log_checkpoints
    experiment = _experiment(client, about["manifest"]["dataset"], uri)
    parent = _parent(client, uri, experiment, run, about)
    done = run.completed()
    for number, metrics in enumerate(run.metrics()):
        folder = run.round(number)
        if _noted(folder / MLFLOW_RUN, uri) is None:
            last = number == rounds - 1
            copied = checkpoints == "every" or (checkpoints == "last" and last)
            _log_round(client, experiment, parent, run, number, metrics, checkpoint=copied)
            artefacts.write(folder / MLFLOW_RUN, {"uri": uri, "run_id": _child(client, experiment, parent, number)})
    if done >= rounds:
        client.set_terminated(parent, "FINISHED")


def _experiment(client: MlflowClient, name: str, uri: str) -> str:
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    database = uri.startswith(("sqlite:", "postgresql", "mysql", "mssql"))  # has no store of its own for artefacts
    location = (paths.root() / "mlartifacts" / name).resolve().as_uri() if database else None
    return str(client.create_experiment(name, artifact_location=location))


def _noted(path: Path, uri: str) -> str | None:
    """Return the id in a file beside the artefacts, if it is of this server."""
    if not path.exists():
        return None
    noted: dict[str, str] = artefacts.read(path)
    return noted["run_id"] if noted["uri"] == uri else None


def _find(client: MlflowClient, experiment: str, tags: Mapping[str, str]) -> str | None:
    condition = " and ".join(f"tags.`{name}` = '{value}'" for name, value in tags.items())
    found = client.search_runs([experiment], condition, max_results=1)
    return str(found[0].info.run_id) if found else None


def _parent(client: MlflowClient, uri: str, experiment: str, run: Run, about: Mapping[str, Any]) -> str:
    path = run.folder / MLFLOW_RUN
    noted = _noted(path, uri)
    if noted is not None:
        _tag_comparison(client, noted, run)
        return noted
    found = _find(client, experiment, {UID: about["uid"]})
    if found is None:
        created: MlflowRun = client.create_run(experiment, run_name=run.name, tags={UID: about["uid"]})
        found = str(created.info.run_id)
    tags = {"whosame.run": run.name, "whosame.code": about["code"], MANIFEST: about["manifest"]["digest"]}
    if run.forked_from is not None:
        tags[FORKED] = run.forked_from
    _log(client, found, params=about["configuration"], tags=tags)
    _log_dataset(client, found, about["manifest"])
    _tag_comparison(client, found, run)
    artefacts.write(path, {"uri": uri, "run_id": found})
    return found


def _tag_comparison(client: MlflowClient, parent: str, run: Run) -> None:
    """Tag the run with its comparison, which may be younger than the run."""
    path = run.folder / artefacts.COMPARISON
    if path.exists():
        comparison = artefacts.read(path)
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
) -> None:
    folder = run.round(number)
    child = _child(client, experiment, parent, number)
    when = int((folder / METRICS).stat().st_mtime * 1000)
    seconds = run.seconds(number)
    numbers = {k: float(v) for k, v in (*metrics.items(), ("time/round_seconds", seconds)) if _finite(v)}
    by_round = [Metric(name, value, when, number) for name, value in numbers.items()]
    asked = int(numbers.get(ASKED, 0))
    by_questions = [Metric(BY_QUESTIONS + name, value, when, asked) for name, value in numbers.items()]
    _log(client, child, params=run.about()["configuration"], metrics=by_round)
    _log(client, parent, metrics=[*by_round, *by_questions])
    for name in (PAIRS_PICTURE, QUESTIONS, ANSWERS, SELECTION_SHARES, METRICS):
        if (folder / name).exists():
            client.log_artifact(child, str(folder / name))
    path = folder / SELECTION_SHARES
    shares = artefacts.read(path) if path.exists() else np.empty(0)
    if shares.any():
        client.log_figure(child, selection_histogram({f"{run.name}, round {number}": shares}), "p_j.png")
    if checkpoint and (folder / CHECKPOINT).exists():
        client.log_artifact(child, str(folder / CHECKPOINT))
    client.set_terminated(child, "FINISHED")


def _log(
    client: MlflowClient,
    run_id: str,
    *,
    params: Mapping[str, Any] | None = None,
    metrics: list[Metric] | None = None,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Log in batches of what MLflow takes at once: 100 parameters, 1,000 entries."""
    flat = [Param(name, str(value)) for name, value in flatten(params or {}).items()]
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


def _finite(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)

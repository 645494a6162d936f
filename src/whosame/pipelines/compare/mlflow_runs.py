"""Runs read from MLflow as values, and a comparison logged to it."""

import json
import re
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from mlflow.entities import Metric
from mlflow.entities import Run as MlflowRun
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from numpy.typing import NDArray

from whosame import artefacts
from whosame.app.mlflow_log import COMPARISON, FORKED, MANIFEST, MODE, PARENT, ROUND, UID
from whosame.artefacts import SELECTION_SHARES
from whosame.comparison.arms import Arm, Comparison, ExcludedRun, gather
from whosame.comparison.plan import SavedPlan
from whosame.comparison.run_history import RunHistory
from whosame.comparison.tables import Tables, arm_of, records
from whosame.errors import InputError, unknown_name

REPORT = "whosame.comparison_report"  # tag of the run that holds a comparison's report
HEADLINES = ("mAP", "mAP_best", "rank1", "ARI", "F1")


def planned_runs(uri: str, name: str, plan: SavedPlan | None) -> Comparison:
    """Return the comparison of the runs with a comparison's name as their tag.

    Raises
    ------
    InputError
        MLflow holds no such run, or none is finished.
    """
    client = MlflowClient(uri)
    parents = _search(client, f"tags.`{COMPARISON}` = '{name}'")
    if not parents and plan is None:
        known = {run.data.tags[COMPARISON] for run in _search(client, f"tags.`{COMPARISON}` LIKE '%'")}
        hint = str(unknown_name("comparison", name, known)) if known else "no run of a comparison"
        raise InputError(f"MLflow at {uri} does not hold it: {hint}. kedro compare plays one.")
    modes = Counter(run.data.tags.get(MODE, "found") for run in parents)
    plan = plan or SavedPlan(modes.most_common(1)[0][0])
    histories, excluded = [], []
    for parent in parents:
        history = read_history(client, parent)
        mode = parent.data.tags.get(MODE, plan.mode)
        if mode != plan.mode:
            excluded.append(ExcludedRun(history.run, f"played for the comparison {mode}, not {plan.mode}"))
        elif history.run in plan.failed and not history.finished:
            after = f"{len(history.rounds)} of {history.configuration.get('rounds', '?')} rounds"
            excluded.append(ExcludedRun(history.run, f"failed after {after}: {plan.failed[history.run]}"))
        else:
            histories.append(history)
    held = {history.run for history in histories} | {found.run for found in excluded}
    for run in plan.runs:
        if run not in held:
            why = f"failed: {plan.failed[run]}" if run in plan.failed else "planned, and no round of it is complete"
            excluded.append(ExcludedRun(run, why))
    return gather(name, histories, mode=plan.mode, excluded=excluded, notes=plan.notes)


def runs_found(uri: str, layout: str) -> Comparison:
    """Return the comparison of all finished runs of a layout that were played on the same images."""
    client = MlflowClient(uri)
    parents = _search(client, f"tags.`{UID}` LIKE '%' and params.layout = '{layout}'")
    if not parents:
        raise InputError(f"MLflow at {uri} holds no run with layout={layout}: play some, or give --env")
    return gather(f"all-{layout}", [read_history(client, parent) for parent in parents])


def read_history(client: MlflowClient, parent: MlflowRun) -> RunHistory:
    """Read a run: parameters and images from its parent, figures from its children."""
    condition = f"tags.`{PARENT}` = '{parent.info.run_id}'"
    children = {
        int(child.data.tags[ROUND]): child
        for child in _search(client, condition, [parent.info.experiment_id])
        if ROUND in child.data.tags
    }
    rounds: list[Mapping[str, float]] = []
    while len(rounds) in children:
        rounds.append(children[len(rounds)].data.metrics)
    tags, params = parent.data.tags, parent.data.params
    datasets = parent.inputs.dataset_inputs if parent.inputs else []
    dataset = datasets[0].dataset if datasets else None
    finished = parent.info.status == "FINISHED" and len(rounds) == int(params.get("rounds", -1))
    return RunHistory(
        run=parent.info.run_name,
        configuration=params,
        dataset=dataset.name if dataset else "unknown",
        digest=tags.get(MANIFEST, ""),
        counts=json.loads(dataset.profile) if dataset and dataset.profile else {},
        rounds=rounds,
        finished=finished,
        created=parent.info.start_time,
        code=tags.get("whosame.code", ""),
        shares=_shares(client, children[len(rounds) - 1].info.run_id) if finished else None,
        forked_from=tags.get(FORKED),
    )


def log(uri: str, comparison: Comparison, tables: Tables, folder: Path) -> str:
    """Log a comparison as one run of the experiment its runs are in, again and again the same; return its id.

    Metrics are means and sd over seeds, ``mAP/dcps-500`` and ``mAP_sd/dcps-500``; artefacts are the folder's files.
    """
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name(comparison.histories[0].dataset).experiment_id
    found = _search(client, f"tags.`{REPORT}` = '{comparison.name}'", [experiment])
    if found:
        run = found[0]
    else:
        tags = {REPORT: comparison.name}
        run = client.create_run(experiment, run_name=f"comparison {comparison.name}", tags=tags)
    client.set_tag(run.info.run_id, MODE, comparison.mode)
    client.set_tag(run.info.run_id, MANIFEST, comparison.histories[0].digest)
    when = max(history.created for history in comparison.histories)
    metrics = [
        Metric(f"{figure}{suffix}/{_slug(arm_of(row))}", float(row[f"{figure}_{of}"]), when, 0)
        for row in records(tables.arms)
        for figure in HEADLINES
        for of, suffix in (("mean", ""), ("sd", "_sd"))
        if np.isfinite(row[f"{figure}_{of}"])
    ]
    for start in range(0, len(metrics), 900):
        client.log_batch(run.info.run_id, metrics=metrics[start : start + 900])
    client.log_artifacts(run.info.run_id, str(folder))
    client.set_terminated(run.info.run_id, "FINISHED")
    return str(run.info.run_id)


def _slug(arm: Arm) -> str:
    parts = [arm.strategy, *(["centred"] if arm.centred else []), *([str(arm.budget)] if arm.budget else []), arm.rest]
    return re.sub(r"[^\w.-]", "_", "-".join(filter(None, parts)))[:200]


def _search(client: MlflowClient, condition: str, experiments: Sequence[str] | None = None) -> list[MlflowRun]:
    """Return every run that fulfils a condition, page by page."""
    where = experiments or [experiment.experiment_id for experiment in client.search_experiments()]
    page = client.search_runs(where, condition)
    found = list(page)
    while page.token:
        page = client.search_runs(where, condition, page_token=page.token)
        found += page
    return found


def _shares(client: MlflowClient, run_id: str) -> NDArray[np.float64] | None:
    """Read p_j of a round; None where they were not logged, or their file is gone."""
    try:
        if SELECTION_SHARES not in {artefact.path for artefact in client.list_artifacts(run_id)}:
            return None
        with tempfile.TemporaryDirectory() as folder:
            path = Path(client.download_artifacts(run_id, SELECTION_SHARES, folder))
            shares: NDArray[np.float64] = artefacts.read(path)
    except (MlflowException, OSError):
        return None
    return shares

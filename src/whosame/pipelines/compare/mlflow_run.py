"""A comparison as one MLflow run."""

import re
from pathlib import Path

import numpy as np
from mlflow.entities import Metric
from mlflow.tracking import MlflowClient

from whosame.app.mlflow_log import MANIFEST, MODE, find_experiment
from whosame.comparison.arms import Arm, Comparison
from whosame.comparison.camera_use import short
from whosame.comparison.tables import Tables, arm_of, records

REPORT = "whosame.comparison_report"  # tag of the run that holds a comparison's report
HEADLINES = ("mAP", "mAP_best", "rank1", "ARI", "F1")


def log(client: MlflowClient, comparison: Comparison, tables: Tables, folder: Path) -> None:
    """Log a comparison as one run of the experiment its runs are in, again and again the same.

    Metrics are means and sd over seeds, ``mAP/dcps-500`` and ``mAP_sd/dcps-500``; artefacts are the folder's files.
    """
    experiment = find_experiment(client, comparison.histories[0].dataset)
    found = client.search_runs([experiment], f"tags.`{REPORT}` = '{comparison.name}'", max_results=1)
    if found:
        run = found[0]
    else:
        tags = {REPORT: comparison.name}
        run = client.create_run(experiment, run_name=f"comparison {comparison.name}", tags=tags)
    client.set_tag(run.info.run_id, MODE, comparison.mode)
    client.set_tag(run.info.run_id, MANIFEST, comparison.histories[0].digest)
    when = 1000 * max(history.created for history in comparison.histories)
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


def _slug(arm: Arm) -> str:
    parts = [arm.strategy, short(arm.cameras), str(arm.budget or ""), arm.rest]
    return re.sub(r"[^\w.-]", "_", "-".join(filter(None, parts)))[:200]

"""Audit of a run: the pipeline ``audit`` as one call."""

import time
from collections.abc import Mapping
from typing import Any

from kedro.framework.session import KedroServiceSession
from kedro.framework.startup import bootstrap_project
from mlflow.entities import Metric
from mlflow.tracking import MlflowClient

from whosame.app import paths
from whosame.app.audit.report import AuditReport
from whosame.app.config.run_parameters import configuration_of, continued
from whosame.app.mlflow_server import attempt
from whosame.app.name_images import are_named, check_trained, name_images
from whosame.app.round_loop import serve_page
from whosame.artefacts import AUDIT, MLFLOW_RUN, read_if_whole
from whosame.parameters import merge, parse
from whosame.runs import Run


def audit_run(run: Run, parameters: Mapping[str, Any]) -> AuditReport:
    """Ask about drawn pairs of a run's images, and estimate how right its names are.

    The names are written first where they are older than the last training. The result is ``audit.json`` in the run's
    folder, and in MLflow.

    Parameters
    ----------
    run : Run
        No other process may play it meanwhile.
    parameters : mapping
        Those of ``--params``; only what no result of the rounds depends on may differ from the run's.

    Raises
    ------
    ResumeError
        Nothing was trained yet, a file is gone that only training makes, or the run is being played.
    """
    bootstrap_project(paths.root())
    check_trained(run)
    with run.lock():
        if not are_named(run):
            name_images(run, {name: value for name, value in parameters.items() if name != "audit"})
        env, parameters = continued(None, merge(parameters, {"run": run.name}))
        with KedroServiceSession.create(project_path=paths.root(), env=env) as session:
            context = session.load_context(runtime_params=parameters)
            with serve_page(parse(type(configuration_of(run)), context.params)):
                made = session.run(pipeline_names=["audit"], runtime_params=parameters)
        report: AuditReport = made["audit_report"].load()
    attempt(lambda client: _log(client, run, report))
    return report


def _log(client: MlflowClient, run: Run, report: AuditReport) -> None:
    """Log the estimates to the run in MLflow, where it has one."""
    noted = (read_if_whole(run.folder / MLFLOW_RUN) or {}).get("run_id")
    if noted is not None:
        now = int(time.time() * 1000)
        metrics = [Metric(name, value, now, report.rounds) for name, value in report.metrics().items()]
        client.log_batch(noted, metrics=metrics)
        client.log_artifact(noted, str(run.folder / AUDIT))

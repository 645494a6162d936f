"""Names of a run's images: the pipeline ``identities`` as one call."""

from collections.abc import Mapping
from typing import Any

from kedro.framework.session import KedroServiceSession
from kedro.framework.startup import bootstrap_project

from whosame.app import paths
from whosame.app.config.run_parameters import continued, record_gone
from whosame.artefacts import CHECKPOINT, IDENTITIES, METRICS
from whosame.errors import ResumeError
from whosame.naming.summary import NamingSummary
from whosame.parameters import merge
from whosame.runs import Run


def name_images(run: Run, parameters: Mapping[str, Any]) -> NamingSummary:
    """Write the table of identities and the contact sheets of a run.

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
        made = session.run(pipeline_names=["identities"], runtime_params=parameters)
    summary: NamingSummary = made["names"].load()
    return summary


def are_named(run: Run) -> bool:
    """Return whether a run's table of identities is as new as its last training."""
    number, table = run.completed(), run.folder / IDENTITIES
    if not table.exists():
        return False
    return number > 0 and (run.round(number - 1) / METRICS).stat().st_mtime < table.stat().st_mtime


def check_trained(run: Run) -> dict[str, Any]:
    """Return what a run was made from: its ``run.json``, of a fork that has not started its origin's.

    Raises
    ------
    ResumeError
        No round of the run is complete, so that nothing was trained; or a file is gone that only training makes.
    """
    number = run.completed()
    if number == 0:
        raise ResumeError(
            f"run {run.name!r} has no trained network: no round of it is complete. Identities come from the last "
            f"training: type kedro rounds --params=run={run.name}"
        )
    checkpoint = run.round(number - 1) / CHECKPOINT
    if not checkpoint.exists():
        raise ResumeError(
            f"{checkpoint} is gone: restore it, or play another round (kedro rounds --params=run={run.name})"
        )
    about = run.about() or run.fork()
    if not about:
        raise record_gone(run)
    return about

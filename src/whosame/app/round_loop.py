"""The loop over rounds: one Kedro run of ``active_round`` after another, until the rounds are done."""

import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

from kedro.framework.session import KedroServiceSession
from kedro.framework.startup import bootstrap_project
from tqdm import tqdm

from whosame.annotation.web.process import PageProcess
from whosame.app import paths
from whosame.app.config.run_parameters import continued
from whosame.app.forks import fork as begin_fork
from whosame.app.forks import origin_of
from whosame.app.mlflow_log import log_run
from whosame.app.run_copy import fetch_run
from whosame.configuration import Configuration
from whosame.errors import ResumeError
from whosame.parameters import parse
from whosame.runs import Run


def configured(env: str | None, parameters: Mapping[str, Any]) -> Configuration:
    """Return the parameters in force with ``--env`` and ``--params``: a run's own, if one that has started is named."""
    bootstrap_project(paths.root())
    env, parameters = continued(env, parameters)
    with KedroServiceSession.create(project_path=paths.root(), env=env) as session:
        return parse(Configuration, session.load_context(runtime_params=dict(parameters)).params)


def play(env: str | None, parameters: Mapping[str, Any], *, fork: str | None = None) -> Run:
    """Play the rounds that are left of a run.

    The same call after an interruption goes on in the middle of the round that was interrupted: nodes whose artefacts
    exist are not run again, and answers in the label store are not asked for again.

    Parameters
    ----------
    env : str, optional
        Kedro's configuration environment: ``market1501``.
    parameters : mapping
        The parameters of ``--params``.
    fork : str, optional
        ``RUN:ROUND``: continue after that round of another run, under the name in ``parameters["run"]``, with that
        run's parameters and the given ones over them.

    Returns
    -------
    Run
        The run, complete.
    """
    bootstrap_project(paths.root())
    url = (parameters.get("storage") or {}).get("url")
    if url is not None and "run" in parameters:
        fetch_run(Run.named(paths.runs_folder(), str(parameters["run"])), url)
    origin, at = origin_of(fork, paths.runs_folder()) if fork is not None else (None, 0)
    env, parameters = continued(env, parameters, origin=origin)
    with KedroServiceSession.create(project_path=paths.root(), env=env) as session:
        context = session.load_context(runtime_params=parameters)
        configuration = parse(Configuration, context.params)
        run = Run.named(paths.runs_folder(), configuration.run)
        if origin is not None:
            begin_fork(origin, at, run)
        if run.completed() >= configuration.rounds:
            log_run(run, configuration)  # MLflow may have been away when the last round ended
        with serve_page(configuration) if run.completed() < configuration.rounds else nullcontext():
            while (number := run.completed()) < configuration.rounds:
                session.run(
                    pipeline_names=["active_round"],
                    runtime_params={**parameters, "round": number},
                    only_missing_outputs=True,
                )
                if run.completed() == number:
                    raise ResumeError(f"round {number} of run {run.name!r} left no metrics: see the messages above")
    return run


def serve_page(configuration: Configuration) -> AbstractContextManager[object]:
    """Serve the annotation page while the rounds are played, where people answer."""
    options = configuration.annotator_options
    if not configuration.people_answer or not options.serve:
        return nullcontext()
    say = partial(tqdm.write, file=sys.stderr)
    url, runs = configuration.database_url(paths.root()), paths.runs_folder()
    return PageProcess(url, host=options.host, port=options.port, say=say, runs=runs)

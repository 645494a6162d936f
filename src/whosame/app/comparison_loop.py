"""The loop over the runs of a comparison, one after another in this process, and the report at its end."""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kedro.framework.session import KedroServiceSession
from kedro.framework.startup import bootstrap_project

from whosame import artefacts
from whosame.app import paths
from whosame.app.config.run_parameters import check_images, check_unchanged
from whosame.app.machine_checks import check_machine
from whosame.app.mlflow_log import log_run
from whosame.app.round_loop import play
from whosame.comparison.plan import Plan, SavedPlan
from whosame.comparison.planning import fit_to_images, make_plan
from whosame.configuration import Configuration
from whosame.data.indexing import index_images
from whosame.data.manifest import Manifest, split
from whosame.errors import ResumeError, StorageError, find_user_error
from whosame.parameters import merge, parse
from whosame.runs import Run


@dataclass(frozen=True)
class Played:
    """The outcome of a comparison.

    Attributes
    ----------
    report : Path
    failed : dict of run to message
    """

    report: Path
    failed: dict[str, str]


def play_comparison(
    env: str | None,
    typed: Mapping[str, Any],
    *,
    strategies: Sequence[str],
    budgets: Sequence[str | int],
    seeds: Sequence[str | int],
    mode: str = "selection",
    name: str | None = None,
) -> Played:
    """Play the runs of a comparison that are not complete, then write its report.

    Everything is checked before anything is played. A run that is complete is found, one that was interrupted goes
    on; one that fails is noted and excluded, and the others go on.

    Parameters
    ----------
    env : str, optional
        Kedro's configuration environment.
    typed : mapping
        The parameters of ``--params``, nested.
    strategies, budgets, seeds, mode
        As for :func:`whosame.comparison.planning.make_plan`.
    name : str, optional
        Of the comparison; else ``compare.name``, else ``compare`` with environment and mode.
    """
    bootstrap_project(paths.root())
    with KedroServiceSession.create(project_path=paths.root(), env=env) as session:
        parameters = session.load_context(runtime_params=dict(typed)).params
    given = name or (parameters.get("compare") or {}).get("name")
    called = str(given or "-".join(filter(None, ["compare", env, mode if mode != "selection" else None])))
    plan = make_plan(called, parameters, typed, strategies=strategies, budgets=budgets, seeds=seeds, mode=mode)
    check_machine(parse(Configuration, merge(parameters, run.parameters)) for run in plan.runs)
    configuration = parse(Configuration, parameters)
    manifest = index_images(configuration.source(), paths.root() / "data")
    train_set, truth, _ = split(manifest, use_cameras=configuration.use_cameras)
    plan = fit_to_images(plan, parameters, train_set, truth)
    _check_played(plan, parameters, manifest)

    failed = play_all(env, plan, parameters)
    wanted = merge(typed, {"compare": {"name": plan.name}})
    with KedroServiceSession.create(project_path=paths.root(), env=env) as session:
        session.load_context(runtime_params=wanted)
        session.run(pipeline_names=["compare"], runtime_params=wanted)
    return Played(paths.comparison_folder(plan.name) / "report.html", failed)


def _check_played(plan: Plan, parameters: Mapping[str, Any], manifest: Manifest) -> None:
    """Refuse runs that exist under a planned name and were started with other parameters or images."""
    problems = []
    for planned in plan.runs:
        run = Run.named(paths.runs_folder(), planned.name)
        if run.started():
            try:
                check_unchanged(run, parse(Configuration, merge(parameters, planned.parameters)), raising=False)
                check_images(run.name, run.about()["manifest"], manifest)
            except (ResumeError, StorageError) as error:
                problems.append(str(error))
    if problems:
        raise ResumeError("\n".join([*problems, "Or give this comparison another name: --name=NAME."]))


def play_all(
    env: str | None,
    plan: Plan,
    parameters: Mapping[str, Any],
    *,
    play: Callable[[str | None, Mapping[str, Any]], object] = play,
    log: Callable[[Run, Configuration], object] = log_run,
) -> dict[str, str]:
    """Play the runs of a plan that are not complete, and bring MLflow up to date; return messages of failed runs."""
    names = tuple(run.name for run in plan.runs)
    folder, failed = paths.comparison_folder(plan.name), dict[str, str]()
    SavedPlan(plan.mode, names, plan.notes).write(folder)
    took: list[float] = []
    configured = [parse(Configuration, merge(parameters, planned.parameters)) for planned in plan.runs]
    runs = [Run.named(paths.runs_folder(), planned.name) for planned in plan.runs]
    unplayed = sum(run.completed() < each.rounds for run, each in zip(runs, configured, strict=True))
    for position, (planned, run, configuration) in enumerate(zip(plan.runs, runs, configured, strict=True), start=1):
        artefacts.write(run.folder / artefacts.COMPARISON, {"name": plan.name, "mode": plan.mode})
        missing = run.completed() < configuration.rounds
        when = _when(took, unplayed) if missing else ": found"
        _say(f"comparison {plan.name}: run {position} of {len(names)}, {planned.name}{when}")
        started = time.monotonic()
        try:
            if missing:
                play(env, planned.parameters)
            log(run, configuration)
        except Exception as error:  # noqa: BLE001  whatever it is, the other runs are still worth playing
            failed[planned.name] = str(find_user_error(error) or repr(error))
            _say(f"comparison {plan.name}: {planned.name} failed and is excluded: {failed[planned.name]}")
        else:
            took += [time.monotonic() - started] if missing else []
        unplayed -= missing
    SavedPlan(plan.mode, names, plan.notes, failed).write(folder)
    return failed


def _when(took: Sequence[float], unplayed: int) -> str:
    return f", about {sum(took) / len(took) * unplayed / 60:.0f} min left" if took else ""


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)

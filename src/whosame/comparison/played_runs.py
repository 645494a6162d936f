"""The runs of a comparison, read from ``data/runs``."""

from collections import Counter
from pathlib import Path
from typing import Any

from whosame import artefacts
from whosame.comparison.arms import Comparison, ExcludedRun, gather
from whosame.comparison.plan import SavedPlan
from whosame.comparison.run_history import RunHistory
from whosame.errors import InputError, StorageError, unknown_name
from whosame.runs import Run, all_runs


def planned_runs(runs: Path, name: str, plan: SavedPlan | None) -> Comparison:
    """Return the comparison of the runs that were played for it, whose ``comparison.json`` names it.

    Parameters
    ----------
    runs : Path
        ``data/runs``.
    name : str
        Of the comparison.
    plan : SavedPlan or None
        What ``kedro compare`` planned, where it is kept.

    Raises
    ------
    InputError
        No run was played for it, or none is finished.
    """
    played_for = {run: _comparison(run) for run in all_runs(runs) if run.completed()}
    found = {run: about["mode"] for run, about in played_for.items() if about.get("name") == name}
    if not found and plan is None:
        known = {about["name"] for about in played_for.values() if about}
        hint = str(unknown_name("comparison", name, known)) if known else "no run of a comparison"
        raise InputError(f"{runs} does not hold it: {hint}. kedro compare plays one.")
    plan = plan or SavedPlan(Counter(found.values()).most_common(1)[0][0])
    histories, excluded = [], []
    for run, mode in found.items():
        history = _read(run)
        if isinstance(history, ExcludedRun):
            excluded.append(history)
        elif mode != plan.mode:
            excluded.append(ExcludedRun(run.name, f"played for the comparison {mode}, not {plan.mode}"))
        elif run.name in plan.failed and not history.finished:
            after = f"{len(history.rounds)} of {history.configuration['rounds']} rounds"
            excluded.append(ExcludedRun(run.name, f"failed after {after}: {plan.failed[run.name]}"))
        else:
            histories.append(history)
    held = {run.name for run in found}
    for planned in plan.runs:
        if planned not in held:
            why = f"failed: {plan.failed[planned]}" if planned in plan.failed else "planned, and no round is complete"
            excluded.append(ExcludedRun(planned, why))
    return gather(name, histories, mode=plan.mode, excluded=excluded, notes=plan.notes)


def runs_found(runs: Path, layout: str) -> Comparison:
    """Return the comparison of all finished runs of a layout that were played on the same images."""
    found = [_read(run) for run in all_runs(runs) if run.completed()]
    excluded = [each for each in found if isinstance(each, ExcludedRun)]
    histories = [each for each in found if isinstance(each, RunHistory) and each.configuration.get("layout") == layout]
    if not histories:
        raise InputError(f"{runs} holds no run with layout={layout}: play some, or give --env")
    return gather(f"all-{layout}", histories, excluded=excluded)


def _read(run: Run) -> RunHistory | ExcludedRun:
    """Read a run; one with a damaged file is excluded and does not stop the others."""
    try:
        return RunHistory.read(run)
    except StorageError as error:
        return ExcludedRun(run.name, str(error))
    except KeyError:
        return ExcludedRun(run.name, f"{run.folder / artefacts.RUN} is gone")


def _comparison(run: Run) -> dict[str, Any]:
    return dict(artefacts.read_if_whole(run.folder / artefacts.COMPARISON) or {})

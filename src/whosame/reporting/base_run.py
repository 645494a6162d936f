"""The run without questions that a run is seen beside: same images, network and schedule."""

from typing import Any

from whosame.artefacts import METRICS, read_if_whole
from whosame.runs import Run, all_runs, flatten

OF_THE_QUESTIONS = ("strategy", "strategies.", "budget", "annotator", "annotator_options.")
FIGURES = (("mAP", "retrieval/mAP", 100, 1), ("rank-1", "retrieval/rank1", 100, 1), ("ARI", "clusters/ari", 1, 3))


def base_run(run: Run) -> Run | None:
    """Return the newest complete run that differs from this one in its questions alone, and asked none."""
    about, done = run.about(), run.completed()
    wanted = _base_of(about)
    found = [
        each
        for each in all_runs(run.folder.parent)
        if each.name != run.name
        and each.completed() == done
        and each.about().get("configuration", {}).get("strategy") == "none"
        and _base_of(each.about()) == wanted
    ]
    return max(found, key=lambda each: str(each.about()["created"]), default=None)


def beside_base(run: Run) -> str:
    """Return what a run has reached beside its base, a line; empty without a base, or where no truth is known."""
    base = base_run(run)
    if base is None:
        return ""
    with_questions, without = (read_if_whole(one.round(one.completed() - 1) / METRICS) or {} for one in (run, base))
    asked = with_questions.get("annotation/asked_total", 0)
    figures = [
        f"{name} {with_questions[metric] * factor:.{digits}f} (without questions {without[metric] * factor:.{digits}f})"
        for name, metric, factor, digits in FIGURES
        if metric in with_questions and metric in without
    ]
    return f"After {asked:,.0f} questions: {', '.join(figures)}; base: run {base.name!r}." if figures and asked else ""


def _base_of(about: dict[str, Any]) -> dict[str, Any]:
    """Return what a run was made from, but for its questions."""
    configuration = flatten(about.get("configuration", {}))
    kept = {name: value for name, value in configuration.items() if not name.startswith(OF_THE_QUESTIONS)}
    return kept | {"images": about.get("manifest", {}).get("digest")}

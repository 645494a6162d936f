"""One run as text: how far it is, its last figures, where it is, and how it differs from the defaults."""

from typing import Any

from whosame.annotation.quality.audit_figures import audit_figures
from whosame.artefacts import METRICS, read_if_whole
from whosame.configuration import Configuration
from whosame.errors import StorageError
from whosame.reporting.answers_text import answers_text
from whosame.reporting.base_run import beside_base
from whosame.reporting.parameters import parameter_lines, yaml_text
from whosame.reporting.table import ROUND_COLUMNS, number
from whosame.runs import Run

NAMED_ABOVE = {"run", "round", "env", "images", "database"}
MARGIN = 13  # characters before a value


def run_text(run: Run, configuration: Configuration | None, answers: str) -> str:
    """Return what there is to know of a run.

    Parameters
    ----------
    run : Run
    configuration : Configuration or None
        Its parameters in force; None before it is opened the first time.
    answers : str
        What the label store holds of it, in words.
    """
    done, about = run.completed(), run.about()
    lines = [("run", run.name)]
    if configuration is None or not run.started():
        lines.append(("rounds", "not started: nothing is computed, and the parameters may change"))
    else:
        lines.append(("rounds", f"{done} of {configuration.rounds}" + ", complete" * (done >= configuration.rounds)))
    if run.forked_from:
        lines.append(("fork of", run.forked_from))
    if about and configuration is not None:
        env = f", --env={configuration.env}" if configuration.env else ""
        manifest = about["manifest"]
        lines += [
            ("started", f"{about['created']}, whosame {about['code']}{env}"),
            ("images", f"{manifest['images']:,} in {manifest['root']}, layout {configuration.layout}"),
            *_figures(run, configuration.budget),
            ("answers", answers),
            *([("audit", audit.text)] if (audit := audit_figures(run)) else []),
        ]
    lines.append(("folder", f"{run.folder}, {run.bytes_on_disk() / 2**20:,.1f} MiB"))
    if configuration is not None:
        lines.append(("to go on", f"kedro rounds --params=run={run.name}"))
    text = "\n".join(f"{name:<{MARGIN}}{value}" for name, value in lines)
    return text if configuration is None else f"{text}\n\n{_differences(configuration)}"


def completion(run: Run, configuration: Configuration) -> str:
    """Return that a run is complete, what it has reached beside the same without questions, and what to type next.

    Parameters
    ----------
    run : Run
    configuration : Configuration
        Of the command.
    """
    done, budget = run.completed(), configuration.budget
    asked = read_if_whole(run.round(done - 1) / METRICS) or {}
    wanted = budget if budget > run.about().get("configuration", {}).get("budget", budget) else 2 * budget
    more = f"rounds={2 * done}" + (f",budget={wanted}" if budget else "")
    beside = beside_base(run)
    return (
        f"run {run.name!r} is complete: {done} rounds, {asked.get('annotation/asked_total', 0):.0f} questions asked.\n"
        f"{beside}{chr(10) if beside else ''}"
        f"To go on with it:  kedro rounds --params=run={run.name},{more}\n"
        "For another run:   kedro rounds --params=run=NAME\n"
        "Your own images:   kedro look --params=images=PATH"
    )


def _figures(run: Run, budget: int) -> list[tuple[str, str]]:
    try:
        metrics: list[dict[str, Any]] = run.metrics()
    except StorageError as error:
        return [("figures", str(error))]
    if not metrics:
        return []
    last = metrics[-1]
    figures = ", ".join(
        f"{title} {number(last.get(name), decimals, factor)}" for title, name, factor, decimals in ROUND_COLUMNS[1:]
    )
    asked, again = (int(last.get(f"annotation/{name}_total", 0)) for name in ("asked", "answers_found_again"))
    found = f", {again:,} answers found again" if again else ""
    questions = [("questions", f"{asked:,} of {budget:,} asked{found}")]
    about = [("", text)] if (text := answers_text(last)) else []
    return [("last round", f"{len(metrics) - 1}: {figures}"), *about, *questions]


def _differences(configuration: Configuration) -> str:
    changed = [
        f"  {line.full_name}: {yaml_text(line.value)} (default {yaml_text(line.default)})"
        for line in parameter_lines(configuration, type(configuration)())
        if line.value != line.default and line.full_name not in NAMED_ABOVE
    ]
    return "\n".join(["parameters that differ from their defaults:", *(changed or ["  none"])])

"""Plain-text tables for the terminal: the rounds of a run, and all runs."""

import math
from collections.abc import Mapping, Sequence

from whosame.errors import StorageError
from whosame.reporting.best_round import best_round
from whosame.runs import Run

# Column, metric, factor, decimals
ROUND_COLUMNS = (
    ("asked", "annotation/asked_total", 1, 0),
    ("mAP", "retrieval/mAP", 100, 1),
    ("rank-1", "retrieval/rank1", 100, 1),
    ("ARI", "clusters/ari", 1, 3),
    ("clusters", "clusters/count", 1, 0),
    ("outliers", "clusters/outliers", 1, 0),
    ("cameras", "clusters/cameras_per_cluster", 1, 1),
)
MISSING = "–"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """Return lines with columns as wide as their widest cell, the first ``left`` flush left, the others right.

    Examples
    --------
    >>> print(table(["run", "mAP"], [["demo", "43.6"], ["m-dcps-0", "7.1"]]))
    run        mAP
    ────────  ────
    demo      43.6
    m-dcps-0   7.1
    """
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [list(header), ["─" * width for width in widths], *map(list, rows)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if position < left else cell.rjust(width)
            for position, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def number(value: float | None, decimals: int, factor: float = 1) -> str:
    """Format a number; a dash where it is missing or undefined."""
    if value is None or not math.isfinite(value):
        return MISSING
    return f"{factor * value:,.{decimals}f}"


def metrics_table(metrics: Sequence[Mapping[str, float]], seconds: Sequence[float]) -> str:
    """Return one line per round: questions asked so far, mAP and rank-1 in per cent, ARI, clusters, seconds.

    Parameters
    ----------
    metrics : sequence of mappings
        The flat metrics of round 0, 1, …; what a round lacks shows as a dash.
    seconds : sequence of float
        How long each took; NaN where not known.
    """
    header = ["round", *(column for column, *_ in ROUND_COLUMNS), "seconds"]
    rows = [
        [
            str(position),
            *(number(found.get(name), decimals, factor) for _, name, factor, decimals in ROUND_COLUMNS),
            number(took, 1),
        ]
        for position, (found, took) in enumerate(zip(metrics, seconds, strict=True))
    ]
    return table(header, rows, left=0)


def rounds_table(run: Run) -> str:
    """Return the table of a run's complete rounds, under its name, and below it the best round."""
    metrics = run.metrics()
    if not metrics:
        return f"run {run.name}: no round is complete yet"
    lines = [f"run {run.name}", metrics_table(metrics, [run.seconds(n) for n in range(len(metrics))])]
    best = best_round(metrics)
    if "retrieval/mAP" in metrics[best]:
        mAP, rank1 = (number(metrics[best].get(f"retrieval/{name}"), 1, 100) for name in ("mAP", "rank1"))
        lines.append(f"best round, chosen on the test set: round {best}, mAP {mAP}, rank-1 {rank1}")
    return "\n".join(lines)


def runs_table(runs: Sequence[Run]) -> str:
    """Return one line per run: strategy, rounds, questions, mAP of the last and the best round, ARI, size on disk.

    A run with a damaged file has dashes, and the file is named below the table.
    """
    if not runs:
        return "there is no run yet: kedro run --pipelines=active_round makes one"
    rows, damaged = [], []
    for run in runs:
        try:
            figures = _figures(run)
        except StorageError as error:
            figures = [MISSING, "damaged", MISSING, MISSING, MISSING, MISSING]
            damaged.append(f"run {run.name}: {error}")
        rows.append([run.name, *figures, f"{run.bytes_on_disk() / 2**20:,.1f} MiB"])
    header = ["run", "strategy", "rounds", "questions", "mAP (last round)", "(best round)", "ARI", "on disk"]
    return "\n".join([table(header, rows, left=2), *damaged])


def _figures(run: Run) -> list[str]:
    metrics = run.metrics()
    newest, best = (metrics[-1], metrics[best_round(metrics)]) if metrics else ({}, {})
    configuration = run.about().get("configuration", {})
    of = f" of {configuration['rounds']}" if "rounds" in configuration else ""
    return [
        str(configuration.get("strategy", MISSING)),
        f"{len(metrics)}{of}" if run.started() else "not started",
        number(newest.get("annotation/asked_total"), 0),
        number(newest.get("retrieval/mAP"), 1, 100),
        number(best.get("retrieval/mAP"), 1, 100),
        number(newest.get("clusters/ari"), 3),
    ]

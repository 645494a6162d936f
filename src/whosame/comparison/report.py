"""The report of a comparison: one HTML file that needs nothing else, its tables as CSV and figures as PNG beside it."""

import base64
import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib import rc_context
from matplotlib.figure import Figure

from whosame.atomic import writing
from whosame.comparison.history import Arm, Comparison
from whosame.comparison.plan import BASE
from whosame.comparison.published import SOURCES, published_results
from whosame.comparison.tables import Tables, arm_of, records

MODES = {
    "selection": "Selection: every run has the same images, base clustering, loss and schedule; "
    "only the questions differ.",
    "native": "Native: each method has its own base clustering, loss, schedule and budget, as its paper describes it. "
    "Differences are those of whole methods, not of their questions alone.",
    "found": "Found: these runs were not planned as one comparison. What else differs between them is listed below.",
}
# Column title, figure, factor, decimals
COLUMNS = (
    ("mAP %", "mAP", 100, 1),
    ("rank-1 %", "rank1", 100, 1),
    ("ARI", "ARI", 1, 3),
    ("F1", "F1", 1, 3),
    ("precision", "precision", 1, 3),
    ("recall", "recall", 1, 3),
    ("coverage", "coverage", 1, 3),
    ("F1, all images", "F1_all", 1, 3),
    ("asked", "asked", 1, 0),
    ("free", "free", 1, 0),
    ("seconds", "seconds", 1, 0),
)
GAINS = (("mAP", "mAP, points", 100, 1), ("rank1", "rank-1, points", 100, 1), ("ARI", "ARI", 1, 3), ("F1", "F1", 1, 3))
MISSING = "–"


def write_report(comparison: Comparison, tables: Tables, figures: Mapping[str, Figure], folder: Path) -> Path:
    """Write ``report.html``, a CSV for each table and a PNG for each figure.

    Parameters
    ----------
    comparison, tables, figures
        From ``gather``, ``tabulate`` and ``draw``.
    folder : Path
        ``data/08_reporting/<name>``; what is there under these names is replaced.

    Returns
    -------
    Path
        The report.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.by_name().items():
        with writing(folder / f"{name}.csv") as out:
            out.write(table.to_csv(index=False).encode())
    pictures = {}
    for name, figure in figures.items():
        figure.draw_without_rendering()  # lays it out, once for both files
        figure.set_layout_engine("none")
        with writing(folder / f"{name}.png") as out:
            figure.savefig(out, format="png", dpi=150)
        pictures[name] = _inline(figure)
    with writing(folder / "report.html") as out:
        out.write(render(comparison, tables, pictures).encode())
    return folder / "report.html"


def render(comparison: Comparison, tables: Tables, pictures: Mapping[str, str]) -> str:
    """Return the report's HTML; every name in it is escaped.

    Parameters
    ----------
    comparison, tables
    pictures : mapping of name to data URI
    """
    environment = Environment(
        loader=PackageLoader("whosame.comparison", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    first = comparison.histories[0]
    return environment.get_template("report.html.j2").render(
        name=comparison.name,
        mode=MODES[comparison.mode],
        mode_name=comparison.mode,
        dataset=first.dataset,
        digest=first.digest,
        counts=first.counts,
        rounds=sorted({len(history.rounds) for history in comparison.histories}),
        schedules=_of_asking(comparison, "strategies.", ".schedule"),
        code=sorted({history.code for history in comparison.histories}),
        annotators=_of_asking(comparison, "annotator", "annotator"),
        seeds=comparison.seeds,
        budgets=comparison.budgets,
        methods=list(dict.fromkeys(arm.method for arm in comparison.arms)),
        notes=comparison.notes,
        apart=[[found.run, found.why] for found in comparison.apart],
        differing=[
            [name, value, "; ".join(methods)]
            for name, found in comparison.differing().items()
            for value, methods in found.items()
        ],
        findings=findings(tables),
        columns=[title for title, *_ in COLUMNS],
        sections=_sections(tables.arms),
        gains=_gains(tables.differences),
        gain_titles=[title for _, title, *_ in GAINS],
        questions=_questions(tables.questions),
        times=_times(tables.arms),
        pictures=pictures,
        published=_published(),
        sources=SOURCES,
    )


def findings(tables: Tables) -> list[str]:
    """Say in sentences what the tables hold: the base, the best at each budget, and whether it beats the base."""
    known = [row for row in records(tables.arms) if math.isfinite(row["mAP_mean"])]
    base = [row for row in known if row["strategy"] == BASE]
    said = [f"Without questions ({_method(row)}): {_map(row)}." for row in base]
    for budget in sorted({row["budget"] for row in known if row["budget"]}):
        best = max((row for row in known if row["budget"] == budget), key=lambda row: float(row["mAP_mean"]))
        begin = f"With a budget of {budget:,} questions the highest mean mAP is that of {_method(best)}: {_map(best)}"
        strongest = max(base, key=lambda row: float(row["mAP_mean"]), default=None)
        gain = None if strongest is None else _gain(tables.differences, arm_of(best), arm_of(strongest))
        if gain is not None:
            points, place = abs(100 * gain["mean"]), "above" if gain["mean"] > 0 else "below"
            begin += (
                f", {points:.1f} {place} the strongest base without questions ({gain['against']}) on the same seeds"
            )
        said.append(f"{begin}.")
    upper = [f"With true labels (the upper bound): {_map(row)}." for row in known if row["strategy"] == "supervised"]
    return [*said, *upper]


def spread(mean: float, sd: float, decimals: int, factor: float = 1) -> str:
    """Write a mean and its standard deviation: ``43.6 ± 1.2``; without the latter for one seed.

    Examples
    --------
    >>> spread(0.436, 0.012, 1, 100), spread(0.5, float("nan"), 3), spread(float("nan"), 0, 1)
    ('43.6 ± 1.2', '.500', '–')
    """
    if not math.isfinite(mean):
        return MISSING
    counted = decimals == 0 and sd == 0  # the same number in every run
    numbers = [mean] if counted or not math.isfinite(sd) else [mean, sd]
    written = [f"{factor * number:,.{decimals}f}".replace("-", "−") for number in numbers]
    return " ± ".join(
        number.replace("0.", ".", 1) if number.lstrip("−").startswith("0.") and decimals > 2 else number
        for number in written
    )


def _inline(figure: Figure) -> str:
    file = io.BytesIO()
    with rc_context({"svg.hashsalt": "whosame"}):  # the same picture, the same bytes
        figure.savefig(file, format="svg", metadata={"Date": None})
    return f"data:image/svg+xml;base64,{base64.b64encode(file.getvalue()).decode()}"


def _gain(differences: pd.DataFrame, arm: Arm, reference: Arm) -> dict[str, Any] | None:
    """Return the difference in mAP of an arm to another over their common seeds; None where they have none."""
    found = (
        row
        for row in records(differences)
        if (arm_of(row), row["against"], row["figure"]) == (arm, reference.method, "mAP")
    )
    return next(found, None)


def _method(row: Mapping[str, Any]) -> str:
    return arm_of(row).method


def _map(row: Mapping[str, Any]) -> str:
    return f"mAP {spread(row['mAP_mean'], row['mAP_sd'], 1, 100)} % (n = {int(row['mAP_n'])})"


def _sections(arms: pd.DataFrame) -> list[tuple[str, list[list[str]]]]:
    """Return the table by budget: for each budget its title and rows; who never asks stands first."""
    sections: dict[int, list[list[str]]] = {}
    for row in sorted(records(arms), key=lambda row: int(row["budget"])):
        cells = [
            spread(row[f"{figure}_mean"], row[f"{figure}_sd"], decimals, factor)
            for _, figure, factor, decimals in COLUMNS
        ]
        sections.setdefault(row["budget"], []).append([_method(row), str(row["asked_n"]), *cells])
    return [
        (f"Budget of {budget:,} questions" if budget else "No questions", rows) for budget, rows in sections.items()
    ]


def _gains(table: pd.DataFrame) -> list[list[str]]:
    found: dict[tuple[Arm, str], dict[str, dict[str, Any]]] = {}
    for row in records(table):
        found.setdefault((arm_of(row), row["against"]), {})[row["figure"]] = row
    rows = []
    for (arm, against), figures in found.items():
        cells = []
        for figure, _, factor, decimals in GAINS:
            gain = figures.get(figure, {"mean": math.nan, "sd": math.nan})
            cells.append(("+" if gain["mean"] > 0 else "") + spread(gain["mean"], gain["sd"], decimals, factor))
        seeds = max(gain["n"] for gain in figures.values())
        rows.append([arm.method, _budget(arm.budget), against, str(seeds), *cells])
    return rows


def _questions(questions: pd.DataFrame) -> list[list[str]]:
    rows = []
    for row in records(questions):
        if not row["asked"]:
            continue
        cells = [row["kind"], spread(row["asked"], math.nan, 0), spread(row["same_share"], math.nan, 1, 100)]
        if row["kind"] == "all":
            cells += [spread(row["changed_share"], math.nan, 1, 100), spread(row["free"], math.nan, 0)]
            cells += [spread(row["conflicts"], math.nan, 1)]
        rows.append([_method(row), _budget(row["budget"]), *cells, *[""] * (6 - len(cells))])
    return rows


def _times(arms: pd.DataFrame) -> list[list[str]]:
    return [
        [
            _method(row),
            _budget(row["budget"]),
            spread(row["seconds_mean"], row["seconds_sd"], 0),
            spread(row["hours_mean"], row["hours_sd"], 2),
        ]
        for row in records(arms)
    ]


def _of_asking(comparison: Comparison, begin: str, end: str) -> list[str]:
    """Return the values that runs which ask have for the parameters with such names."""
    asking = [history for arm, found in comparison.arms.items() if arm.budget for history in found]
    settings = [item for history in asking for item in history.settings.items()]
    return sorted({value for name, value in settings if name.startswith(begin) and name.endswith(end)})


def _budget(budget: int) -> str:
    return f"{budget:,}" if budget else MISSING


def _published() -> dict[str, list[list[str]]]:
    tables: dict[str, list[list[str]]] = {}
    for row in records(published_results()):
        asked = row["budget"] or (f"{row['cost_percent']} %" if row["cost_percent"] else MISSING)
        figures = [row[name] or MISSING for name in ("mAP", "rank1", "rank5", "rank10")]
        cells = [row["method"], row["family"], row["dataset"], asked, *figures]
        tables.setdefault(row["source"], []).append(cells)
    return tables

"""Report of a comparison: one self-contained HTML file, its tables as CSV and its figures as PNG."""

import base64
import io
from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib import rc_context
from matplotlib.figure import Figure

from whosame.atomic import writing
from whosame.comparison.arms import Comparison
from whosame.comparison.published import SOURCES
from whosame.comparison.report_rows import (
    COLUMNS,
    GAINS,
    difference_rows,
    findings,
    published_rows,
    question_rows,
    rows_by_budget,
    time_rows,
)
from whosame.comparison.tables import Tables

MODES = {
    "selection": "Selection: every run has the same images, clustering, loss and schedule; only the questions differ.",
    "native": "Native: each method has its own pooling, clustering, loss, schedule and budget, as its authors have it. "
    "What its questions are worth shows against its own base without questions (none, its floor) and with true labels "
    "(supervised, its ceiling). Differences between methods are those of whole methods.",
    "found": "Found: these runs were not planned as one comparison. What else differs between them is listed below.",
}


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
        precisions=sorted({history.configuration.get("precision", "not noted") for history in comparison.histories}),
        code=sorted({history.code for history in comparison.histories}),
        annotators=_of_asking(comparison, "annotator", "annotator"),
        seeds=comparison.seeds,
        budgets=comparison.budgets,
        methods=list(dict.fromkeys(arm.method for arm in comparison.arms)),
        notes=comparison.notes,
        excluded=[[found.run, found.why] for found in comparison.excluded],
        differing=[
            [name, value, "; ".join(methods)]
            for name, found in comparison.differing().items()
            for value, methods in found.items()
        ],
        findings=findings(tables),
        columns=[title for title, *_ in COLUMNS],
        sections=rows_by_budget(tables.arms),
        gains=difference_rows(tables.differences),
        gain_titles=[title for _, title, *_ in GAINS],
        questions=question_rows(tables.questions),
        times=time_rows(tables.arms),
        pictures=pictures,
        published=published_rows(),
        sources=SOURCES,
    )


def _inline(figure: Figure) -> str:
    file = io.BytesIO()
    with rc_context({"svg.hashsalt": "whosame"}):  # the same picture, the same bytes
        figure.savefig(file, format="svg", metadata={"Date": None})
    return f"data:image/svg+xml;base64,{base64.b64encode(file.getvalue()).decode()}"


def _of_asking(comparison: Comparison, begin: str, end: str) -> list[str]:
    """Return the values that runs which ask have for the parameters with such names."""
    asking = [history for arm, found in comparison.arms.items() if arm.budget for history in found]
    settings = [item for history in asking for item in history.settings.items()]
    return sorted({value for name, value in settings if name.startswith(begin) and name.endswith(end)})

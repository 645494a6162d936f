"""The report as a page: one self-contained file, with the nearest pairs and the first questions as pictures."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from numpy.typing import NDArray

from whosame.atomic import writing
from whosame.data.decoding import in_threads
from whosame.inspection.candidates import CandidateEstimate
from whosame.inspection.findings import Findings
from whosame.inspection.histogram import histogram_svg
from whosame.inspection.report_text import entries
from whosame.inspection.verdict import Verdict
from whosame.naming.contact_sheets import IN_WORK, thumbnail
from whosame.operating_system import usable_cores
from whosame.progress import track

COLOURS = {"worth asking": "good", "not worth asking": "bad"}
LISTED = 200  # paths of a list on the page

Pair = tuple[str, str, float]


def write_page(findings: Findings, verdict: Verdict, command: str, out: Path) -> None:
    """Write the page.

    Parameters
    ----------
    findings : Findings
    verdict : Verdict
    command : str
        What to type next.
    out : Path
        What is there is replaced.
    """
    sheets = list(_sheets(findings))
    paths = sorted({path for _, _, pairs in sheets for one, other, _ in pairs for path in (one, other)})
    side = findings.config.look.thumbnail
    with ThreadPoolExecutor(usable_cores()) as pool:
        made = in_threads(lambda path: thumbnail(findings.root / path, side), paths, pool, IN_WORK)
        pictures = dict(zip(paths, track(made, "pictures", len(paths)), strict=True))
    environment = Environment(
        loader=PackageLoader("whosame.inspection", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    found = findings.network.candidates if findings.network else None
    page = environment.get_template("look.html.j2").render(
        title=f"A look at {findings.root.name}",
        verdict=verdict,
        colour=COLOURS.get(verdict.kind, "doubt"),
        command=command,
        entries=_grouped(findings),
        histogram=_histogram(found) if found else "",
        sheets=sheets,
        pictures=pictures,
        lists=list(_lists(findings)),
    )
    with writing(out) as file:
        file.write(page.encode())


def _grouped(findings: Findings) -> list[tuple[str, list[str]]]:
    """Return the entries with those that continue one in its lines."""
    grouped: list[tuple[str, list[str]]] = []
    for title, text in entries(findings):
        if title:
            grouped.append((title, [text]))
        else:
            grouped[-1][1].append(text)
    return grouped


def _histogram(found: CandidateEstimate) -> Markup:
    series = [("chance", found.chance), ("crops", found.crops), ("nearest", found.nearest)]
    return Markup(histogram_svg(series))  # noqa: S704 - numbers only


def _sheets(findings: Findings) -> Iterator[tuple[str, str, list[Pair]]]:
    network = findings.network
    if network is None or network.candidates is None:
        return
    found, paths = network.candidates, network.sampled
    nearest = found.pairs(findings.config.look.pairs)
    if len(nearest):
        yield (
            "Nearest pairs",
            (
                "From the nearest to the farthest. How many show the same individual? If it is few, people will mostly "
                "answer different."
            ),
            _pairs(nearest, found.nearest[nearest[:, 0]], paths),
        )
    if len(found.questions):
        yield (
            "First questions",
            f"What {found.strategy} would ask first about this sample: clear pairs are clustered without a question.",
            _pairs(found.questions, found.asked, paths),
        )


def _pairs(rows: NDArray[np.int64], cosines: NDArray[np.float32], paths: Sequence[str]) -> list[Pair]:
    return [
        (paths[one], paths[other], float(cosine)) for (one, other), cosine in zip(rows.tolist(), cosines, strict=True)
    ]


def _lists(findings: Findings) -> Iterator[tuple[str, list[str]]]:
    damaged = [f"{path}: {reason}" for path, reason in sorted(findings.damaged.items())]
    copies = [" = ".join(group) for group in findings.copies.groups]
    for heading, lines in (
        ("Files that cannot be used", damaged),
        ("Images that are too large", sorted(findings.oversized)),
        ("Copies", copies),
    ):
        if lines:
            more = [f"… and {len(lines) - LISTED:,} more"] if len(lines) > LISTED else []
            yield heading, [*lines[:LISTED], *more]

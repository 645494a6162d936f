"""The report in the terminal: what was found, line by line, then the verdict and the next command."""

import textwrap
from collections.abc import Iterator, Sequence

import numpy as np

from whosame.atomic import GIB
from whosame.inspection.candidates import CandidateEstimate
from whosame.inspection.findings import Findings, NetworkFindings
from whosame.inspection.first_questions import FIRST
from whosame.inspection.path_pattern import EXAMPLES
from whosame.inspection.verdict import Verdict

MARGIN = 12  # characters before a line's text
WIDTH = 120
SECONDS = 4  # of an answer, for the time that people take


def report_text(findings: Findings, verdict: Verdict, command: str, page: str) -> str:
    """Return the report, at most about 60 lines.

    Parameters
    ----------
    findings : Findings
    verdict : Verdict
    command : str
        What to type next.
    page : str
        Where the page is.
    """
    lines = [_line(title, text) for title, text in entries(findings)]
    lines.append("")
    kind = verdict.kind.upper()
    if not verdict.reasons:
        lines.append(_line("Verdict", kind))
    for number, reason in enumerate(verdict.reasons):
        text = f"{kind}: {reason.text}" if number == 0 else f"and: {reason.text}"
        lines.append(_line("" if number else "Verdict", text + "." * (text[-1] not in ".?")))
        if reason.advice:
            lines.append(_line("", f"→ {reason.advice}"))
    lines += [_line("Next", command, whole=True), _line("Page", page, whole=True)]
    return "\n".join(lines)


def entries(findings: Findings) -> Iterator[tuple[str, str]]:
    """Yield title and text of everything but the verdict; an empty title continues the entry above."""
    scan, headers = findings.scan, findings.headers
    yield "Folder", f"{scan.root}: {counted(scan.images, 'image')}, {size(scan.size)}"
    yield from _shapes(findings)
    yield "Copies", _copies(findings)
    yield from _damaged(findings)
    yield from _names(findings)
    for note in findings.reading.notes:
        yield "", note
    if findings.network is not None:
        yield from _network(findings, findings.network)
    looked = len(headers.files) + len(headers.damaged)
    if looked < scan.images:
        yield "Looked at", f"all names; the headers of {looked:,} files, drawn with seed={findings.config.seed}"


def _shapes(findings: Findings) -> Iterator[tuple[str, str]]:
    headers = findings.headers
    if not headers.files:
        return
    heights, widths, ratios = headers.heights, headers.widths, headers.ratios
    largest = f"the largest has {headers.megapixels.max():.2g} megapixels"
    ranges = f"heights {heights.min()} to {heights.max()}, widths {widths.min()} to {widths.max()}, {largest}"
    yield "Sizes", f"{np.median(heights):.0f} × {np.median(widths):.0f} pixels (median height × width); {ranges}"
    upright, lying = int((ratios > 1.2).sum()), int((ratios < 1 / 1.2).sum())
    counts = f"{upright:,} upright, {lying:,} lying, {len(ratios) - upright - lying:,} about square"
    yield "", f"{counts}; height / width {np.median(ratios):.2f} (median), {ratios.min():.2f} to {ratios.max():.2f}"
    if findings.oversized:
        yield "", f"larger than max_megapixels={findings.config.max_megapixels:g}: {_listed(findings.oversized)}"


def _copies(findings: Findings) -> str:
    copies = findings.copies
    of = "" if copies.compared == findings.scan.images else f" of {findings.scan.images:,}"
    compared = f"({copies.compared:,}{of} files compared)"
    if not copies.groups:
        return f"no two files have the same bytes {compared}"
    example = " = ".join(copies.groups[0][:3])
    return f"{counted(copies.spare, 'file')} that are copies of another, such as {example} {compared}"


def _damaged(findings: Findings) -> Iterator[tuple[str, str]]:
    damaged = findings.damaged
    if not damaged:
        return
    named = [f"{path}: {reason}" for path, reason in list(damaged.items())[:EXAMPLES]]
    yield "Damaged", f"{counted(len(damaged), 'file')} that cannot be used:"
    for line in named:
        yield "", f"  {line}"
    if len(damaged) > EXAMPLES:
        yield "", f"  … and {len(damaged) - EXAMPLES:,} more: the page lists them"


def _names(findings: Findings) -> Iterator[tuple[str, str]]:
    reading, run = findings.scan.reading, findings.reading
    if reading is not None:
        values = [
            f"{name}: {'more than ' * its.limited}{its.distinct:,} in {its.known:,} of {reading.paths:,} images"
            if its.known
            else f"{name}: none"
            for name, its in reading.groups.items()
        ]
        yield "Names", f"folder.pattern matches {reading.matched:,} of {reading.paths:,} paths. " + "; ".join(values)
        read = [
            (path, ", ".join(f"{name} {value}" for name, value in groups.items() if value is not None))
            for path, groups in reading.examples
        ]
        if not any(known for _, known in read):
            yield "", f"  nothing is read from names such as {', '.join(path for path, _ in read)}"
        else:
            yield from (("", f"  {path} → {known or 'nothing'}") for path, known in read)
        if reading.unmatched:
            yield "", f"  not matched: {_listed(reading.unmatched, reading.paths - reading.matched)}"
    else:
        yield (
            "Names",
            f"layout {findings.config.layout}: {counted(run.identities, 'identity')}, {counted(run.cameras, 'camera')}",
        )
    if run.splits:
        words = {"train": "for training", "query": "queries", "gallery": "in the gallery"}
        parts = ", ".join(f"{count:,} {words[split]}" for split, count in run.splits.items() if count)
        known = f"{run.with_identity:,} images of known identity"
        yield "", f"{parts}; {known if run.with_identity else 'no identity is known: people answer'}"


def _network(findings: Findings, network: NetworkFindings) -> Iterator[tuple[str, str]]:
    config = findings.config
    height, width = network.size
    how = "with bars beside them" if config.pixels.fit == "letterbox" else "stretched"
    what = f"{config.network.architecture}, weights {config.network.weights}"
    yield "Network", f"{what}, on images of {height} × {width} pixels, {how}"
    if network.candidates is not None:
        yield from _candidates(network.candidates, len(network.sampled))
    yield from _costs(findings, network)


def _candidates(found: CandidateEstimate, sampled: int) -> Iterator[tuple[str, str]]:
    chance, crops, random = (np.median(each) for each in (found.chance, found.crops, found.random))
    nearest = f"cosine of the nearest other of {sampled:,} images {np.median(found.nearest):.2f} (median)"
    others = f"by chance {chance:.2f}, of two crops of one image {crops:.2f}, of random pairs {abs(random):.2f}"
    yield "Candidates", f"{nearest}; {others}"
    matched = 0 if found.lost else found.matched
    kept = f"{found.stable:.0%} of crops keep a neighbour of their image"
    yield "", f"{kept}; the nearest other image shows the same individual in about {matched:.0%}"
    about, low, high = found.same
    few = len(found.questions)
    asked = f"; there are only {counted(few, 'question')} about the sample" if few < FIRST else ""
    expected = f'about {about} of the first {FIRST} questions of {found.strategy} have the answer "same"'
    yield "Questions", f"{expected} ({low} to {high}){asked}"


def _costs(findings: Findings, network: NetworkFindings) -> Iterator[tuple[str, str]]:
    speed, takes, disk, config = network.speed, network.duration, network.disk, findings.config
    reading, computing = 1000 * (speed.inspecting + speed.decoding), 1000 * (speed.frozen + speed.rest)
    image = f"an image: {reading:.1f} ms to read, {computing:.1f} ms in the network ({speed.device})"
    run = f"{time(takes.total)} for {takes.rounds} rounds, {time(takes.before)} before the first question"
    yield "Time", f"{image}; a round: {time(takes.round)}; the run: {run}"
    if config.budget:
        hours = time(config.budget * SECONDS)
        yield "", f"people: {hours} for {config.budget:,} answers, at {SECONDS} s each"
    parts = {"pixels": disk.pixels, "maps": disk.maps, f"{disk.rounds} rounds": disk.round * disk.rounds}
    named = ", ".join(f"{name} {size(part)}" for name, part in parts.items() if part)
    yield "Disk", f"{size(disk.total)} ({named}); {size(disk.free)} are free"


def counted(count: int, noun: str) -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> counted(1, "image"), counted(2000, "image"), counted(2, "identity")
    ('1 image', '2,000 images', '2 identities')
    """
    plural = noun[:-1] + "ies" if noun.endswith("ty") else noun + "s"
    return f"{count:,} {noun if count == 1 else plural}"


def size(count: int) -> str:
    """Return a number of bytes in words.

    Examples
    --------
    >>> size(512), size(30 * 2**20), size(3 * 2**30)
    ('1 KiB', '30 MiB', '3.0 GiB')
    """
    if count >= GIB:
        return f"{count / GIB:.1f} GiB"
    return f"{count / 2**20:.0f} MiB" if count >= 2**20 else f"{max(count / 1024, 1):.0f} KiB"


def time(seconds: float) -> str:
    """Return a duration in words.

    Examples
    --------
    >>> time(0.4), time(50), time(400), time(9000)
    ('1 s', '50 s', '7 min', '2.5 hours')
    """
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} hours"


def _listed(paths: Sequence[str], count: int | None = None) -> str:
    shown, count = paths[:EXAMPLES], len(paths) if count is None else count
    more = f" and {count - len(shown):,} more" if count > len(shown) else ""
    return ", ".join(shown) + more


def _line(title: str, text: str, *, whole: bool = False) -> str:
    head = title.ljust(MARGIN)
    if whole:
        return head + text
    indent = " " * (MARGIN + (2 if text.startswith(("  ", "→")) else 0))
    return textwrap.fill(
        text, WIDTH, initial_indent=head, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )

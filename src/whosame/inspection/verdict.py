"""The verdict: is it worth asking people about this folder, what should be changed first, what is typed next."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from whosame.inspection.findings import Findings
from whosame.inspection.path_pattern import FEW

Kind = Literal["worth asking", "worth asking, but", "not worth asking", "cannot be judged yet"]

LEAST = 20  # images: fewer are compared by eye in the time that this takes
TOO_FEW = 0.4  # share of images matched below which answers bring nothing
LITTLE = 5  # questions about the sample, of which fewer are hardly a round
FEW_SAME = 0.5  # … below which they bring little
BAD_SHARE = 0.05  # copies or damaged files of more than this are worth a word
MIXED = 0.1  # share of portraits and of panoramas from which they are mixed
SQUEEZED = 1.5  # factor of the aspect ratio from which a stretched image is distorted
LONG = 12 * 3600  # seconds of computing
SMALL = 32  # pixels of the shorter side that hold little


@dataclass(frozen=True)
class Reason:
    """Something that a user should know: what it is, what to do, and the parameters that do it."""

    text: str
    advice: str = ""
    stops: bool = False
    parameters: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Verdict:
    """The verdict.

    Attributes
    ----------
    kind : str
    reasons : list of Reason
        The most important first.
    """

    kind: Kind
    reasons: list[Reason]


def judge(findings: Findings) -> Verdict:
    """Return the verdict on a folder."""
    hopeless = [reason for check in HOPELESS for reason in check(findings)]
    if hopeless:
        return Verdict("not worth asking", [*hopeless, *_buts(findings)])
    buts = _buts(findings)
    network = findings.network
    if network is None or network.candidates is None:
        return Verdict("cannot be judged yet", [_untrained(findings), *buts])
    found = network.candidates
    good = Reason(
        f"the nearest other image shows the same individual in about {found.matched:.0%}, by chance in none",
        "look at the nearest pairs on the page: if most of them are wrong, this estimate is",
    )
    return Verdict("worth asking, but", buts) if buts else Verdict("worth asking", [good])


def _buts(findings: Findings) -> list[Reason]:
    return [reason for check in BUTS for reason in check(findings)]


def _untrained(findings: Findings) -> Reason:
    if findings.config.features is not None:
        return Reason(
            "features that were computed elsewhere are not tried here",
            "begin: after the first 20 answers a run says whether they find candidates",
        )
    weights = findings.config.network.weights
    return Reason(
        f"network.weights={weights}: this network knows nothing yet. Whether it finds candidates shows after the first "
        "round, and on photographs it rarely does",
        "take a pretrained network: kedro look --env=photos",
    )


def _too_few_images(findings: Findings) -> Iterator[Reason]:
    usable = findings.scan.images - len(findings.damaged) - len(findings.oversized)
    if usable < LEAST:
        yield Reason(
            f"{usable} images can be used: compare them by eye",
            f"{LEAST} is the least; groups pay from some hundreds on",
        )


def _no_candidates(findings: Findings) -> Iterator[Reason]:
    found = findings.network and findings.network.candidates
    if found and (found.lost or found.matched < TOO_FEW):
        yield Reason(
            f"these features find no candidates: {found.why}",
            "look at the nearest pairs on the page. If they show different individuals, take weights for this kind of "
            "image (docs/weights.md), larger pixels, or crops that show what tells individuals apart",
        )


def _pattern(findings: Findings) -> Iterator[Reason]:
    reading, folder = findings.scan.reading, findings.config.folder
    if reading is None or reading.matched == reading.paths:
        return
    unmatched = reading.paths - reading.matched
    share = reading.matched / reading.paths
    said = f"folder.pattern matches {reading.matched:,} of {reading.paths:,} paths"
    if folder.unmatched == "skip":
        if share < FEW:
            yield Reason(f"{said}; the others are left out (folder.unmatched=skip)", "change folder.pattern")
    else:
        yield Reason(
            said + (": it is hardly the rule of this folder" if share < FEW else ""),
            f"change folder.pattern (docs/data.md), or leave {unmatched:,} out with folder.unmatched=skip",
            stops=True,
            parameters=None if share < FEW else {"folder": {"unmatched": "skip"}},
        )


def _partly_known(findings: Findings) -> Iterator[Reason]:
    known, images = findings.reading.with_identity, sum(findings.reading.splits.values())
    if 0 < known < images and findings.config.annotator == "auto":
        yield Reason(
            f"an identity is known of {known:,} of {images:,} images: the oracle cannot answer about the others",
            "people answer with annotator=human",
            stops=True,
            parameters={"annotator": "human"},
        )


def _reader_error(findings: Findings) -> Iterator[Reason]:
    reading = findings.scan.reading
    if findings.reading.error and (reading is None or reading.matched == reading.paths):
        yield Reason(f"kedro rounds stops: {findings.reading.error}", stops=True)


def _damaged(findings: Findings) -> Iterator[Reason]:
    if findings.damaged and findings.config.unreadable == "error":
        count = len(findings.damaged)
        yield Reason(
            f"{count:,} file{'s' * (count != 1)} cannot be used",
            "replace them, or leave them out with unreadable=skip",
            stops=True,
            parameters={"unreadable": "skip"},
        )


def _oversized(findings: Findings) -> Iterator[Reason]:
    if findings.oversized:
        largest = float(findings.headers.megapixels.max())
        count = len(findings.oversized)
        yield Reason(
            f"{count:,} image{'s' * (count != 1)} of more than max_megapixels={findings.config.max_megapixels:g}, the "
            f"largest of {largest:.0f}: whole photographs, not crops?",
            "cut the individuals out, or raise the limit",
            stops=True,
            parameters={"max_megapixels": float(np.ceil(largest))},
        )


def _distorted(findings: Findings) -> Iterator[Reason]:
    pixels, ratios = findings.config.pixels, findings.headers.ratios
    if pixels.fit == "letterbox" or not len(ratios) or findings.network is None:
        return
    height, width = findings.network.size
    median = float(np.median(ratios))
    factor = max(median / (height / width), (height / width) / median)
    fitted = {"pixels": {"fit": "letterbox", "height": None, "width": None}}
    advice = "pixels.fit=letterbox,pixels.height=null,pixels.width=null keeps their shape"
    if factor > SQUEEZED:
        yield Reason(
            f"images of {median:.2f} (height / width) are stretched to {height} × {width}", advice, parameters=fitted
        )
    elif min((ratios > 1.2).mean(), (ratios < 1 / 1.2).mean()) > MIXED:
        yield Reason("portraits and panoramas are stretched to one shape", advice, parameters=fitted)


def _copies(findings: Findings) -> Iterator[Reason]:
    spare = findings.copies.spare
    if spare > BAD_SHARE * max(findings.copies.compared, 1):
        yield Reason(f"{spare:,} files are copies of another", "remove them: each is clustered and trained on again")


def _small(findings: Findings) -> Iterator[Reason]:
    headers = findings.headers
    shorter = np.minimum(headers.heights, headers.widths)
    if len(shorter) and np.median(shorter) < SMALL:
        yield Reason(f"the images are small: {np.median(shorter):.0f} pixels", "look whether you can tell them apart")


def _few_same(findings: Findings) -> Iterator[Reason]:
    found = findings.network and findings.network.candidates
    if found and not found.lost and TOO_FEW <= found.matched < FEW_SAME:
        yield Reason(
            f"few candidates: {found.why}",
            "look at the nearest pairs on the page before you ask; better weights (docs/weights.md) are worth more "
            "than the first hour of answers",
        )


def _little_to_ask(findings: Findings) -> Iterator[Reason]:
    found = findings.network and findings.network.candidates
    if found and not found.lost and len(found.questions) < LITTLE:
        yield Reason(
            f"there is little to ask: {found.strategy} has {len(found.questions)} questions about the sample",
            "look at what clusters give without any answer: budget=0, then kedro identities",
        )


def _lonely_cameras(findings: Findings) -> Iterator[Reason]:
    reading = findings.scan.reading
    if reading is None or not reading.lonely_cameras or reading.groups["camera"].distinct < 2:
        return
    lonely = reading.lonely_cameras
    named = ", ".join(list(lonely)[:5]) + (", …" if len(lonely) > 5 else "")
    yield Reason(
        f"{len(lonely)} camera{'s' * (len(lonely) != 1)} see{'s' * (len(lonely) == 1)} one individual only ({named}): "
        "to centre features by camera then removes what tells it apart",
        "use_cameras=false, if that is so for most of them",
    )


def _time(findings: Findings) -> Iterator[Reason]:
    network = findings.network
    if network and network.duration.total > LONG:
        yield Reason(
            f"the run computes for {network.duration.total / 3600:.0f} hours on this machine",
            "fewer pixels (pixels.area), a smaller network, network.frozen_stages, or a GPU",
        )


def _disk(findings: Findings) -> Iterator[Reason]:
    network = findings.network
    if network and not network.disk.enough:
        yield Reason(
            f"the run needs {network.disk.total / 2**30:.1f} GiB, {network.disk.free / 2**30:.1f} GiB are free",
            "free some, or lower training.cached_versions, pixels.area or pixels.disk_budget_gib",
            stops=True,
        )


HOPELESS: list[Callable[[Findings], Iterator[Reason]]] = [_too_few_images, _no_candidates]
BUTS: list[Callable[[Findings], Iterator[Reason]]] = [  # what stops a run comes first
    *(_pattern, _reader_error, _partly_known, _damaged, _oversized, _disk, _distorted),
    *(_few_same, _little_to_ask, _lonely_cameras, _copies, _small, _time),
]

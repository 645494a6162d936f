"""Reader of any folder of crops: regular expressions on the relative path give identity, camera and split."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Self

from pydantic import NonNegativeInt, ValidationInfo, field_validator, model_validator

from whosame.data.readers.base import (
    NO_PERSON,
    FoundImage,
    ImageFile,
    ReaderResult,
    number_cameras,
    number_identities,
    scan,
)
from whosame.data.readers.splits import draw_queries, split_by_identity
from whosame.errors import InputError, format_problems, unknown_name
from whosame.identities import DISTRACTOR
from whosame.names import composed
from whosame.parameters import Parameters, parameter

GROUPS = ("identity", "camera", "split", "group", "view")
SPLIT_NAMES = {
    **dict.fromkeys(("train", "training", "bounding_box_train"), "train"),
    **dict.fromkeys(("query", "queries", "probe"), "query"),
    **dict.fromkeys(("gallery", "test", "testing", "bounding_box_test"), "gallery"),
}
# Names as in Market-1501, and with its distractors; of files with other names neither identity nor camera is known
ANY_NAME = r"(?:^|/)(?:(?P<identity>-1|\d+)_c(?P<camera>\d+))?[^/]*$"
NUMBER_BEGUN = re.compile(r"(?:\d|(?:^|/)-)$")  # before a part of a number


class FolderReader(Parameters):
    """Reader of one folder with anything below it; see docs/data.md for worked examples.

    The split comes from the first of these that applies: the expressions ``train``, ``query``, ``gallery`` (matched
    against the path; what none matches goes to ``train`` if that is null, else to ``gallery`` if that is null, else it
    is left out); the group ``split`` of ``pattern`` (``SPLIT_NAMES``; an image without one is for training); or whole
    identities are drawn for the test set. If there is then a gallery but no query, queries are drawn from it.
    """

    pattern: str = parameter(ANY_NAME, takes=f"a regular expression with the groups {', '.join(GROUPS)}, or some")
    """Searched in an image's relative path; each of its groups is optional. The identity -1 is junk. Names as in
    Market-1501, which are read without a pattern, have distractors of identity 0; with a pattern 0 is a person. Images
    of one group, a burst or track, show one individual; views are the sides of it that are seen."""
    train: str | None = parameter(None, takes="a regular expression, or null")
    """A path in which it is found is a training image."""
    query: str | None = parameter(None, takes="a regular expression, or null")
    """A path in which it is found is a query."""
    gallery: str | None = parameter(None, takes="a regular expression, or null")
    """A path in which it is found is in the gallery."""
    test_fraction: float = parameter(0.25, ge=0, lt=1)
    """Share of the identities that are held out for the test where nothing names a split."""
    seed: NonNegativeInt = 0
    """Of the draw of the identities that are held out, and of the queries."""
    unmatched: Literal["error", "skip"] = "error"
    """Files whose path the pattern does not match: an error, or left out and counted."""

    @field_validator("pattern", "train", "query", "gallery")
    @classmethod
    def _compiles(cls, text: str | None, info: ValidationInfo) -> str | None:
        try:
            groups = re.compile(text or "").groupindex
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from error
        if info.field_name == "pattern" and (odd := set(groups) - set(GROUPS)):
            raise ValueError(f"has an {unknown_name('group', min(odd), GROUPS)}")
        return composed(text) if text else text

    @model_validator(mode="after")
    def _one_way_of_splitting(self) -> Self:
        if self._expressions() and "split" in re.compile(self.pattern).groupindex:
            raise ValueError("the pattern names a split, and so do train/query/gallery: take one way")
        return self

    @property
    def draws_split(self) -> bool:
        """Whether the split is drawn by identities: neither expressions nor the pattern name one."""
        return not self._expressions() and "split" not in re.compile(self.pattern).groupindex

    def read(self, root: Path) -> ReaderResult:
        """List the images; see :class:`~whosame.data.readers.base.Reader`."""
        rule = re.compile(self.pattern)
        files, fields, wrong = [], [], []
        cut: list[str] = []
        for file in scan(root):
            if match := rule.search(composed(file.path)):
                cut += _cut_numbers(file, match)
                files.append(file)
                fields.append({name: value or None for name, value in match.groupdict().items()})
            else:
                wrong.append(file.path)
        if wrong and self.unmatched == "error":
            advice = "Change folder.pattern, or leave them out with folder.unmatched=skip."
            raise InputError(
                format_problems(f"{len(wrong)} paths do not match folder.pattern {self.pattern!r}", wrong, advice)
            )
        _refuse_cut(cut)
        notes = [f"{len(wrong):,} files that do not match folder.pattern are left out"] if wrong else []

        people = [each.get("identity") for each in fields]
        special = dict(NO_PERSON)
        if self.pattern == ANY_NAME:
            special |= {name: DISTRACTOR for name in people if name and not name.strip("0")}
        if self._expressions() or "split" in rule.groupindex:
            splits = self._by_expression(files) if self._expressions() else _by_group(files, fields)
            held_out = False
        else:
            splits = split_by_identity(people, self.test_fraction, self.seed, special=special)
            held_out = "gallery" in splits
        left_out = splits.count("")
        if left_out:
            notes.append(f"{left_out:,} images that none of folder.train, query, gallery finds are left out")
        kept = (name for name, split in zip(people, splits, strict=True) if split)
        people_numbers = number_identities(kept, special)
        places = [each.get("camera") for each in fields]
        place_numbers = number_cameras(places)
        bursts = [each.get("group") for each in fields]
        burst_numbers = {name: number for number, name in enumerate(sorted({name for name in bursts if name}))}
        images = [
            FoundImage(
                file,
                split,
                place_numbers[place] if place else -1,
                people_numbers[person] if person else None,
                name=person or "",
                encounter=burst_numbers[burst] if burst else -1,
                view=each.get("view") or "",
            )
            for file, split, place, person, burst, each in zip(
                files, splits, places, people, bursts, fields, strict=True
            )
            if split
        ]
        images, drawn = draw_queries(images, self.seed)
        if drawn:
            where = f"{self.test_fraction:.0%} of the identities held out" if held_out else "the gallery"
            notes.append(f"{drawn:,} queries drawn from {where} (one a person and camera, folder.seed={self.seed})")
        return ReaderResult(images, notes)

    def _expressions(self) -> dict[str, str]:
        named = {"train": self.train, "query": self.query, "gallery": self.gallery}
        return {split: text for split, text in named.items() if text}

    def _by_expression(self, files: Sequence[ImageFile]) -> list[str]:
        """Return the split of each file, ``""`` for those that no expression matches."""
        rules = {split: re.compile(text) for split, text in self._expressions().items()}
        rest = next((split for split in ("train", "gallery") if split not in rules), "")
        found = [{split: rule.search(composed(file.path)) for split, rule in rules.items()} for file in files]
        _refuse_cut([line for file, matches in zip(files, found, strict=True) for line in _cut_ends(file, matches)])
        wanted = [[split for split, match in matches.items() if match] for matches in found]
        pairs = zip(files, wanted, strict=True)
        several = [f"{file.path}: {' and '.join(splits)}" for file, splits in pairs if len(splits) > 1]
        if several:
            advice = "Change folder.train, folder.query or folder.gallery so that an image is in one of them."
            raise InputError(format_problems(f"{len(several)} images are in several splits", several, advice))
        return [splits[0] if splits else rest for splits in wanted]


def _cut_numbers(file: ImageFile, match: re.Match[str]) -> list[str]:
    """Return the identity and the camera of a match if it begins or ends with them, inside a number."""
    before, after, wrong = match.string[: match.start()], match.string[match.end() :], []
    for name in sorted({"identity", "camera"} & match.groupdict().keys()):
        value, span = match[name] or "", match.span(name)
        begun = span[0] == match.start() and value[:1].isdecimal() and NUMBER_BEGUN.search(before)
        goes_on = span[1] == match.end() and value[-1:].isdecimal() and after[:1].isdecimal()
        if begun or goes_on:
            wrong.append(f"{file.path}: {name} {value}")
    return wrong


def _cut_ends(file: ImageFile, matches: Mapping[str, re.Match[str] | None]) -> list[str]:
    """Return the splits whose expression ends inside a number: cam1 is found in cam12."""
    return [
        f"{file.path}: {split} {match[0]}"
        for split, match in matches.items()
        if match and match[0][-1:].isdecimal() and match.string[match.end() :][:1].isdecimal()
    ]


def _refuse_cut(cut: Sequence[str]) -> None:
    if cut:
        advice = (
            "Match whole numbers, as \\d+ does. Where a part is meant, match the other digits too: 2\\d* instead of 2."
        )
        title = f"{len(cut)} times an expression of the layout folder takes a part of a number"
        raise InputError(format_problems(title, cut, advice))


def _by_group(files: Sequence[ImageFile], fields: Sequence[dict[str, str | None]]) -> list[str]:
    names = [each["split"] for each in fields]
    pairs = zip(files, names, strict=True)
    odd = [f"{file.path}: {name!r}" for file, name in pairs if name and name not in SPLIT_NAMES]
    if odd:
        advice = f"The group split of folder.pattern takes {', '.join(sorted(SPLIT_NAMES))}."
        raise InputError(format_problems(f"{len(odd)} images have a split of an unknown name", odd, advice))
    return [SPLIT_NAMES[name] if name else "train" for name in names]

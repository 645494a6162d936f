"""Export: from the label store to a file, every answer of a run that was not undone."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import quote

from sqlalchemy import select

from whosame.annotation.exchange import csv_format, jsonl_format, label_studio
from whosame.annotation.exchange.row import AnswerRow
from whosame.annotation.exchange.run_images import RunImages, StoredRun
from whosame.annotation.store import audit_log
from whosame.annotation.store.schema import NOT_UNDONE, answer_events, skips, tasks
from whosame.annotation.store.store import COLUMNS, AnswerEvent, LabelStore
from whosame.annotation.store.uids import audits_of, is_audit
from whosame.atomic import writing
from whosame.errors import InputError

Format = Literal["csv", "jsonl", "label-studio"]
FORMATS: tuple[str, ...] = get_args(Format)
LOCAL_FILES = "/data/local-files/?d="  # where Label Studio serves images of its own machine
Question = tuple[int, int, int]  # two image ids, and the attempt


@dataclass(frozen=True)
class ExportResult:
    """The number of answers, the number of open questions, and the files that were written."""

    answers: int
    waiting: int
    files: tuple[Path, ...]


def export_run(
    store: LabelStore,
    run: StoredRun,
    images: RunImages,
    out: Path,
    *,
    form: Format,
    image_root: Path | None = None,
    url_prefix: str = LOCAL_FILES,
    completed_by: bool = True,
    audits: bool = False,
) -> ExportResult:
    """Write the answers of a run to a file, atomically; an existing file is replaced.

    For Label Studio it also writes the open questions, without answers, and the labelling set-up next to them, as
    ``out`` with the suffix ``.xml``.

    Parameters
    ----------
    store : LabelStore
    run : StoredRun
    images : RunImages
        Of that run.
    out : Path
    form : str
        ``csv``, ``jsonl`` or ``label-studio``.
    image_root : Path, optional
        The folder that Label Studio's image addresses are relative to, its LOCAL_FILES_DOCUMENT_ROOT; by default the
        parent of the folder of the run's images.
    url_prefix : str
        The beginning of such an address.
    completed_by : bool
        As for :func:`~whosame.annotation.exchange.label_studio.write`.
    audits : bool
        Write the answers of the run's audits instead, marked as such.

    Raises
    ------
    InputError
        The images are not under ``image_root``; ``out`` itself ends with ``.xml``; or the answers of audits are to go
        to Label Studio, which would return them as others.
    StorageError
        The file cannot be written, or the store cannot be read.
    """
    if audits and form == "label-studio":
        raise InputError("answers of an audit come back from Label Studio as answers of a run: take csv or jsonl")
    events = _of_audits(store, run.uid) if audits else store.answers(run.uid)
    waiting = 0
    if form == "label-studio":
        setup = out.with_suffix(".xml")
        if setup == out:
            raise InputError(f"{out} is to hold tasks in JSON: give a name that ends with .json")
        found, waiting = _tasks(store, run, images, events, _addresses(images, image_root, url_prefix))
        contents = {setup: label_studio.CONFIG.encode(), out: label_studio.write(found, completed_by=completed_by)}
    else:
        table = csv_format if form == "csv" else jsonl_format
        contents = {out: table.write([_row(event, images) for event in events])}
    with store.writing() as connection:  # the files and their entry in the log, or neither
        details = {
            "run": run.name + " (audit)" * audits,
            "format": form,
            "file": str(out),
            "answers": len(events),
            "open": waiting,
        }
        audit_log.record(connection, audit_log.TERMINAL, "exported", details)
        for path, content in contents.items():
            with writing(path) as file:
                file.write(content)
    return ExportResult(len(events), waiting, tuple(contents))


def _of_audits(store: LabelStore, run_uid: str) -> list[AnswerEvent]:
    own = answer_events.c.run_uid.startswith(audits_of(run_uid))
    with store.reading() as connection:
        rows = connection.execute(select(*COLUMNS).where(own, NOT_UNDONE).order_by(answer_events.c.id))
        return [AnswerEvent(*row) for row in rows]


def _row(event: AnswerEvent, images: RunImages) -> AnswerRow:
    return AnswerRow(
        path_a=_path(images, event.image_a),
        path_b=_path(images, event.image_b),
        verdict=event.verdict,
        annotator=event.annotator,
        seconds=event.seconds,
        answered_at=event.answered_at,
        attempt=event.attempt,
        kind=event.kind,
        round=event.round,
        source=event.source,
        settles=event.settles,
        audit=is_audit(event.run_uid),
        run=event.run,
        digest_a=event.digest_a,
        digest_b=event.digest_b,
    )


def _tasks(
    store: LabelStore,
    run: StoredRun,
    images: RunImages,
    events: list[AnswerEvent],
    address: Callable[[str], str],
) -> tuple[list[label_studio.Task], int]:
    """Return the answered questions, then the open ones in the order of asking; and the number of the open ones."""
    rows: dict[Question, list[AnswerRow]] = defaultdict(list)
    known: dict[Question, dict[str, object]] = {}
    for event in events:
        key = (event.image_a, event.image_b, event.attempt)
        rows[key].append(_row(event, images))
        known[key] = {"kind": event.kind, "round": event.round}
    skipped: dict[Question, list[str]] = defaultdict(list)
    question = (tasks.c.image_a, tasks.c.image_b, tasks.c.attempt)
    own = tasks.c.run_uid == run.uid
    waiting = select(*question, tasks.c.kind, tasks.c.round).where(own, tasks.c.open).order_by(tasks.c.position)
    skip_events = select(*question, skips.c.annotator).join(skips, skips.c.task_id == tasks.c.id).where(own)
    with store.reading() as connection:
        still_open = connection.execute(waiting).all()
        for a, b, attempt, annotator in connection.execute(skip_events.order_by(skips.c.id)):
            skipped[a, b, attempt].append(annotator)
    for a, b, attempt, kind, number in still_open:
        known[a, b, attempt] = {"kind": kind, "round": number}
    found = []
    for key, values in known.items():
        a, b, attempt = key
        sides = {"a": a, "b": b}
        data: dict[str, object] = {f"image_{side}": address(_path(images, image)) for side, image in sides.items()}
        data |= {f"path_{side}": _path(images, image) for side, image in sides.items()}
        data |= {f"digest_{side}": images.images[image].digest for side, image in sides.items()}
        data |= {"pair": f"{run.uid}:{a}-{b}:{attempt}", "run": run.name, "attempt": attempt, **values}
        answered = {row.annotator for row in rows[key]}
        only_skipped = [name for name in dict.fromkeys(skipped[key]) if name not in answered]
        found.append(label_studio.Task(data, tuple(rows[key]), tuple(only_skipped)))
    return found, len(still_open)


def _path(images: RunImages, image: int) -> str:
    known = images.images.get(image)
    return known.path if known is not None else ""


def _addresses(images: RunImages, image_root: Path | None, prefix: str) -> Callable[[str], str]:
    if images.root is None:
        raise InputError("the images of this run are not known here: export it where it was played")
    root = images.root.resolve()
    base = root.parent if image_root is None else image_root.resolve()
    if not root.is_relative_to(base):
        raise InputError(f"the images are in {root}, which is not under --image-root={base}")
    below = root.relative_to(base)
    return lambda path: prefix + quote((below / path).as_posix())

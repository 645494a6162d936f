"""From a file to the label store: all of its answers or none, and each once, however often the file is imported."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, and_, func, or_, select

from whosame.annotation.accounts.users import TERMINAL
from whosame.annotation.exchange import csv_format, jsonl_format, label_studio
from whosame.annotation.exchange.row import Reading, Record
from whosame.annotation.exchange.run_images import IMPORTED, RunImages, StoredRun
from whosame.annotation.queue.submit import open_task, submit_unleased
from whosame.annotation.store import audit_log
from whosame.annotation.store.engine import lock_run
from whosame.annotation.store.schema import answer_events, undos
from whosame.annotation.store.store import LabelStore
from whosame.annotation.store.timestamps import stamp
from whosame.errors import InputError

Place = tuple[Record, int, int]  # an answer and its images, the smaller id first


@dataclass
class Imported:
    """What became of a file's answers.

    Attributes
    ----------
    counted : int
        Answers to open questions of the run: they count at once.
    kept : int
        Other new answers: found when their images are asked about.
    known : int
        Answers that were there already, or twice in the file.
    taken_back : int
        Answers that were taken back since they were exported: they stay so.
    unknown : int
        Answers about images that the run does not have, left out.
    skipped : int
        Questions that somebody skipped: no answers.
    """

    counted: int = 0
    kept: int = 0
    known: int = 0
    taken_back: int = 0
    unknown: int = 0
    skipped: int = 0


def import_answers(
    store: LabelStore,
    file: Path,
    run: StoredRun,
    images: RunImages,
    *,
    annotator: str | None = None,
    known_only: bool = False,
    who: str = TERMINAL,
    now: Callable[[], float] = time.time,
) -> Imported:
    """Take the answers of a file into the label store, in one transaction.

    An answer to an open question of the run is an answer like one from the page. Any other is kept under a mark that
    the file's bytes determine, ``import-<16 hex digits>``: the next question about the same pictures finds it.

    Parameters
    ----------
    file : Path
        CSV, JSON Lines or Label Studio's JSON, in UTF-8; told by what it begins with.
    run : StoredRun
    images : RunImages
        Of that run.
    annotator : str, optional
        Whose the answers are about which the file does not say.
    known_only : bool
        Leave out answers about other images, instead of refusing the file.
    who : str
        Who imports, for the audit log.

    Raises
    ------
    InputError
        Something is wrong with the file: everything that is, at once. Then nothing was written.
    StorageError
        The store cannot be written.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}") from error
    reading = _read(content, annotator)
    problems, done = list(reading.problems), Imported(skipped=reading.skipped)
    records = _by_someone(reading.records, annotator, problems)
    placed = _placed(records, images, problems, done, known_only=known_only)
    mark = IMPORTED + hashlib.sha256(content).hexdigest()[:16]
    with store.writing() as connection:
        lock_run(connection, run.uid, alone=True)  # its round does not end in between
        at = stamp(now())
        for place in _without_doubles(_resolved(connection, run, placed), problems, done):
            _take(connection, run, images, place, mark, at, problems, done)
        if problems:  # what was written is rolled back
            count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
            advice = "Nothing was imported. Mend the file and import it again"
            advice += ", or leave out other images with --known-only." if done.unknown and not known_only else "."
            raise InputError("\n  ".join([f"{file}: {count}", *problems]) + f"\n{advice}")
        audit_log.record(connection, who, "imported", {"run": run.name, "file": str(file), "mark": mark, **vars(done)})
    return done


def _read(content: bytes, annotator: str | None) -> Reading:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        return Reading(problems=[f"line {line}: not UTF-8: save the file as UTF-8 (in a spreadsheet: CSV UTF-8)"])
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        return Reading(problems=[f"line {line}: a NUL byte: this is no text file, or a damaged one"])
    begins = text.lstrip()[:1]
    if not begins:
        return Reading(problems=["line 1: the file is empty"])
    if begins == "[":
        return label_studio.read(text, annotator)
    return jsonl_format.read(text) if begins == "{" else csv_format.read(text)


def _by_someone(records: Sequence[Record], annotator: str | None, problems: list[str]) -> list[Record]:
    named = [replace(record, annotator=record.annotator or annotator or "") for record in records]
    problems += [
        f"{record.where}: annotator is missing: say whose the answer is, or give --annotator=NAME for all such"
        for record in named
        if not record.annotator
    ]
    return [record for record in named if record.annotator]


def _placed(
    records: Sequence[Record], images: RunImages, problems: list[str], done: Imported, *, known_only: bool
) -> list[Place]:
    """Return the answers with the run's images."""
    placed = []
    for record in records:
        sides = ((record.digest_a, record.path_a), (record.digest_b, record.path_b))
        a, b = (images.find(digest, path) for digest, path in sides)
        if a is None or b is None:
            done.unknown += 1
            lacking = " and ".join(
                path or digest for (digest, path), image in zip(sides, (a, b), strict=True) if image is None
            )
            if not known_only:
                problems.append(f"{record.where}: {lacking}: no training image of this run, or other bytes")
        elif a == b:
            problems.append(f"{record.where}: both images are {images.images[a].path or images.images[a].digest}")
        else:
            placed.append((record, min(a, b), max(a, b)))
    return placed


def _resolved(connection: Connection, run: StoredRun, placed: Sequence[Place]) -> list[Place]:
    """Say of every answer which attempt at the question it is."""
    resolved = []
    for record, a, b in placed:
        attempt = record.attempt
        if attempt is None:
            task = open_task(connection, run.uid, a, b, None)
            attempt = 1 if task is None else task.attempt
        resolved.append((replace(record, attempt=attempt), a, b))
    return resolved


def _without_doubles(placed: Sequence[Place], problems: list[str], done: Imported) -> list[Place]:
    """Leave out what the file says twice; of several decisions of one coordinator the last word counts."""
    first: dict[Any, Place] = {}
    for place in placed:
        record, *pair = place
        key = (*pair, record.annotator, record.attempt, record.settles)
        before = first.setdefault(key, place)
        if before is place:
            continue
        done.known += 1
        if record.settles:
            first[key] = place
        elif before[0].verdict != record.verdict:
            problems.append(
                f"{record.where}: {record.annotator} says {record.verdict!r}, but {before[0].verdict!r} of the same "
                f"pair in {before[0].where}"
            )
    return list(first.values())


def _take(
    connection: Connection,
    run: StoredRun,
    images: RunImages,
    place: Place,
    mark: str,
    at: str,
    problems: list[str],
    done: Imported,
) -> None:
    """Write an answer if it is new, or note what it contradicts."""
    record, a, b = place
    said = _said_before(connection, images, place)
    if any(row.back and row.answered_at == record.answered_at and row.verdict == record.verdict for row in said):
        done.taken_back += 1
        return
    task = open_task(connection, run.uid, a, b, record.attempt) if record.source == "human" else None
    live = [row for row in said if not row.back]
    here = [row for row in live if row.run_uid == run.uid]
    decisive = here or live  # somebody may have said one thing in this run and another elsewhere
    if any(row.verdict == record.verdict for row in decisive):
        if here or task is None:
            done.known += 1
            return
    elif decisive:
        row = decisive[-1]
        problems.append(
            f"{record.where}: {record.annotator} says {record.verdict!r}, but has said {row.verdict!r} of the same "
            f"pictures (run {row.run!r}, {row.answered_at}): people change their answers on the page"
        )
        return
    when = record.answered_at or at
    if task is None:
        _keep(connection, mark, images, place, when)
        done.kept += 1
        return
    submit_unleased(
        connection,
        task,
        record.annotator,
        record.verdict,
        record.seconds,
        answered_at=when,
        settles=record.settles,
    )
    done.counted += 1


def _said_before(connection: Connection, images: RunImages, place: Place) -> Sequence[Row[Any]]:
    """Return what the same person has answered to the same question about the same pictures, in whatever run."""
    record, a, b = place
    given = answer_events.c
    digests = images.images[a].digest, images.images[b].digest
    query = (
        select(given.run_uid, given.run, given.verdict, given.answered_at, undos.c.id.is_not(None).label("back"))
        .outerjoin(undos, undos.c.event_id == given.id)
        .where(or_(*(and_(given.digest_a == x, given.digest_b == y) for x, y in (digests, digests[::-1]))))
        .where(given.annotator == record.annotator, given.attempt == record.attempt)
        .where(given.source == record.source, given.settles == record.settles)
    )
    return connection.execute(query.order_by(given.id)).all()


def _keep(connection: Connection, mark: str, images: RunImages, place: Place, when: str) -> None:
    record, a, b = place
    given = answer_events.c
    mine = (given.run_uid == mark) & (given.image_a == a) & (given.image_b == b) & (given.attempt == record.attempt)
    before = select(func.count()).select_from(answer_events).where(mine, given.annotator == record.annotator)
    values = {
        "run_uid": mark,
        "run": mark,
        "round": record.round,
        "image_a": a,
        "image_b": b,
        "digest_a": images.images[a].digest,
        "digest_b": images.images[b].digest,
        "kind": record.kind,
        "verdict": record.verdict,
        "source": record.source,
        "annotator": record.annotator,
        "attempt": record.attempt,
        "seconds": record.seconds,
        "answered_at": when,
        "revision": connection.scalar(before),
        "settles": record.settles,
    }
    connection.execute(answer_events.insert().values(values))

"""Import: from a file to the label store, all answers or none, each once however often the file is imported."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, Row, and_, func, or_, select

from whosame.annotation.exchange.file_format import parse_file
from whosame.annotation.exchange.match_images import MatchedRow, match_images, with_attempts, without_duplicates
from whosame.annotation.exchange.run_images import RunImages, StoredRun
from whosame.annotation.exchange.undo_answers import import_uid
from whosame.annotation.queue.submit import open_task, submit_unleased
from whosame.annotation.store import audit_log
from whosame.annotation.store.engine import lock_run
from whosame.annotation.store.schema import answer_events, undos
from whosame.annotation.store.store import LabelStore
from whosame.annotation.store.timestamps import stamp
from whosame.annotation.store.uids import AUDIT, is_audit
from whosame.errors import InputError

Outcome = Literal["counted", "kept", "known", "undone", "refused"]  # of one row


@dataclass(frozen=True)
class ImportResult:
    """Counts of a file's answers.

    Attributes
    ----------
    counted : int
        Answers to open questions of the run: they count at once.
    kept : int
        Other new answers: reused when their images are asked about.
    known : int
        Answers that were in the store already, or twice in the file.
    undone : int
        Answers that were undone since they were exported: they stay undone.
    unknown : int
        Answers about images that the run does not have, left out.
    skipped : int
        Questions that a person skipped: no answers.
    """

    counted: int
    kept: int
    known: int
    undone: int
    unknown: int
    skipped: int


def import_file(
    store: LabelStore,
    file: Path,
    run: StoredRun,
    images: RunImages,
    *,
    annotator: str | None = None,
    known_only: bool = False,
    now: Callable[[], float] = time.time,
) -> ImportResult:
    """Add the answers of a file to the label store, in one transaction.

    An answer to an open question of the run counts like one from the page. Any other is stored under a uid that the
    file's bytes determine, ``import-<16 hex digits>``: the next question about the same images reuses it. One that was
    given in an audit is stored as such, ``audit-import-…``: no run knows it.

    Parameters
    ----------
    store : LabelStore
    file : Path
        CSV, JSON Lines or Label Studio's JSON, in UTF-8; its first character tells which.
    run : StoredRun
    images : RunImages
        Of that run.
    annotator : str, optional
        Who gave the answers for which the file has no name.
    known_only : bool
        Leave out answers about other images, instead of refusing the file.
    now : callable
        Returns the time, s since the epoch.

    Raises
    ------
    InputError
        The file has problems; the message lists all of them. Then nothing is written.
    StorageError
        The store cannot be written.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}") from error
    parsed = parse_file(content, annotator)
    problems = list(parsed.problems)
    matched, unknown = match_images(parsed.rows, images, problems, known_only=known_only)
    uid = import_uid(content)
    with store.writing() as connection:
        lock_run(connection, run.uid, alone=True)  # its round does not end in between
        unique = without_duplicates(with_attempts(connection, run.uid, matched), problems)
        at = stamp(now())
        outcomes = Counter(_add(connection, run, images, one, uid, at, problems) for one in unique)
        if problems:  # what was written is rolled back
            count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
            advice = "Nothing was imported. Mend the file and import it again"
            advice += ", or leave out other images with --known-only." if unknown and not known_only else "."
            raise InputError("\n  ".join([f"{file}: {count}", *problems]) + f"\n{advice}")
        done = ImportResult(
            counted=outcomes["counted"],
            kept=outcomes["kept"],
            known=outcomes["known"] + len(matched) - len(unique),
            undone=outcomes["undone"],
            unknown=unknown,
            skipped=parsed.skipped,
        )
        details = {"run": run.name, "file": str(file), "uid": uid, **vars(done)}
        audit_log.record(connection, audit_log.TERMINAL, "imported", details)
    return done


def _add(
    connection: Connection,
    run: StoredRun,
    images: RunImages,
    one: MatchedRow,
    uid: str,
    at: str,
    problems: list[str],
) -> Outcome:
    """Add an answer if it is new; ``problems`` gets a message where it contradicts an earlier one."""
    row = one.row
    uid = AUDIT + uid if row.audit else uid
    earlier = _earlier_answers(connection, images, one)
    again = any(uid in (given.run_uid, given.session) for given in earlier)  # this import was undone
    undone = [given for given in earlier if given.undone and not again]
    if any(given.answered_at == row.answered_at and given.verdict == row.verdict for given in undone):
        return "undone"
    task = None
    if row.source == "human" and not row.audit:
        task = open_task(connection, run.uid, one.image_a, one.image_b, row.attempt)
    current = [given for given in earlier if not given.undone]
    here = [given for given in current if given.run_uid == run.uid]
    compared = here or current  # a person may have answered one thing in this run and another elsewhere
    if any(given.verdict == row.verdict for given in compared):
        if here or task is None:
            return "known"
    elif compared:
        last = compared[-1]
        problems.append(
            f"{row.where}: {row.annotator} answers {row.verdict!r}, but the store has {last.verdict!r} for the same "
            f"images (run {last.run!r}, {last.answered_at}): people change their answers on the page"
        )
        return "refused"
    when = row.answered_at or at
    if task is None:
        _keep(connection, uid, images, one, when)
        return "kept"
    submit_unleased(
        connection,
        task,
        row.annotator,
        row.verdict,
        row.seconds,
        answered_at=when,
        settles=row.settles,
        session=uid,  # so that the import can be undone
    )
    return "counted"


def _earlier_answers(connection: Connection, images: RunImages, one: MatchedRow) -> Sequence[Row[Any]]:
    """Return a person's earlier answers to the same question about the same images, in any run."""
    row, given = one.row, answer_events.c
    digests = images.images[one.image_a].digest, images.images[one.image_b].digest
    about = (given.run_uid, given.run, given.session, given.verdict, given.answered_at)
    query = (
        select(*about, undos.c.id.is_not(None).label("undone"))
        .outerjoin(undos, undos.c.event_id == given.id)
        .where(or_(*(and_(given.digest_a == x, given.digest_b == y) for x, y in (digests, digests[::-1]))))
        .where(given.annotator == row.annotator, given.attempt == row.attempt)
        .where(given.source == row.source, given.settles == row.settles)
    )
    rows = connection.execute(query.order_by(given.id)).all()
    return [given for given in rows if is_audit(given.run_uid) == row.audit]  # an audit asks anew


def _keep(connection: Connection, uid: str, images: RunImages, one: MatchedRow, when: str) -> None:
    row, given = one.row, answer_events.c
    question = {"run_uid": uid, "image_a": one.image_a, "image_b": one.image_b, "attempt": row.attempt}
    same = and_(*(given[name] == value for name, value in question.items()), given.annotator == row.annotator)
    before = connection.scalar(select(func.count()).select_from(answer_events).where(same))
    connection.execute(
        answer_events.insert().values(
            **question,
            run=uid,
            round=row.round,
            digest_a=images.images[one.image_a].digest,
            digest_b=images.images[one.image_b].digest,
            kind=row.kind,
            verdict=row.verdict,
            source=row.source,
            annotator=row.annotator,
            seconds=row.seconds,
            answered_at=when,
            revision=before,
            settles=row.settles,
        )
    )

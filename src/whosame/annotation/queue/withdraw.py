"""Withdrawal: answers of any age are undone, with the copies of them that other runs have.

A round that has ended stays as it was played. The next one, and the next names, begin without the answers.
"""

from collections.abc import Collection

from sqlalchemy import Connection, delete, or_, select, update

from whosame.annotation.queue.statements import VOTES
from whosame.annotation.queue.voting import Vote, decide
from whosame.annotation.store.engine import lock_run
from whosame.annotation.store.schema import NOT_UNDONE, answer_events, leases, runs, tasks, undos
from whosame.annotation.store.store import chunks
from whosame.annotation.store.timestamps import stamp


def withdraw(connection: Connection, events: Collection[int], annotator: str, *, now: float) -> int:
    """Undo answers, and the copies of them in other runs; those undone before stay as they are.

    Parameters
    ----------
    connection : Connection
        In a transaction that may write.
    events : collection of int
        Ids of answers.
    annotator : str
        Who undoes them.
    now : float
        s since the epoch.

    Returns
    -------
    int
        How many of ``events`` were undone.
    """
    of, asked, undone = answer_events.c, set(events), 0
    for chunk in chunks(sorted(asked)):
        own = or_(of.id.in_(chunk), of.found_in.in_(chunk))
        rows = connection.execute(select(answer_events).where(own, NOT_UNDONE).order_by(of.id)).all()
        if rows:
            at = stamp(now)
            values = [{"event_id": row.id, "annotator": annotator, "undone_at": at} for row in rows]
            connection.execute(undos.insert(), values)
        for run_uid, image_a, image_b in dict.fromkeys((row.run_uid, row.image_a, row.image_b) for row in rows):
            lock_run(connection, run_uid, alone=False)
            recount(connection, run_uid, image_a, image_b)
        undone += sum(row.id in asked for row in rows)
    return undone


def recount(connection: Connection, run_uid: str, image_a: int, image_b: int) -> None:
    """Count the votes of the question about a pair again, where the round asks it: its answers have changed."""
    pair = (tasks.c.run_uid == run_uid) & (tasks.c.image_a == image_a) & (tasks.c.image_b == image_b)
    query = select(tasks, runs.c.overlap, (runs.c.state == "asking").label("asking"))
    query = query.join(runs, (runs.c.run_uid == tasks.c.run_uid) & (runs.c.round == tasks.c.round))
    for task in connection.execute(query.where(pair)).all():
        given = connection.execute(VOTES, {"run": run_uid, "a": image_a, "b": image_b, "nth": task.attempt}).all()
        decided = (
            decide([Vote(row.verdict, row.settles) for row in given], task.overlap) is not None if given else False
        )
        needed = task.votes_needed if decided else max(task.overlap, len(given) + 1 if given else 0)
        reopened = task.asking and task.votes > len(given)  # an answer was undone
        values = {"votes": len(given), "votes_needed": needed, "open": not decided and (task.open or reopened)}
        connection.execute(update(tasks).where(tasks.c.id == task.id).values(values))
        if decided:
            connection.execute(delete(leases).where(leases.c.task_id == task.id))

"""The task queue: the questions of a round that people are asked, as the loop of the run sees it.

The loop and the page are separate processes that share only the label store. The loop describes the run, writes
questions and reads answers; the page leases the questions (:mod:`~whosame.annotation.queue.leases`) and writes the
answers (:mod:`~whosame.annotation.queue.submit`).
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, select, text, update

from whosame.annotation.queue.guide import Guide, known_as_json
from whosame.annotation.queue.image_tokens import ImageRef, add_images
from whosame.annotation.queue.voting import Vote, decide
from whosame.annotation.store.engine import lock_run
from whosame.annotation.store.schema import NOT_UNDONE, answer_events, leases, runs, tasks, undos
from whosame.annotation.store.store import INSERT, LabelStore, chunks
from whosame.questions import Kind


@dataclass(frozen=True)
class PairTask:
    """A question for people: two images of the manifest, ``image_a < image_b``.

    ``exemplars`` are other images that earlier answers join to image_a, and to image_b; ``p_same`` is how probable
    "same" is before asking, None where the strategy gives no probability.
    """

    image_a: int
    image_b: int
    kind: Kind
    attempt: int = 1
    exemplars: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())
    p_same: float | None = None

    @property
    def images(self) -> set[int]:
        """All images that it shows."""
        return {self.image_a, self.image_b, *self.exemplars[0], *self.exemplars[1]}


@dataclass(frozen=True)
class RunInfo:
    """A run, as the page describes it.

    Attributes
    ----------
    run_uid, run, root : str
        The run's unique id, its name, the folder of its images.
    round, rounds : int
        The current round, from 0, and how many there are.
    asked, budget, round_budget : int
        Questions of the rounds before, of the whole run, and of this round.
    overlap : int
        People that each pair is shown to.
    guide : Guide
        What the people are told.
    """

    run_uid: str
    run: str
    root: str
    round: int
    rounds: int
    asked: int
    budget: int
    round_budget: int
    overlap: int = 1
    guide: Guide = field(default_factory=Guide)


class TaskQueue:
    """The questions of one round of a run.

    Parameters
    ----------
    store : LabelStore
    info : RunInfo
    image_refs : mapping of int to ImageRef
        By image id, at least the images of the round's questions and of the guide.
    now : callable
        The time, s since the epoch.
    """

    def __init__(
        self,
        store: LabelStore,
        info: RunInfo,
        image_refs: Mapping[int, ImageRef],
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.info = info
        self._store, self._image_refs, self._now = store, image_refs, now

    def begin(self) -> None:
        """Begin the round; close the questions that earlier rounds left open."""
        with self._store.writing() as connection:
            lock_run(connection, self.info.run_uid, alone=True)
            guide = self.info.guide.as_json(self._tokens(connection, self.info.guide.images))
            values = {**vars(self.info), "guide": guide, "state": "asking", "last_heartbeat": self._now()}
            row = INSERT[connection.dialect.name](runs).values(values)
            connection.execute(row.on_conflict_do_update(index_elements=["run_uid"], set_=values))
            left = select(tasks.c.id).where(self._own_tasks, tasks.c.open, tasks.c.round != self.info.round)
            _close(connection, connection.scalars(left).all())

    def ask(self, questions: Sequence[PairTask]) -> None:
        """Ask these questions now, the first ones first, and no others.

        A question that was asked before is the same question: its answers count. One that is no longer among these is
        closed, and people who look at it learn that it is not needed.
        """
        with self._store.writing() as connection:
            lock_run(connection, self.info.run_uid, alone=True)
            keys = {(question.image_a, question.image_b, question.attempt) for question in questions}
            known = select(tasks.c.id, tasks.c.image_a, tasks.c.image_b, tasks.c.attempt).where(self._own_tasks)
            ids = {(a, b, attempt): task for task, a, b, attempt in connection.execute(known)}
            _close(connection, [task for key, task in ids.items() if key not in keys])
            tokens = self._tokens(connection, {image for question in questions for image in question.images})
            votes = self._votes(connection)
            changed, new = [], []
            for position, question in enumerate(questions):
                key = (question.image_a, question.image_b, question.attempt)
                given = votes.get(key, [])
                # It may have been answered a moment ago, or in an earlier run, or by some people and not by all.
                state = {
                    "round": self.info.round,  # it may have been asked before, and its answer undone since
                    "position": position,
                    "votes": len(given),
                    "votes_needed": max(self.info.overlap, len(given) + 1) if given else self.info.overlap,
                    "open": decide(given, self.info.overlap) is None,
                }
                if key in ids:
                    changed.append({"task": ids[key], **state})
                else:
                    exemplars = known_as_json(question.exemplars, tokens)
                    run = {"run_uid": self.info.run_uid, "exemplars": exemplars}
                    new.append({**vars(question), **run, **state})
            if changed:
                connection.execute(update(tasks).where(tasks.c.id == bindparam("task")), changed)
            if new:
                connection.execute(tasks.insert(), new)
            if new and connection.dialect.name == "postgresql":
                # Or the leasing queries would be planned for an empty table, and read all of it.
                connection.execute(text("ANALYZE tasks"))

    def close(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Close the open questions about pairs that other answers imply."""
        pairs = set(pairs)
        with self._store.writing() as connection:
            lock_run(connection, self.info.run_uid, alone=True)
            open_tasks = select(tasks.c.id, tasks.c.image_a, tasks.c.image_b).where(self._own_tasks, tasks.c.open)
            _close(connection, [task for task, a, b in connection.execute(open_tasks) if (a, b) in pairs])

    def last_event_ids(self) -> tuple[int, int]:
        """Return the ids of the newest answer and the newest undo of the round: they change when one arrives."""
        with self._store.reading() as connection:
            return self._last_event_ids(connection)

    def heartbeat(self) -> None:
        """Record that the loop is alive."""
        self._update_run(state="asking")

    def end(self, last_event_ids: tuple[int, int]) -> bool:
        """End the round's questions, unless an answer or an undo has arrived since; return whether they have ended.

        From then on no answer of the round can be undone: the model learns from them.
        """
        with self._store.writing() as connection:
            lock_run(connection, self.info.run_uid, alone=True)  # no answer and no undo arrives in between
            connection.execute(update(runs).where(self._own_run).values(last_heartbeat=self._now()))
            if self._last_event_ids(connection) != last_event_ids:
                return False
            connection.execute(update(runs).where(self._own_run).values(state="working"))
            _close(connection, connection.scalars(select(tasks.c.id).where(self._own_tasks, tasks.c.open)).all())
            return True

    def finish(self) -> None:
        """Record that the run asks no more questions."""
        self._update_run(state="over")

    @property
    def _own_run(self) -> Any:
        return runs.c.run_uid == self.info.run_uid

    @property
    def _own_tasks(self) -> Any:
        return tasks.c.run_uid == self.info.run_uid

    def _tokens(self, connection: Connection, shown: set[int]) -> dict[int, str]:
        return add_images(connection, self.info.run_uid, {image: self._image_refs[image] for image in shown})

    def _votes(self, connection: Connection) -> dict[tuple[int, int, int], list[Vote]]:
        """Return the votes on each question of the run, in the order given, without those undone."""
        events = answer_events.c
        query = select(events.image_a, events.image_b, events.attempt, events.verdict, events.settles)
        query = query.where(events.run_uid == self.info.run_uid, NOT_UNDONE).order_by(events.id)
        votes: dict[tuple[int, int, int], list[Vote]] = {}
        for a, b, attempt, verdict, settles in connection.execute(query):
            votes.setdefault((a, b, attempt), []).append(Vote(verdict, settles))
        return votes

    def _last_event_ids(self, connection: Connection) -> tuple[int, int]:
        of_round = (answer_events.c.run_uid == self.info.run_uid) & (answer_events.c.round == self.info.round)
        answer = connection.scalar(select(func.max(answer_events.c.id)).where(of_round))
        joined = undos.join(answer_events, undos.c.event_id == answer_events.c.id)
        undo = connection.scalar(select(func.max(undos.c.id)).select_from(joined).where(of_round))
        return int(answer or 0), int(undo or 0)

    def _update_run(self, **values: Any) -> None:
        with self._store.writing() as connection:
            connection.execute(update(runs).where(self._own_run).values(last_heartbeat=self._now(), **values))


def _close(connection: Connection, ids: Sequence[int]) -> None:
    for chunk in chunks(ids):
        connection.execute(update(tasks).where(tasks.c.id.in_(chunk)).values(open=False))
        connection.execute(delete(leases).where(leases.c.task_id.in_(chunk)))

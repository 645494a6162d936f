"""The loop's side of the label store: which pairs people are to answer, and what they have said.

The loop and the page are separate processes that meet in the store alone. The loop describes the run, puts questions
and reads answers; the page hands out the questions (:mod:`~whosame.annotation.queue.leases`) and writes the answers
(:mod:`~whosame.annotation.queue.submit`).
"""

import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, bindparam, delete, func, select, text, update

from whosame.annotation.queue.voting import Vote, decide
from whosame.annotation.store.engine import lock_run
from whosame.annotation.store.schema import STANDS, answer_events, campaigns, holds, pictures, take_backs, tasks
from whosame.annotation.store.store import INSERT, LabelStore, portions
from whosame.questions import Kind

State = Literal["asking", "working", "over"]


@dataclass(frozen=True)
class Wanted:
    """A question for people: two images of the manifest, ``image_a < image_b``."""

    image_a: int
    image_b: int
    kind: Kind
    attempt: int = 1


@dataclass(frozen=True)
class Picture:
    """An image of a question: its path under the campaign's root, and the digest of its bytes."""

    path: str
    digest: str


@dataclass(frozen=True)
class Description:
    """What the page says about a run.

    Attributes
    ----------
    run_uid, run, root : str
        The run's own mark, its name, the folder of its images.
    round, rounds : int
        The round that is played, from 0, and how many there are.
    asked, budget, round_budget : int
        Questions of the rounds before, of the whole run, and of this round.
    overlap : int
        People that each pair is put to.
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


class Campaign:
    """One round of a run, as people are asked about it."""

    def __init__(
        self,
        store: LabelStore,
        description: Description,
        images: Mapping[int, Picture],
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._store, self.about, self._images, self._now = store, description, images, now

    def begin(self) -> None:
        """Say that this round's questions are coming; what earlier rounds left open is closed."""
        with self._store.writing() as connection:
            lock_run(connection, self.about.run_uid, alone=True)
            values = {**vars(self.about), "state": "asking", "seen": self._now()}
            row = INSERT[connection.dialect.name](campaigns).values(values)
            connection.execute(row.on_conflict_do_update(index_elements=["run_uid"], set_=values))
            left = select(tasks.c.id).where(self._its_own, tasks.c.open, tasks.c.round != self.about.round)
            _close(connection, connection.scalars(left).all())

    def put(self, questions: Sequence[Wanted]) -> None:
        """Ask these now, the first ones first, and no others.

        A question that was put before is the same question: its answers count. One that is not among these any more is
        closed, and who looks at it is told that it is not needed.
        """
        with self._store.writing() as connection:
            lock_run(connection, self.about.run_uid, alone=True)
            keys = {(wanted.image_a, wanted.image_b, wanted.attempt) for wanted in questions}
            key = (tasks.c.image_a, tasks.c.image_b, tasks.c.attempt)
            before = {
                tuple(row[1:]): row[0] for row in connection.execute(select(tasks.c.id, *key).where(self._its_own))
            }
            _close(connection, [task for pair, task in before.items() if pair not in keys])
            self._show(connection, {image for wanted in questions for image in (wanted.image_a, wanted.image_b)})
            votes = self._votes(connection)
            moved, new = [], []
            for place, wanted in enumerate(questions):
                known = before.get((wanted.image_a, wanted.image_b, wanted.attempt))
                said = votes.get((wanted.image_a, wanted.image_b, wanted.attempt), [])
                # It may have been answered a moment ago, or in an earlier run, or by some and not by all.
                standing = {
                    "place": place,
                    "answered": len(said),
                    "wanted": max(self.about.overlap, len(said) + 1) if said else self.about.overlap,
                    "open": decide(said, self.about.overlap) is None,
                }
                if known is not None:
                    moved.append({"task": known, **standing})
                else:
                    about = {"run_uid": self.about.run_uid, "round": self.about.round}
                    new.append({**vars(wanted), **about, **standing})
            if moved:
                connection.execute(update(tasks).where(tasks.c.id == bindparam("task")), moved)
            if new:
                connection.execute(tasks.insert(), new)
            if new and connection.dialect.name == "postgresql":
                # Or claims would be planned for an empty table, and read it all.
                connection.execute(text("ANALYZE tasks"))

    def close(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Take back questions that other answers have settled."""
        pairs = set(pairs)
        with self._store.writing() as connection:
            lock_run(connection, self.about.run_uid, alone=True)
            rows = connection.execute(
                select(tasks.c.id, tasks.c.image_a, tasks.c.image_b).where(self._its_own, tasks.c.open)
            )
            _close(connection, [task for task, a, b in rows if (a, b) in pairs])

    def mark(self) -> tuple[int, int]:
        """Return the numbers of the newest answer and the newest take-back of the round: they change when one comes."""
        with self._store.reading() as connection:
            return self._mark(connection)

    def breathe(self) -> None:
        """Say that the loop is alive."""
        self._say(state="asking")

    def end(self, mark: tuple[int, int]) -> bool:
        """End the round's questions, unless an answer or a take-back has come since ``mark``.

        From then on nothing of the round is taken back: it has been learnt from.

        Returns
        -------
        bool
            Whether it has ended.
        """
        with self._store.writing() as connection:
            lock_run(connection, self.about.run_uid, alone=True)  # no answer and no take-back slips in between
            connection.execute(update(campaigns).where(self._described).values(seen=self._now()))
            if self._mark(connection) != mark:
                return False
            connection.execute(update(campaigns).where(self._described).values(state="working"))
            _close(connection, connection.scalars(select(tasks.c.id).where(self._its_own, tasks.c.open)).all())
            return True

    def over(self) -> None:
        """Say that the run asks nothing any more."""
        self._say(state="over")

    @property
    def _described(self) -> Any:
        return campaigns.c.run_uid == self.about.run_uid

    @property
    def _its_own(self) -> Any:
        return tasks.c.run_uid == self.about.run_uid

    @property
    def _its_answers(self) -> Any:
        return (answer_events.c.run_uid == self.about.run_uid) & (answer_events.c.round == self.about.round)

    def _votes(self, connection: Connection) -> dict[tuple[int, int, int], list[Vote]]:
        """Return what has been said to each question of the run, and stands."""
        events = answer_events.c
        query = select(events.image_a, events.image_b, events.attempt, events.verdict, events.settles)
        query = query.where(events.run_uid == self.about.run_uid, STANDS).order_by(events.id)
        votes: dict[tuple[int, int, int], list[Vote]] = {}
        for a, b, attempt, verdict, settles in connection.execute(query):
            votes.setdefault((a, b, attempt), []).append(Vote(verdict, settles))
        return votes

    def _mark(self, connection: Connection) -> tuple[int, int]:
        newest = select(func.coalesce(func.max(answer_events.c.id), 0)).where(self._its_answers)
        joined = take_backs.join(answer_events, take_backs.c.event_id == answer_events.c.id)
        back = select(func.coalesce(func.max(take_backs.c.id), 0)).select_from(joined).where(self._its_answers)
        answers, backs = connection.scalar(newest), connection.scalar(back)
        return int(answers or 0), int(backs or 0)

    def _say(self, **values: Any) -> None:
        with self._store.writing() as connection:
            connection.execute(update(campaigns).where(self._described).values(seen=self._now(), **values))

    def _show(self, connection: Connection, images: set[int]) -> None:
        insert = INSERT[connection.dialect.name](pictures).on_conflict_do_nothing(index_elements=["run_uid", "image"])
        rows = [
            {
                "run_uid": self.about.run_uid,
                "image": image,
                **vars(self._images[image]),
                "handle": secrets.token_urlsafe(16),
            }
            for image in sorted(images)
        ]
        if rows:
            connection.execute(insert, rows)


def _close(connection: Connection, ids: Sequence[int]) -> None:
    for portion in portions(ids):
        connection.execute(update(tasks).where(tasks.c.id.in_(portion)).values(open=False))
        connection.execute(delete(holds).where(holds.c.task_id.in_(portion)))

"""Annotator view: a person's answers in, their next pairs and counters out."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, exists, select

from whosame.annotation.accounts.sessions import Session
from whosame.annotation.queue.guard import AnswersSoFar, Decision, decide_pause
from whosame.annotation.queue.guide import ShownGuide
from whosame.annotation.queue.leases import Lease, lease_pairs
from whosame.annotation.queue.submit import Receipt, RefusedError, skip_pair, submit_answer
from whosame.annotation.queue.undo import last_undoable, undo_answer
from whosame.annotation.store.schema import runs, tasks
from whosame.annotation.store.store import LabelStore
from whosame.annotation.web.counters import Counters
from whosame.annotation.web.page_content import NOTICES, PageContent, State, content
from whosame.questions import Verdict

LEASED_PAIRS = 2  # of one person at a time: one is shown, the next one is loaded meanwhile
HEARTBEAT_LIMIT = 30.0  # s since the loop's last heartbeat after which it counts as stopped
HALTED: dict[str, State] = {"paused": "paused", "stop": "stopped"}  # by the state of the guard


class AnnotatorView:
    """Takes a person's answers and returns their next pairs, both in one transaction.

    Parameters
    ----------
    store : LabelStore
    run_uid : str, optional
        The run whose pairs are shown; by default the newest, and the next one when that is over.
    now : callable
        Returns the time, s since the epoch.
    """

    def __init__(self, store: LabelStore, run_uid: str | None = None, *, now: Callable[[], float] = time.time) -> None:
        self.store = store
        self._only, self._current, self._now = run_uid, run_uid, now
        self._counters = Counters(store)

    def show(self, session: Session, *, recount: bool = False) -> PageContent:
        """Return a person's pairs; free ones are leased where they have too few.

        Parameters
        ----------
        session : Session
        recount : bool
            Count their answers again: another process may have added some.
        """
        now = self._now()
        with self.store.reading() as connection:
            run = self._run(connection)
            if run is None:
                return content("none")
            idle = None if _has_open_tasks(connection, run) else _without_pairs(connection, run, session, now)
        if recount:
            self._counters.reset(run, session.name)
        # A page without pairs asks often: where there is nothing to lease, it costs no write.
        return self._content(session, idle or self._act(session, now, lambda _: None), now)

    def answer(self, session: Session, token: str, verdict: Verdict, seconds: float) -> PageContent:
        """Commit an answer; see :func:`~whosame.annotation.queue.submit.submit_answer`."""
        now = self._now()

        def action(connection: Connection) -> Receipt:
            return submit_answer(connection, token, session.name, session.id, verdict, seconds, now=now)

        step = self._act(session, now, action)
        # A repeated answer was counted before, and an answer to a pair of an earlier run is not of this round.
        if step.receipt is not None and step.run is not None and step.receipt.run_uid == step.run.run_uid:
            self._counters.add(step.run, session.name, verdict, seconds, decides=step.receipt.decides)
        return self._content(session, step, now)

    def skip(self, session: Session, token: str) -> PageContent:
        """Release a pair unanswered; see :func:`~whosame.annotation.queue.submit.skip_pair`."""
        now = self._now()
        step = self._act(session, now, lambda connection: skip_pair(connection, token, session.name, now=now))
        return self._content(session, step, now)

    def undo(self, session: Session, event: int) -> PageContent:
        """Undo an answer, and show its pair again; see :func:`~whosame.annotation.queue.undo.undo_answer`."""
        now = self._now()

        def action(connection: Connection) -> Lease:
            return undo_answer(connection, event, session.name, session.id, now=now)

        step = self._act(session, now, action)
        if step.run is not None:
            self._counters.reset(step.run, session.name)
        return self._content(session, step, now)

    def decide(self, session: Session, decision: Decision, run_uid: str | None = None) -> None:
        """Decide how a paused run goes on; see :func:`~whosame.annotation.queue.guard.decide_pause`.

        Parameters
        ----------
        session : Session
        decision : str
        run_uid : str, optional
            By default the run whose pairs are shown.
        """
        if run_uid is None:
            with self.store.reading() as connection:
                run = self._run(connection)
            run_uid = None if run is None else run.run_uid
        if run_uid is not None:
            decide_pause(self.store, run_uid, decision, session.name)

    def _act(self, session: Session, now: float, action: Callable[[Connection], Receipt | Lease | None]) -> "_Step":
        """Do something, and lease the next pairs, in one transaction."""
        with self.store.writing() as connection:
            run = self._run(connection)
            if run is None:
                return _Step(None, "none", refused=RefusedError("lapsed", "there is no run any more"))
            done, refused = None, None
            try:
                done = action(connection)
            except RefusedError as error:
                refused = error
            receipt = done if isinstance(done, Receipt) else None
            pairs: list[Lease] = []
            if run.state == "asking":
                # The answer may be to a pair of an earlier run.
                held = receipt.leases if receipt is not None and receipt.run_uid == run.run_uid else None
                pairs = lease_pairs(
                    connection, run.run_uid, session.name, session.id, count=LEASED_PAIRS, now=now, held=held
                )
            if isinstance(done, Lease):  # the pair of an undone answer comes first
                pairs = [done, *(pair for pair in pairs if pair.token != done.token)][:LEASED_PAIRS]
            undoable = _undoable(connection, run, session) if receipt is None else receipt.event
            state: State = "asking" if pairs else _state(connection, run, now)
            return _Step(run, state, tuple(pairs), undoable, receipt, refused)

    def _content(self, session: Session, step: "_Step", now: float) -> PageContent:
        values: dict[str, Any] = {}
        if step.receipt is not None:
            values["saved"] = step.receipt.verdict
        if step.refused is not None:
            values |= {"refused": step.refused.reason, "notice": NOTICES[step.refused.reason]}
        if step.run is not None:
            values |= {
                "pairs": step.pairs,
                "undoable": step.undoable,
                "run": step.run.run,
                "round": f"Round {step.run.round + 1} of {step.run.rounds}",
                "guide": ShownGuide.from_json(step.run.guide),
                "counters": self._counters.bar(step.run, session.name, now),
                "so_far": AnswersSoFar.from_json(step.run.answers_so_far),
            }
        return content(step.state, **values)

    def _run(self, connection: Connection) -> Row[Any] | None:
        """Return the run whose pairs are shown, as the store describes it now."""
        chosen = self._only or self._current
        if chosen is not None:
            found = connection.execute(select(runs).where(runs.c.run_uid == chosen)).first()
            if self._only is not None or (found is not None and found.state != "over"):
                return found
        newest = connection.execute(select(runs).order_by(runs.c.last_heartbeat.desc(), runs.c.run_uid)).first()
        self._current = None if newest is None else newest.run_uid
        return newest


@dataclass(frozen=True)
class _Step:
    """What a transaction has done and found."""

    run: Row[Any] | None
    state: State
    pairs: tuple[Lease, ...] = ()
    undoable: int | None = None
    receipt: Receipt | None = None
    refused: RefusedError | None = None


def _without_pairs(connection: Connection, run: Row[Any], session: Session, now: float) -> _Step:
    return _Step(run, _state(connection, run, now), undoable=_undoable(connection, run, session))


def _undoable(connection: Connection, run: Row[Any], session: Session) -> int | None:
    return last_undoable(connection, run.run_uid, session.name, session.id)


def _state(connection: Connection, run: Row[Any], now: float) -> State:
    """Return why there is no pair for a person."""
    if run.state != "asking":
        return "over" if run.state == "over" else "working"
    if run.guard in HALTED:
        return HALTED[run.guard]
    if abs(now - run.last_heartbeat) > HEARTBEAT_LIMIT:
        return "away"
    return "others" if _has_open_tasks(connection, run) else "thinking"


def _has_open_tasks(connection: Connection, run: Row[Any]) -> bool:
    waiting = exists().where(tasks.c.run_uid == run.run_uid, tasks.c.open)
    return run.state == "asking" and bool(connection.scalar(select(waiting)))

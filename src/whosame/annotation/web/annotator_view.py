"""What lies in front of one person: the pair, the one loaded ahead, the figures; or why there is no pair."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Row, bindparam, exists, select

from whosame.annotation.queue.leases import Lease, lease_pairs
from whosame.annotation.queue.submit import Receipt, RefusedError, skip_pair, submit_answer
from whosame.annotation.queue.undo import last_undoable, undo_answer
from whosame.annotation.store.schema import runs, tasks
from whosame.annotation.store.store import LabelStore
from whosame.annotation.web.counters import Tally
from whosame.annotation.web.group_commit import Together
from whosame.questions import Verdict

AHEAD = 2  # pairs that a person holds: one shown, one loaded meanwhile
AWAY = 30.0  # s without a word from the loop after which it is taken to have stopped

CAMPAIGN = select(runs).where(runs.c.run_uid == bindparam("uid"))

Why = Literal["asking", "none", "thinking", "others", "working", "over", "away"]
WHY: dict[Why, tuple[str, str]] = {
    "asking": ("", ""),
    "none": (
        "No run asks for answers yet",
        "Pairs appear here by themselves once one does: kedro rounds --params=annotator=human",
    ),
    "thinking": ("Choosing the next pairs", "They appear here by themselves."),
    "others": (
        "Nothing left for you just now",
        "Others are looking at the last pairs. What they leave, and the next pairs, appear here by themselves.",
    ),
    "working": (
        "This round is answered",
        "The model is learning from the answers. The next pairs appear here by themselves.",
    ),
    "over": ("All done, thank you", "This run has asked all its questions."),
    "away": (
        "The run has stopped",
        "Every answer is kept. When whoever started it types the same command again, pairs appear here by themselves.",
    ),
}


NOTICES = {
    "answered": "You had answered that pair already: undo to change it.",
    "lapsed": "That pair is settled, or somebody else has it now. Here is the next one.",
    "kept": "That answer stays: the model has learnt from it, or it is of an earlier login.",
}


@dataclass(frozen=True)
class Who:
    """Somebody at the page: the name, and the login they came by."""

    name: str
    sitting: str


@dataclass(frozen=True)
class View:
    """What the page shows.

    Attributes
    ----------
    why : str
        ``asking``: there are pairs. Else why there are none.
    title, text : str
        The same for people.
    pairs : tuple of Held
        The first one is shown.
    last : int or None
        The answer that undo takes back.
    run, round : str
        As the bar names them.
    figures : dict
        See :meth:`~whosame.annotation.web.counters.Tally.figures`; empty without a run.
    saved : str
        The verdict that was committed just now.
    refused, notice : str
        Why what was asked for was not done: a word, and a sentence.
    """

    why: Why
    title: str
    text: str
    pairs: tuple[Lease, ...] = ()
    last: int | None = None
    run: str = ""
    round: str = ""
    figures: dict[str, Any] | None = None
    saved: str = ""
    refused: str = ""
    notice: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the values, for JSON."""
        return {
            **vars(self),
            "pairs": [{"token": held.token, "left": held.left, "right": held.right} for held in self.pairs],
        }


class Desk:
    """Answers go in, the next pairs come out, in one transaction.

    Parameters
    ----------
    store : LabelStore
    run_uid : str, optional
        The run that is asked about; by default the newest, and the next one when that is over.
    """

    def __init__(self, store: LabelStore, run_uid: str | None = None, *, now: Callable[[], float] = time.time) -> None:
        self.store = store
        self._only, self._uid, self._now = run_uid, run_uid, now
        self._together = Together(store)
        self._tally = Tally(store)

    def look(self, who: Who, *, anew: bool = False) -> View:
        """Return what somebody has in front of them; pairs that they have not are claimed.

        Parameters
        ----------
        anew : bool
            Count their answers anew: another process may have added some.
        """
        now = self._now()
        with self.store.reading() as connection:
            campaign = self._campaign(connection)
            if campaign is None:
                return _view("none")
            nothing = None if _open(connection, campaign) else self._without(connection, campaign, who, now)
        if anew:
            self._tally.forget(campaign, who.name)
        # Where there is nothing to claim, looking costs no write: those who wait look often.
        step = nothing or self._together.do(lambda connection: self._step(connection, who, now, _nothing))
        return self._shown(who, step, now)

    def answer(self, who: Who, token: str, verdict: Verdict, seconds: float) -> View:
        """Commit an answer, and return what comes next; see :func:`~whosame.annotation.queue.submit.answer`."""
        now = self._now()

        def act(connection: Connection) -> dict[str, Any]:
            receipt = submit_answer(connection, token, who.name, who.sitting, verdict, seconds, now=now)
            return {"receipt": receipt, "last": receipt.event}

        step = self._together.do(lambda connection: self._step(connection, who, now, act))
        receipt = step.receipt
        # A repeated answer was counted, and one to a pair of an earlier run is not of this round.
        if receipt is not None and step.campaign is not None and receipt.run_uid == step.campaign.run_uid:
            self._tally.answered(step.campaign, who.name, verdict, seconds, decides=receipt.decides)
        return self._shown(who, step, now)

    def skip(self, who: Who, token: str) -> View:
        """Give a pair back, and return what comes next."""
        now = self._now()

        def act(connection: Connection) -> dict[str, Any]:
            skip_pair(connection, token, who.name, now=now)
            return {}

        return self._shown(who, self._together.do(lambda connection: self._step(connection, who, now, act)), now)

    def undo(self, who: Who, event: int) -> View:
        """Take an answer back, and show its pair again."""
        now = self._now()

        def act(connection: Connection) -> dict[str, Any]:
            return {"first": undo_answer(connection, event, who.name, who.sitting, now=now)}

        step = self._together.do(lambda connection: self._step(connection, who, now, act))
        if step.campaign is not None:
            self._tally.forget(step.campaign, who.name)
        return self._shown(who, step, now)

    def _step(
        self, connection: Connection, who: Who, now: float, act: Callable[[Connection], dict[str, Any]]
    ) -> "_Step":
        """Do something, and claim what comes next, in one transaction."""
        campaign = self._campaign(connection)
        if campaign is None:
            return _Step(None, "none", refused=RefusedError("lapsed", "there is no run any more"))
        try:
            done = act(connection)
        except RefusedError as error:
            done = {"refused": error}
        first = done.pop("first", None)
        held: list[Lease] = []
        if campaign.state == "asking":
            receipt: Receipt | None = done.get("receipt")
            # The answer may be to a pair of an earlier run.
            known = receipt.leases if receipt is not None and receipt.run_uid == campaign.run_uid else None
            mine = (campaign.run_uid, who.name, who.sitting)
            held = lease_pairs(connection, *mine, count=AHEAD, now=now, held=known)
        if first is not None:  # the pair of an answer taken back comes before those that it made wait
            held = [first, *(other for other in held if other.token != first.token)][:AHEAD]
        if "last" not in done:
            done["last"] = last_undoable(connection, campaign.run_uid, who.name, who.sitting)
        why: Why = "asking" if held else _why(connection, campaign, now)
        return _Step(campaign, why, tuple(held), **done)

    def _without(self, connection: Connection, campaign: Row[Any], who: Who, now: float) -> "_Step":
        last = last_undoable(connection, campaign.run_uid, who.name, who.sitting)
        return _Step(campaign, _why(connection, campaign, now), last=last)

    def _shown(self, who: Who, step: "_Step", now: float) -> View:
        said: dict[str, Any] = {}
        if step.receipt is not None:
            said["saved"] = step.receipt.verdict
        if step.refused is not None:
            said |= {"refused": step.refused.reason, "notice": NOTICES[step.refused.reason]}
        if step.campaign is None:
            return _view(step.why, **said)
        return _view(
            step.why,
            pairs=step.pairs,
            last=step.last,
            run=step.campaign.run,
            round=f"Round {step.campaign.round + 1} of {step.campaign.rounds}",
            figures=self._tally.figures(step.campaign, who.name, now),
            **said,
        )

    def _campaign(self, connection: Connection) -> Row[Any] | None:
        """Return the run that is asked about, as the store has it now."""
        wanted = self._only or self._uid
        if wanted is not None:
            found = connection.execute(CAMPAIGN, {"uid": wanted}).first()
            if self._only is not None or (found is not None and found.state != "over"):
                return found
        newest = connection.execute(select(runs).order_by(runs.c.last_heartbeat.desc(), runs.c.run_uid)).first()
        self._uid = None if newest is None else newest.run_uid
        return newest


@dataclass(frozen=True)
class _Step:
    """What a transaction has done and found."""

    campaign: Row[Any] | None
    why: Why
    pairs: tuple[Lease, ...] = ()
    last: int | None = None
    receipt: Receipt | None = None
    refused: RefusedError | None = None


def _nothing(_: Connection) -> dict[str, Any]:
    return {}


def _view(why: Why, **values: Any) -> View:
    title, text = WHY[why]
    return View(why, title, text, **values)


def _why(connection: Connection, campaign: Row[Any], now: float) -> Why:
    """Return why there is no pair for somebody."""
    if campaign.state != "asking":
        return "over" if campaign.state == "over" else "working"
    if abs(now - campaign.last_heartbeat) > AWAY:
        return "away"
    return "others" if _open(connection, campaign) else "thinking"


def _open(connection: Connection, campaign: Row[Any]) -> bool:
    waiting = exists().where(tasks.c.run_uid == campaign.run_uid, tasks.c.open)
    return campaign.state == "asking" and bool(connection.scalar(select(waiting)))

"""Guard: whether a run pauses because its answers are wasted, who decided what then, and what the answers are like.

The state is in the label store, so that a pause survives a restart of the loop and of the page. The loop sets it to
``paused``, a person or a command decides.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple, Self

from sqlalchemy import Connection, select, update

from whosame.annotation.queue.voting import Vote, decide, majority_or_first
from whosame.annotation.store.audit_log import TERMINAL, Action, record
from whosame.annotation.store.schema import NOT_UNDONE, TASK_OF_ANSWER, answer_events, runs, tasks
from whosame.annotation.store.store import LabelStore
from whosame.questions import Kind, Verdict

GuardState = Literal["watching", "paused", "continue", "stop"]
Decision = Literal["continue", "stop"]
ACTIONS: dict[Decision, Action] = {"continue": "continued", "stop": "stopped"}


class GivenAnswer(NamedTuple):
    """What people have answered about a pair: images by their ids in the manifest, ``image_a < image_b``.

    ``attempts``: how often it was asked and answered; the verdict is that of most of them, else of the first.
    """

    image_a: int
    image_b: int
    round: int
    kind: Kind
    p_same: float | None
    verdict: Verdict
    attempts: int = 1


@dataclass(frozen=True)
class AnswersSoFar:
    """What the answers of a run, and of its present round, are like.

    Attributes
    ----------
    same, different, unsure : int
        Pairs of the run, each counted once.
    expected : float
        How many of ``same`` and ``different`` were expected to be "same"; see
        :func:`~whosame.evaluation.candidates.expected_same`.
    round_answers, round_same, round_changed : int
        "same" and "different" of the round, how many are "same", and how many contradict its clusters.
    auc : float or None
        Of the round: how probably a "same" had the larger p(same) than a "different"; None where either is missing.
    by : str
        ``p(same)``, or ``similarity`` where the strategy gives no probability.
    """

    same: int = 0
    different: int = 0
    unsure: int = 0
    expected: float = 0.0
    round_answers: int = 0
    round_same: int = 0
    round_changed: int = 0
    auc: float | None = None
    by: str = "similarity"

    @property
    def answers(self) -> int:
        """Pairs that are decided."""
        return self.same + self.different

    @property
    def finding(self) -> str:
        """What a pause says."""
        return (
            f"{self.different} of {self.answers} different: these features do not find candidates; better weights are "
            "worth more than your next hour"
        )

    def as_json(self) -> str:
        """Return the figures as the label store has them."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read the figures of a run in the label store; one from an older version has none."""
        return cls(**json.loads(text))


def given_answers(connection: Connection, run_uid: str, overlap: int) -> list[GivenAnswer]:
    """Return what people have answered in a run: each decided pair once, in the order of the first answers.

    Answers of earlier runs are left out.
    """
    of = answer_events.c
    query = (
        select(of.image_a, of.image_b, of.attempt, tasks.c.round, tasks.c.kind, tasks.c.p_same, of.verdict, of.settles)
        .join(tasks, TASK_OF_ANSWER)
        .where(of.run_uid == run_uid, of.found_in.is_(None), NOT_UNDONE)
        .order_by(of.id)
    )
    votes: dict[tuple[int, int], dict[int, list[Vote]]] = {}
    about: dict[tuple[int, int], tuple[Any, ...]] = {}  # round, kind, p_same
    for a, b, attempt, number, kind, p_same, verdict, settles in connection.execute(query):
        votes.setdefault((a, b), {}).setdefault(attempt, []).append(Vote(verdict, settles))
        about.setdefault((a, b), (number, kind, p_same))
    given = []
    for (a, b), attempts in votes.items():
        number, kind, p_same = about[a, b]
        decided = [decide(each, overlap) for each in attempts.values()]
        verdicts = [verdict for verdict in decided if verdict is not None]
        if verdicts:
            given.append(GivenAnswer(a, b, number, kind, p_same, majority_or_first(verdicts), len(verdicts)))
    return given


def guard_state(connection: Connection, run_uid: str) -> GuardState:
    """Return whether a run is paused, or what was decided."""
    found: GuardState | None = connection.scalar(select(runs.c.guard).where(runs.c.run_uid == run_uid))
    return found or "watching"


def keep_figures(store: LabelStore, run_uid: str, figures: AnswersSoFar) -> None:
    """Keep the figures of a run for the page."""
    with store.writing() as connection:
        connection.execute(update(runs).where(runs.c.run_uid == run_uid).values(answers_so_far=figures.as_json()))


def pause(store: LabelStore, run_uid: str) -> None:
    """Pause a run until somebody decides: it leases no pair. A run that goes on by decision is not paused again."""
    with store.writing() as connection:
        undecided = runs.c.guard.in_(("watching", "stop"))
        connection.execute(update(runs).where(runs.c.run_uid == run_uid, undecided).values(guard="paused"))


def decide_pause(
    store: LabelStore, run_uid: str, decision: Decision, who: str = TERMINAL, details: Mapping[str, str] | None = None
) -> bool:
    """Decide how a paused run goes on; return whether it was paused, or stopped, and this is the decision.

    Parameters
    ----------
    store : LabelStore
    run_uid : str
    decision : str
        ``continue``: it is never paused again. ``stop``: the loop ends, and asks again when it is started again.
    who : str
        For the audit log: the name of a user, or that a command was typed.
    details : mapping of str to str, optional
        What else the audit log keeps.
    """
    waits = ("paused",) if decision == "stop" else ("paused", "stop")
    with store.writing() as connection:
        here = update(runs).where(runs.c.run_uid == run_uid, runs.c.guard.in_(waits)).values(guard=decision)
        decided = connection.execute(here).rowcount == 1
        if decided:
            record(connection, who, ACTIONS[decision], {"run_uid": run_uid, **(details or {})})
    return decided

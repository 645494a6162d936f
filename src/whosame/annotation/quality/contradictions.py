"""Answers that cannot all be true: what one says, others together say the opposite of."""

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select

from whosame.annotation.queue.voting import Vote, decide, majority_or_first
from whosame.annotation.store.schema import NOT_UNDONE, TASK_OF_ANSWER, answer_events, runs, tasks
from whosame.annotation.store.store import LabelStore
from whosame.memory import LabelMemory
from whosame.questions import Verdict

Sure = Literal["same", "different"]
Neighbours = Mapping[int, Sequence[tuple[int, "Belief"]]]


@dataclass(frozen=True)
class Belief:
    """What is believed of a pair of images: the number of its newest question, and the verdict."""

    task: int
    a: int
    b: int
    verdict: Verdict
    settled: bool = False


@dataclass(frozen=True)
class Contradiction:
    """An answer, and a shortest chain of others that says the opposite: together they go round in a circle.

    Which of them is wrong nobody can tell from the answers; at least one is.
    """

    answer: Belief
    chain: tuple[Belief, ...]


def beliefs(store: LabelStore, run_uid: str, number: int | None = None) -> list[Belief]:
    """Return what the answers to each pair decide, pairs in the order of their first answer.

    Where a pair was put again, what most of its attempts say counts, or the first where that does not help.

    Parameters
    ----------
    number : int, optional
        Only of this round.
    """
    query = (
        select(
            tasks.c.id,
            tasks.c.image_a,
            tasks.c.image_b,
            tasks.c.attempt,
            answer_events.c.verdict,
            answer_events.c.settles,
        )
        .join(answer_events, TASK_OF_ANSWER)
        .where(tasks.c.run_uid == run_uid, NOT_UNDONE)
        .order_by(answer_events.c.id)
    )
    if number is not None:
        query = query.where(tasks.c.round == number)
    votes: dict[tuple[int, int], dict[int, list[Vote]]] = defaultdict(lambda: defaultdict(list))
    newest: dict[tuple[int, int], tuple[int, int]] = {}  # pair -> its last attempt and that one's question
    with store.reading() as connection:
        overlap = connection.scalar(select(runs.c.overlap).where(runs.c.run_uid == run_uid)) or 1
        for task, a, b, attempt, verdict, settles in connection.execute(query):
            votes[a, b][attempt].append(Vote(verdict, settles))
            newest[a, b] = max(newest.get((a, b), (0, 0)), (attempt, task))
    found = []
    for (a, b), attempts in votes.items():
        in_order = [said for _, said in sorted(attempts.items())]
        settled = [vote.verdict for said in in_order for vote in said if vote.settles]
        decided = [verdict for said in in_order if (verdict := decide(said, overlap)) is not None]
        if decided:
            verdict = settled[-1] if settled else majority_or_first(decided)
            found.append(Belief(newest[a, b][1], a, b, verdict, bool(settled)))
    return found


def contradictions(believed: Sequence[Belief], *, limit: int = 50) -> list[Contradiction]:
    """Return the answers that earlier ones say the opposite of, each with the chain, the newest first.

    What a coordinator has settled counts as said first: the others are held against it.

    Parameters
    ----------
    believed : sequence of Belief
        In the order given, see :func:`beliefs`.
    limit : int
        At most so many.
    """
    memory = LabelMemory()
    standing: dict[int, list[tuple[int, Belief]]] = defaultdict(list)
    clashes = []
    for belief in sorted(believed, key=lambda belief: not belief.settled):
        if belief.verdict == "unsure":
            continue
        if memory.add(belief.a, belief.b, belief.verdict == "same") == "conflict":
            clashes.append(belief)
            continue
        standing[belief.a].append((belief.b, belief))
        standing[belief.b].append((belief.a, belief))
    return [Contradiction(belief, _chain(standing, belief)) for belief in reversed(clashes[-limit:])]


def _chain(neighbours: Neighbours, clash: Belief) -> tuple[Belief, ...]:
    """Return a shortest path between the two images: "same" all along, or with one "different" where that is needed."""
    start, goal = (
        (clash.a, False),
        (clash.b, clash.verdict == "same"),
    )  # an image, and whether a "different" was crossed
    came: dict[tuple[int, bool], tuple[tuple[int, bool], Belief] | None] = {start: None}
    waiting = deque([start])
    while waiting and goal not in came:
        image, crossed = at = waiting.popleft()
        for other, belief in neighbours.get(image, ()):
            if belief.verdict == "different" and crossed:
                continue
            step = (other, crossed or belief.verdict == "different")
            if step not in came:
                came[step] = (at, belief)
                waiting.append(step)
    path = []
    back = came[goal]
    while back is not None:
        path.append(back[1])
        back = came[back[0]]
    return tuple(reversed(path))

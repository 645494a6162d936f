"""Contradictions: answers that cannot all be true, each with a shortest chain of others that says the opposite."""

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from whosame.annotation.queue.image_tokens import known_tokens
from whosame.annotation.queue.voting import Vote, decide, majority_or_first
from whosame.annotation.store.schema import NOT_UNDONE, TASK_OF_ANSWER, answer_events, runs, tasks
from whosame.annotation.store.store import LabelStore
from whosame.memory import LabelMemory
from whosame.questions import Verdict

Neighbours = Mapping[int, Sequence[tuple[int, "PairVerdict"]]]


@dataclass(frozen=True)
class PairVerdict:
    """The verdict on a pair of images.

    Attributes
    ----------
    task : int
        Id of the pair's newest question; 0: it was answered in a review, in another run or in a file, and never asked.
    a, b : int
        Image ids, ``a < b``.
    verdict : str
    settled : bool
        Whether a coordinator has decided it.
    """

    task: int
    a: int
    b: int
    verdict: Verdict
    settled: bool = False


@dataclass(frozen=True)
class Contradiction:
    """A verdict, and a shortest chain of others that says the opposite: together they are a circle.

    At least one of them is wrong; the answers do not tell which.
    """

    answer: PairVerdict
    chain: tuple[PairVerdict, ...]


@dataclass(frozen=True)
class Link:
    """One pair of a contradiction's circle; its images' tokens are in the direction of the circle.

    ``task`` is 0 as in :class:`PairVerdict`; a token is empty where the page has never shown the image.
    """

    task: int
    verdict: Verdict
    tokens: tuple[str, str]


def pair_verdicts(store: LabelStore, run_uid: str, number: int | None = None) -> list[PairVerdict]:
    """Return what the answers to each pair decide, pairs in the order of their first answer.

    Where a pair was asked again, the verdict of most attempts counts, or the first where there is no majority. Pairs
    that were answered in a review, in another run or in a file are among them.

    Parameters
    ----------
    store : LabelStore
    run_uid : str
    number : int, optional
        Only of this round.
    """
    of = answer_events.c
    query = (
        select(func.coalesce(tasks.c.id, 0), of.image_a, of.image_b, of.attempt, of.verdict, of.settles)
        .outerjoin(tasks, TASK_OF_ANSWER)
        .where(of.run_uid == run_uid, NOT_UNDONE)
        .order_by(of.id)
    )
    if number is not None:
        query = query.where(func.coalesce(tasks.c.round, of.round) == number)
    votes: dict[tuple[int, int], dict[int, list[Vote]]] = defaultdict(lambda: defaultdict(list))
    newest: dict[tuple[int, int], tuple[int, int]] = {}  # pair -> its last attempt and that one's question
    with store.reading() as connection:
        overlap = connection.scalar(select(runs.c.overlap).where(runs.c.run_uid == run_uid)) or 1
        for task, a, b, attempt, verdict, settles in connection.execute(query):
            votes[a, b][attempt].append(Vote(verdict, settles))
            newest[a, b] = max(newest.get((a, b), (0, 0)), (attempt, task))
    found = []
    for (a, b), attempts in votes.items():
        in_order = [given for _, given in sorted(attempts.items())]
        settled = [vote.verdict for given in in_order for vote in given if vote.settles]
        decided = [verdict for given in in_order if (verdict := decide(given, overlap)) is not None]
        if decided:
            verdict = settled[-1] if settled else majority_or_first(decided)
            found.append(PairVerdict(newest[a, b][1], a, b, verdict, bool(settled)))
    return found


def contradictions(verdicts: Sequence[PairVerdict], *, limit: int = 50) -> list[Contradiction]:
    """Return the verdicts whose opposite follows from earlier ones, each with the chain, the newest first.

    A coordinator's decisions count as the earliest: the others are compared with them.

    Parameters
    ----------
    verdicts : sequence of PairVerdict
        In the order of :func:`pair_verdicts`.
    limit : int
        At most so many.
    """
    memory = LabelMemory()
    neighbours: dict[int, list[tuple[int, PairVerdict]]] = defaultdict(list)
    conflicts = []
    for pair in sorted(verdicts, key=lambda pair: not pair.settled):
        if pair.verdict == "unsure":
            continue
        if memory.add(pair.a, pair.b, pair.verdict == "same") == "conflict":
            conflicts.append(pair)
            continue
        neighbours[pair.a].append((pair.b, pair))
        neighbours[pair.b].append((pair.a, pair))
    return [Contradiction(pair, shortest_chain(neighbours, pair)) for pair in reversed(conflicts[-limit:])]


def circles(store: LabelStore, run_uid: str, found: Sequence[Contradiction]) -> list[list[Link]]:
    """Return each contradiction as a circle: the answer, then the chain from its first image to its second."""
    pairs = [pair for one in found for pair in (one.answer, *one.chain)]
    tokens = known_tokens(store, run_uid, {image for pair in pairs for image in (pair.a, pair.b)})
    all_circles = []
    for one in found:
        first = tokens.get(one.answer.a, ""), tokens.get(one.answer.b, "")
        circle = [Link(one.answer.task, one.answer.verdict, first)]
        at = one.answer.a
        for pair in one.chain:
            a, b = tokens.get(pair.a, ""), tokens.get(pair.b, "")
            forward = pair.a == at
            circle.append(Link(pair.task, pair.verdict, (a, b) if forward else (b, a)))
            at = pair.b if forward else pair.a
        all_circles.append(circle)
    return all_circles


def shortest_chain(neighbours: Neighbours, conflict: PairVerdict) -> tuple[PairVerdict, ...]:
    """Return a shortest path between the two images: "same" all along, or with one "different" where that is needed.

    Parameters
    ----------
    neighbours : mapping of int to sequence of (int, PairVerdict)
        For each image the others that it has a verdict with; the verdicts do not contradict each other.
    conflict : PairVerdict
        Whose opposite follows from them.
    """
    start = (conflict.a, False)  # an image, and whether a "different" was crossed
    goal = (conflict.b, conflict.verdict == "same")
    previous: dict[tuple[int, bool], tuple[tuple[int, bool], PairVerdict] | None] = {start: None}
    queue = deque([start])
    while queue and goal not in previous:
        image, crossed = at = queue.popleft()
        for other, pair in neighbours.get(image, ()):
            if pair.verdict == "different" and crossed:
                continue
            step = (other, crossed or pair.verdict == "different")
            if step not in previous:
                previous[step] = (at, pair)
                queue.append(step)
    path = []
    back = previous[goal]
    while back is not None:
        path.append(back[1])
        back = previous[back[0]]
    return tuple(reversed(path))

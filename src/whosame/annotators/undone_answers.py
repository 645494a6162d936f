"""Undone answers: which pairs in a run's memory have lost an answer since, and what the others decide."""

from collections import defaultdict
from collections.abc import Sequence

import pandas as pd
from sqlalchemy import select

from whosame.annotation.queue.voting import decisions, majority_or_first
from whosame.annotation.store.schema import NOT_UNDONE, answer_events, undos
from whosame.annotation.store.store import COLUMNS, AnswerEvent, LabelStore
from whosame.questions import Verdict
from whosame.tables import in_force

Pair = tuple[int, int]


def undone_since(
    store: LabelStore, run_uids: Sequence[str], memory: pd.DataFrame | None, overlap: int
) -> dict[Pair, Verdict | None]:
    """Return the pairs of a memory whose verdict the answers do not support any more, since one was undone.

    Parameters
    ----------
    store : LabelStore
    run_uids : sequence of str
        Of the run, and of the runs that it was forked from: :meth:`whosame.runs.Run.answer_uids`.
    memory : DataFrame or None
        As :func:`~whosame.tables.memory_table` makes it.
    overlap : int
        How many people each pair is shown to.

    Returns
    -------
    dict of (int, int) to str or None
        Pairs of image ids, and what the answers that are left decide; None: nothing.
    """
    if memory is None:
        return {}
    events = answer_events.c
    own = events.run_uid.in_(run_uids)
    lost = select(events.image_a, events.image_b, events.verdict).join(undos, undos.c.event_id == events.id)
    with store.reading() as connection:
        gone = {(a, b, verdict) for a, b, verdict in connection.execute(lost.where(own))}
        if not gone:
            return {}
        held = in_force(memory)
        of_pair = dict(zip(zip(held["image_a"], held["image_b"], strict=True), held["verdict"], strict=True))
        parted = {pair[:2] for pair in gone}  # of two who differ, "unsure" is what both say
        pairs = [
            pair for pair, said in of_pair.items() if (*pair, said) in gone or (said == "unsure" and pair in parted)
        ]
        left = select(events.id, *COLUMNS).where(own, NOT_UNDONE).order_by(events.id)
        rows = connection.execute(left).all() if pairs else []
    ids = {row[0] for row in rows}
    given = [
        event for row in rows if (event := AnswerEvent(*row[1:])).found_in not in ids
    ]  # a fork copies its origin's
    verdicts: dict[Pair, list[Verdict]] = defaultdict(list)
    for (a, b, _), decision in decisions(given, overlap).items():
        verdicts[a, b].append(decision.verdict)  # of every attempt
    now = {pair: majority_or_first(verdicts[pair]) if pair in verdicts else None for pair in pairs}
    return {pair: verdict for pair, verdict in now.items() if verdict != of_pair[pair]}

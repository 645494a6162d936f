"""Answers that names obey: those of the complete rounds, and those given so far in the round that is being played."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from whosame.annotation.queue.voting import decisions, majority_or_first
from whosame.annotation.store.store import AnswerEvent, LabelStore
from whosame.annotators.undone_answers import undone_since
from whosame.memory import LabelMemory
from whosame.questions import Verdict
from whosame.tables import in_force, read_memory, undone_rows, with_found


def all_answers(
    store: LabelStore,
    run_uids: Sequence[str],
    number: int | None,
    memory: pd.DataFrame,
    known: pd.DataFrame | None,
    image_ids: NDArray[np.int64],
    overlap: int,
) -> LabelMemory:
    """Return every answer of a run as it is now: of its rounds, of the one that is played, of reviews; none undone.

    Parameters
    ----------
    store : LabelStore
    run_uids : sequence of str
        Of the run, and of those that it was forked from.
    number : int or None
        The round that is being played; None: the memory has its answers.
    memory, known : DataFrame
        As :func:`~whosame.tables.memory_table` and :func:`~whosame.tables.known_table` make them.
    image_ids : int64 [N]
        Of the training images, ascending.
    overlap : int
        How many people each pair is shown to.
    """
    events = not_taken(store.answers(run_uids[0]), number, in_force(memory))
    if undone := undone_since(store, run_uids, memory, overlap):
        memory = with_found(memory, undone_rows(undone), 0)
    return add_open_round(read_memory(memory, image_ids, known), events, image_ids, overlap)


def not_taken(events: Iterable[AnswerEvent], number: int | None, memory: pd.DataFrame) -> list[AnswerEvent]:
    """Return the answers of a run that its memory lacks: of the round that is being played, and of reviews.

    Parameters
    ----------
    events : iterable of AnswerEvent
        Of the run, in the order in which they were given, without those undone.
    number : int or None
        The round that is being played; None: the memory has its answers.
    memory : DataFrame
        As :func:`~whosame.tables.memory_table` makes it.
    """
    sure = memory[memory["verdict"] != "unsure"]
    known = set(zip(sure["image_a"].tolist(), sure["image_b"].tolist(), strict=True))
    return [
        event
        for event in events
        if event.round == number or (event.review is not None and (event.image_a, event.image_b) not in known)
    ]


def add_open_round(
    memory: LabelMemory, events: Iterable[AnswerEvent], image_ids: NDArray[np.int64], overlap: int
) -> LabelMemory:
    """Return a memory with the answers of a round that has not ended, in the order in which they were decided.

    Parameters
    ----------
    memory : LabelMemory
        With every answer of the rounds before; not changed.
    events : iterable of AnswerEvent
        Of the round, in the order in which they were given, without those undone.
    image_ids : int64 [N]
        Of the training images, ascending; the events are about some of them.
    overlap : int
        How many people each pair is shown to. A pair that has fewer answers is not decided and not added.
    """
    verdicts: dict[tuple[int, int], list[Verdict]] = defaultdict(list)
    for (a, b, _), decision in decisions(events, overlap).items():
        verdicts[a, b].append(decision.verdict)  # of every attempt, where the first answer was doubted
    memory = memory.copy()
    for pair, given in verdicts.items():
        a, b = np.searchsorted(image_ids, pair).tolist()
        verdict = majority_or_first(given)
        if verdict == "unsure":
            memory.skip(a, b)
        else:
            memory.add(a, b, verdict == "same")
    return memory

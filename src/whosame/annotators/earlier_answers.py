"""Earlier answers: what people have answered or undone before a round asks: in other runs, in a file, in reviews."""

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from whosame.annotation.queue.voting import decisions
from whosame.annotation.store.reuse import find_all_earlier
from whosame.annotation.store.store import LabelStore
from whosame.annotators.undone_answers import undone_since
from whosame.questions import Answer, Question
from whosame.tables import answers_table, in_force, with_undone


def recall(
    store: LabelStore,
    *,
    run_uids: Sequence[str],
    run: str,
    round: int,  # noqa: A002
    image_ids: NDArray[np.int64],
    digests: Sequence[str],
    overlap: int,
    memory: pd.DataFrame | None,
    people: bool,
) -> pd.DataFrame:
    """Return what a round knows as it begins beside the memory of the round before; it costs nothing.

    Parameters
    ----------
    store : LabelStore
    run_uids : sequence of str
        Of the run that begins a round, and of those that it was forked from.
    run, round : str, int
    image_ids : int64 [N]
        Of the training images, ascending.
    digests : sequence of str, N long
        Of their bytes.
    overlap : int
        How many people each pair is shown to.
    memory : DataFrame or None
        Of the round before.
    people : bool
        Whether people answer the run: then their answers to other runs are known.

    Returns
    -------
    DataFrame
        As :func:`~whosame.tables.answers_table` makes it; first the pairs that have lost an answer.
    """
    undone = undone_since(store, run_uids, memory, overlap)
    pairs, decided = set[tuple[int, int]](), set[tuple[int, int]]()
    if memory is not None:
        held = in_force(memory)
        pairs = set(zip(held["image_a"].tolist(), held["image_b"].tolist(), strict=True))
        sure = held[held["verdict"] != "unsure"]
        decided = set(zip(sure["image_a"].tolist(), sure["image_b"].tolist(), strict=True))
    uid, found = run_uids[0], list[Answer]()
    if people:
        found += earlier_answers(
            store,
            run_uid=uid,
            run=run,
            round=round,
            image_ids=image_ids,
            digests=digests,
            overlap=overlap,
            known=pairs,
        )
    found += review_answers(store, run_uid=uid, image_ids=image_ids, overlap=overlap, known=decided)
    return with_undone(answers_table(found, image_ids), undone)


def earlier_answers(
    store: LabelStore,
    *,
    run_uid: str,
    run: str,
    round: int,  # noqa: A002
    image_ids: NDArray[np.int64],
    digests: Sequence[str],
    overlap: int,
    known: Collection[tuple[int, int]],
) -> list[Answer]:
    """Copy to a run what people have answered elsewhere about its images, and return what that decides.

    Called again, it returns the same: the copies are in the store.

    Parameters
    ----------
    store : LabelStore
    run_uid, run, round : str, str, int
        The run that begins a round.
    image_ids : int64 [N]
        Of the training images, ascending.
    digests : sequence of str, N long
        Of their bytes; of copies of one file the first image counts.
    overlap : int
        How many people each pair is shown to: with fewer answers a pair is not decided.
    known : collection of (int, int)
        Pairs of image ids, smaller first, that the run has an answer to.

    Returns
    -------
    list of Answer
        In the order in which they were given; they cost nothing.
    """
    images: dict[str, int] = {}
    for image, digest in zip(image_ids.tolist(), digests, strict=True):
        images.setdefault(digest, image)
    find_all_earlier(store, run_uid, run, round, images, without=known)
    answers = []
    for (a, b, attempt), decision in decisions(store.answers(run_uid), overlap).items():
        if attempt == 1 and decision.found_again and (a, b) not in known:
            first, second = np.searchsorted(image_ids, (a, b)).tolist()
            question = Question(first, second, decision.votes[0].kind)
            answers.append(Answer(question, decision.verdict, "memory", decision.annotator, asked=0, found_again=True))
    return answers


def review_answers(
    store: LabelStore,
    *,
    run_uid: str,
    image_ids: NDArray[np.int64],
    overlap: int,
    known: Collection[tuple[int, int]],
) -> list[Answer]:
    """Return what reviews of the run's identities have decided and no round has taken yet.

    Parameters
    ----------
    store, run_uid, image_ids, overlap
        As for :func:`earlier_answers`.
    known : collection of (int, int)
        Pairs of image ids, smaller first, that the run's memory has decided.

    Returns
    -------
    list of Answer
        In the order in which they were given; they cost nothing.
    """
    rows = {image: row for row, image in enumerate(image_ids.tolist())}
    answers = []
    for (a, b, attempt), decision in decisions(store.answers(run_uid), overlap).items():
        reviewed = any(vote.review is not None for vote in decision.votes)
        if reviewed and attempt == 1 and (a, b) not in known and a in rows and b in rows:
            question = Question(rows[a], rows[b], decision.votes[0].kind)
            answers.append(Answer(question, decision.verdict, "memory", decision.annotator, asked=0, found_again=True))
    return answers

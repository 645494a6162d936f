"""Earlier answers: what people have answered before a round asks: in other runs, in a file, in reviews of the run."""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from whosame.annotation.queue.voting import decisions
from whosame.annotation.store.reuse import find_all_earlier
from whosame.annotation.store.store import LabelStore
from whosame.questions import Answer, Question


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

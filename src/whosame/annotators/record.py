"""The label store as one round sees it: rows of the training set on one side, image ids and digests on the other."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from whosame.annotation.queue.decisions import Decision, Key, decisions
from whosame.annotation.store.store import AnswerEvent, LabelStore
from whosame.errors import ResumeError, format_problems
from whosame.questions import Answer, Question, Source


class RoundRecord:
    """Commits a round's answers, and finds those that the run has been given before.

    Parameters
    ----------
    store : LabelStore
    run_uid, run : str
        The run's own mark and its name.
    round : int
        From 0.
    image_ids : int64 [N]
        Image ids of the training rows, ascending.
    digests : sequence of str, N long
        Digests of their bytes.
    overlap : int
        How many annotators each pair is put to; their answers together are one decision.

    Raises
    ------
    ResumeError
        The run has answers about images that are not in the training set, or whose bytes were others.
    """

    def __init__(
        self,
        store: LabelStore,
        *,
        run_uid: str,
        run: str,
        round: int,  # noqa: A002
        image_ids: NDArray[np.int64],
        digests: Sequence[str],
        overlap: int = 1,
    ) -> None:
        self._store, self._run_uid, self._run, self._round = store, run_uid, run, round
        self._ids: list[int] = image_ids.tolist()
        self._digests = digests
        self._overlap = overlap
        self._given: dict[Key, Decision] = {}
        self._read()

    def find(self, questions: Sequence[Question]) -> list[Answer]:
        """Return the answers that these questions had before, source ``memory``, in the order they were decided."""
        asked = {self.key(question): question for question in questions}
        return [
            as_answer(asked[which], decision, "memory") for which, decision in self._given.items() if which in asked
        ]

    def commit(self, answers: Sequence[Answer]) -> None:
        """Commit answers to the store, in one transaction; see :meth:`LabelStore.append`."""
        self._store.append([self._event(answer) for answer in answers])

    def key(self, question: Question) -> Key:
        """Return a question as the store knows it: by image ids."""
        return self._ids[question.a], self._ids[question.b], question.attempt

    def _read(self) -> None:
        events = self._store.answers(self._run_uid)
        self._check(events)
        self._given = decisions(events, self._overlap)

    def _event(self, answer: Answer) -> AnswerEvent:
        a, b = answer.question.a, answer.question.b
        return AnswerEvent(
            run_uid=self._run_uid,
            run=self._run,
            round=self._round,
            image_a=self._ids[a],
            image_b=self._ids[b],
            digest_a=self._digests[a],
            digest_b=self._digests[b],
            kind=answer.question.kind,
            verdict=answer.verdict,
            source=answer.source,
            annotator=answer.annotator,
            seconds=answer.seconds,
            attempt=answer.question.attempt,
        )

    def _check(self, events: Sequence[AnswerEvent]) -> None:
        now = dict(zip(self._ids, self._digests, strict=True))
        then = {event.image_a: event.digest_a for event in events} | {event.image_b: event.digest_b for event in events}
        problems = [
            f"image {image}: " + ("its bytes were others" if image in now else "not a training image")
            for image, digest in sorted(then.items())
            if now.get(image) != digest
        ]
        if problems:
            title = f"{len(problems)} images that run {self._run!r} has answers about are not what they were"
            raise ResumeError(
                format_problems(title, problems, "Restore the images, or begin another run (--params=run=NAME).")
            )


def as_answer(question: Question, decision: Decision, source: Source) -> Answer:
    """Return a decision in the store as the answer to a question."""
    found_again = decision.found_again
    return Answer(
        question,
        decision.verdict,
        source,
        decision.annotator,
        decision.seconds,
        asked=0 if found_again else 1,
        found_again=found_again,
    )

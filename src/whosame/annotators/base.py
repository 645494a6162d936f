"""The interface of annotators, and of the record that keeps a round's answers."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from whosame.questions import Answer, Question

Settled = Callable[[Question], bool]


class Annotator(Protocol):
    """People, or a program, that answer questions."""

    @property
    def name(self) -> str:
        """The name of the annotator in the label store."""

    def answer(self, questions: Sequence[Question], settled: Settled) -> Iterator[Answer]:
        """Yield the answers as they are given.

        Parameters
        ----------
        questions : sequence of Question
            Open questions, the most important first. Each is answered at most once, in any order.
        settled : callable
            Whether a question needs no answer any more. Call it just before asking: each answer yielded before may have
            settled others. A settled question is left out.

        Yields
        ------
        Answer
            Of source ``human`` or ``oracle``, to the question as it was asked, its ``attempt`` included. It is on disk
            by the time the next one is taken from the iterator. Where several people answer at once, it may be to a
            question that an answer before it has settled.
        """


class Record(Protocol):
    """The place where the answers of a run are kept."""

    def find(self, questions: Sequence[Question]) -> list[Answer]:
        """Return the answers that these questions have already.

        First those about two files of the same bytes (:func:`answers_about_copies`), then those that were given
        before, source ``memory``, in their order. Each attempt at a pair is a question of its own.
        """

    def commit(self, answers: Sequence[Answer]) -> None:
        """Keep answers for good: a power cut after this call loses none of them."""


def answers_about_copies(questions: Sequence[Question], digests: Sequence[str]) -> list[Answer]:
    """Return the answers to those questions that are about two files of the same bytes: same, and free.

    Parameters
    ----------
    questions : sequence of Question
    digests : sequence of str, N long
        Of the training images' bytes.
    """
    copies = [question for question in questions if digests[question.a] == digests[question.b]]
    return [Answer(question, "same", "closure", "bytes", asked=0) for question in copies]

"""A round as people answer it: begun again where an answer is taken back, ended when nothing more comes."""

from collections.abc import Callable, Sequence

from whosame.annotation.queue.tasks import TaskQueue
from whosame.annotators.human import PAUSE, HumanAnnotator, Watch
from whosame.annotators.people_record import AnswersChangedError, PeopleRecord
from whosame.annotators.query_loop import QueryResult, run_queries
from whosame.memory import LabelMemory
from whosame.questions import Question
from whosame.strategies.base import Session

Begun = tuple[Session, Sequence[Question]]


def ask_people(
    begin: Callable[[], Begun],
    record: Callable[[], PeopleRecord],
    campaign: TaskQueue,
    memory: LabelMemory,
    *,
    budget: int,
    grace: float,
    last: bool = False,
    watch: Watch | None = None,
    pause: float = PAUSE,
) -> tuple[Session, QueryResult]:
    """Ask people until the session has nothing more to ask or the budget is spent.

    A strategy cannot forget what it was told. When somebody takes an answer back, the conversation therefore begins
    again with a session that has been told nothing: it hears the answers that stand, in their order, and asks the pair
    again. What comes of the round is what anybody gets who hears these answers.

    Parameters
    ----------
    begin : callable
        Begins a session of the strategy on the round's state; returns it with its first batch.
    record : callable
        Opens the round's record.
    campaign : Campaign
        Where the questions are put.
    memory : LabelMemory
        What is known as the round begins; it is not changed.
    budget : int
        How many questions may be paid for.
    grace : float
        Seconds for which the last answers may still be taken back, at least 0.
    last : bool
        Whether the run asks nothing after this round.
    watch : callable, optional
        Told how far people are.
    pause : float
        Seconds between two looks at the store.

    Returns
    -------
    Session, Conversation
        The session that heard the answers as they stand, and what was learnt.
    """
    campaign.begin()
    while True:
        session, first = begin()
        try:
            heard = record()
            people = HumanAnnotator(campaign, heard, watch=watch, pause=pause)
            said = run_queries(session, first, people, memory, budget=budget, record=heard)
            people.end(grace)
        except AnswersChangedError:
            continue
        if last:
            campaign.finish()
        return session, said

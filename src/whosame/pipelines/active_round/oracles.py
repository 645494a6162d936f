"""The node ``annotate`` where an oracle answers, in place of people (:mod:`~whosame.pipelines.active_round.people`)."""

from collections.abc import Callable

from whosame.annotation.store.store import open_store
from whosame.annotators.human import Begun
from whosame.annotators.query_loop import QueryResult, run_queries
from whosame.annotators.record import RoundRecord
from whosame.annotators.registry import make_annotator
from whosame.app import paths
from whosame.configuration import Configuration
from whosame.data.manifest import TrainSet, Truth
from whosame.pipelines.active_round.this_round import ThisRound
from whosame.strategies.base import RoundState, Session


def oracle_answers(
    this_round: ThisRound,
    state: RoundState,
    begin: Callable[[], Begun],
    train_set: TrainSet,
    truth: Truth,
    configuration: Configuration,
) -> tuple[Session, QueryResult]:
    """Put a round's questions to the oracle that the parameters name, and keep what it says in the label store."""
    session, first = begin()
    annotator = make_annotator(
        configuration.annotator, configuration.annotator_options, identities=truth.identities, seed=this_round.seed
    )
    with open_store(configuration.database_url(paths.root())) as store:
        record = RoundRecord(
            store,
            run_uid=this_round.uid,
            run=this_round.run,
            round=this_round.number,
            image_ids=train_set.image_ids,
            digests=train_set.digests,
        )
        return session, run_queries(session, first, annotator, state.memory, budget=state.budget, record=record)

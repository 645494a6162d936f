"""The node ``annotate`` where people answer: what the page is told, and what the terminal shows meanwhile."""

from collections.abc import Callable
from functools import partial

from whosame.annotation.queue.image_tokens import ImageRef
from whosame.annotation.queue.tasks import RunInfo, TaskQueue
from whosame.annotation.store.store import open_store
from whosame.annotation.web.process import page_address
from whosame.annotators.human import Begun, ask_people
from whosame.annotators.query_loop import QueryResult
from whosame.annotators.record import PeopleRecord
from whosame.app import paths
from whosame.app.waiting import Waiting
from whosame.configuration import Configuration
from whosame.data.manifest import Manifest, TrainSet
from whosame.pipelines.active_round.this_round import ThisRound
from whosame.strategies.base import RoundState, Session


def people_answer(
    this_round: ThisRound,
    state: RoundState,
    begin: Callable[[], Begun],
    manifest: Manifest,
    train_set: TrainSet,
    configuration: Configuration,
    *,
    spent: int,
) -> tuple[Session, QueryResult]:
    """Put a round's questions to people and wait; see :func:`~whosame.annotators.human.ask_people`.

    ``spent`` is how many questions the rounds before have cost.
    """
    options = configuration.annotator_options
    about = RunInfo(
        run_uid=this_round.uid,
        run=this_round.run,
        root=str((paths.root() / manifest.root).resolve()),
        round=this_round.number,
        rounds=this_round.rounds,
        asked=spent,
        budget=configuration.budget,
        round_budget=state.budget,
        overlap=options.overlap,
    )
    files = manifest.table["path"].iloc[train_set.image_ids]
    rows = zip(train_set.image_ids.tolist(), files, train_set.digests, strict=True)
    images = {image: ImageRef(path, digest) for image, path, digest in rows}
    waiting = Waiting(state.budget, overlap=options.overlap, where=partial(page_address, options.host, options.port))
    with open_store(configuration.database_url(paths.root())) as store, waiting:
        return ask_people(
            begin,
            lambda: PeopleRecord(
                store,
                run_uid=this_round.uid,
                run=this_round.run,
                round=this_round.number,
                image_ids=train_set.image_ids,
                digests=train_set.digests,
                overlap=options.overlap,
            ),
            TaskQueue(store, about, images),
            state.memory,
            budget=state.budget,
            grace=options.undo_seconds,
            last=this_round.number + 1 == this_round.rounds,
            watch=waiting,
        )

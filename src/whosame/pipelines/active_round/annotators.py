"""Annotators of a round: an oracle, or people at the annotation page."""

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from tqdm import tqdm

from whosame.annotation.queue.image_tokens import ImageRef
from whosame.annotation.queue.tasks import RunInfo, TaskQueue
from whosame.annotation.store.store import open_store
from whosame.annotation.web.process import page_address
from whosame.annotators.exemplars import Exemplars
from whosame.annotators.guard import Guard
from whosame.annotators.guide import make_guide
from whosame.annotators.human import Started, ask_people
from whosame.annotators.query_loop import QueryResult, run_queries
from whosame.annotators.record import PeopleRecord, RoundRecord
from whosame.annotators.registry import AnnotatorConfig, make_annotator
from whosame.app import paths
from whosame.app.progress_bar import AnswersBar
from whosame.data.manifest import Manifest, TrainSet, Truth
from whosame.pipelines.active_round.this_round import ThisRound
from whosame.strategies.base import RoundState, Session


def oracle_answers(
    this_round: ThisRound,
    state: RoundState,
    begin: Callable[[], Started],
    train_set: TrainSet,
    truth: Truth,
    annotator: str,
    options: AnnotatorConfig,
) -> tuple[Session, QueryResult]:
    """Let the named oracle answer, and keep its answers in the label store."""
    session, questions = begin()
    if state.budget == 0:  # no annotator is needed, and there is none where identities are unknown
        return session, QueryResult([], state.memory)
    oracle = make_annotator(annotator, options, identities=truth.identities, seed=this_round.seed)
    with open_store(this_round.database) as store:
        record = RoundRecord(store, **_round_and_images(this_round, train_set))
        return session, run_queries(session, questions, oracle, state.memory, budget=state.budget, record=record)


def people_answer(
    this_round: ThisRound,
    state: RoundState,
    begin: Callable[[], Started],
    train_set: TrainSet,
    manifest: Manifest,
    options: AnnotatorConfig,
    *,
    layout: str,
    asked: int,
) -> tuple[Session, QueryResult]:
    """Ask people and wait; see :func:`~whosame.annotators.human.ask_people`.

    ``layout`` is that of the images, ``asked`` how many questions the rounds before have cost.
    """
    about = RunInfo(
        run_uid=this_round.uid,
        run=this_round.run,
        root=str((paths.root() / manifest.root).resolve()),
        round=this_round.number,
        rounds=this_round.rounds,
        asked=asked,
        budget=sum(this_round.schedule),
        round_budget=state.budget,
        overlap=options.overlap,
        guide=make_guide(options, layout, manifest, paths.root()),
    )
    files = manifest.table["path"].iloc[train_set.image_ids]
    rows = zip(train_set.image_ids.tolist(), files, train_set.digests, strict=True)
    images = {image: ImageRef(path, digest) for image, path, digest in rows}
    bar = AnswersBar(where=partial(page_address, options.host, options.port))
    with open_store(this_round.database) as store, bar:
        guard = Guard(
            store,
            this_round.uid,
            this_round.run,
            number=this_round.number,
            overlap=options.overlap,
            options=options.guarded,
            image_ids=train_set.image_ids,
            features=state.features,
            labels=state.labels,
            say=partial(tqdm.write, file=sys.stderr),
        )
        return ask_people(
            begin,
            partial(PeopleRecord, store, overlap=options.overlap, **_round_and_images(this_round, train_set)),
            TaskQueue(store, about, images),
            state.memory,
            budget=state.budget,
            grace=options.undo_seconds,
            last=this_round.number + 1 == this_round.rounds,
            exemplars=Exemplars(state.memory, state.features).of,
            guard=guard,
            watch=bar,
        )


def _round_and_images(this_round: ThisRound, train_set: TrainSet) -> dict[str, Any]:
    return {
        "run_uid": this_round.uid,
        "run": this_round.run,
        "round": this_round.number,
        "image_ids": train_set.image_ids,
        "digests": train_set.digests,
    }

"""Answers to the questions of an audit: of the oracle, or of people at the annotation page."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whosame.annotation.queue.guide import Guide
from whosame.annotation.queue.image_tokens import ImageRef
from whosame.annotation.queue.tasks import RunInfo, TaskQueue
from whosame.annotation.store.store import LabelStore
from whosame.annotation.web.process import page_address
from whosame.annotators.exemplars import Exemplars
from whosame.annotators.guide import make_guide
from whosame.annotators.human import ask_people
from whosame.annotators.query_loop import QueryResult, run_queries
from whosame.annotators.record import PeopleRecord, RoundRecord
from whosame.annotators.registry import make_annotator
from whosame.app import paths
from whosame.app.progress_bar import AnswersBar
from whosame.audit.config import AuditConfig
from whosame.audit.population import Population
from whosame.audit.session import AuditSession
from whosame.configuration import Configuration
from whosame.data.manifest import Manifest, TrainSet
from whosame.memory import LabelMemory
from whosame.questions import Question

NOTE = (
    "This is an audit of the names of run {run!r}: the pairs are drawn at random, many are easy, and nothing is "
    "trained on the answers."
)


@dataclass(frozen=True, eq=False)
class Audited:
    """What an audit is about.

    Attributes
    ----------
    run, uid : str
        The run's name; the audit's key in the label store.
    population : Population
    memory : LabelMemory
        Every answer of the run, taken as true.
    manifest : Manifest
    train_set : TrainSet
    config : AuditConfig
    """

    run: str
    uid: str
    population: Population
    memory: LabelMemory
    manifest: Manifest
    train_set: TrainSet
    config: AuditConfig

    def begin(self) -> tuple[AuditSession, list[Question]]:
        """Begin a session; return it with its first batch."""
        session = AuditSession(self.population, self.memory, self.config.questions, self.config.seed)
        return session, session.ask()

    @property
    def record(self) -> dict[str, Any]:
        """Where its answers are kept."""
        ids, digests = self.train_set.image_ids, self.train_set.digests
        return {"run_uid": self.uid, "run": self.title, "round": 0, "image_ids": ids, "digests": digests}

    @property
    def title(self) -> str:
        """Its name on the page and in the label store."""
        return f"{self.run} (audit)"


def ask_oracle(
    store: LabelStore, audited: Audited, identities: NDArray[np.int64], configuration: Configuration
) -> tuple[AuditSession, QueryResult]:
    """Let the simulated annotator of the run answer.

    Raises
    ------
    ParameterError
        An identity is not known.
    """
    options = configuration.annotator_options
    oracle = make_annotator(configuration.annotator, options, identities=identities, seed=configuration.seed)
    session, first = audited.begin()
    record = RoundRecord(store, **audited.record)
    return session, run_queries(session, first, oracle, audited.memory, budget=audited.config.questions, record=record)


def ask_at_page(
    store: LabelStore, audited: Audited, features: NDArray[np.float32], configuration: Configuration
) -> tuple[AuditSession, QueryResult]:
    """Ask people and wait; see :func:`~whosame.annotators.human.ask_people`."""
    options, questions = configuration.annotator_options, audited.config.questions
    manifest, train_set = audited.manifest, audited.train_set
    info = RunInfo(
        run_uid=audited.uid,
        run=audited.title,
        root=str((paths.root() / manifest.root).resolve()),
        round=0,
        rounds=1,
        asked=0,
        budget=questions,
        round_budget=questions,
        overlap=options.overlap,
        guide=_guide(audited, configuration),
    )
    files = manifest.table["path"].iloc[train_set.image_ids]
    rows = zip(train_set.image_ids.tolist(), files, train_set.digests, strict=True)
    images = {image: ImageRef(path, digest) for image, path, digest in rows}
    begun: list[AuditSession] = []

    def begin() -> tuple[AuditSession, list[Question]]:
        session, first = audited.begin()
        begun.append(session)
        return session, first

    with AnswersBar(where=partial(page_address, options.host, options.port)) as bar:
        _, result = ask_people(
            begin,
            partial(PeopleRecord, store, overlap=options.overlap, **audited.record),
            TaskQueue(store, info, images),
            audited.memory,
            budget=questions,
            grace=options.undo_seconds,
            last=True,
            exemplars=Exemplars(audited.memory, features).of,
            watch=bar,
        )
    return begun[-1], result


def _guide(audited: Audited, configuration: Configuration) -> Guide:
    """Return what people are told: that this is an audit, and what the run tells them."""
    guide = make_guide(configuration.annotator_options, configuration.layout, audited.manifest, paths.root())
    note = NOTE.format(run=audited.run)
    return replace(guide, instruction=f"{note}\n\n{guide.instruction}".strip())

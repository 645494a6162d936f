"""Nodes of the pipeline ``audit``: the names of a run are audited, by people or by the oracle."""

from typing import Any

from whosame import artefacts
from whosame.annotation.store.store import open_store
from whosame.annotation.store.uids import audit_uid
from whosame.app import paths
from whosame.app.audit.ask import Audited, ask_at_page, ask_oracle
from whosame.app.audit.report import AuditReport, make_report
from whosame.artefacts import AUDIT, IDENTITIES
from whosame.audit.population import Population
from whosame.configuration import Configuration
from whosame.data.manifest import Manifest, TrainSet, Truth
from whosame.features.extraction import Features
from whosame.memory import LabelMemory
from whosame.naming.audited_names import read_names
from whosame.parameters import parse
from whosame.pipelines.active_round.this_round import ThisRound
from whosame.runs import Run


def audit_names(
    this_round: ThisRound,
    manifest: Manifest,
    features: Features,
    train_set: TrainSet,
    truth: Truth,
    memory: LabelMemory,
    parameters: dict[str, Any],
) -> AuditReport:
    """Ask about drawn pairs, estimate from the answers how right the names are, and write ``audit.json``."""
    configuration = parse(Configuration, parameters)
    config, run = configuration.audit, Run.named(paths.runs_folder(), this_round.run)
    files = manifest.table["path"].iloc[train_set.image_ids].tolist()
    names = read_names(run.folder / IDENTITIES, files, run.name)
    population = Population(names.labels, features.vectors, names.p)
    uid = audit_uid(this_round.uid, names.digest, config.seed)
    audited = Audited(run.name, uid, population, memory, manifest, train_set, config)
    with open_store(this_round.database) as store:
        if configuration.people_answer:
            session, result = ask_at_page(store, audited, features.vectors, configuration)
        else:
            session, result = ask_oracle(store, audited, truth.identities, configuration)
    report = make_report(run, audited, session, result, names.digest)
    artefacts.write(run.folder / AUDIT, report.as_dict())
    return report

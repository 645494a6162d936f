"""Every annotator keeps to the contract: the simulated ones of the registry, and people."""

import threading
from contextlib import suppress

import numpy as np
import pytest

from whosame.annotation.queue.submit import RefusedError
from whosame.annotation.store.schema import images
from whosame.annotation.store.store import open_store
from whosame.annotators.human import HumanAnnotator
from whosame.annotators.record import PeopleRecord
from whosame.annotators.registry import ANNOTATORS, HUMAN, NAMES, AnnotatorConfig, make_annotator
from whosame.testing.annotators import ANNOTATOR_CHECKS, IDENTITIES, IMMEDIATE_CHECKS

CONFIG = AnnotatorConfig(noise_within=0.2, noise_between=0.2, noise_pool=0.2)
N = len(IDENTITIES)


class Alice(threading.Thread):
    """A person who answers all open questions of the newest run."""

    def __init__(self, store, people_of, queue_of):
        super().__init__(daemon=True)
        self.store, self.people_of, self.queue_of = store, people_of, queue_of
        self.runs, self.gone = [], threading.Event()
        self.start()

    def asked(self):
        """Return an annotator that asks her, in a run of its own."""
        uid = str(len(self.runs))
        queue = self.queue_of(self.store, run_uid=uid)
        digests = [f"digest {row}" for row in range(N)]
        about = {"run_uid": uid, "run": uid, "round": 0, "image_ids": np.arange(N), "digests": digests}
        self.runs.append(self.people_of(self.store, run_uid=uid))
        return HumanAnnotator(queue, PeopleRecord(self.store, **about), poll_seconds=0.01)

    def run(self):
        while not self.gone.wait(0.01):
            for lease in self.runs[-1].lease("alice", 99) if self.runs else ():
                with self.store.reading() as connection:
                    a, b = connection.scalars(
                        images.select()
                        .with_only_columns(images.c.image)
                        .where(images.c.token.in_([lease.left, lease.right]))
                    )
                verdict = "same" if IDENTITIES[a] == IDENTITIES[b] else "different"
                with suppress(RefusedError):  # closed while she looked at it
                    self.runs[-1].answer("alice", lease, verdict)


@pytest.fixture(params=NAMES)
def make(request, tmp_path, people_of, queue_of):
    """Make annotators of one kind, a new one each time."""
    if request.param != HUMAN:
        yield lambda identities: make_annotator(request.param, CONFIG, identities=identities, seed=3)
        return
    with open_store(f"sqlite:///{tmp_path / 'labels.db'}") as store:
        alice = Alice(store, people_of, queue_of)
        yield lambda _: alice.asked()
        alice.gone.set()
        alice.join()


@pytest.mark.parametrize("check", ANNOTATOR_CHECKS.values(), ids=ANNOTATOR_CHECKS)
def test_contract(make, check):
    check(make)


@pytest.mark.parametrize("check", IMMEDIATE_CHECKS.values(), ids=IMMEDIATE_CHECKS)
@pytest.mark.parametrize("name", sorted(ANNOTATORS))
def test_contract_of_simulated_annotators(name, check):
    check(lambda identities: make_annotator(name, CONFIG, identities=identities, seed=3))

"""Every annotator keeps to the contract: the simulated ones of the registry, and people."""

import threading
from contextlib import suppress

import numpy as np
import pytest

from whosame.annotation.queue import submit
from whosame.annotation.queue.image_tokens import ImageRef
from whosame.annotation.queue.leases import claim
from whosame.annotation.queue.tasks import RunInfo, TaskQueue
from whosame.annotation.store.schema import images
from whosame.annotation.store.store import open_store
from whosame.annotators.human import HumanAnnotator
from whosame.annotators.record import PeopleRecord
from whosame.annotators.registry import ANNOTATORS, HUMAN, NAMES, AnnotatorConfig, make_annotator
from whosame.testing.annotators import ANNOTATOR_CHECKS, IDENTITIES, IMMEDIATE_CHECKS

CONFIG = AnnotatorConfig(noise_within=0.2, noise_between=0.2, noise_pool=0.2)
N = len(IDENTITIES)


class Alice(threading.Thread):
    """A person who answers whatever lies on the table of the newest run, as it lies there."""

    def __init__(self, store):
        super().__init__(daemon=True)
        self.store, self.runs, self.gone = store, [], threading.Event()
        self.start()

    def asked(self):
        """Return an annotator that asks her, in a run of its own."""
        uid = str(len(self.runs))
        images = {row: ImageRef(f"{row}.png", f"digest {row}") for row in range(N)}
        campaign = TaskQueue(self.store, RunInfo(uid, uid, "/images", 0, 1, 0, 99, 99), images)
        digests = [picture.digest for picture in images.values()]
        about = {"run_uid": uid, "run": uid, "round": 0, "image_ids": np.arange(N), "digests": digests}
        campaign.begin()
        self.runs.append(uid)
        return HumanAnnotator(campaign, PeopleRecord(self.store, **about), poll_seconds=0.01)

    def run(self):
        while not self.gone.wait(0.01):
            for held in claim(self.store, self.runs[-1], "alice", "hers", count=99) if self.runs else ():
                with self.store.reading() as connection:
                    a, b = connection.scalars(
                        images.select()
                        .with_only_columns(images.c.image)
                        .where(images.c.token.in_([held.left, held.right]))
                    )
                verdict = "same" if IDENTITIES[a] == IDENTITIES[b] else "different"
                with suppress(submit.RefusedError):  # taken off the table while she looked at it
                    submit.answer(self.store, held.token, "alice", "hers", verdict, 2.0)


@pytest.fixture(params=NAMES)
def make(request, tmp_path):
    """Make annotators of one kind, a new one each time."""
    if request.param != HUMAN:
        yield lambda identities: make_annotator(request.param, CONFIG, identities=identities, seed=3)
        return
    with open_store(f"sqlite:///{tmp_path / 'labels.db'}") as store:
        alice = Alice(store)
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

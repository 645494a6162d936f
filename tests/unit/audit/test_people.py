"""People answer an audit: the estimates are those of the oracle, and no run finds the answers again."""

import threading
import time
from contextlib import suppress
from functools import partial

import numpy as np

from whosame.annotation.queue.image_tokens import ImageRef
from whosame.annotation.queue.submit import RefusedError
from whosame.annotation.queue.tasks import RunInfo, TaskQueue
from whosame.annotation.store.reuse import Pair, find_earlier
from whosame.annotation.store.schema import images
from whosame.annotation.store.uids import audit_uid, is_audit
from whosame.annotators.human import ask_people
from whosame.annotators.oracle import Oracle
from whosame.annotators.query_loop import run_queries
from whosame.annotators.record import PeopleRecord, RoundRecord
from whosame.audit.population import Population
from whosame.audit.session import AuditSession
from whosame.memory import LabelMemory
from whosame.testing.audits import draw_label_set

NAMES = draw_label_set(8, images=(80, 100))
POPULATION = Population(NAMES.labels, NAMES.features, NAMES.p)
N = len(NAMES.labels)
QUESTIONS = 40
ABOUT = {"image_ids": np.arange(N), "digests": [f"digest {row}" for row in range(N)], "round": 0}


def begin(begun):
    session = AuditSession(POPULATION, LabelMemory(), QUESTIONS, 0)
    begun.append(session)
    return session, session.ask()


def answer_all(people, done):
    """Answer from the truth until the audit is over."""
    while not done.is_set():
        leased = people.lease("ann")
        with people.store.reading() as connection:
            shown = dict(connection.execute(images.select().with_only_columns(images.c.token, images.c.image)).all())
        for lease in leased:
            one, other = (NAMES.truth[shown[token]] for token in (lease.left, lease.right))
            with suppress(RefusedError):
                people.answer("ann", lease, "same" if one == other else "different")
        time.sleep(0.005)


def test_people_who_know_the_truth_get_what_the_oracle_gets(store, people_of):
    uid = audit_uid("abc", "def", 0)
    assert is_audit(uid)
    assert not is_audit("abc")
    begun, done = [], threading.Event()
    refs = {row: ImageRef(f"{row}.png", f"digest {row}") for row in range(N)}
    queue = TaskQueue(store, RunInfo(uid, "mine (audit)", "/images", 0, 1, 0, QUESTIONS, QUESTIONS), refs)
    record = {"run_uid": uid, "run": "mine (audit)", **ABOUT}
    person = threading.Thread(target=answer_all, args=(people_of(store, run_uid=uid), done), daemon=True)
    person.start()
    options = {"budget": QUESTIONS, "grace": 0.0, "poll_seconds": 0.005, "last": True}
    _, given = ask_people(
        partial(begin, begun), partial(PeopleRecord, store, **record), queue, LabelMemory(), **options
    )
    done.set()
    person.join(10)
    session, first = begin([])
    oracle = {**record, "run_uid": audit_uid("other", "def", 0)}
    asked = run_queries(
        session, first, Oracle(NAMES.truth + 1), LabelMemory(), budget=QUESTIONS, record=RoundRecord(store, **oracle)
    )
    assert begun[-1].results == session.results
    assert any(session.results.values())
    assert given.asked == asked.asked <= QUESTIONS

    events = [event for event in store.answers(uid) if event.source == "human"]
    assert len(events) == given.asked
    pairs = [Pair(each.image_a, each.image_b, each.digest_a, each.digest_b, each.kind) for each in events]
    assert find_earlier(store, "a later run", "later", 0, pairs) == 0
    with_another_uid = [type(events[0])(**{**vars(events[0]), "run_uid": "plain", "lease": None})]
    store.append(with_another_uid)
    assert find_earlier(store, "a later run", "later", 0, pairs) == 1

"""Eight processes at one label store: no error, no pair leased too often, none left.

The tests use fewer pairs than a real run, to be quick: WHOSAME_PAIRS=2000 asks for more.
"""

import multiprocessing
import os
import random
import time
from collections import Counter
from contextlib import suppress

import pytest
from sqlalchemy import create_engine

from whosame.annotation.queue.leases import release_leases
from whosame.annotation.queue.statements import NEXT_NEW
from whosame.annotation.queue.submit import RefusedError
from whosame.annotation.queue.tasks import PairTask
from whosame.annotation.store.store import open_store

PEOPLE, PAIRS = 8, int(os.environ.get("WHOSAME_PAIRS", "400"))
FORK = multiprocessing.get_context("fork")


def in_processes(jobs):
    """Call each of the jobs in a process of its own."""
    children = [FORK.Process(target=work, args=arguments) for work, *arguments in jobs]
    for child in children:
        child.start()
    while any(child.is_alive() for child in children) and not any(child.exitcode for child in children):
        time.sleep(0.02)
    for child in children:  # those that wait for one that failed
        child.kill()
        child.join()
    assert {child.exitcode for child in children} == {0}


def work(url, name, left, people_of):
    """Answer until nothing is left."""
    with open_store(url) as store:
        people = people_of(store)
        while left.value > 0:
            for lease in people.lease(name, 2):
                if not people.answer(name, lease).repeated:
                    with left.get_lock():
                        left.value -= 1


@pytest.mark.parametrize(("overlap", "n"), [(1, PAIRS), (2, PAIRS // 2)])
def test_each_pair_gets_as_many_answers_as_asked_for(database, queue_of, people_of, overlap, n):
    with open_store(database) as store:
        queue_of(store, n, overlap=overlap)
    left = FORK.Value("i", overlap * n)
    in_processes([(work, database, f"person {k}", left, people_of) for k in range(PEOPLE)])
    with open_store(database) as store:
        given = [(event.image_a, event.annotator) for event in store.answers("uid")]
    assert len(set(given)) == len(given)
    assert Counter(image for image, _ in given) == dict.fromkeys(range(0, 2 * n, 2), overlap)


def restless(url, name, seed, until, people_of):
    """Do everything a person can do, in any order and twice."""
    draw = random.Random(seed)
    with open_store(url) as store:
        people = people_of(store)
        while time.time() < until:
            leases = people.lease(name, draw.choice([1, 2, 3]), seconds=draw.choice([0.0, 5.0]))
            if draw.random() < 0.1:
                with store.writing() as connection:
                    release_leases(connection, name)
            for lease in leases:
                with suppress(RefusedError):
                    if draw.random() < 0.2:
                        people.skip(name, lease)
                    else:
                        receipt = people.answer(name, lease, draw.choice(["same", "different", "unsure"]))
                        if draw.random() < 0.3:
                            people.undo(name, receipt.event)


def loop(url, until, queue_of):
    """Do what the loop does meanwhile: ask other pairs, close some, send heartbeats, try to end the round."""
    draw = random.Random(0)
    pairs = [PairTask(2 * k, 2 * k + 1, "between") for k in range(60)]
    with open_store(url) as store:
        queue = queue_of(store, overlap=2)
        while time.time() < until:
            draw.shuffle(pairs)
            queue.ask(pairs[: draw.randrange(5, 60)])
            queue.heartbeat()
            queue.close([(draw.randrange(0, 120), 1)])
            if queue.end(queue.last_event_ids()):
                queue.begin()


def test_when_all_do_everything_at_once_no_process_waits_for_ever(database, queue_of, people_of):
    with open_store(database) as store:
        queue_of(store, 60, overlap=2)
    until = time.time() + 3
    jobs = [(restless, database, f"person {k // 2}", k, until, people_of) for k in range(PEOPLE)]  # two tabs each
    in_processes([*jobs, (loop, database, until, queue_of)])
    with open_store(database) as store:
        given = [(event.image_a, event.attempt, event.annotator) for event in store.answers("uid")]
    assert given
    assert len(set(given)) == len(given)  # none twice
    assert max(Counter(question[:2] for question in given).values()) <= 3  # two people, and one where they disagree


def test_leasing_reads_the_first_pairs_and_not_all(database, queue_of):
    """A pair is found by its position; else leasing would take longer with every open pair."""
    with open_store(database) as store:
        queue_of(store, PAIRS)
    sqlite = database.startswith("sqlite")
    engine = create_engine(
        database.replace("postgresql:", "postgresql+psycopg:"), paramstyle="named" if sqlite else None
    )
    query = NEXT_NEW.params(run="uid", who="alice", now=time.time()).compile(engine)
    explain = "EXPLAIN QUERY PLAN " if sqlite else "EXPLAIN "
    with engine.connect() as connection:
        plan = "\n".join(str(row[-1]) for row in connection.exec_driver_sql(explain + str(query), query.params))
    engine.dispose()
    assert "ix_tasks_open" in plan
    assert "Seq Scan on tasks" not in plan
    assert "SCAN tasks" not in plan
    assert "TEMP B-TREE" not in plan

"""Eight processes at one label store: no error, no pair too often, none left.

Fewer pairs than in earnest, to be quick: WHOSAME_PAIRS=2000 asks for more. With -s it prints how many answers a second.
"""

import multiprocessing
import os
import random
import time
from collections import Counter
from contextlib import suppress

import pytest
from sqlalchemy import event

from whosame.annotation.queue.image_tokens import ImageRef
from whosame.annotation.queue.leases import NEXT_NEW, claim, release_leases
from whosame.annotation.queue.submit import RefusedError, answer, skip
from whosame.annotation.queue.tasks import PairTask, RunInfo, TaskQueue
from whosame.annotation.queue.undo import take_back
from whosame.annotation.store.store import open_store

PEOPLE, PAIRS = 8, int(os.environ.get("WHOSAME_PAIRS", "400"))
IMAGES = {image: ImageRef(f"{image}.png", f"digest {image}") for image in range(2 * max(PAIRS, 60))}


def campaign(store, overlap):
    return TaskQueue(store, RunInfo("uid", "mine", "/images", 0, 3, 0, 9000, 9000, overlap), IMAGES)


def questions(n=PAIRS):
    return [PairTask(2 * k, 2 * k + 1, "between") for k in range(n)]


def work(url, who, left):
    """Answer until nothing is left."""
    with open_store(url) as store:
        while left.value > 0:
            for held in claim(store, "uid", who, who, count=2):
                if not answer(store, held.token, who, who, "same", 0.0).repeated:
                    with left.get_lock():
                        left.value -= 1


def in_processes(work, jobs):
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=work, args=job) for job in jobs]
    for child in children:
        child.start()
    while any(child.is_alive() for child in children) and not any(child.exitcode for child in children):
        time.sleep(0.05)
    for child in children:  # those that wait for one that failed
        child.kill()
        child.join()
    assert {child.exitcode for child in children} == {0}


@pytest.mark.parametrize(("overlap", "n"), [(1, PAIRS), (2, PAIRS // 2)])
def test_each_pair_is_answered_as_often_as_asked_for(database, overlap, n):
    with open_store(database) as store:
        round_ = campaign(store, overlap)
        round_.begin()
        round_.ask(questions(n))
    left = multiprocessing.get_context("fork").Value("i", overlap * n)
    began = time.perf_counter()
    in_processes(work, [(database, f"person {k}", left) for k in range(PEOPLE)])
    print(f"{overlap * n / (time.perf_counter() - began):.0f} answers/s")
    with open_store(database) as store:
        given = [(event.image_a, event.annotator) for event in store.answers("uid")]
    assert len(set(given)) == len(given)
    assert Counter(image for image, _ in given) == dict.fromkeys(range(0, 2 * n, 2), overlap)


def restless(url, who, seed, until):
    """Do everything a person may do, in any order and twice."""
    draw = random.Random(seed)
    with open_store(url) as store:
        while time.time() < until:
            held = claim(store, "uid", who, who, count=draw.choice([1, 2, 3]), lease=draw.choice([0.0, 5.0]))
            if draw.random() < 0.1:
                with store.writing() as connection:
                    release_leases(connection, who)
            for one in held:
                verdict = draw.choice(["same", "different", "unsure"])
                with suppress(RefusedError):
                    if draw.random() < 0.2:
                        skip(store, one.token, who)
                    else:
                        receipt = answer(store, one.token, who, who, verdict, 0.0)
                        if draw.random() < 0.3:
                            take_back(store, receipt.event, who, who)


def loop(url, until):
    """What the loop does meanwhile: puts others, closes some, says that it is alive, tries to end the round."""
    draw = random.Random(0)
    with open_store(url) as store:
        round_ = campaign(store, 2)
        while time.time() < until:
            wanted = questions(60)
            draw.shuffle(wanted)
            round_.ask(wanted[: draw.randrange(5, 60)])
            round_.heartbeat()
            round_.close([(draw.randrange(0, 120), 1)])
            if round_.end(round_.last_event_ids()):
                round_.begin()


def test_everybody_at_once_does_everything_and_nobody_waits_for_ever(database):
    with open_store(database) as store:
        round_ = campaign(store, 2)
        round_.begin()
        round_.ask(questions(60))
    until = time.time() + 3
    jobs = [(restless, (database, f"person {k // 2}", k, until)) for k in range(PEOPLE)]  # two tabs each
    in_processes(lambda work, arguments: work(*arguments), [*jobs, (loop, (database, until))])
    with open_store(database) as store:
        given = [(event.image_a, event.attempt, event.annotator) for event in store.answers("uid")]
    assert given
    assert len(set(given)) == len(given)  # nobody twice
    assert max(Counter(given_[:2] for given_ in given).values()) <= 3  # two people, and one where they disagree


def test_a_claim_reads_the_first_pairs_and_not_all(database):
    """A pair is found by its place; else a claim would take longer with every pair that waits."""
    with open_store(database) as store:
        round_ = campaign(store, 1)
        round_.begin()
        round_.ask(questions(PAIRS))
        plan = "EXPLAIN " if store._engine.name == "postgresql" else "EXPLAIN QUERY PLAN "

        @event.listens_for(store._engine, "before_cursor_execute", retval=True)
        def explain(_connection, _cursor, statement, parameters, *_):
            return plan + statement, parameters

        with store.reading() as connection:
            found = connection.execute(NEXT_NEW, {"run": "uid", "who": "alice", "now": time.time()})
            said = "\n".join(str(row[-1]) for row in found.cursor.fetchall())
        event.remove(store._engine, "before_cursor_execute", explain)
    assert "ix_tasks_open" in said
    assert "Seq Scan on tasks" not in said
    assert "SCAN tasks" not in said
    assert "TEMP B-TREE" not in said

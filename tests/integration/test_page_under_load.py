"""Many people answer at once: every answer whose reply said "saved" is kept, once.

The load is that of ``benchmarks/page_load.py``, for some seconds; how fast it is, is measured there.
"""

import importlib.util
import os
import sys
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from sqlalchemy import select

from whosame.annotation.queue.leases import LEASE_SECONDS
from whosame.annotation.store.schema import leases
from whosame.annotation.store.store import open_store

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "page_load.py"
KILLS = int(os.environ.get("WHOSAME_KILLS", "2"))


@pytest.fixture(scope="module")
def load():
    spec = importlib.util.spec_from_file_location("page_load", BENCHMARK)
    module = importlib.util.module_from_spec(spec)
    sys.modules["page_load"] = module  # data classes look for it there
    spec.loader.exec_module(module)
    return module


def test_the_benchmark_names_the_bounds_that_were_missed(load):
    assert load.missed(200, 250, 0, 0) == []
    assert load.missed(199, 250, 0, 1) == ["199 answers a second, not 200 or more", "mistakes: 1"]
    assert load.missed(11, 250, 0, 0, possible=12.5) == []
    assert load.missed(200, 251, 2, 0) == ["the 99th percentile is 251 ms, not 250 or less", "errors: 2"]


def test_many_people_at_once(load, database):
    with open_store(database) as store:
        people = load.begin(store, pairs=60, overlap=2, people=12)
        server, url = load.serve(database)
        try:
            told = load.what_happened(load.start_people(url, people, seconds=3))
        finally:
            load.stop(server)
        assert sum((Counter(person["wrong"]) for person in told), Counter()) == {}
        assert load.mistakes(store, told, overlap=2) == []
        assert sum(len(person["saved"]) for person in told) == len(store.answers("load")) >= 60


def test_killed_under_load_nothing_that_was_saved_is_lost(load, database, people_of):
    moments = np.random.default_rng(0).uniform(0, 1, KILLS)
    with open_store(database) as store:
        people = load.begin(store, pairs=2500 * (KILLS + 1), overlap=1, people=12)
        server, url = load.serve(database)
        players = load.start_people(url, people, seconds=6 * KILLS, pause="0.02")
        try:
            for moment in moments:
                before, until = len(store.answers("load")), time.monotonic() + 30
                while len(store.answers("load")) == before and time.monotonic() < until:
                    time.sleep(0.02)
                time.sleep(moment)
                load.stop(server)
                server, again = load.serve(database, port=urlsplit(url).port)
                assert again == url
            told = load.what_happened(players)
        finally:
            load.stop(server)
            players.kill()
        assert load.mistakes(store, told, overlap=1) == []
        wrong = set(sum((Counter(person["wrong"]) for person in told), Counter()))
        assert wrong <= {"ConnectionRefusedError", "ConnectionResetError", "IncompleteReadError", "BrokenPipeError"}
        saved, kept = sum(len(person["saved"]) for person in told), len(store.answers("load"))
        assert saved <= kept <= saved + len(people)  # what was on its way at the end nobody was told about
        with store.reading() as connection:
            held = set(connection.scalars(select(leases.c.task_id)))
        assert held
        later = time.time() + LEASE_SECONDS
        others = people_of(store, now=lambda: later, run_uid="load")
        back = [others.lease(f"later {k}", 15) for k in range(len(people))]
        assert {one.task for its in back for one in its} >= held  # they come back, and before later ones

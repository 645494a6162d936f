"""Login sessions: how long they last, and what ends them."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from whosame.annotation.accounts import users
from whosame.annotation.accounts.sessions import (
    CLOCK_SKEW,
    IDLE_LIMIT,
    LIFETIME,
    TOUCH_INTERVAL,
    find_session,
    log_in,
    log_out,
    signing_key,
)
from whosame.annotation.store import audit_log
from whosame.annotation.store.store import open_store


@pytest.fixture
def token(store, clock):
    return users.add_user(store, "alice", now=clock)


@pytest.fixture
def secret(store, clock, token):
    return log_in(store, token, now=clock)[0]


@pytest.fixture
def valid(store, clock, secret):
    """Tell whether the session is valid, some seconds later than before."""

    def is_valid(later=0.0):
        clock.time += later
        return find_session(store, secret, now=clock) is not None

    return is_valid


def test_a_session_is_its_users(store, clock):
    bob = users.add_user(store, "bob", role="coordinator", now=clock)
    secret, started = log_in(store, bob, now=clock)
    assert (started.name, started.role, started.id) == ("bob", "coordinator", users.token_hash(secret))
    assert find_session(store, secret, now=clock) == started


def test_logging_out_ends_one_session_and_its_leases_once(store, clock, token, secret, people, task_queue):
    session, other = find_session(store, secret, now=clock), log_in(store, token, now=clock)[0]
    task_queue(3)
    people.lease("alice", 3, session=session.id)
    assert people.lease("bob") == []
    for _ in range(2):
        log_out(store, session, now=clock)
    assert find_session(store, secret, now=clock) is None
    assert find_session(store, other, now=clock) is not None
    assert len(people.lease("bob", 3)) == 3
    assert [entry.action for entry in audit_log.log(store)].count("logged out") == 1


def test_a_session_expires_though_it_is_used(clock, valid):
    end = clock.time + LIFETIME
    while clock.time < end - 1:
        assert valid()
        clock.time = min(clock.time + IDLE_LIMIT / 2, end - 1)
    assert not valid(1)


def test_a_session_that_is_left_alone_expires(valid):
    assert valid(IDLE_LIMIT - TOUCH_INTERVAL - 1)
    assert valid(IDLE_LIMIT - 1)
    assert not valid(IDLE_LIMIT)


def test_a_session_of_the_future_is_not_valid(valid):
    """The clock was set back: nobody knows how old the session is."""
    assert valid(1 - CLOCK_SKEW)  # a clock that was put right by a little
    assert not valid(-2)


def test_a_clock_set_back_within_a_session_does_not_stop_the_idle_time(valid):
    assert valid(3 * 3600)
    assert valid(-2 * 3600)
    assert not valid(IDLE_LIMIT + 1)


def test_a_request_writes_only_now_and_then(store, clock, valid):
    began = clock.time
    for later, noted in ((TOUCH_INTERVAL - 1, 0), (2, TOUCH_INTERVAL + 1), (1, TOUCH_INTERVAL + 1)):
        assert valid(later)
        assert users.all_users(store)[0].last_seen == began + noted


def test_all_who_come_first_get_the_same_key(database):
    def key(_):
        with open_store(database) as store:
            return signing_key(store)

    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(key, range(8)))
    assert len(keys) == 1
    assert len(bytes.fromhex(keys.pop())) == 32

"""People, their login links, their logins, and the log of what was done."""

import hashlib
import json
import unicodedata
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text

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
from whosame.annotation.queue.image_tokens import ImageRef
from whosame.annotation.queue.tasks import PairTask, RunInfo, TaskQueue
from whosame.annotation.store import audit_log
from whosame.annotation.store.schema import metadata
from whosame.annotation.store.store import AnswerEvent, open_store
from whosame.errors import ParameterError, StorageError
from whosame.reporting.annotators import users_table


def login(store, clock, token):
    """Return the secret of a new sitting."""
    begun = log_in(store, token, now=clock)
    assert begun is not None
    return begun[0]


def deeds(store, **limit):
    return [(entry.actor, entry.action) for entry in audit_log.log(store, **limit)]


def pairs_wait(store, clock):
    images = {image: ImageRef(f"{image}.png", f"digest {image}") for image in range(6)}
    campaign = TaskQueue(store, RunInfo("uid", "mine", "/images", 0, 3, 0, 30, 10, 1), images, now=clock)
    campaign.begin()
    campaign.ask([PairTask(0, 1, "between"), PairTask(2, 3, "between"), PairTask(4, 5, "between")])


def test_a_token_opens_a_sitting_of_its_owner(store, clock):
    alice = users.add_user(store, "alice", now=clock)
    bob = users.add_user(store, "bob", role="coordinator", now=clock)
    assert len({alice, bob}) == 2
    assert min(len(alice), len(bob)) == 43  # 256 bits
    secret, begun = log_in(store, bob, now=clock)
    assert (begun.name, begun.role) == ("bob", "coordinator")
    assert find_session(store, secret, now=clock) == begun
    assert users.token_owner(store, alice) == "alice"


def test_no_other_token_does(store, clock):
    users.add_user(store, "alice", now=clock)
    for token in ("", "x", "a" * 43, "é\udce9", "x" * 100_000, "' OR 1=1 --", "\x00"):
        assert log_in(store, token, now=clock) is None
        assert users.token_owner(store, token) is None
        assert find_session(store, token, now=clock) is None


def test_a_hash_of_the_store_is_no_key(store, clock):
    """Somebody who reads the database can log in with nothing that stands there."""
    secret = login(store, clock, users.add_user(store, "alice", now=clock))
    with store.reading() as connection:
        kept = connection.scalar(text("SELECT token_hash FROM users"))
        sitting = connection.scalar(text("SELECT id FROM sessions"))
    assert log_in(store, kept, now=clock) is None
    assert find_session(store, sitting, now=clock) is None
    assert sitting == hashlib.sha256(secret.encode()).hexdigest()


def test_tokens_and_secrets_are_not_in_the_database(store, clock):
    tokens = [users.add_user(store, "alice", now=clock), users.rotate_token(store, "alice", now=clock)]
    tokens.append(users.add_or_rotate(store, "zoe", now=clock))
    tokens.append(login(store, clock, tokens[1]))
    log_in(store, tokens[0], now=clock)  # a failure is noted, what was tried is not
    log_out(store, find_session(store, tokens[-1], now=clock), now=clock)
    with store.reading() as connection:
        everything = str([connection.execute(select(table)).all() for table in metadata.sorted_tables])
    assert "login failed" in everything
    for token in tokens:
        assert token not in everything


def test_a_sitting_ends_at_logout_and_its_pairs_go_back(store, clock, people):
    secret = login(store, clock, users.add_user(store, "alice", now=clock))
    sitting = find_session(store, secret, now=clock)
    pairs_wait(store, clock)
    people.lease("alice", 3, session=sitting.id)
    assert people.lease("bob") == []
    log_out(store, sitting, now=clock)
    log_out(store, sitting, now=clock)
    assert find_session(store, secret, now=clock) is None
    assert len(people.lease("bob", 3)) == 3
    assert deeds(store).count(("alice", "logged out")) == 1


def test_logging_out_leaves_ones_other_logins(store, clock):
    token = users.add_user(store, "alice", now=clock)
    one, other = login(store, clock, token), login(store, clock, token)
    log_out(store, find_session(store, one, now=clock), now=clock)
    assert find_session(store, one, now=clock) is None
    assert find_session(store, other, now=clock) is not None


def test_a_sitting_expires_though_it_is_used(store, clock):
    secret = login(store, clock, users.add_user(store, "alice", now=clock))
    began = clock.time
    while clock.time < began + LIFETIME - 1:
        assert find_session(store, secret, now=clock) is not None
        clock.time = min(clock.time + IDLE_LIMIT / 2, began + LIFETIME - 1)
    clock.time = began + LIFETIME
    assert find_session(store, secret, now=clock) is None


def test_a_sitting_that_is_left_alone_expires(store, clock):
    secret = login(store, clock, users.add_user(store, "alice", now=clock))
    clock.time += IDLE_LIMIT - TOUCH_INTERVAL - 1
    assert find_session(store, secret, now=clock) is not None
    clock.time += IDLE_LIMIT - 1
    assert find_session(store, secret, now=clock) is not None
    clock.time += IDLE_LIMIT
    assert find_session(store, secret, now=clock) is None


def test_a_sitting_of_the_future_is_not_valid(store, clock):
    """The clock was set back: nobody knows how old the sitting is."""
    secret = login(store, clock, users.add_user(store, "alice", now=clock))
    clock.time -= CLOCK_SKEW - 1
    assert find_session(store, secret, now=clock) is not None  # a clock that was put right by a little
    clock.time -= 2
    assert find_session(store, secret, now=clock) is None


def test_a_clock_set_back_within_a_sitting_does_not_stop_the_idle_time(store, clock):
    secret = login(store, clock, users.add_user(store, "alice", now=clock))
    clock.time += 3 * 3600
    assert find_session(store, secret, now=clock) is not None
    clock.time -= 2 * 3600
    assert find_session(store, secret, now=clock) is not None
    clock.time += IDLE_LIMIT + 1
    assert find_session(store, secret, now=clock) is None


def test_a_request_writes_only_now_and_then(store, clock):
    began = clock.time
    secret = login(store, clock, users.add_user(store, "alice", now=clock))
    for later, noted in (
        (TOUCH_INTERVAL - 1, began),
        (TOUCH_INTERVAL + 1, began + TOUCH_INTERVAL + 1),
        (TOUCH_INTERVAL + 2, began + TOUCH_INTERVAL + 1),
    ):
        clock.time = began + later
        assert find_session(store, secret, now=clock) is not None
        assert users.all_users(store)[0].last_seen == noted


def test_removing_ends_logins_and_link_and_keeps_answers(store, clock, people):
    token = users.add_user(store, "alice", now=clock)
    secret = login(store, clock, token)
    pairs_wait(store, clock)
    held, _ = people.lease("alice", 2)
    people.answer("alice", held)
    users.remove_user(store, "alice", now=clock)
    assert find_session(store, secret, now=clock) is None
    assert log_in(store, token, now=clock) is None
    assert users.all_users(store) == []
    assert [event.annotator for event in store.answers("uid")] == ["alice"]
    assert len(people.lease("bob", 3)) == 2  # the one she held is free


def test_whoever_is_added_again_needs_the_new_link(store, clock):
    token = users.add_user(store, "alice", now=clock)
    secret = login(store, clock, token)
    users.remove_user(store, "alice", now=clock)
    again = users.add_user(store, "alice", role="coordinator", now=clock)
    assert log_in(store, token, now=clock) is None
    assert find_session(store, secret, now=clock) is None
    assert log_in(store, again, now=clock)[1].role == "coordinator"


def test_rotating_ends_logins_and_the_old_link(store, clock):
    token = users.add_user(store, "alice", now=clock)
    users.add_user(store, "bob", now=clock)
    secret = login(store, clock, token)
    his = login(store, clock, users.rotate_token(store, "bob", now=clock))
    new = users.rotate_token(store, "alice", now=clock)
    assert find_session(store, secret, now=clock) is None
    assert log_in(store, token, now=clock) is None
    assert log_in(store, new, now=clock) is not None
    assert find_session(store, his, now=clock) is not None


def test_who_starts_the_page_again_gets_a_new_link_and_stays_logged_in(store, clock):
    first = users.add_or_rotate(store, "zoe", now=clock)
    secret = login(store, clock, first)
    second = users.add_or_rotate(store, "zoe", now=clock)
    assert log_in(store, first, now=clock) is None
    assert log_in(store, second, now=clock) is not None
    assert find_session(store, secret, now=clock).role == "coordinator"


@pytest.mark.parametrize("name", ["alice", "Zoë", "李雷", "o'neill", "a.b-c_d@e.org", "Ann Lee", "7", "x" * 64])
def test_names_that_can_be(name):
    assert users.user_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "x" * 65,
        "a\nb",
        "a\x00b",
        " a",
        "a ",
        "<b>",
        "a/b",
        "-x",
        "a\u202eb",
        "oracle",
        "(terminal)",
        "a\udce9",
    ],
)
def test_names_that_cannot_be(name):
    with pytest.raises(ParameterError, match=r"cannot be the name|take another name"):
        users.user_name(name)


def test_one_name_is_one_person_however_it_is_typed(store, clock):
    composed, apart = unicodedata.normalize("NFC", "Zoë"), unicodedata.normalize("NFD", "Zoë")
    users.add_user(store, apart, now=clock)
    for name in (composed, apart, "zoë"):
        with pytest.raises(ParameterError, match="there is an annotator 'Zoë' already"):
            users.add_user(store, name, now=clock)
    users.remove_user(store, apart, now=clock)
    assert users.all_users(store) == []


def test_an_unknown_name_is_met_with_names_near_it(store, clock):
    with pytest.raises(ParameterError, match="nor any other: kedro annotators add 'alcie'"):
        users.rotate_token(store, "alcie", now=clock)
    users.add_user(store, "alice", now=clock)
    for change in (users.rotate_token, users.remove_user):
        with pytest.raises(ParameterError, match="unknown annotator 'alcie': did you mean 'alice'"):
            change(store, "alcie", now=clock)
    users.remove_user(store, "alice", now=clock)
    with pytest.raises(ParameterError, match="no annotator 'alice'"):
        users.remove_user(store, "alice", now=clock)
    with pytest.raises(ParameterError, match="cannot be the name"):
        users.add_user(store, "<b>", now=clock)
    with pytest.raises(ParameterError, match="unknown role 'boss'"):
        users.add_user(store, "bob", role="boss", now=clock)


def test_of_many_who_add_one_name_at_once_one_does(store, clock):
    def added(_):
        try:
            return users.add_user(store, "alice", now=clock)
        except ParameterError:
            return None

    with ThreadPoolExecutor(8) as pool:
        tokens = [token for token in pool.map(added, range(8)) if token]
    assert len(tokens) == 1
    assert users.token_owner(store, tokens[0]) == "alice"


def test_all_who_come_first_get_the_same_key(database):
    def key(_):
        with open_store(database) as store:
            return signing_key(store)

    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(key, range(8)))
    assert len(keys) == 1
    assert len(bytes.fromhex(keys.pop())) == 32


def test_the_log_tells_everything_newest_first(store, clock, people):
    def later():
        clock.time += 1

    token = users.add_user(store, "alice", now=clock)
    later()
    log_in(store, "wrong", address="10.0.0.9", now=clock)
    later()
    secret = login(store, clock, token)
    pairs_wait(store, clock)
    first, second = people.lease("alice", 2)
    later()
    receipt = people.answer("alice", first)
    later()
    people.skip("alice", second)
    later()
    people.undo("alice", receipt.event)
    later()
    with store.writing() as connection:
        audit_log.record(connection, "bob", "exported", {"format": "csv", "rows": 1}, now=clock())
    later()
    log_out(store, find_session(store, secret, now=clock), now=clock)
    assert deeds(store) == [
        ("alice", "logged out"),
        ("bob", "exported"),
        ("alice", "undid"),
        ("alice", "skipped"),
        ("alice", "answered"),
        ("alice", "logged in"),
        ("(unknown)", "login failed"),
        ("(terminal)", "added"),
    ]
    assert deeds(store, limit=2) == deeds(store)[:2]
    about = {entry.action: entry.details for entry in audit_log.log(store)}
    assert about["answered"]["verdict"] == "same"
    assert (about["undid"]["answer"], about["undid"]["image_b"]) == (receipt.event, 1)
    assert (about["skipped"]["run_uid"], about["skipped"]["image_a"]) == ("uid", 2)
    assert about["login failed"] == {"address": "10.0.0.9"}
    assert about["added"] == {"name": "alice", "role": "annotator"}


def test_what_no_person_said_is_not_in_the_log(store):
    digests = {"digest_a": "a", "digest_b": "b"}
    kind = {"kind": "pool", "verdict": "same", "source": "oracle", "annotator": "oracle", "seconds": 1.0}
    store.append([AnswerEvent(run_uid="uid", run="mine", round=0, image_a=0, image_b=1, **digests, **kind)])
    assert deeds(store) == []


def test_the_log_keeps_the_order_of_writing_when_the_clock_is_set_back(store, clock):
    users.add_user(store, "first", now=clock)
    clock.time -= 3600
    users.add_user(store, "second", now=clock)
    assert [entry.details["name"] for entry in audit_log.log(store)] == ["second", "first"]


def test_the_log_cannot_be_changed(store, clock):
    users.add_user(store, "alice", now=clock)
    for change in ("DELETE FROM audit_events", "UPDATE audit_events SET actor = 'bob'"):
        with pytest.raises(StorageError, match="append-only"), store.writing() as connection:
            connection.execute(text(change))
    assert deeds(store) == [("(terminal)", "added")]


def test_what_fails_is_not_logged_as_done(store, clock):
    users.add_user(store, "alice", now=clock)
    with pytest.raises(ParameterError):
        users.add_user(store, "alice", now=clock)
    assert deeds(store) == [("(terminal)", "added")]


def test_the_table_of_people(store, clock):
    assert "Nobody was added yet" in users_table(users.all_users(store))
    login(store, clock, users.add_user(store, "bob", now=clock))
    users.add_user(store, "Alice", role="coordinator", now=clock)
    assert users_table(users.all_users(store)).splitlines()[2:] == [
        "Alice      coordinator  2027-01-15  –",
        "bob        annotator    2027-01-15  2027-01-15 08:00",
    ]


def test_what_is_logged_is_json_that_people_can_read(store, clock):
    users.add_user(store, "Zoë", now=clock)
    with store.reading() as connection:
        about = connection.scalar(text("SELECT details FROM audit_events"))
    assert json.loads(about)["name"] == "Zoë"
    assert "Zoë" in about

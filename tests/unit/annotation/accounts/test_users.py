"""Users: their names, their login tokens, and what the log says of them."""

import unicodedata
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text

from whosame.annotation.accounts import users
from whosame.annotation.accounts.sessions import find_session, log_in, log_out
from whosame.annotation.store import audit_log
from whosame.annotation.store.schema import metadata
from whosame.errors import ParameterError
from whosame.reporting.annotators import users_table


def secret_of(store, clock, token):
    return log_in(store, token, now=clock)[0]


def test_a_token_is_its_owners_and_no_other_is_anybodys(store, clock):
    alice, bob = users.add_user(store, "alice", now=clock), users.add_user(store, "bob", role="coordinator", now=clock)
    assert len({alice, bob}) == 2
    assert min(len(alice), len(bob)) == 43  # 256 bits
    assert users.token_owner(store, alice) == "alice"
    for token in ("", "x", "a" * 43, "é\udce9", "x" * 100_000, "' OR 1=1 --", "\x00"):
        assert users.token_owner(store, token) is None
        assert log_in(store, token, now=clock) is None
        assert find_session(store, token, now=clock) is None


def test_nothing_in_the_database_logs_in(store, clock):
    """Neither tokens nor secrets are in it, and their hashes are no keys."""
    tokens = [users.add_user(store, "alice", now=clock), users.rotate_token(store, "alice", now=clock)]
    tokens.append(users.add_or_rotate(store, "zoe", now=clock))
    tokens.append(secret_of(store, clock, tokens[1]))
    log_in(store, tokens[0], now=clock)  # a failure is noted, what was tried is not
    with store.reading() as connection:
        hashes = list(connection.scalars(text("SELECT token_hash FROM users UNION SELECT id FROM sessions")))
        everything = str([connection.execute(select(table)).all() for table in metadata.sorted_tables])
    assert "login failed" in everything
    assert not any(token in everything for token in tokens)
    assert {users.token_hash(token) for token in tokens[1:]} == set(hashes)
    for kept in hashes:
        assert log_in(store, kept, now=clock) is None
        assert find_session(store, kept, now=clock) is None


def test_removing_ends_logins_and_link_and_keeps_answers(store, clock, people, task_queue):
    token = users.add_user(store, "alice", now=clock)
    secret = secret_of(store, clock, token)
    task_queue(3)
    lease, _ = people.lease("alice", 2)
    people.answer("alice", lease)
    users.remove_user(store, "alice", now=clock)
    assert find_session(store, secret, now=clock) is None
    assert log_in(store, token, now=clock) is None
    assert users.all_users(store) == []
    assert [event.annotator for event in store.answers("uid")] == ["alice"]
    assert len(people.lease("bob", 3)) == 2  # the other one of hers is free
    again = users.add_user(store, "alice", role="coordinator", now=clock)
    assert log_in(store, token, now=clock) is None
    assert find_session(store, secret, now=clock) is None
    assert log_in(store, again, now=clock)[1].role == "coordinator"


def test_rotating_ends_logins_and_the_old_link(store, clock):
    token = users.add_user(store, "alice", now=clock)
    secret = secret_of(store, clock, token)
    users.add_user(store, "bob", now=clock)
    his = secret_of(store, clock, users.rotate_token(store, "bob", now=clock))
    new = users.rotate_token(store, "alice", now=clock)
    assert find_session(store, secret, now=clock) is None
    assert log_in(store, token, now=clock) is None
    assert log_in(store, new, now=clock) is not None
    assert find_session(store, his, now=clock) is not None


def test_who_starts_the_page_again_gets_a_new_link_and_stays_logged_in(store, clock):
    first = users.add_or_rotate(store, "zoe", now=clock)
    secret = secret_of(store, clock, first)
    second = users.add_or_rotate(store, "zoe", now=clock)
    assert log_in(store, first, now=clock) is None
    assert log_in(store, second, now=clock) is not None
    assert find_session(store, secret, now=clock).role == "coordinator"


@pytest.mark.parametrize(
    "name", ["alice", "Zoë", "李雷", "o'neill", "a.b-c_d@e.org", "Ann Lee", "7", "x" * 64, "हिन्दी", "Q̇uinn"]
)
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


def test_one_name_is_one_user_however_it_is_typed(sqlite_store):
    composed, apart = unicodedata.normalize("NFC", "Zoë"), unicodedata.normalize("NFD", "Zoë")
    users.add_user(sqlite_store, apart)
    for name in (composed, apart, "zoë"):
        with pytest.raises(ParameterError, match="there is an annotator 'Zoë' already"):
            users.add_user(sqlite_store, name)
    users.remove_user(sqlite_store, apart)
    assert users.all_users(sqlite_store) == []


def test_an_unknown_name_is_met_with_names_near_it(sqlite_store):
    with pytest.raises(ParameterError, match="nor any other: kedro annotators add 'alcie'"):
        users.rotate_token(sqlite_store, "alcie")
    users.add_user(sqlite_store, "alice")
    for change in (users.rotate_token, users.remove_user):
        with pytest.raises(ParameterError, match="unknown annotator 'alcie': did you mean 'alice'"):
            change(sqlite_store, "alcie")
    users.remove_user(sqlite_store, "alice")
    with pytest.raises(ParameterError, match="no annotator 'alice'"):
        users.remove_user(sqlite_store, "alice")
    with pytest.raises(ParameterError, match="unknown role 'boss'"):
        users.add_user(sqlite_store, "bob", role="boss")
    assert [entry.action for entry in audit_log.log(sqlite_store)] == ["removed", "added"]  # what failed was not done


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


def test_the_table_of_users(store, clock):
    assert "No annotator was added yet" in users_table(users.all_users(store))
    session = log_in(store, users.add_user(store, "bob", now=clock), now=clock)[1]
    users.add_user(store, "Alice", role="coordinator", now=clock)
    log_out(store, session, now=clock)
    assert users_table(users.all_users(store)).splitlines()[2:] == [
        "Alice      coordinator  2027-01-15  –",
        "bob        annotator    2027-01-15  2027-01-15 08:00",
    ]

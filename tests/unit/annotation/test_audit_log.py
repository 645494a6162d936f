"""The audit log: everything that people did, in one list that cannot be changed."""

import json

import pytest
from sqlalchemy import text

from whosame.annotation.accounts import users
from whosame.annotation.accounts.sessions import log_in, log_out
from whosame.annotation.store import audit_log
from whosame.annotation.store.store import AnswerEvent
from whosame.errors import StorageError


def entries(store, **which):
    return [(entry.actor, entry.action) for entry in audit_log.log(store, **which)]


def test_the_log_tells_everything_newest_first(store, clock, people, task_queue):
    token = users.add_user(store, "Zoë", now=clock)
    clock.time += 1
    log_in(store, "wrong", address="10.0.0.9", now=clock)
    clock.time += 1
    _, session = log_in(store, token, now=clock)
    task_queue(3)
    first, second = people.lease("Zoë", 2)
    clock.time += 1
    receipt = people.answer("Zoë", first)
    clock.time += 1
    people.skip("Zoë", second)
    clock.time += 1
    people.undo("Zoë", receipt.event)
    clock.time += 1
    with store.writing() as connection:
        audit_log.record(connection, "bob", "exported", {"format": "csv", "rows": 1}, now=clock())
    clock.time += 1
    log_out(store, session, now=clock)
    expected = [
        ("Zoë", "logged out"),
        ("bob", "exported"),
        ("Zoë", "undid"),
        ("Zoë", "skipped"),
        ("Zoë", "answered"),
        ("Zoë", "logged in"),
        ("(unknown)", "login failed"),
        ("(terminal)", "added"),
    ]
    assert entries(store) == expected
    assert entries(store, limit=2) == expected[:2]
    details = {entry.action: entry.details for entry in audit_log.log(store)}
    assert details["answered"]["verdict"] == "same"
    assert (details["undid"]["answer"], details["undid"]["image_b"]) == (receipt.event, 1)
    assert (details["skipped"]["run_uid"], details["skipped"]["image_a"]) == ("uid", 2)
    assert details["login failed"] == {"address": "10.0.0.9"}
    with store.reading() as connection:  # JSON that people can read
        kept = connection.scalar(text("SELECT details FROM audit_events WHERE action = 'added'"))
    assert json.loads(kept) == {"name": "Zoë", "role": "annotator"}
    assert "Zoë" in kept


def test_what_no_person_said_is_not_in_the_log(store):
    digests = {"digest_a": "a", "digest_b": "b"}
    kind = {"kind": "pool", "verdict": "same", "source": "oracle", "annotator": "oracle", "seconds": 1.0}
    store.append([AnswerEvent(run_uid="uid", run="mine", round=0, image_a=0, image_b=1, **digests, **kind)])
    assert entries(store) == []


def test_the_log_keeps_the_order_of_writing_when_the_clock_is_set_back(store, clock):
    users.add_user(store, "first", now=clock)
    clock.time -= 3600
    users.add_user(store, "second", now=clock)
    assert [entry.details["name"] for entry in audit_log.log(store)] == ["second", "first"]


def test_the_log_cannot_be_changed(store):
    users.add_user(store, "alice")
    for change in ("DELETE FROM audit_events", "UPDATE audit_events SET actor = 'bob'"):
        with pytest.raises(StorageError, match="append-only"), store.writing() as connection:
            connection.execute(text(change))
    assert entries(store) == [("(terminal)", "added")]

"""The label store: what is committed stays, once, and every failure of a database has a message that helps."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import pytest

from whosame.annotation.store.store import AnswerEvent, chunks, open_store
from whosame.errors import ParameterError, ResumeError, StorageError

EVENT = AnswerEvent("uid", "demo", 0, 3, 8, "d3", "d8", "within", "same", "oracle", "oracle", 5.0)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "labels.db"


def event(a, b, **others):
    return replace(EVENT, image_a=a, image_b=b, digest_a=f"d{a}", digest_b=f"d{b}", **others)


def test_answers_come_back_in_the_order_given_after_reopening(empty_database):
    given = [event(5, 9), event(1, 2, verdict="unsure"), event(3, 4, round=1, verdict="different", kind="pool")]
    with open_store(empty_database) as store:
        for one in given:
            assert store.append([one]) == 1
        store.append([event(1, 2, run_uid="other")])
    with open_store(empty_database) as store:
        found = store.answers("uid")
        assert [replace(one, answered_at="") for one in found] == given
        assert all(one.answered_at.endswith("+00:00") for one in found)
        assert [(one.image_a, one.image_b) for one in store.answers("uid", round=1)] == [(3, 4)]
        assert store.answers("nobody") == []


def test_an_answer_sent_again_is_one_answer(store):
    assert store.append([EVENT]) == 1
    assert store.append([EVENT]) == 0
    assert store.append([EVENT, event(4, 5)]) == 1
    assert store.append([EVENT, replace(EVENT, annotator="alice"), replace(EVENT, attempt=2)]) == 2
    assert len(store.answers("uid")) == 4


def test_another_verdict_for_the_same_answer_is_refused_and_nothing_is_committed(store):
    store.append([EVENT])
    with pytest.raises(ResumeError, match=r"images 3 and 8 of run 'demo' already: 'same', and now 'different'"):
        store.append([event(1, 2), replace(EVENT, verdict="different")])
    assert [one.verdict for one in store.answers("uid")] == ["same"]


def test_the_database_itself_refuses_what_is_no_answer(store):
    for wrong in ({"verdict": "maybe"}, {"source": "closure"}, {"kind": "odd"}, {"image_a": 9}, {"annotator": None}):
        with pytest.raises(StorageError, match="constraint"):
            store.append([event(1, 2), replace(EVENT, **wrong)])
    assert store.answers("uid") == []


def test_commits_are_synced_and_readers_do_not_block(sqlite_store):
    with sqlite_store.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL


def test_a_write_transaction_takes_the_lock_as_it_begins(sqlite_store, path):
    with (
        closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as other,
        sqlite_store.writing(),
        pytest.raises(sqlite3.OperationalError, match="locked"),
    ):
        other.execute("BEGIN IMMEDIATE")


def test_writers_at_the_same_time_wait_for_each_other(store):
    with ThreadPoolExecutor(4) as threads:
        jobs = [threads.submit(store.append, [event(i, i + 1)]) for i in range(40) for _ in range(2)]
    assert sum(job.result() for job in jobs) == 40


def test_a_file_is_created_with_its_folders_and_nothing_else_is_taken_for_one(tmp_path):
    path = tmp_path / "a" / "b" / "labels.db"
    with open_store(f"sqlite:///{path}") as store:
        assert store.append([EVENT]) == 1
    with pytest.raises(StorageError, match=r"is a folder: name a file"):
        open_store(f"sqlite:///{path.parent}")
    with pytest.raises(StorageError, match=r"cannot be made.*give another store"):
        open_store(f"sqlite:///{path}/labels.db")
    text = tmp_path / "text.db"
    text.write_text("not a database at all, " * 100)
    with pytest.raises(StorageError, match="not a SQLite database"):
        open_store(f"sqlite:///{text}")


def test_a_database_that_is_read_only(sqlite_store, path):
    sqlite_store.append([EVENT])
    with pytest.raises(StorageError, match=r"read-only: make the file and its folder writable"):
        open_store(f"sqlite:///file:{path}?mode=ro&uri=true")
    assert len(sqlite_store.answers("uid")) == 1


def test_a_database_that_another_program_locks(sqlite_store, path):
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match=r"locked by another program"):
            open_store(f"sqlite:///{path}", lock_timeout=0.02)
        assert sqlite_store.answers("uid") == []  # reading goes on
        other.execute("ROLLBACK")
    assert sqlite_store.append([EVENT]) == 1


def test_a_full_disk_leaves_what_was_committed(sqlite_store):
    with sqlite_store.writing() as connection:  # the pool keeps it: every later connection is this one
        connection.exec_driver_sql("PRAGMA max_page_count = 1")  # no page more than there is
    events = iter([event(a, a + 1) for a in range(1000)])
    with pytest.raises(StorageError, match=r"disk is full: free some space.*Answers committed before are kept"):
        any(sqlite_store.append([one]) == 0 for one in events)  # appends until it fails
    refused = 1000 - len(list(events)) - 1
    assert refused > 0
    assert [one.image_a for one in sqlite_store.answers("uid")] == list(range(refused))


def test_a_store_removed_under_a_running_round(sqlite_store, path):
    path.unlink()
    with pytest.raises(StorageError, match="moved or removed"):
        sqlite_store.append([EVENT])


def test_a_server_that_was_restarted_is_said_once(new_postgresql):
    url = new_postgresql()
    with open_store(url) as store, open_store(url) as other:
        store.append([EVENT])
        with ThreadPoolExecutor(4) as threads:  # several connections are kept
            list(threads.map(lambda _: store.answers("uid"), range(8)))
        with other.reading() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        with pytest.raises(
            StorageError, match=r"cannot be used: check that it runs.*Answers committed before are kept"
        ):
            store.answers("uid")
        for _ in range(4):
            assert len(store.answers("uid")) == 1


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://nobody@/x?host=/no/such/folder", "cannot be used: check that it runs and that the address is"),
        ("postgresql://whosame:secret@/missing?host={}", 'cannot be used.*database "missing" does not exist'),
    ],
)
def test_a_server_that_is_not_there(postgresql_server, url, message):
    with pytest.raises(StorageError, match=message) as raised:
        open_store(url.format(postgresql_server))
    assert "secret" not in str(raised.value)


def test_a_postgresql_database_that_another_program_locks(new_postgresql):
    url = new_postgresql()
    with open_store(url) as other, open_store(url, lock_timeout=0.05) as store, other.writing() as connection:
        connection.exec_driver_sql("LOCK TABLE answer_events")
        with pytest.raises(StorageError, match="locked by another program"):
            store.append([EVENT])


def test_a_database_with_other_tables_may_be_shared(path):
    with closing(sqlite3.connect(path)) as shell:
        shell.execute("CREATE TABLE theirs (x)")
    with open_store(f"sqlite:///{path}") as store:
        assert store.append([EVENT]) == 1


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("data/labels.db", "is not an address: write sqlite:///PATH"),
        ("mysql://localhost/x", "unknown kind of database 'mysql'"),
        ("postgres://localhost/x", "did you mean 'postgresql'"),
        ("sqlite://", "in memory would lose its answers"),
        ("sqlite:///:memory:", "in memory would lose its answers"),
    ],
)
def test_an_address_that_cannot_be_one(url, message):
    with pytest.raises(ParameterError, match=message):
        open_store(url)


def test_a_driver_that_is_not_installed():
    with pytest.raises(StorageError, match=r"driver of postgresql\+nodriver is not installed"):
        open_store("postgresql+nodriver://user:secret@localhost/x")


def test_many_keys_are_named_in_several_statements():
    keys = list(range(1001))
    parts = list(chunks(keys))
    assert [len(part) for part in parts] == [500, 500, 1]
    assert [key for part in parts for key in part] == keys
    assert list(chunks([])) == []

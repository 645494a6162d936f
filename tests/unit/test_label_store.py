"""The label store: what is committed stays, once, and every way a database can fail is said clearly."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from whosame.annotation.store.store import AnswerEvent, open_store, portions
from whosame.annotators.record import RoundRecord
from whosame.errors import ParameterError, ResumeError, StorageError
from whosame.questions import Answer, Question

EVENT = AnswerEvent("uid", "demo", 0, 3, 8, "d3", "d8", "within", "same", "oracle", "oracle", 5.0)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "labels.db"


@pytest.fixture
def store(database):
    with open_store(database) as store:
        yield store


@pytest.fixture
def sqlite_store(path):
    with open_store(f"sqlite:///{path}") as store:
        yield store


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


def test_the_table_has_a_column_for_each_attribute_even_when_empty(store):
    assert list(store.table("uid").columns) == list(vars(EVENT))
    store.append([event(1, 2), event(2, 3, verdict="different")])
    assert store.table("uid")["verdict"].tolist() == ["same", "different"]


def test_an_answer_sent_again_is_one_answer(store):
    assert store.append([EVENT]) == 1
    assert store.append([EVENT]) == 0
    assert store.append([EVENT, event(4, 5)]) == 1
    assert len(store.answers("uid")) == 2


def test_another_annotator_or_attempt_is_another_answer(store):
    assert store.append([EVENT, replace(EVENT, annotator="alice"), replace(EVENT, attempt=2)]) == 3


def test_another_verdict_for_the_same_answer_is_refused_and_nothing_is_committed(store):
    store.append([EVENT])
    with pytest.raises(ResumeError, match=r"images 3 and 8 of run 'demo' already: 'same', and now 'different'"):
        store.append([event(1, 2), replace(EVENT, verdict="different")])
    assert [one.verdict for one in store.answers("uid")] == ["same"]


@pytest.mark.parametrize("change", ["UPDATE answer_events SET verdict = 'different'", "DELETE FROM answer_events"])
def test_nobody_changes_an_answer(sqlite_store, path, change):
    sqlite_store.append([EVENT])
    with closing(sqlite3.connect(path)) as shell, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        shell.execute(change)
    assert len(sqlite_store.answers("uid")) == 1


@pytest.mark.parametrize(
    "wrong", [{"verdict": "maybe"}, {"source": "closure"}, {"kind": "odd"}, {"image_a": 9}, {"annotator": None}]
)
def test_the_database_itself_refuses_what_is_no_answer(store, wrong):
    with pytest.raises(StorageError, match="constraint"):
        store.append([event(1, 2), replace(EVENT, **wrong)])
    assert store.answers("uid") == []


def test_commits_are_synced_and_readers_do_not_block(sqlite_store):
    with sqlite_store._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL


def test_a_write_transaction_takes_the_lock_as_it_begins(sqlite_store, path):
    with (
        closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as other,
        sqlite_store._writing.begin(),
        pytest.raises(sqlite3.OperationalError, match="locked"),
    ):
        other.execute("BEGIN IMMEDIATE")


def test_writers_at_the_same_time_wait_for_each_other(store):
    with ThreadPoolExecutor(4) as threads:
        jobs = [threads.submit(store.append, [event(i, i + 1)]) for i in range(40) for _ in range(2)]
    assert sum(job.result() for job in jobs) == 40


def test_parent_folders_are_made(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/a/b/labels.db") as store:
        assert store.append([EVENT]) == 1


def test_a_folder_is_no_store(tmp_path):
    with pytest.raises(StorageError, match=r"is a folder: name a file"):
        open_store(f"sqlite:///{tmp_path}")


def test_a_parent_that_is_a_file(path):
    path.write_text("")
    with pytest.raises(StorageError, match=r"cannot be made.*give another store"):
        open_store(f"sqlite:///{path}/labels.db")


def test_a_file_that_is_no_database(path):
    path.write_text("not a database at all, " * 100)
    with pytest.raises(StorageError, match="not a SQLite database"):
        open_store(f"sqlite:///{path}")


def test_a_database_that_is_read_only(sqlite_store, path):
    sqlite_store.append([EVENT])
    with pytest.raises(StorageError, match=r"read-only: make the file and its folder writable"):
        open_store(f"sqlite:///file:{path}?mode=ro&uri=true")
    assert len(sqlite_store.answers("uid")) == 1


def test_a_database_that_another_program_locks(sqlite_store, path):
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match=r"locked by another program"):
            open_store(f"sqlite:///{path}", patience=0.02)
        assert sqlite_store.answers("uid") == []  # reading goes on
        other.execute("ROLLBACK")
    assert sqlite_store.append([EVENT]) == 1


def test_a_full_disk_leaves_what_was_committed(sqlite_store):
    with sqlite_store._engine.connect() as connection:  # the pool keeps it: every later connection is this one
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
    ("url", "said"),
    [
        ("postgresql://nobody@/x?host=/no/such/folder", "cannot be used: check that it runs and that the address is"),
        ("postgresql://whosame:secret@/missing?host={}", 'cannot be used.*database "missing" does not exist'),
    ],
)
def test_a_server_that_is_not_there(postgresql_server, url, said):
    with pytest.raises(StorageError, match=said) as raised:
        open_store(url.format(postgresql_server))
    assert "secret" not in str(raised.value)


def test_a_postgresql_database_that_another_program_locks(new_postgresql):
    url = new_postgresql()
    with open_store(url) as other, open_store(url, patience=0.05) as store, other.writing() as connection:
        connection.exec_driver_sql("LOCK TABLE answer_events")
        with pytest.raises(StorageError, match="locked by another program"):
            store.append([EVENT])


def test_a_database_with_other_tables_may_be_shared(path):
    with closing(sqlite3.connect(path)) as shell:
        shell.execute("CREATE TABLE theirs (x)")
    with open_store(f"sqlite:///{path}") as store:
        assert store.append([EVENT]) == 1


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("data/labels.db", "is not an address: write sqlite:///PATH"),
        ("mysql://localhost/x", "unknown kind of database 'mysql'"),
        ("postgres://localhost/x", "did you mean 'postgresql'"),
        ("sqlite://", "in memory would lose its answers"),
        ("sqlite:///:memory:", "in memory would lose its answers"),
    ],
)
def test_an_address_that_cannot_be_one(url, said):
    with pytest.raises(ParameterError, match=said):
        open_store(url)


def test_a_driver_that_is_not_installed():
    with pytest.raises(StorageError, match=r"driver of postgresql\+nodriver is not installed"):
        open_store("postgresql+nodriver://user:secret@localhost/x")


def make_record(store, image_ids=(10, 20, 30, 40), digests=("a", "b", "c", "d"), number=0):
    return RoundRecord(store, run_uid="uid", run="demo", round=number, image_ids=np.array(image_ids), digests=digests)


def test_rows_are_kept_as_image_ids_with_their_digests(store):
    make_record(store, number=2).commit([Answer(Question(1, 3, "pool"), "different", "oracle", "oracle", 5.0)])
    (kept,) = store.answers("uid")
    expected = AnswerEvent("uid", "demo", 2, 20, 40, "b", "d", "pool", "different", "oracle", "oracle", 5.0)
    assert replace(kept, answered_at="") == expected


def test_answers_are_found_again_in_the_order_given(store):
    record = make_record(store)
    record.commit([Answer(Question(2, 3, "pool"), "same", "human", "alice", 2.5)])
    record.commit([Answer(Question(0, 1, "within"), "unsure", "human", "bob", 1.5)])
    put = [Question(0, 1, "within", score=7.0), Question(0, 2, "within"), Question(2, 3, "pool")]
    assert make_record(store, number=1).find(put) == [
        Answer(put[2], "same", "memory", "alice", 2.5),
        Answer(put[0], "unsure", "memory", "bob", 1.5),
    ]


def test_each_attempt_at_a_pair_is_found_by_itself(store):
    record = make_record(store)
    attempts = [Question(0, 1, "within", attempt=number) for number in (1, 2, 3)]
    for question, verdict in zip(attempts, ("same", "different", "unsure"), strict=True):
        record.commit([Answer(question, verdict)])
    assert [event.attempt for event in store.answers("uid")] == [1, 2, 3]
    for question, verdict in zip(attempts, ("same", "different", "unsure"), strict=True):
        (found,) = make_record(store).find([question])
        assert (found.question.attempt, found.verdict) == (question.attempt, verdict)
    assert make_record(store).find([Question(0, 2, "within", attempt=2)]) == []


def test_the_first_answer_stands_where_a_pair_has_several(store):
    given = replace(EVENT, image_a=10, image_b=20, digest_a="a", digest_b="b")
    store.append([replace(given, verdict="different"), replace(given, annotator="bob")])
    (found,) = make_record(store).find([Question(0, 1, "within")])
    assert (found.verdict, found.annotator) == ("different", "oracle")


def test_answers_about_other_pictures_are_refused(store):
    make_record(store).commit([Answer(Question(0, 2, "pool"), "same"), Answer(Question(1, 2, "pool"), "same")])
    with pytest.raises(
        ResumeError, match=r"(?s)2 images.*image 10: not a training image.*image 20: its bytes have changed"
    ):
        make_record(store, image_ids=(20, 30, 40, 50), digests=("B", "c", "d", "e"))


def test_many_keys_are_named_in_several_statements():
    keys = list(range(1001))
    parts = list(portions(keys))
    assert [len(part) for part in parts] == [500, 500, 1]
    assert [key for part in parts for key in part] == keys
    assert list(portions([])) == []

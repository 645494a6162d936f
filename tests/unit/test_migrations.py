"""The schema of the label store: made anew or brought up to date, whole or not at all, and append-only in force."""

import multiprocessing
import os
import re
import signal
import sqlite3
from contextlib import closing

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, event, inspect, text
from sqlalchemy.exc import DBAPIError

from whosame.annotation.store import migrate
from whosame.annotation.store.engine import connect, parse_url, sqlite_path
from whosame.annotation.store.schema import metadata
from whosame.annotation.store.store import open_store
from whosame.errors import StorageError

# As the first version of whosame made its tables, before there were migrations. PostgreSQL had no triggers then.
FIRST = """
CREATE TABLE schema_version (version INTEGER NOT NULL);
CREATE TABLE answer_events (
    id {number}, run_uid VARCHAR(64) NOT NULL, run TEXT NOT NULL, round INTEGER NOT NULL, image_a BIGINT NOT NULL,
    image_b BIGINT NOT NULL, digest_a VARCHAR(64) NOT NULL, digest_b VARCHAR(64) NOT NULL, kind VARCHAR(16) NOT NULL,
    verdict VARCHAR(16) NOT NULL, source VARCHAR(16) NOT NULL, annotator TEXT NOT NULL, attempt INTEGER NOT NULL,
    seconds FLOAT NOT NULL, answered_at VARCHAR(32) NOT NULL,
    {primary} CONSTRAINT uq_answer_events UNIQUE (run_uid, image_a, image_b, annotator, attempt),
    CONSTRAINT ck_pair_in_order CHECK (image_a < image_b),
    CONSTRAINT ck_kind CHECK (kind IN ('within', 'between', 'pool')),
    CONSTRAINT ck_verdict CHECK (verdict IN ('same', 'different', 'unsure')),
    CONSTRAINT ck_source CHECK (source IN ('human', 'oracle'))
);
INSERT INTO schema_version VALUES (1);
"""
TRIGGERS = """
CREATE TRIGGER answer_events_no_update BEFORE UPDATE ON answer_events
    BEGIN SELECT RAISE(ABORT, 'the label store is append-only'); END;
CREATE TRIGGER answer_events_no_delete BEFORE DELETE ON answer_events
    BEGIN SELECT RAISE(ABORT, 'the label store is append-only'); END;
"""
COLUMNS = "id run_uid run round image_a image_b digest_a digest_b kind verdict source annotator attempt seconds"
NAMES = [*COLUMNS.split(), "answered_at"]
ROWS = [
    (k + 1, "uid", "demo", k % 3, k, k + 1, f"d{k}", f"d{k + 1}", "pool", "same", "oracle", "óracle", 1, 5.5, "2025")
    for k in range(50)
]
APPENDED = ("answer_events", "take_backs", "skips", "audit_events")


def engine_of(url: str) -> Engine:
    return connect(parse_url(url), patience=5).execution_options(write=True)


def make_first(url: str) -> None:
    sqlite = url.startswith("sqlite")
    script = FIRST.format(
        number="INTEGER NOT NULL CONSTRAINT pk_answer_events PRIMARY KEY AUTOINCREMENT" if sqlite else "BIGSERIAL",
        primary="" if sqlite else "CONSTRAINT pk_answer_events PRIMARY KEY (id),",
    )
    names = NAMES[1:]  # the database numbers them
    insert = f"INSERT INTO answer_events ({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})"
    rows = [dict(zip(NAMES, row, strict=True)) for row in ROWS]
    if sqlite:
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as shell, shell:
            shell.executescript(script + TRIGGERS)
            shell.executemany(insert, rows)
        return
    engine = engine_of(url)
    with engine.begin() as connection:
        connection.execute(text(script))
        connection.execute(text(insert), rows)
    engine.dispose()


def state(url: str) -> tuple[set[str], list[tuple]]:
    """Names of the tables, and the answers with the first version's columns."""
    engine = engine_of(url)
    with engine.connect() as connection:
        names = set(inspect(connection).get_table_names())
        rows = connection.execute(text(f"SELECT {', '.join(NAMES)} FROM answer_events ORDER BY id")).all()
    engine.dispose()
    return names, [tuple(row) for row in rows]


def differences(url: str) -> list:
    engine = engine_of(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        found = compare_metadata(context, metadata)
    engine.dispose()
    return found


def check_names(url: str) -> set[str]:
    engine = engine_of(url)
    names = {check["name"] for check in inspect(engine).get_check_constraints("answer_events")}
    engine.dispose()
    return names


@pytest.mark.parametrize("old", [False, True])
def test_the_migrations_make_the_schema_that_the_code_describes(empty_database, old):
    if old:
        make_first(empty_database)
    open_store(empty_database).close()
    assert differences(empty_database) == []
    assert check_names(empty_database) == {"ck_pair_in_order", "ck_kind", "ck_verdict", "ck_source"}  # not compared


def test_a_difference_would_be_seen(empty_database):
    open_store(empty_database).close()
    engine = engine_of(empty_database)
    with engine.begin() as connection:
        connection.execute(text("DROP INDEX ix_tasks_waiting"))
    engine.dispose()
    assert [change[0] for change in differences(empty_database)] == ["add_index"]


def test_a_store_of_the_first_version_keeps_every_answer(empty_database):
    make_first(empty_database)
    with open_store(empty_database) as store:
        answers = store.answers("uid")
        assert [(one.image_a, one.annotator, one.revision, one.hold) for one in answers] == [
            (k, "óracle", 0, None) for k in range(50)
        ]
    names, rows = state(empty_database)
    assert rows == ROWS
    assert "schema_version" not in names
    with open_store(empty_database) as store:  # the next number is a new one
        store.append([type(answers[0])(**{**vars(answers[0]), "annotator": "alice"})])
        assert [one.annotator for one in store.answers("uid")][-1] == "alice"
    assert state(empty_database)[1][-1][0] == len(ROWS) + 1


def test_a_copy_of_a_sqlite_store_is_kept_beside_it(tmp_path, caplog):
    url = f"sqlite:///{tmp_path}/labels.db"
    make_first(url)
    before = state(url)
    open_store(url).close()
    assert state(f"sqlite:///{tmp_path}/labels.db.schema-0001") == before
    assert f"a copy is {tmp_path}/labels.db.schema-0001" in caplog.text
    caplog.clear()
    open_store(url).close()
    assert caplog.text == ""


@pytest.mark.parametrize("old", [False, True])
def test_nobody_changes_what_was_said(empty_database, old):
    if old:
        make_first(empty_database)
    with open_store(empty_database) as store, store.writing() as connection:
        answer = dict(zip(NAMES, ROWS[0], strict=True)) | {"id": 1000, "annotator": "alice"}
        task = {"run_uid": "u", "round": 0, "image_a": 0, "image_b": 1, "kind": "pool", "attempt": 1, "place": 0}
        table = metadata.tables
        connection.execute(table["answer_events"].insert().values(answer))
        connection.execute(table["take_backs"].insert().values(event_id=1000, annotator="alice", taken_back_at=""))
        connection.execute(table["tasks"].insert().values(**task, id=1, answered=0, wanted=1, open=True))
        connection.execute(table["skips"].insert().values(task_id=1, annotator="alice", hold="h", skipped_at=""))
        connection.execute(table["audit_events"].insert().values(at="", who="alice", what="login", about="{}"))
    engine = engine_of(empty_database)
    changes = ["UPDATE {} SET id = id + 1", "DELETE FROM {}"]
    changes += ["TRUNCATE {} CASCADE"] if engine.name == "postgresql" else []
    for name in APPENDED:
        for change in changes:
            with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
                connection.execute(text(change.format(name)))
    engine.dispose()


def in_processes(n, work):
    """Run ``work`` in n processes that begin at the same moment; their exit codes."""
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(n)

    def begin():
        barrier.wait()
        work()

    children = [context.Process(target=begin) for _ in range(n)]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
    return [child.exitcode for child in children]


@pytest.mark.parametrize(
    "moment",
    ["RENAME TO answer_events|DROP CONSTRAINT uq_answer_events", "CREATE TABLE people", "UPDATE alembic_version"],
)
def test_killed_in_the_middle_the_old_schema_is_whole(empty_database, moment):
    make_first(empty_database)
    before = state(empty_database)

    def upgrade():
        engine = engine_of(empty_database)

        @event.listens_for(engine, "after_cursor_execute")
        def kill(_connection, _cursor, statement, *_):
            if re.search(moment, statement):
                os.kill(os.getpid(), signal.SIGKILL)

        migrate.prepare(engine, "here", sqlite_path(parse_url(empty_database)))

    assert in_processes(1, upgrade) == [-signal.SIGKILL]
    assert state(empty_database) == before
    open_store(empty_database).close()
    assert differences(empty_database) == []
    assert state(empty_database)[1] == before[1]


@pytest.mark.parametrize("old", [False, True])
def test_several_processes_may_open_a_store_that_needs_work(empty_database, old):
    if old:
        make_first(empty_database)
    assert in_processes(4, lambda: open_store(empty_database).close()) == [0] * 4
    assert state(empty_database)[1] == (ROWS if old else [])
    assert differences(empty_database) == []


@pytest.mark.parametrize("number", ["0000", "0999"])
def test_a_store_of_another_schema_is_refused_and_left(database, number):
    with open_store(database) as store, store.writing() as connection:
        connection.execute(text(f"UPDATE alembic_version SET version_num = '{number}'"))
    with pytest.raises(StorageError, match=f"has schema {number}, this whosame reads schemas 0001 to"):
        open_store(database)
    assert differences(database) == []


def test_tables_of_somebody_else_are_left_alone(empty_database):
    engine = engine_of(empty_database)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE answer_events (x INTEGER)"))
    with pytest.raises(StorageError, match="answer_events that whosame did not make"):
        open_store(empty_database)
    assert inspect(engine).get_table_names() == ["answer_events"]
    engine.dispose()

"""Schema migrations: a new store has the tables of the model; an older one is upgraded as a whole, or is left as it is."""

import multiprocessing
import os
import re
import shutil
import signal
from dataclasses import replace

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, event, inspect, text
from sqlalchemy.exc import DBAPIError

from whosame.annotation.store.append_only import APPEND_ONLY
from whosame.annotation.store.engine import connect, parse_url, sqlite_path
from whosame.annotation.store.migrate import MIGRATIONS, prepare
from whosame.annotation.store.schema import metadata
from whosame.annotation.store.store import AnswerEvent, open_store
from whosame.errors import StorageError

ANSWERS = [
    AnswerEvent("uid", "demo", k % 3, k, k + 1, f"d{k}", f"d{k + 1}", "pool", "same", "oracle", "óracle", 5.5)
    for k in range(50)
]
SECOND = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "0005", "0004"


def upgrade():
    with op.batch_alter_table("tasks") as table:
        table.add_column(sa.Column("hardness", sa.Float, nullable=False, server_default="0"))
    op.create_table("extras", sa.Column("id", sa.Integer, primary_key=True))
"""


@pytest.fixture
def database(empty_database):
    """The address of an empty label store of the test's own: it changes the schema."""
    open_store(empty_database).close()
    return empty_database


@pytest.fixture
def second(tmp_path):
    """The migrations, and another revision."""
    folder = shutil.copytree(MIGRATIONS, tmp_path / "100 % migrations")
    (folder / "versions" / "0005_another.py").write_text(SECOND)
    return folder


@pytest.fixture
def answered(database):
    """The address of a store of the baseline with answers in it."""
    with open_store(database) as store:
        store.append(ANSWERS)
    return database


def engine_of(url: str) -> Engine:
    return connect(parse_url(url), lock_timeout=5).execution_options(write=True)


def upgrade(url: str, migrations, watch=None) -> None:
    engine = engine_of(url)
    if watch is not None:
        event.listen(engine, "after_cursor_execute", watch)
    prepare(engine, "here", sqlite_path(parse_url(url)), migrations=migrations)
    engine.dispose()


def state(url: str) -> tuple[set[str], set[str], list[tuple]]:
    """Names of the tables, columns of the tasks, all answers."""
    engine = engine_of(url)
    with engine.connect() as connection:
        names = set(inspect(connection).get_table_names())
        columns = {column["name"] for column in inspect(connection).get_columns("tasks")}
        rows = connection.execute(text("SELECT * FROM answer_events ORDER BY id")).all()
    engine.dispose()
    return names, columns, [tuple(row) for row in rows]


def differences(url: str) -> list:
    engine = engine_of(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        found = compare_metadata(context, metadata)
    engine.dispose()
    return found


def test_a_new_store_has_the_schema_of_the_model(database):
    assert differences(database) == []
    engine = engine_of(database)
    names = {check["name"] for check in inspect(engine).get_check_constraints("answer_events")}
    assert names == {"ck_pair_in_order", "ck_kind", "ck_verdict", "ck_source"}  # not compared
    with engine.begin() as connection:
        connection.execute(text("DROP INDEX ix_tasks_open"))
    engine.dispose()
    assert [change[0] for change in differences(database)] == ["add_index"]  # a difference would be found


def test_looking_at_a_store_changes_nothing_in_it(answered):
    with open_store(answered, reading=True) as store:
        assert len(store.answers(None)) == len(ANSWERS)
        with pytest.raises(StorageError, match="is read-only"):
            store.append([replace(ANSWERS[0], round=9, image_a=7, image_b=9)])
    engine = engine_of(answered)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0003'"))
    engine.dispose()
    with pytest.raises(StorageError, match=r"has schema 0003, this whosame has 0004.*kedro annotate"):
        open_store(answered, reading=True)
    engine = engine_of(answered)
    with engine.begin() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "0003"
    engine.dispose()


def test_a_store_that_is_not_there_is_not_made_by_looking(empty_database):
    with pytest.raises(StorageError, match=r"there is no label store|has no tables yet"):
        open_store(empty_database, reading=True)
    if (file := sqlite_path(parse_url(empty_database))) is not None:
        assert not file.exists()


def test_an_upgrade_keeps_every_answer(answered, second, caplog):
    before = state(answered)
    upgrade(answered, second)
    names, columns, rows = state(answered)
    assert (names - before[0], columns - before[1], rows) == ({"extras"}, {"hardness"}, before[2])
    if answered.startswith("sqlite"):
        assert state(f"{answered}.schema-0004") == before
        assert f"a copy is {sqlite_path(parse_url(answered))}.schema-0004" in caplog.text
    caplog.clear()
    upgrade(answered, second)  # nothing left to do
    assert caplog.text == ""
    with pytest.raises(StorageError, match="has schema 0005, this whosame reads schemas 0001 to 0004"):
        open_store(answered)


def test_a_store_of_the_first_release_becomes_one_of_this(answered):
    before = state(answered)
    engine = engine_of(answered)
    with engine.begin() as connection:
        newer = {
            "runs": ("guide", "guard", "answers_so_far"),
            "tasks": ("exemplars", "p_same"),
            "answer_events": ("review",),
        }
        for table, column in [(table, column) for table, columns in newer.items() for column in columns]:
            connection.execute(text(f"ALTER TABLE {table} DROP COLUMN {column}"))
        for table in ("review_undos", "reviews"):
            connection.execute(text(f"DROP TABLE {table}"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    engine.dispose()
    open_store(answered).close()
    assert differences(answered) == []
    assert state(answered) == before


def test_an_upgraded_store_takes_answers_and_refuses_changes(answered, second):
    upgrade(answered, second)
    engine = engine_of(answered)
    with engine.begin() as connection:
        new = {**vars(replace(ANSWERS[0], annotator="alice")), "answered_at": ""}
        added = connection.execute(metadata.tables["answer_events"].insert().values(new))
        assert added.inserted_primary_key == (len(ANSWERS) + 1,)  # the next number is a new one
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(text("DELETE FROM answer_events"))
    engine.dispose()


def test_answers_and_events_refuse_changes(database):
    with open_store(database) as store, store.writing() as connection:
        table = metadata.tables
        task = {"run_uid": "u", "round": 0, "image_a": 0, "image_b": 1, "kind": "pool", "attempt": 1, "position": 0}
        answer = {**vars(ANSWERS[0]), "id": 1, "answered_at": ""}
        connection.execute(table["answer_events"].insert().values(answer))
        connection.execute(table["undos"].insert().values(event_id=1, annotator="alice", undone_at=""))
        connection.execute(table["tasks"].insert().values(**task, id=1, votes=0, votes_needed=1, open=True))
        connection.execute(table["skips"].insert().values(task_id=1, annotator="alice", lease="l", skipped_at=""))
        review = {"run_uid": "u", "form": "tick", "identity": "1", "image": 0, "annotator": "alice", "session": "s"}
        review |= {"request": "r", "seconds": 1.0, "reviewed_at": ""}
        connection.execute(table["reviews"].insert().values(**review, id=1))
        connection.execute(table["review_undos"].insert().values(review_id=1, annotator="alice", undone_at=""))
        connection.execute(table["audit_events"].insert().values(at="", actor="alice", action="login", details="{}"))
    engine = engine_of(database)
    changes = ["UPDATE {} SET id = id + 1", "DELETE FROM {}"]
    changes += ["TRUNCATE {} CASCADE"] if engine.name == "postgresql" else []
    for name in APPEND_ONLY:
        for change in changes:
            with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
                connection.execute(text(change.format(name)))
    engine.dispose()


SERVER = multiprocessing.get_context("forkserver")  # this process has threads of other tests


def begin(barrier, url, migrations, moment):
    def kill(_connection, _cursor, statement, *_):
        if moment and re.search(moment, statement):
            os.kill(os.getpid(), signal.SIGKILL)

    barrier.wait()
    upgrade(url, migrations, kill)


def in_processes(n, url, migrations, moment=None):
    """Upgrade in n processes that begin at the same moment; their exit codes."""
    barrier = SERVER.Barrier(n)
    children = [SERVER.Process(target=begin, args=(barrier, url, migrations, moment)) for _ in range(n)]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
    return [child.exitcode for child in children]


@pytest.mark.parametrize("moment", ["RENAME TO tasks|ADD COLUMN hardness", "CREATE TABLE extras", "UPDATE alembic_v"])
def test_killed_during_an_upgrade_the_old_schema_is_intact(answered, second, moment):
    before = state(answered)
    assert in_processes(1, answered, second, moment) == [-signal.SIGKILL]
    assert state(answered) == before
    upgrade(answered, second)
    assert state(answered)[2] == before[2]


@pytest.mark.parametrize("moment", ["CREATE TABLE leases", "CREATE TRIGGER audit", "INSERT INTO alembic_version"])
def test_killed_during_creation_there_is_nothing(empty_database, moment):
    assert in_processes(1, empty_database, MIGRATIONS, moment) == [-signal.SIGKILL]
    engine = engine_of(empty_database)
    assert inspect(engine).get_table_names() == []
    engine.dispose()
    open_store(empty_database).close()
    assert differences(empty_database) == []


def test_several_processes_may_open_a_new_store(empty_database):
    assert in_processes(4, empty_database, MIGRATIONS) == [0] * 4
    assert differences(empty_database) == []


def test_several_processes_may_open_a_store_to_upgrade(answered, second):
    before = state(answered)
    assert in_processes(4, answered, second) == [0] * 4
    assert state(answered)[2] == before[2]


@pytest.mark.parametrize("number", ["0000", "0999"])
def test_a_store_of_another_schema_is_refused_and_left(database, number):
    with open_store(database) as store, store.writing() as connection:
        connection.execute(text(f"UPDATE alembic_version SET version_num = '{number}'"))
    with pytest.raises(StorageError, match=f"has schema {number}, this whosame reads schemas 0001 to"):
        open_store(database)
    assert differences(database) == []


def test_tables_of_another_program_are_left_alone(empty_database):
    engine = engine_of(empty_database)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE answer_events (x INTEGER)"))
    with pytest.raises(StorageError, match="answer_events that whosame did not make"):
        open_store(empty_database)
    assert inspect(engine).get_table_names() == ["answer_events"]
    engine.dispose()

"""Exports: which run, which images, and files that are written whole or not at all."""

import pytest

from whosame.annotation.exchange.row import NAMES
from whosame.annotation.exchange.run_images import StoredRun, find_run, run_images
from whosame.annotation.store import audit_log
from whosame.annotation.store.store import AnswerEvent
from whosame.errors import InputError, ParameterError, StorageError


def test_a_table_has_a_row_an_answer_without_undone_ones(here):
    here.ask()
    first, _ = here.give("alice", "same", "unsure")
    here.people.undo("alice", first.event)
    out, done = here.write("out.csv")
    header, row = out.read_text().splitlines()
    assert (header, done.answers, done.files) == (",".join(NAMES), 1, (out,))
    assert row.startswith("c2/2.png,c0/3.png,unsure,alice,0.0,")
    newest = audit_log.log(here.store)[0]
    assert (newest.actor, newest.action) == ("(terminal)", "exported")


def test_a_file_that_cannot_be_written_leaves_the_old_one_and_no_trace_in_the_log(here, tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError):
        here.write("folder")
    assert audit_log.log(here.store) == []


def test_the_run_at_work_last_is_meant_unless_one_is_named(here, table):
    with pytest.raises(InputError, match="has no run yet"):
        find_run(here.store)
    here.store.append([AnswerEvent("one", "first", 0, 0, 1, "a", "b", "pool", "same", "oracle", "oracle", 0.0)])
    assert find_run(here.store) == StoredRun("one", "first")
    here.ask()
    here.read(table("c0/0.png,c0/3.png,same,alice"))  # an import is no run
    assert find_run(here.store) == here.run
    assert find_run(here.store, "first") == StoredRun("one", "first")
    with pytest.raises(ParameterError, match="unknown run 'frist': did you mean 'first'"):
        find_run(here.store, "frist")


def test_without_a_manifest_the_images_are_those_the_store_knows(here):
    here.ask(2)
    known = run_images(here.store, here.run)
    assert known.root == here.root
    assert known.images == {image: here.images[image] for image in range(4)}

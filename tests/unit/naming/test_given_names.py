"""Names from the page reach the table of identities once, and are taken back with their review."""

import pyarrow as pa
import pytest

from whosame import artefacts
from whosame.annotation.review.read_table import last_review
from whosame.annotation.store.schema import review_undos, reviews
from whosame.data.manifest import Manifest, as_table
from whosame.naming.given_names import write_given_names
from whosame.naming.identity_table import read_identities
from whosame.runs import Run

PATHS = ["0.png", "1.png", "2.png", "3.png"]


@pytest.fixture
def manifest(tmp_path):
    columns = {"path": PATHS, "split": ["train"] * 4, "camera": [-1] * 4, "identity": pa.array([None] * 4, pa.int64())}
    return Manifest(tmp_path, "", as_table(pa.table({**columns, "height": [8] * 4, "width": [8] * 4, "digest": PATHS})))


class Table:
    """A run with a table of identities, and names that people give."""

    def __init__(self, run, store, manifest):
        self.run, self.store, self.manifest = run, store, manifest
        artefacts.write(run.folder / artefacts.RUN, {"uid": "uid"})
        self.write(["1", "1", "2", "2"])

    def write(self, names):
        rows = "".join(f"{path},{name}\n" for path, name in zip(PATHS, names, strict=True))
        (self.run.folder / artefacts.IDENTITIES).write_text(f"path,identity\n{rows}")

    def name(self, image, before, name):
        about = {"run_uid": "uid", "form": "name", "identity": before, "image": image, "name": name, "seconds": 1.0}
        about |= {"annotator": "ann", "session": "s", "request": f"{image} {name}", "reviewed_at": ""}
        with self.store.writing() as connection:
            return connection.execute(reviews.insert().values(about).returning(reviews.c.id)).scalar_one()

    def undo(self, review):
        with self.store.writing() as connection:
            connection.execute(review_undos.insert().values(review_id=review, annotator="ann", undone_at=""))

    @property
    def now(self):
        write_given_names(self.run, self.store, self.manifest)
        return list(read_identities(self.run.folder / artefacts.IDENTITIES).values())


@pytest.fixture
def table(sqlite_store, tmp_path, manifest):
    run = Run(tmp_path / "mine")
    run.folder.mkdir()
    return Table(run, sqlite_store, manifest)


def test_a_name_is_written_once_and_an_edit_after_it_stays(table):
    given = table.name(0, "1", "Rex")
    assert table.now == ["Rex", "Rex", "2", "2"]
    assert last_review(table.run) == given
    table.write(["Tom", "Tom", "2", "2"])
    assert table.now == ["Tom", "Tom", "2", "2"]
    table.undo(given)  # what it named has another name since
    assert table.now == ["Tom", "Tom", "2", "2"]


def test_a_name_that_is_undone_leaves_the_table(table):
    first = table.name(0, "1", "Rex")
    assert table.now == ["Rex", "Rex", "2", "2"]
    second = table.name(0, "Rex", "Tom")
    assert table.now == ["Tom", "Tom", "2", "2"]
    table.undo(second)
    assert table.now == ["Rex", "Rex", "2", "2"]
    table.write(["1", "Rex", "2", "2"])  # the identity was split, and its old number is another one's
    table.undo(first)
    assert table.now == ["1", "3", "2", "2"]


def test_two_names_that_are_undone_together(table):
    given = [table.name(0, "1", "Rex"), table.name(0, "Rex", "Tom")]
    assert table.now == ["Tom", "Tom", "2", "2"]
    for review in reversed(given):
        table.undo(review)
    assert table.now == ["1", "1", "2", "2"]


def test_a_name_that_is_undone_before_it_is_written_changes_nothing(table):
    table.undo(table.name(0, "1", "Rex"))
    assert table.now == ["1", "1", "2", "2"]

"""A run about twenty images of a folder, and files that go in and out."""

from pathlib import Path

import pytest

from whosame.annotation.exchange.export_answers import export_run
from whosame.annotation.exchange.import_answers import import_file
from whosame.annotation.exchange.run_images import RunImages, StoredRun
from whosame.annotation.queue.image_tokens import ImageRef
from whosame.errors import InputError

IMAGES = {image: ImageRef(f"c{image % 3}/{image}.png", f"{image:032x}") for image in range(20)}
IMAGES[7] = ImageRef("c1/=7 é.png", f"{7:032x}")
ROOT = Path("/data/my crops")
RUN = StoredRun("uid", "mine")


class Exchange:
    """The run "mine" in a label store: its questions, its annotators, its files."""

    root, images, run = ROOT, IMAGES, RUN

    def __init__(self, store, folder, queue_of, people_of):
        self.store, self.folder = store, folder
        self._queue_of, self.people = queue_of, people_of(store)

    def ask(self, pairs=6, **run):
        """Ask about images 0 and 1, 2 and 3, …"""
        return self._queue_of(self.store, pairs, images=IMAGES, root=str(ROOT), **run)

    def give(self, who, *verdicts):
        return [self.people.answer_next(who, verdict, 0.0)[1] for verdict in verdicts]

    def write(self, name, form="csv", **more):
        """Export to a file, and return it with what was written."""
        return (out := self.folder / name), export_run(self.store, RUN, RunImages(IMAGES, ROOT), out, form=form, **more)

    def read(self, given, *, images=None, **more):
        """Import a file, or a content."""
        if not isinstance(given, Path):
            content, given = given, self.folder / "given"
            given.write_bytes(content if isinstance(content, bytes) else content.encode())
        return import_file(self.store, given, RUN, RunImages(IMAGES, ROOT) if images is None else images, **more)

    def refusal(self, given, **more):
        """Import what is refused, and return the message; nothing is written."""
        before = self.store.answers(None)
        with pytest.raises(InputError) as caught:
            self.read(given, **more)
        assert "Nothing was imported" in str(caught.value)
        assert self.store.answers(None) == before
        return str(caught.value)

    def answers(self, *names, run_uid=None):
        """What the store has, by these columns."""
        return [tuple(getattr(event, name) for name in names) for event in self.store.answers(run_uid)]


def table(*rows, names="path_a,path_b,verdict,annotator"):
    return "\n".join([names, *rows, ""])


@pytest.fixture(scope="session", name="table")
def table_fixture():
    """A CSV file of rows."""
    return table


@pytest.fixture
def here(sqlite_store, tmp_path, queue_of, people_of):
    return Exchange(sqlite_store, tmp_path, queue_of, people_of)


@pytest.fixture
def elsewhere(other_store, tmp_path, queue_of, people_of):
    """The same run in another store, with no answer yet."""
    return Exchange(other_store, tmp_path, queue_of, people_of)

"""To Label Studio and back: a real one where there is one, else by the format it publishes.

The environment variable WHOSAME_LABEL_STUDIO names its executable: ``pip install label-studio`` in an environment of its
own, and then ``…/bin/label-studio``.
"""

import json
import os
import signal
import socket
import subprocess
import time
import xml.etree.ElementTree as ET

import httpx
import pytest
from PIL import Image

from whosame.annotation.exchange.export_answers import export_run
from whosame.annotation.exchange.import_answers import import_file
from whosame.annotation.exchange.run_images import find_run, run_images
from whosame.annotation.queue.image_tokens import ImageRef
from whosame.memory import LabelMemory

EXECUTABLE = os.environ.get("WHOSAME_LABEL_STUDIO", "")
TOKEN = "0123456789abcdef0123456789abcdef01234567"
RESULT = {"type": "choices", "from_name": "verdict", "to_name": "a"}


class LabelStudio:
    """A server of its own, with nothing in it, that reports to nobody."""

    def __init__(self, folder, images):
        self.folder, self.images = folder, images
        self.start()

    def start(self, *, unknown_people=False):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        settings = {
            "COLLECT_ANALYTICS": "false",
            "LATEST_VERSION_CHECK": "false",
            "SENTRY_DSN": "",
            "FRONTEND_SENTRY_DSN": "",
            "DJANGO_DB": "sqlite",
            "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
            "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
            "LABEL_STUDIO_USERNAME": "eve@example.org",
            "LABEL_STUDIO_PASSWORD": "for this test alone",
            "LABEL_STUDIO_USER_TOKEN": TOKEN,
            "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED": "true",
            "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT": str(self.images.parent),
            "LABEL_STUDIO_ALLOW_IMPORT_TASKS_WITH_UNKNOWN_EMAILS": str(unknown_people).lower(),
            "HOME": str(self.folder),
            "PATH": os.environ["PATH"],
        }
        line = [EXECUTABLE, "start", "--no-browser", "--data-dir", str(self.folder), "--internal-host", "127.0.0.1"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*line, "--port", str(self.port)], env=settings, stdout=log, stderr=log, start_new_session=True
            )
        until = time.monotonic() + 270  # its 400 migrations take two minutes on a busy machine
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise AssertionError((self.folder / "log").read_text())
            time.sleep(0.5)

    def _answers(self):
        try:
            return self("GET", "/health")[0] == 200
        except httpx.TransportError:
            return False

    def __call__(self, method, path, body=None):
        """Return the status and what the server says, JSON where it is that."""
        url, headers = f"http://127.0.0.1:{self.port}{path}", {"Authorization": f"Token {TOKEN}"}
        reply = httpx.request(
            method, url, json=body, headers=headers, timeout=60, trust_env=False, follow_redirects=True
        )
        try:
            return reply.status_code, reply.json()
        except ValueError:
            return reply.status_code, reply.content

    def project(self, config, images):
        """Make a project that serves a folder of images, and return its path."""
        status, made = self("POST", "/api/projects/", {"title": "pairs", "label_config": config})
        assert status == 201, made
        storage = {"project": made["id"], "path": str(images), "use_blob_urls": True, "title": "images"}
        status, said = self("POST", "/api/storages/localfiles/", storage)
        assert status == 201, said
        return f"/api/projects/{made['id']}"

    def stop(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served") / "my crops"
    folder.mkdir()
    for number in range(8):
        Image.new("RGB", (32, 64), (30 * number, 90, 200)).save(folder / f"{number} é=.png")
    return folder


@pytest.fixture
def ask(images, queue_of):
    """Ask four pairs of the images in a store."""
    refs = {number: ImageRef(f"{number} é=.png", f"{number:032x}") for number in range(8)}
    return lambda store: queue_of(store, 4, images=refs, root=str(images))


@pytest.fixture
def store(sqlite_store, ask, people_of):
    """Of four questions alice has answered two, and bob has skipped the third."""
    ask(sqlite_store)
    people = people_of(sqlite_store)
    for verdict in ("same", "unsure"):
        people.answer_next("alice", verdict, 2.5)
    [lease] = people.lease("bob")
    people.skip("bob", lease)
    return sqlite_store


def exported(store, path, **more):
    run = find_run(store)
    export_run(store, run, run_images(store, run), path, form="label-studio", **more)
    return json.loads(path.read_text()), path.with_suffix(".xml").read_text()


def imported(store, path, **more):
    run = find_run(store)
    return import_file(store, path, run, run_images(store, run), **more)


def log(store):
    events = store.answers("uid")
    return LabelMemory.from_log(*zip(*((e.image_a, e.image_b, e.verdict) for e in events), strict=True)).log


def test_an_export_is_what_label_studio_takes(store, tmp_path):
    """By its published format: https://labelstud.io/guide/task_format, and AnnotationRequest of its API."""
    tasks, config = exported(store, tmp_path / "tasks.json")
    view = ET.fromstring(config)
    shown = {image.get("value").removeprefix("$") for image in view.iter("Image")}
    choices = view.find("Choices")
    offered = {choice.get("value") for choice in choices}
    assert choices.get("toName") in {image.get("name") for image in view.iter("Image")}
    assert [len(task["annotations"]) for task in tasks] == [1, 1, 1, 0]
    for task in tasks:
        assert set(task) == {"data", "annotations"}
        assert shown <= set(task["data"])
        for annotation in task["annotations"]:
            assert isinstance(annotation["completed_by"]["email"], str)
            assert isinstance(annotation["was_cancelled"], bool)
            assert isinstance(annotation["result"], list)
            assert bool(annotation["result"]) != annotation["was_cancelled"]
            for result in annotation["result"]:
                assert {name: result[name] for name in RESULT} == {**RESULT, "from_name": choices.get("name")}
                assert set(result["value"]["choices"]) <= offered
                assert isinstance(annotation["lead_time"], float)


@pytest.fixture(scope="module")
def label_studio(tmp_path_factory, images):
    if not EXECUTABLE:
        pytest.skip("WHOSAME_LABEL_STUDIO names no Label Studio")
    server = LabelStudio(tmp_path_factory.mktemp("label studio"), images)
    yield server
    server.stop()


def annotate(label_studio, project, verdicts):
    """Answer the open tasks of a project through its API; return everything that it exports."""
    everything = f"{project}/export?exportType=JSON&download_all_tasks=true"
    status, tasks = label_studio("GET", everything)
    assert status == 200
    open_tasks = [task for task in tasks if not any(a["result"] for a in task["annotations"])]
    for task, verdict in zip(open_tasks, verdicts, strict=True):
        said = {"result": [{**RESULT, "id": "x", "value": {"choices": [verdict]}}], "lead_time": 3.25}
        status, reply = label_studio("POST", f"/api/tasks/{task['id']}/annotations/", said)
        assert status == 201, reply
    return label_studio("GET", everything)[1]


@pytest.mark.slow
def test_answers_made_in_label_studio_end_in_the_label_memory(label_studio, store, other_store, ask, images, tmp_path):
    tasks, config = exported(store, tmp_path / "tasks.json", completed_by=False)
    project = label_studio.project(config, images)
    status, said = label_studio("POST", f"{project}/import", tasks)
    assert (status, said["task_count"], said["annotation_count"]) == (201, 4, 3)
    for side in ("image_a", "image_b"):
        status, content = label_studio("GET", tasks[2]["data"][side])
        assert status == 200
        assert content == (images / tasks[2]["data"][side.replace("image", "path")]).read_bytes()
    made = annotate(label_studio, project, ["different", "same"])
    (tmp_path / "made.json").write_text(json.dumps(made))
    done = imported(store, tmp_path / "made.json", annotator="carol")
    assert (done.counted, done.known, done.skipped) == (2, 2, 1)
    expected = [(0, 1, "same"), (2, 3, "unsure"), (4, 5, "different"), (6, 7, "same")]
    assert log(store) == expected
    assert [event.annotator for event in store.answers("uid")] == ["alice", "alice", "carol", "carol"]
    assert [event.seconds for event in store.answers("uid")][2:] == [3.25, 3.25]
    assert imported(store, tmp_path / "made.json", annotator="carol").known == 4
    ask(other_store)  # all of it, to a store that has no answer yet
    assert imported(other_store, tmp_path / "made.json", annotator="carol").counted == 4
    assert log(other_store) == expected


@pytest.mark.slow
def test_people_that_label_studio_does_not_know_are_refused_unless_it_is_told(label_studio, store, images, tmp_path):
    tasks, config = exported(store, tmp_path / "tasks.json")
    project = label_studio.project(config, images)
    status, said = label_studio("POST", f"{project}/import", tasks)
    assert status == 400
    assert "Unknown annotator's email alice@whosame.invalid" in json.dumps(said)
    label_studio.stop()
    label_studio.start(unknown_people=True)
    assert label_studio("POST", f"{project}/import", tasks)[0] == 201
    made = annotate(label_studio, project, ["same", "same"])
    (tmp_path / "made.json").write_text(json.dumps(made))
    imported(store, tmp_path / "made.json")
    assert {event.annotator for event in store.answers("uid")} == {"alice", "label-studio-user-1"}

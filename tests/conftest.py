"""What tests of several kinds need: databases, a PostgreSQL server of the session's own, a browser, where installed."""

import hashlib
import http.client
import io
import json
import multiprocessing
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from contextlib import closing, contextmanager
from functools import partial
from itertools import count
from pathlib import Path

import fastapi.routing
import httpx
import numpy as np
import pytest
import uvicorn
from PIL import Image

from whosame import artefacts
from whosame.annotation.queue.image_tokens import ImageRef
from whosame.annotation.queue.leases import LEASE_SECONDS, lease_pairs
from whosame.annotation.queue.submit import skip_pair, submit_answer
from whosame.annotation.queue.tasks import PairTask, RunInfo, TaskQueue
from whosame.annotation.queue.undo import last_undoable, undo_answer
from whosame.annotation.store.schema import metadata
from whosame.annotation.store.store import open_store
from whosame.search.calibration import Calibration
from whosame.search.gallery import Gallery, ImageForm

# One server for every test that starts processes: they begin with these imports done. The last call is the one in force.
multiprocessing.set_forkserver_preload(
    [
        "alembic.command",
        "whosame.annotation.store.store",
        "whosame.app.round_loop",
        "whosame.pipeline_registry",
        "whosame.settings",
        "kedro_mlflow",
        # imported late, by each process anew if not here
        "kedro_mlflow.io.metrics",
        "mlflow.pyfunc",
        "mlflow.store.tracking.sqlalchemy_store",
        "numba.typed",
        "torch._dynamo",
    ]
)


def missing(program: str) -> None:
    """Skip the test, or fail it where WHOSAME_REQUIRE, as in CI, says that the program must be there."""
    if program in os.environ.get("WHOSAME_REQUIRE", "").split(","):
        pytest.fail(f"{program} is not installed, and WHOSAME_REQUIRE names it")
    pytest.skip(f"{program} is not installed")


@pytest.fixture(scope="session")
def postgresql_server():
    """The folder of a PostgreSQL server's socket; the server lives as long as the session."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl")) or [Path(shutil.which("pg_ctl") or "missing")]
    if not found[-1].exists():
        missing("postgresql")
    programs = found[-1].parent
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 2**30
    # Short: a socket's path has 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="whosame-postgresql-", dir=memory if roomy else None))
    user = "postgres" if os.geteuid() == 0 else None  # the server refuses to run as root
    if user:
        shutil.chown(folder, user)
    settings = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c max_connections=200"
    settings += " -c max_wal_size=64MB"

    def run(program: str, *arguments: str) -> None:
        command = [programs / program, "-D", folder / "data", *arguments]
        subprocess.run(command, user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL, timeout=60)

    try:
        run("initdb", "--auth=trust", "--username=whosame", "--encoding=UTF8", "--locale=C", "--no-sync")
        run("pg_ctl", "start", "--wait", "--silent", "--log", str(folder / "log"), "--options", settings)
        yield folder
        run("pg_ctl", "stop", "--mode=immediate", "--silent")
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def new_postgresql(postgresql_server):
    """Create an empty database; return its address. Each costs 7 MB and 300 files."""
    import psycopg

    numbers = count()
    with psycopg.connect(host=str(postgresql_server), user="whosame", dbname="postgres", autocommit=True) as shell:

        def create() -> str:
            name = f"test_{next(numbers)}"
            shell.execute(f"CREATE DATABASE {name} TEMPLATE template0")
            return f"postgresql://whosame@/{name}?host={postgresql_server}"

        yield create


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request, tmp_path):
    """The address of a database without tables: each test that asks for it runs on both kinds."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'labels.db'}"
    return request.getfixturevalue("new_postgresql")()


@pytest.fixture(scope="session")
def made_sqlite(tmp_path_factory):
    """The file of an empty label store, to be copied."""
    file = tmp_path_factory.mktemp("made") / "labels.db"
    open_store(f"sqlite:///{file}").close()
    return file


@pytest.fixture(scope="session")
def emptied_postgresql(new_postgresql):
    """Empty the one label store on the server, and return its address."""
    import psycopg

    url = new_postgresql()
    open_store(url).close()
    names = ", ".join(metadata.tables)
    with psycopg.connect(url, autocommit=True) as shell:
        shell.execute("SET session_replication_role = replica")  # or the triggers would refuse

        def empty() -> str:
            shell.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            shell.execute(f"TRUNCATE {names} RESTART IDENTITY")
            return url

        yield empty


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path):
    """The address of an empty label store, on both kinds. A test that changes its schema takes ``empty_database``."""
    if request.param == "postgresql":
        return request.getfixturevalue("emptied_postgresql")()
    return f"sqlite:///{shutil.copy(request.getfixturevalue('made_sqlite'), tmp_path / 'labels.db')}"


@pytest.fixture
def store(database):
    """An empty label store, on both kinds."""
    with open_store(database) as store:
        yield store


@pytest.fixture
def sqlite_store(made_sqlite, tmp_path):
    """An empty label store in ``tmp_path / "labels.db"``, for tests that do not depend on the kind of database."""
    with open_store(f"sqlite:///{shutil.copy(made_sqlite, tmp_path / 'labels.db')}") as store:
        yield store


@pytest.fixture
def other_store(made_sqlite, tmp_path):
    """A second one."""
    with open_store(f"sqlite:///{shutil.copy(made_sqlite, tmp_path / 'other.db')}") as store:
        yield store


class Served:
    """An application on a free port of this machine, in a thread, and the clients that a test has opened."""

    def __init__(self, app):
        self.app, self.clients = app, []
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        options = {"lifespan": "off", "ws": "none", "log_config": None, "timeout_graceful_shutdown": 1}
        self.server = uvicorn.Server(uvicorn.Config(app, **options))
        self._thread = threading.Thread(target=self.server.run, kwargs={"sockets": [listener]})
        self._thread.start()
        while not self.server.started:
            time.sleep(0.002)

    def client(self, **headers):
        """A browser without a login; ``accept="application/json"`` makes it a script."""
        headers = {"accept": "text/html", **headers}
        self.clients.append(httpx.Client(base_url=self.url, headers=headers, trust_env=False, verify=False, timeout=30))
        return self.clients[-1]

    def raw(self, request):
        """Send bytes as they are, and return status, headers and body of the response."""
        with closing(socket.create_connection(("127.0.0.1", self.port), timeout=5)) as connection:
            connection.sendall(request)
            response = http.client.HTTPResponse(connection)
            response.begin()
            return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()

    def close(self):
        while self.clients:
            self.clients.pop().close()
        self.server.should_exit = True
        self._thread.join()


@pytest.fixture(scope="session")
def serving():
    """Serve an application as long as a ``with`` block lasts."""

    @contextmanager
    def serve(app):
        served = Served(app)
        try:
            yield served
        finally:
            served.close()

    return serve


def image_ref(root, path):
    """What the store says of an image file."""
    return ImageRef(path, hashlib.blake2b((root / path).read_bytes(), digest_size=16).hexdigest())


@pytest.fixture(scope="session", name="image_ref")
def image_ref_fixture():
    return image_ref


@pytest.fixture(scope="session")
def routes_of():
    """Every route of an application, those of routers and mounts in it too, as (method, path); a mount's method is GET."""
    # Newer versions of FastAPI keep an included router as it is, and find its routes by this; in older ones they are there.
    each = getattr(fastapi.routing, "iter_route_contexts", iter)

    def found(app, before=""):
        for route in each(app.routes):
            if getattr(route, "routes", []):
                yield from found(route, before + route.path)
            else:
                yield from (
                    (method, before + route.path) for method in sorted(getattr(route, "methods", None) or ["GET"])
                )

    return found


class Clock:
    """Stands still until ``time`` is set."""

    def __init__(self):
        self.time = 1_800_000_000.0

    def __call__(self):
        return self.time


@pytest.fixture
def clock():
    return Clock()


class People:
    """The annotators of a run: what the page does for them, each step in a transaction of its own."""

    def __init__(self, store, now=time.time, run_uid="uid"):
        self.store, self.now, self.run_uid = store, now, run_uid

    def lease(self, name, count=1, *, session=None, seconds=LEASE_SECONDS):
        """Return the pairs leased to a person; each has one login session unless the test says otherwise."""
        with self.store.writing() as connection:
            who = (self.run_uid, name, session or f"session of {name}")
            return lease_pairs(connection, *who, count=count, seconds=seconds, now=self.now())

    def answer(self, name, lease, verdict="same", seconds=2.0, *, session=None):
        with self.store.writing() as connection:
            who = (name, session or f"session of {name}")
            return submit_answer(connection, lease.token, *who, verdict, seconds, now=self.now())

    def answer_next(self, name, verdict="same", seconds=2.0):
        """Answer the next pair; return its task and the answer's receipt."""
        [lease] = self.lease(name)
        return lease.task, self.answer(name, lease, verdict, seconds)

    def skip(self, name, lease):
        with self.store.writing() as connection:
            skip_pair(connection, lease.token, name, now=self.now())

    def undo(self, name, event, *, session=None):
        with self.store.writing() as connection:
            return undo_answer(connection, event, name, session or f"session of {name}", now=self.now())

    def last_undoable(self, name):
        with self.store.reading() as connection:
            return last_undoable(connection, self.run_uid, name, f"session of {name}")


@pytest.fixture(scope="session")
def people_of():
    """Return the annotators of a store: ``people_of(store, now=…, run_uid=…)``."""
    return People


@pytest.fixture
def people(store, clock):
    """The annotators of the run "uid", by the clock that stands still."""
    return People(store, clock)


class AnyImage(dict):
    """An image for every id."""

    def __missing__(self, image):
        return ImageRef(f"{image}.png", f"digest {image}")


def queue_of(store, pairs=None, *, images=None, now=time.time, **run):
    """Return the queue of a round that has started and asks pairs: so many of images 0 and 1, 2 and 3 …, or these."""
    known = {"run_uid": "uid", "run": "mine", "root": "/images", "round": 0, "rounds": 3, "asked": 0}
    info = RunInfo(**{**known, "budget": 30, "round_budget": 10, **run})
    queue = TaskQueue(store, info, AnyImage() if images is None else images, now=now)
    queue.begin()
    if isinstance(pairs, int):
        pairs = [(2 * k, 2 * k + 1) for k in range(pairs)]
    if pairs is not None:
        queue.ask([pair if isinstance(pair, PairTask) else PairTask(*pair, "between") for pair in pairs])
    return queue


@pytest.fixture(scope="session", name="queue_of")
def queue_of_fixture():
    """Make the queue of a round in any store; see :func:`queue_of`."""
    return queue_of


@pytest.fixture
def task_queue(store, clock):
    """Make the queue of a round in the test's store; see :func:`queue_of`."""
    return partial(queue_of, store, now=clock)


COLOURS = {"red": (250, 10, 10), "green": (10, 250, 10), "blue": (10, 10, 250)}


def unit(rows):
    rows = np.asarray(rows, float)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def mean_colour():
    """A network as ONNX: the mean colour of each image, of length 1."""
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("Cast", ["pixels"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["x"], ["mean"], axes=[1, 2], keepdims=0),
        helper.make_node("LpNormalization", ["mean"], ["features"], axis=1, p=2),
    ]
    pixels = helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", 8, 4, 3])
    features = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", 3])
    model = helper.make_model(
        helper.make_graph(nodes, "mean", [pixels], [features]), opset_imports=[helper.make_opsetid("", 13)]
    )
    model.ir_version = 8
    return model.SerializeToString()


def photograph(colour, kind="PNG", size=(40, 80)):
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, kind)
    return file.getvalue()


@pytest.fixture(scope="session", name="photograph")
def photograph_fixture():
    """Draw an image file of one colour: ``photograph(colour, kind="PNG", size=(40, 80))``."""
    return photograph


@pytest.fixture
def searchable(tmp_path):
    """The data of a project with an exported run: Anna is red, three of her images are confirmed; a green and a blue image."""
    images = tmp_path / "images"
    images.mkdir()
    colours = [COLOURS["red"], (240, 20, 10), (230, 30, 30), COLOURS["green"], COLOURS["blue"], (250, 0, 20)]
    for row, colour in enumerate(colours):
        (images / f"{row}.png").write_bytes(photograph(colour))
    run = tmp_path / "data" / "runs" / "mine"
    folder = run / artefacts.EXPORT / "model"
    folder.mkdir(parents=True)
    (run / artefacts.RUN).write_text(json.dumps({"uid": "uid"}))
    Gallery(
        vectors=unit(colours),
        paths=[f"{row}.png" for row in range(6)],
        splits=["train"] * 6,
        cameras=np.array([0, 1, -1, 0, 1, 1]),
        identities=["Anna", "Anna", "Anna", "2", "", "Anna"],
        known=["answered"] * 3 + ["clustered", "outlier", "clustered"],
        p=np.array([1, 1, 1, 0.7, 0.6, 0.9]),
        individuals=np.array([0, 0, 0, 3, 4, 5]),
        root="images",
        run="mine",
        code="0",
        round=1,
        answers=2,
        form=ImageForm(8, 4, "bilinear", letterbox=False, invert=False, features=0),
        calibration=Calibration(0.8, 0.1, 0.2, 30, 10, "names"),
    ).save(folder)
    (folder / "network.onnx").write_bytes(mean_colour())
    return tmp_path / "data"


@pytest.fixture(scope="session")
def browser():
    """A real browser."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        missing("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        missing("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()

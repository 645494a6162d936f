"""MLflow may be away, damaged or made at this moment: an attempt is one warning, and the next one catches up."""

import logging
import multiprocessing
import os
import socket
import sqlite3
import time
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace

import mlflow
import pytest
from kedro.config import MissingConfigException

from whosame.app.mlflow_server import attempt
from whosame.app.mlflow_setup import VARIABLE, MlflowHooks
from whosame.errors import ParameterError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # mlflow's own use of SQLAlchemy


@pytest.fixture(autouse=True)
def set_up(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    before = mlflow.get_tracking_uri()
    yield
    mlflow.set_tracking_uri(before)


@pytest.fixture(scope="session")
def made_mlflow(tmp_path_factory):
    """The file of an MLflow database without runs."""
    file = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    use(f"sqlite:///{file}")
    assert attempt(touch)
    return file


def use(uri):
    mlflow.set_tracking_uri(uri)
    os.environ.pop(VARIABLE, None)


def touch(client):
    client.set_experiment_tag("0", "seen", "yes")


@contextmanager
def refusing(folder):
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    yield f"http://127.0.0.1:{port}", "Connection refused"


@contextmanager
def silent(folder):
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}", "timed out"


@contextmanager
def other_program(folder):
    (folder / "mlflow.db").write_bytes(b"These are no pages of a database. " * 500)
    yield "sqlite:///mlflow.db", "file is not a database"


@contextmanager
def damaged_pages(folder):
    content = bytearray((folder / "mlflow.db").read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    (folder / "mlflow.db").write_bytes(content)
    yield "sqlite:///mlflow.db", "malformed"


@contextmanager
def read_only(folder):
    yield "sqlite:///file:mlflow.db?mode=ro&uri=true", "readonly database"


@contextmanager
def of_a_newer_version(folder):
    with closing(sqlite3.connect(folder / "mlflow.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
    yield "sqlite:///mlflow.db", "out-of-date database schema"


@contextmanager
def a_folder(folder):
    (folder / "mlflow.db").unlink()
    (folder / "mlflow.db").mkdir()
    yield "sqlite:///mlflow.db", "unable to open database file"


@contextmanager
def refusing_database(folder):
    with refusing(folder) as (uri, why):
        yield f"postgresql://me:secret@{uri.removeprefix('http://')}/mlflow", why


@contextmanager
def of_no_kind(folder):
    yield "gopher://mlflow", "gopher"


@pytest.mark.parametrize(
    "broken",
    [
        refusing,
        silent,
        other_program,
        damaged_pages,
        read_only,
        of_a_newer_version,
        a_folder,
        refusing_database,
        of_no_kind,
    ],
)
def test_whatever_is_wrong_is_one_warning_and_mlflow_is_caught_up_with(broken, made_mlflow, tmp_path, caplog, capfd):
    caplog.set_level(logging.INFO)
    (tmp_path / "mlflow.db").write_bytes(made_mlflow.read_bytes())
    with broken(tmp_path) as (uri, why):
        use(uri)
        assert [attempt(touch) for _ in range(3)] == [False] * 3
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert why in record.getMessage()
    assert "\n" not in record.getMessage()
    assert "secret" not in record.getMessage()
    use(f"sqlite:///{made_mlflow}")
    assert attempt(touch)
    assert "can be used again" in caplog.records[-1].getMessage()
    assert "Traceback" not in "".join(capfd.readouterr())


def test_what_is_wrong_with_the_copy_itself_stops_nothing_either(made_mlflow, caplog):
    def fail(client):
        raise KeyError("manifest")

    use(f"sqlite:///{made_mlflow}")
    assert not attempt(fail)
    assert "KeyError: 'manifest'" in caplog.text
    assert attempt(touch)


def first_use(folder, at, outcomes):
    os.chdir(folder)
    use("sqlite:///mlflow.db")
    time.sleep(max(0.0, at - time.time()))
    outcomes.put(attempt(touch))


def test_processes_that_use_it_first_at_once_make_one_database(tmp_path):
    fork = multiprocessing.get_context("forkserver")
    outcomes, at = fork.Queue(), time.time() + 2
    started = [fork.Process(target=first_use, args=(tmp_path, at, outcomes)) for _ in range(2)]
    for process in started:
        process.start()
    assert [outcomes.get(timeout=120) for _ in started] == [True] * 2
    for process in started:
        process.join()


class Loader(dict):
    """Kedro's configuration loader, as far as it matters: what mlflow.yml says."""

    def __init__(self, *given):
        super().__init__(*given)
        self.config_patterns = {}

    def __missing__(self, key):
        raise MissingConfigException(key)


def context_of(project, **mlflow_yml):
    loader = Loader({"mlflow": mlflow_yml} if mlflow_yml else {})
    credentials = {"of_mlflow": {"MLFLOW_TRACKING_USERNAME": "me"}}
    return SimpleNamespace(config_loader=loader, project_path=project, _get_config_credentials=lambda: credentials)


@pytest.mark.parametrize(
    ("typed", "in_conf", "used"),
    [
        (None, None, "sqlite:///mlflow.db"),
        (None, "sqlite:///other.db", "sqlite:///other.db"),
        ("http://127.0.0.1:9", "sqlite:///other.db", "http://127.0.0.1:9"),
        ("", "http://127.0.0.1:8", "http://127.0.0.1:8"),
    ],
)
def test_the_environment_goes_before_the_configuration_and_nothing_connects(
    tmp_path, monkeypatch, typed, in_conf, used
):
    if typed is not None:
        monkeypatch.setenv(VARIABLE, typed)
    context = context_of(tmp_path, **({"server": {"mlflow_tracking_uri": in_conf}} if in_conf else {}))
    MlflowHooks().after_context_created(context)
    assert mlflow.get_tracking_uri() == used
    assert context.mlflow.server.mlflow_tracking_uri == used  # kedro mlflow ui shows it
    assert os.environ.get(VARIABLE) in (typed or None, typed and used)
    assert list(tmp_path.iterdir()) == []


def test_a_relative_path_begins_at_the_project(tmp_path, monkeypatch):
    (tmp_path / "docs").mkdir()
    monkeypatch.chdir(tmp_path / "docs")
    MlflowHooks().after_context_created(context_of(tmp_path))
    path = Path(mlflow.get_tracking_uri().removeprefix("sqlite:///"))
    assert path.resolve() == (tmp_path / "mlflow.db").resolve()


def test_the_credentials_of_the_configuration_are_used(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "nobody")
    MlflowHooks().after_context_created(context_of(tmp_path, server={"credentials": "of_mlflow"}))
    assert os.environ["MLFLOW_TRACKING_USERNAME"] == "me"


def test_an_unknown_entry_of_mlflow_yml_is_named(tmp_path):
    with pytest.raises(ParameterError, match=r"mlflow.yml cannot be used:\n  server.mlflow_uri: "):
        MlflowHooks().after_context_created(context_of(tmp_path, server={"mlflow_uri": "x"}))

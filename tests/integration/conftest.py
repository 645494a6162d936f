"""A small project of its own for every test: the repository's configuration, a tiny data set, nothing shared."""

import multiprocessing
import os
import re
import shlex
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from whosame.cli import cli
from whosame.configuration import Configuration

REPOSITORY = Path(__file__).resolve().parents[2]

TINY = """
strategy: dcps
synthetic:
  train_identities: 12
  test_identities: 8
  train_images: 120
  query_images: 24
  gallery_images: 60
  distractor_images: 4
  junk_images: 2
  cameras: 3
  height: 64
  width: 32
pixels: {height: 32, width: 16}
network: {widths: [8, 16]}
warmup: {epochs: 2, batch_size: 32}
training: {iterations: 4, clusters_per_batch: 4, images_per_cluster: 4, norm_chunk: 16}
clustering:
  distance: jaccard
  centre_cameras: false
  k1: 8
  k2: 3
  k1_intra: 2
  k1_inter: 8
  k2_intra: 1
  k2_inter: 2
  eps: 0.6
  min_samples: 3
budget: 40
rounds: 4
pictures: {at_end: false}
"""


def make_project(folder: Path) -> Path:
    """Copy the configuration into a folder and add the environment ``tiny``."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(REPOSITORY / "conf", folder / "conf", ignore=shutil.ignore_patterns("local"))
    shutil.copy(REPOSITORY / ".telemetry", folder)
    pyproject = (REPOSITORY / "pyproject.toml").read_text().replace('source_dir = "src"', 'source_dir = "no_source"')
    (folder / "pyproject.toml").write_text(pyproject)
    (folder / "no_source").mkdir()  # the package is the installed one
    (folder / "conf" / "local").mkdir()
    (folder / "conf" / "tiny").mkdir()
    (folder / "conf" / "tiny" / "parameters.yml").write_text(TINY)
    return folder


@pytest.fixture(scope="session")
def drawn(tmp_path_factory):
    """The tiny data set, drawn, decoded and warmed up once: what every project starts from."""
    folder = make_project(tmp_path_factory.mktemp("drawn"))
    kedro(folder, "run", "--pipelines=prepare", "--env=tiny")
    return folder


def link(source: str, target: str) -> None:
    """Link a file, or copy a database: SQLite writes in place."""
    (shutil.copy if source.endswith(".db") else os.link)(source, target)


def copy_of(drawn: Path, folder: Path) -> Path:
    """Make a project that has the tiny data set already."""
    make_project(folder)
    shutil.copytree(drawn / "data", folder / "data", copy_function=link)
    return folder


@pytest.fixture(scope="session")
def copied():
    """A function that copies a project, with its runs and answers, into a new folder and returns that."""
    return lambda project, folder: Path(shutil.copytree(project, folder, copy_function=link))


@pytest.fixture
def project(drawn, tmp_path):
    """A project with the tiny data set in it."""
    return copy_of(drawn, tmp_path / "project")


@pytest.fixture
def empty_project(tmp_path):
    """A project that nothing was done in yet: for commands that need no image."""
    return make_project(tmp_path / "project")


@pytest.fixture(scope="session")
def calm(drawn, play, tmp_path_factory):
    """A project in which four rounds, the run "calm", were played and nothing happened to them."""
    folder = copy_of(drawn, tmp_path_factory.mktemp("calm") / "project")
    assert play(folder, run="calm") == 0
    return folder


@dataclass
class Done:
    """What a command left behind."""

    returncode: int
    stdout: str
    stderr: str


def kedro(folder: Path, *arguments: str, check: bool = True, env: dict[str, str] | None = None, timeout: float = 240):
    """Type a kedro command in a project. It is a process of its own that starts in a moment: imports are shared."""
    with tempfile.TemporaryDirectory() as kept:
        out, err = Path(kept) / "out", Path(kept) / "err"
        process = _server.Process(target=_kedro, args=(folder, arguments, env or {}, out, err))
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise AssertionError(f"kedro {' '.join(arguments)} did not end:\n{out.read_text()}\n{err.read_text()}")
        done = Done(process.exitcode, out.read_text(), err.read_text())
    if check and done.returncode:
        raise AssertionError(f"kedro {' '.join(arguments)} gave {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done


def _kedro(folder, arguments, env, out, err):
    for path, number in ((out, 1), (err, 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    sys.stdout, sys.stderr = os.fdopen(1, "w", 1), os.fdopen(2, "w", 1)
    sys.stdin = Path(os.devnull).open()  # noqa: SIM115
    os.chdir(folder)
    os.environ.update({"OMP_NUM_THREADS": "1", **env})
    sys.argv = ["kedro", *arguments]
    import torch

    torch.set_num_threads(1)
    from kedro.framework.cli.cli import main

    main()


def _play(folder, parameters, fork, sabotage):
    import torch

    torch.set_num_threads(1)
    os.chdir(folder)
    if sabotage is not None:
        sabotage()
    from whosame.app.round_loop import play

    play("tiny", parameters, fork=fork)


_server = multiprocessing.get_context("forkserver")


class Player:
    """Plays rounds in a process of its own, which may be sabotaged or killed. Starts in a moment: imports are shared."""

    def start(self, folder: Path, sabotage=None, fork=None, **parameters):
        process = _server.Process(target=_play, args=(folder, parameters, fork, sabotage))
        process.start()
        return process

    def __call__(self, folder: Path, sabotage=None, fork=None, **parameters):
        process = self.start(folder, sabotage, fork, **parameters)
        process.join(240)
        return process.exitcode


@pytest.fixture(scope="session")
def type_kedro():
    return kedro


@pytest.fixture
def typed(monkeypatch):
    """Type one of our commands in a project, without Kedro around it, which takes its time to start."""

    def type_(folder, line):
        monkeypatch.chdir(folder)
        monkeypatch.setattr("whosame.app.round_loop.configured", lambda env, params: Configuration(**params))
        return CliRunner().invoke(cli, shlex.split(line))

    return type_


@pytest.fixture(scope="session")
def without_names():
    """Remove what ``kedro rounds`` prints of names: it writes them once after a training."""
    names = re.compile(r"\d+ images, \d+ identities: .*?contact sheets: .*?identities.html\n", re.DOTALL)
    return lambda printed: names.sub("", printed)


@pytest.fixture(scope="session")
def play():
    return Player()

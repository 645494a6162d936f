"""``kedro answers export`` and ``import``, typed in a project; and docs/exchange.md, typed as it stands there."""

import json
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from whosame import cli
from whosame.annotation.store.store import AnswerEvent, open_store
from whosame.configuration import Configuration
from whosame.data.indexing import find_manifest, index_images
from whosame.data.source import SourceConfig

DOCS = Path(__file__).resolve().parents[2] / "docs" / "exchange.md"


@pytest.fixture
def played(empty_project):
    """A project with a run "mine" about six images of a folder, of which three pairs were answered."""
    images = empty_project / "crops"
    images.mkdir()
    for number in range(6):
        Image.new("RGB", (32, 64), (40 * number, 90, 200)).save(images / f"{number}.png")
    manifest = index_images(SourceConfig(layout="folder", images=str(images)), empty_project / "data")
    folder = empty_project / "data" / "runs" / "mine"
    (folder / "round_000").mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"uid": "one", "manifest": {"digest": manifest.digest}}))
    digests = manifest.table["digest"]
    with open_store(f"sqlite:///{empty_project}/data/answers.db") as store:
        for a, verdict in enumerate(("same", "different", "unsure")):
            about = (a, a + 1, digests[a], digests[a + 1], "within", verdict, "human", "alice", 2.0)
            store.append([AnswerEvent("one", "mine", 0, *about)])
    return empty_project


@pytest.fixture
def typed(played, monkeypatch):
    """The commands without Kedro around them, which takes its time to start."""
    monkeypatch.chdir(played)
    monkeypatch.setattr("whosame.app.paths.root", lambda: played)
    monkeypatch.setattr("whosame.app.round_loop.configured", lambda env, params: Configuration(**params))

    def type_(line):
        return CliRunner().invoke(cli.cli, shlex.split(line))

    return type_


def test_a_manifest_is_found_again_by_its_digest(played):
    about = json.loads((played / "data" / "runs" / "mine" / "run.json").read_text())
    assert len(find_manifest(played / "data", about["manifest"]["digest"])) == 6
    assert find_manifest(played / "data", "another") is None


def test_every_answer_goes_to_a_file_and_comes_back(typed, played):
    done = typed("answers export --format=csv out.csv")
    assert (done.exit_code, done.output) == (0, "run mine: 3 answers in out.csv\n")
    assert Path("out.csv").read_text().splitlines()[1].startswith("0.png,1.png,same,alice,2.0,")
    elsewhere = "--run=mine --params=database=sqlite:///data/other.db"
    assert "3 other new answers" in typed(f"answers import out.csv {elsewhere}").output
    assert "3 known already" in typed(f"answers import out.csv {elsewhere}").output
    with open_store(f"sqlite:///{played}/data/other.db") as store:
        assert [event.verdict for event in store.answers(None)] == ["same", "different", "unsure"]


def test_errors_are_messages(typed):
    Path("bad.csv").write_text("path_a,path_b,verdict\n0.png,9.png,same\n")
    done = typed("answers import bad.csv --annotator=bob")
    assert done.exit_code == 1
    assert "line 2: 9.png: no training image of this run" in done.output
    assert "Nothing was imported." in done.output
    assert "did you mean 'mine'?" in typed("answers export --format=csv --run=mien out.csv").output
    assert typed("answers export --format=xls out.xls").exit_code == 2
    missing = typed("answers export --format=csv --params=database=sqlite:///data/none.db out.csv")
    assert "there is no label store" in missing.output
    assert not Path("data/none.db").exists()


def test_the_commands_of_the_documentation_do_what_it_says(typed, played):
    """Every ``kedro answers`` line of docs/exchange.md, in its order."""
    lines = re.findall(r"^    kedro (answers .*?)(?:  +#.*)?$", DOCS.read_text(), flags=re.MULTILINE)
    assert len(lines) >= 6
    for line in lines:
        done = typed(line)
        assert done.exit_code == 0, f"{line}\n{done.output}"


def test_a_table_in_the_documentation_is_a_file_that_can_be_imported(typed):
    table = re.search(r"```csv\n(.*?)```", DOCS.read_text(), flags=re.DOTALL)[1]
    for number, path in enumerate(sorted(set(re.findall(r"[\w/]+\.jpg", table)))):
        table = table.replace(path, f"{number}.png")
    Path("typed.csv").write_text(table)
    done = typed("answers import typed.csv")
    assert done.exit_code == 0, done.output


def test_typed_in_a_shell(played, type_kedro):
    done = type_kedro(played, "answers", "export", "--format=jsonl", "out.jsonl")
    assert "3 answers in out.jsonl" in done.stdout
    assert len((played / "out.jsonl").read_text().splitlines()) == 3

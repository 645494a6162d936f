"""``kedro answers export`` and ``import``, typed in a project; and docs/exchange.md, typed as it stands there."""

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

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
def kedro(typed, played):
    return lambda line: typed(played, line)


def test_every_answer_goes_to_a_file_and_comes_back(kedro, played):
    done = kedro("answers export --format=csv out.csv")
    assert (done.exit_code, done.output) == (0, "run mine: 3 answers in out.csv\n")
    assert Path("out.csv").read_text().splitlines()[1].startswith("0.png,1.png,same,alice,2.0,")
    elsewhere = "--run=mine --params=database=sqlite:///data/other.db"
    assert "3 other new answers" in kedro(f"answers import out.csv {elsewhere}").output
    assert "3 known already" in kedro(f"answers import out.csv {elsewhere}").output
    with open_store(f"sqlite:///{played}/data/other.db") as store:
        assert [event.verdict for event in store.answers(None)] == ["same", "different", "unsure"]


def test_answers_are_undone_and_kept(kedro, played):
    done = kedro("answers undo --run=mine --pair 0.png 1.png --yes")
    assert done.output == ("run mine: 1 answers undone. The next round and kedro identities begin without them.\n"), (
        done.output
    )
    assert "2 answers in out.csv" in kedro("answers export --format=csv out.csv").output
    (played / "more.csv").write_text("path_a,path_b,verdict,annotator\n4.png,5.png,same,bob\n")
    assert "1 other new answers" in kedro("answers import more.csv").output
    assert "import of more.csv: 1 answers undone" in kedro("answers undo --imported=more.csv --yes").output
    assert "import of more.csv: 0 answers undone" in kedro("answers undo --imported=more.csv").output
    assert "say which answers" in kedro("answers undo").output
    assert "not among them: 9.png" in kedro("answers undo --pair 0.png 9.png").output
    with open_store(f"sqlite:///{played}/data/answers.db") as store:
        assert [event.verdict for event in store.answers("one")] == ["different", "unsure"]


def test_commands_that_look_change_nothing_in_a_store_and_upgrade_none(kedro, played):
    database = played / "data" / "answers.db"
    record = played / "data" / "runs" / "mine" / "run.json"
    configuration = Configuration(run="mine")
    images = {"digest": "", "dataset": "crops", "images": 6, "root": "crops", "splits": {"train": 6}}
    made = {"configuration": configuration.result_parameters(), "settings": configuration.other_parameters()}
    made |= {"environment": configuration.env, "created": "2026-01-01T00:00:00+00:00", "code": "0", "manifest": images}
    record.write_text(json.dumps(json.loads(record.read_text()) | made))
    lines = ["runs", "runs show mine", "params", "annotators list", "annotators quality", "annotators log"]
    for old in (False, True):
        if old:
            with closing(sqlite3.connect(database)) as shell, shell:
                shell.execute("UPDATE alembic_version SET version_num = '0003'")
        before = database.read_bytes()
        for line in lines:
            assert ("has schema 0003" in kedro(line).output) == (old and line not in ("runs", "params")), line
        assert database.read_bytes() == before
        assert not list(database.parent.glob("*.schema-*"))


def test_errors_are_messages(kedro, played):
    (played / "bad.csv").write_text("path_a,path_b,verdict\n0.png,9.png,same\n")
    done = kedro("answers import bad.csv --annotator=bob")
    assert done.exit_code == 1
    assert "line 2: 9.png: no training image of this run" in done.output
    assert "Nothing was imported." in done.output
    assert "did you mean 'mine'?" in kedro("answers export --format=csv --run=mien out.csv").output
    assert kedro("answers export --format=xls out.xls").exit_code == 2
    missing = kedro("answers export --format=csv --params=database=sqlite:///data/none.db out.csv")
    assert "there is no label store" in missing.output
    assert not Path("data/none.db").exists()
    (played / "data" / "02_index" / "manifest_0.parquet").write_bytes(b"")
    assert find_manifest(played / "data", "another") is None


def test_the_commands_of_the_documentation_do_what_it_says(kedro):
    """Every ``kedro answers`` line of docs/exchange.md, in its order."""
    lines = re.findall(r"^    kedro (answers .*?)(?:  +#.*)?$", DOCS.read_text(), flags=re.MULTILINE)
    assert len(lines) >= 6
    for line in lines:
        done = kedro(line)
        assert done.exit_code == 0, f"{line}\n{done.output}"


def test_a_table_in_the_documentation_is_a_file_that_can_be_imported(kedro, played):
    table = re.search(r"```csv\n(.*?)```", DOCS.read_text(), flags=re.DOTALL)[1]
    for number, path in enumerate(sorted(set(re.findall(r"[\w/]+\.jpg", table)))):
        table = table.replace(path, f"{number}.png")
    (played / "typed.csv").write_text(table)
    done = kedro("answers import typed.csv")
    assert done.exit_code == 0, done.output

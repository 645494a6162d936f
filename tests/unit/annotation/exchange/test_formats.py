"""CSV that is safe in spreadsheets, and Label Studio's JSON in both directions."""

import csv
import io
import json
import unicodedata
from pathlib import Path

import pytest

from whosame.annotation.exchange import csv_format, label_studio
from whosame.annotation.exchange.row import AnswerRow
from whosame.annotation.exchange.run_images import RunImages
from whosame.annotation.queue.image_tokens import ImageRef
from whosame.errors import InputError


@pytest.mark.parametrize("name", ["=1+1", "+bob", "-bob", "@bob", "'=bob", "''@", "'bob", "＝bob", 'b"o,b;'])
def test_no_cell_is_a_formula_and_every_name_comes_back(name):
    row = AnswerRow("=cmd|' /C calc'!A0", "b.png", "same", name, attempt=1)
    content = csv_format.write([row]).decode()
    [cells] = list(csv.DictReader(io.StringIO(content)))
    assert not any(cell.startswith(tuple("=+-@＝＋－＠\t\r")) for cell in cells.values())
    assert csv_format.parse(content).rows == [row]


def test_a_table_saved_by_a_spreadsheet_is_read(here):
    rows = "\ufeffverdict;path_a;path_b;annotator\r\nsame;c0/0.png;c1/1.png;Zoë\r\n;;;\r\n"
    assert here.read(rows).kept == 1
    assert here.answers("annotator") == [("Zoë",)]


def tasks(path):
    return json.loads(path.read_text())


def test_label_studio_gets_answers_skips_and_open_questions(here):
    here.ask(4)
    here.give("alice", "same")
    [lease] = here.people.lease("bob")
    here.people.skip("bob", lease)
    out, done = here.write("out.json", "label-studio")
    assert done.files == (out.with_suffix(".xml"), out)
    assert done.files[0].read_text() == label_studio.CONFIG
    first, second, _, last = tasks(out)
    assert first["data"]["image_a"] == "/data/local-files/?d=my%20crops/c0/0.png"
    assert last["data"]["image_b"].endswith("c1/%3D7%20%C3%A9.png")
    assert (first["data"]["pair"], first["data"]["digest_b"]) == ("uid:0-1:1", here.images[1].digest)
    [annotation] = first["annotations"]
    assert annotation["completed_by"] == {"email": "alice@whosame.invalid"}
    assert annotation["result"][0]["value"] == {"choices": ["same"]}
    [skipped] = second["annotations"]
    assert (skipped["was_cancelled"], skipped["completed_by"]) == (True, {"email": "bob@whosame.invalid"})
    assert last["annotations"] == []
    assert here.read(out).skipped == 1
    here.give("bob", "same")  # who skipped a question and then answers it has answered it
    assert [
        given["was_cancelled"] for given in tasks(here.write("later.json", "label-studio")[0])[1]["annotations"]
    ] == [False]


def test_addresses_of_images_are_relative_to_a_folder_above_them(here, tmp_path):
    here.ask(1)
    out, _ = here.write("out.json", "label-studio", image_root=Path("/"), url_prefix="http://here/")
    assert tasks(out)[0]["data"]["image_a"] == "http://here/data/my%20crops/c0/0.png"
    with pytest.raises(InputError, match="not under --image-root="):
        here.write("other.json", "label-studio", image_root=tmp_path)
    assert not (tmp_path / "other.json").exists()
    with pytest.raises(InputError, match=r"ends with \.json"):
        here.write("out.xml", "label-studio")


# As Label Studio 1.23.2 exports it (project, Export, JSON): an answer made there, with what importing does not read.
MADE_THERE = {
    "id": 3,
    "completed_by": 1,
    "result": [
        {"id": "x1", "type": "choices", "from_name": "verdict", "to_name": "a", "value": {"choices": ["different"]}}
    ],
    "was_cancelled": False,
    "ground_truth": False,
    "created_at": "2026-01-21T17:43:34.533405Z",
    "updated_at": "2026-01-21T17:43:34.533434Z",
    "lead_time": 3.25,
    "unique_id": "076bd44e-b8ab-4a3b-9d39-cd4666ce5dce",
    "last_action": None,
    "updated_by": 1,
    "parent_annotation": None,
}


@pytest.fixture
def made_there(here):
    """A file that Label Studio exports: the one question of the run, with these annotations."""

    def make(*annotations):
        here.ask(1)
        [task] = tasks(here.write("out.json", "label-studio")[0])
        exporting = {"drafts": [], "predictions": [], "meta": {}, "inner_id": 1, "total_annotations": 1, "id": 2}
        return json.dumps([{**task, **exporting, "annotations": [{**MADE_THERE, **one} for one in annotations]}])

    return make


@pytest.mark.parametrize(
    ("by", "annotator", "name"),
    [
        (1, None, "label-studio-user-1"),
        (1, "carol", "carol"),
        ({"id": 1, "email": "carol@example.org", "first_name": "", "last_name": ""}, None, "carol@example.org"),
        ({"id": 4}, None, "label-studio-user-4"),
        ("carol@example.org", "dave", "carol@example.org"),
        ({"email": "zo%C3%AB%20b@whosame.invalid"}, None, "zoë b"),
        (None, "carol", "carol"),
    ],
)
def test_an_answer_made_in_label_studio_counts(by, annotator, name, here, made_there):
    done = here.read(made_there({"completed_by": by}, {"was_cancelled": True}), annotator=annotator)
    assert (done.counted, done.skipped) == (1, 1)
    [event] = here.store.answers("uid")
    assert (event.annotator, event.verdict, event.seconds, event.kind) == (name, "different", 3.25, "between")
    assert event.answered_at == "2026-01-21T17:43:34.533+00:00"


def test_a_page_left_open_for_a_month_is_no_reason_to_refuse(here, made_there):
    here.read(made_there({"lead_time": 3e6}))
    assert here.answers("seconds") == [(604800,)]


def test_one_task_may_be_an_object_of_its_own(here, made_there):
    [task] = json.loads(made_there({"completed_by": "carol@example.org"}))
    assert here.read(json.dumps(task, indent=1)).counted == 1
    assert here.answers("annotator") == [("carol@example.org",)]
    assert "task 1: has no 'data'" in here.refusal('{"annotations": []}')


def test_several_annotations_are_several_people(here, made_there):
    content = made_there({}, {"completed_by": 2})
    assert "users 1, 2 cannot all be 'carol'" in here.refusal(content, annotator="carol")
    here.read(content)
    assert set(here.answers("annotator")) == {("label-studio-user-1",), ("label-studio-user-2",)}


def test_who_changes_an_answer_in_label_studio_has_given_it(here, elsewhere):
    here.ask(1)
    here.give("alice", "same")
    [task] = tasks(here.write("out.json", "label-studio", completed_by=False)[0])
    [annotation] = task["annotations"]
    assert "completed_by" not in annotation
    kept = {**annotation, "completed_by": 1, "updated_by": None}  # as Label Studio gives it back untouched
    changed = {**kept, "updated_by": 9, "result": [{**annotation["result"][0], "value": {"choices": ["different"]}}]}
    elsewhere.read(json.dumps([{**task, "annotations": [kept, changed]}]))
    assert elsewhere.answers("annotator", "verdict") == [("alice", "same"), ("label-studio-user-9", "different")]


@pytest.mark.parametrize(
    ("submitted", "name"),
    [
        ({"completed_by": 1, "updated_by": 9}, "label-studio-user-9"),
        ({"completed_by": 9, "parent_annotation": 1}, "label-studio-user-9"),
        ({"completed_by": 9}, "label-studio-user-9"),
        ({"completed_by": {"email": "bob@whosame.invalid"}}, "bob"),
        ({"completed_by": "bob@example.org"}, "bob@example.org"),
    ],
)
def test_who_submits_the_answer_of_another_has_given_it_too(submitted, name, here, elsewhere):
    here.ask(1, overlap=2)
    here.give("alice", "same")
    [task] = tasks(here.write("out.json", "label-studio")[0])
    [annotation] = task["annotations"]
    kept = {**annotation, "completed_by": {"id": 1, "email": "importer@example.org"}}
    elsewhere.read(json.dumps([{**task, "annotations": [kept, {**kept, **submitted}]}]))
    assert elsewhere.answers("annotator", "verdict") == [("alice", "same"), (name, "same")]


def test_a_path_in_another_unicode_form_is_the_path(here, table):
    names = "path_a,digest_a,path_b,verdict,annotator"
    row = unicodedata.normalize("NFD", "c1/=7 é.png,,c0/0.png,same,Zoë\u202fB")
    assert here.read(table(row, names=names)).kept == 1
    assert here.answers("image_a", "image_b", "annotator") == [(0, 7, "Zoë\u202fB")]
    twins = RunImages({0: ImageRef("a.png", "d"), 1: ImageRef("é.png", "d"), 2: ImageRef("c.png", "e")})
    assert twins.find("d", unicodedata.normalize("NFD", "é.png")) == 1

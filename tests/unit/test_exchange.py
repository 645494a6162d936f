"""Answers to files and back: nothing is lost or doubled, and a bad file changes nothing and is told all its faults."""

import csv
import io
import json
import shutil
from pathlib import Path

import pytest

from whosame.annotation.exchange import csv_format, label_studio
from whosame.annotation.exchange import import_answers as importing
from whosame.annotation.exchange.export_answers import FORMATS, export_run
from whosame.annotation.exchange.import_answers import import_file
from whosame.annotation.exchange.row import NAMES, AnswerRow
from whosame.annotation.exchange.run_images import RunImages, StoredRun, find_run, run_images
from whosame.annotation.queue.image_tokens import ImageRef
from whosame.annotation.queue.submit import RefusedError
from whosame.annotation.queue.tasks import PairTask, RunInfo, TaskQueue
from whosame.annotation.store import audit_log
from whosame.annotation.store.store import AnswerEvent, open_store
from whosame.errors import InputError, ParameterError, StorageError
from whosame.memory import LabelMemory

ROOT = Path("/data/my crops")
PICTURES = {image: ImageRef(f"c{image % 3}/{image}.png", f"{image:032x}") for image in range(20)}
PICTURES[7] = ImageRef("c1/=7 é.png", f"{7:032x}")
IMAGES = RunImages(PICTURES, ROOT)
RUN = StoredRun("uid", "mine")
VERDICTS = ["same", "different", "unsure", "same", "different"]


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """An empty label store's file: a copy is made faster than its tables."""
    path = tmp_path_factory.mktemp("empty") / "labels.db"
    open_store(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def store(empty, tmp_path):
    with open_store(f"sqlite:///{shutil.copy(empty, tmp_path / 'labels.db')}") as store:
        yield store


@pytest.fixture
def people(store, people_of):
    return people_of(store)


@pytest.fixture
def other(empty, tmp_path):
    with open_store(f"sqlite:///{shutil.copy(empty, tmp_path / 'other.db')}") as store:
        yield store


def asked(store, n=6, *, overlap=1, attempt=1):
    """A run that asks about images 0 and 1, 2 and 3, …"""
    campaign = TaskQueue(store, RunInfo("uid", "mine", str(ROOT), 0, 3, 0, 30, 10, overlap), PICTURES)
    campaign.begin()
    campaign.ask([PairTask(2 * k, 2 * k + 1, "between", attempt) for k in range(n)])
    return campaign


def give(people, who, verdicts):
    return [people.answer_next(who, verdict, 0.0)[1] for verdict in verdicts]


def exported(store, path, form="csv", **more):
    return export_run(store, RUN, IMAGES, path, form=form, **more)


def imported(store, path, **more):
    return import_file(store, path, RUN, IMAGES, **more)


def table(*rows, names="path_a,path_b,verdict,annotator"):
    return "\n".join([names, *rows, ""])


def written(tmp_path, content):
    path = tmp_path / "given"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refused(store, tmp_path, content, **more):
    with pytest.raises(InputError) as caught:
        imported(store, written(tmp_path, content), **more)
    assert "Nothing was imported" in str(caught.value)
    assert store.answers(None) == []
    return str(caught.value)


def memory(events):
    return LabelMemory.from_log(*zip(*((event.image_a, event.image_b, event.verdict) for event in events), strict=True))


def same_memory(one, two):
    one, two = memory(one), memory(two)
    assert one.log == two.log
    assert one.must_link_roots(20).tolist() == two.must_link_roots(20).tolist()
    assert one.cannot_links().tolist() == two.cannot_links().tolist()
    assert one.conflicts == two.conflicts


SAID = (
    "image_a",
    "image_b",
    "digest_a",
    "digest_b",
    "verdict",
    "annotator",
    "seconds",
    "answered_at",
    "kind",
    "source",
)


def said(events):
    return [tuple(getattr(event, name) for name in SAID) for event in events]


@pytest.mark.parametrize("form", FORMATS)
def test_an_export_imported_elsewhere_ends_in_the_same_label_memory(form, store, other, tmp_path, people):
    asked(store)
    give(people, "zoë =1", VERDICTS)
    done = exported(store, tmp_path / "out.json", form)
    assert (done.answers, done.waiting) == (5, 1 if form == "label-studio" else 0)
    back = imported(other, tmp_path / "out.json")
    assert (back.counted, back.kept) == (0, 5)
    [mark] = {event.run_uid for event in other.answers(None)}
    assert mark.startswith("import-")
    assert len(mark) == 23
    assert said(other.answers(mark)) == said(store.answers("uid"))
    same_memory(other.answers(mark), store.answers("uid"))


@pytest.mark.parametrize("form", FORMATS)
def test_answers_to_open_questions_count_at_once_and_close_them(form, store, other, tmp_path, people, people_of):
    asked(store)
    give(people, "alice", VERDICTS)
    exported(store, tmp_path / "out.json", form)
    asked(other)
    [held] = people_of(other).lease("alice")
    assert imported(other, tmp_path / "out.json").counted == 5
    assert said(other.answers("uid")) == said(store.answers("uid"))
    same_memory(other.answers("uid"), store.answers("uid"))
    with pytest.raises(RefusedError, match="not yours any more"):  # who looked at it is told
        people_of(other).answer("alice", held)
    assert len(people_of(other).lease("bob", 9)) == 1


@pytest.mark.parametrize("form", FORMATS)
def test_imported_twice_is_once(form, store, other, tmp_path, people):
    asked(store)
    give(people, "alice", VERDICTS)
    exported(store, tmp_path / "out.json", form)
    assert imported(store, tmp_path / "out.json").known == 5  # where it came from
    imported(other, tmp_path / "out.json")
    again = imported(other, tmp_path / "out.json")
    assert (again.counted, again.kept, again.known) == (0, 0, 5)
    assert len(store.answers(None)) == len(other.answers(None)) == 5


def test_a_vote_counts_like_one_from_the_page(store, tmp_path, people):
    asked(store, 1, overlap=2)
    give(people, "alice", ["same"])
    rows = table("c0/0.png,c1/1.png,different,bob", "c0/0.png,c1/1.png,same,alice")
    done = imported(store, written(tmp_path, rows))
    assert (done.counted, done.known) == (1, 1)
    [held] = people.lease("carol")  # they disagree: one more is asked
    people.answer("carol", held)
    assert people.lease("dave") == []


def test_when_a_question_is_decided_further_answers_are_kept_for_other_runs(store, tmp_path):
    asked(store, 1)
    done = imported(store, written(tmp_path, table("c0/0.png,c1/1.png,same,alice", "c0/0.png,c1/1.png,same,bob")))
    assert (done.counted, done.kept) == (1, 1)
    assert [event.annotator for event in store.answers("uid")] == ["alice"]


def test_an_answer_without_attempt_is_to_the_question_that_is_open(store, tmp_path):
    asked(store, 1, attempt=2)
    imported(store, written(tmp_path, table("c0/0.png,c1/1.png,same,alice")))
    assert [(event.run_uid, event.attempt) for event in store.answers(None)] == [("uid", 2)]


def test_an_answer_taken_back_since_stays_taken_back(store, tmp_path, people):
    asked(store, 1)
    [receipt] = give(people, "alice", ["same"])
    exported(store, tmp_path / "out.csv")
    people.undo("alice", receipt.event)
    assert imported(store, tmp_path / "out.csv").undone == 1
    assert store.answers(None) == []
    exported(store, tmp_path / "none.csv")
    assert (tmp_path / "none.csv").read_text() == ",".join(NAMES) + "\n"


def test_what_a_person_says_otherwise_than_before_is_refused(store, tmp_path, people):
    asked(store)
    give(people, "alice", ["same", "same"])
    rows = table("c2/2.png,c0/3.png,different,alice", "c1/4.png,c2/5.png,same,alice", "c0/0.png,c1/1.png,unsure,alice")
    with pytest.raises(InputError, match="2 problems") as caught:
        imported(store, written(tmp_path, rows))
    assert "line 2: alice says 'different', but has said 'same' of the same pictures (run 'mine'" in str(caught.value)
    assert "line 4: alice says 'unsure'" in str(caught.value)
    assert len(store.answers(None)) == 2  # line 3 is not there either


def test_an_import_is_one_transaction(store, tmp_path, monkeypatch):
    asked(store)
    rows = table("c0/0.png,c1/1.png,same,alice", "c2/2.png,c0/3.png,same,alice")
    real, calls = importing.submit_unleased, []

    def fails_once(*given, **more):
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("power cut")
        return real(*given, **more)

    monkeypatch.setattr(importing, "submit_unleased", fails_once)
    with pytest.raises(RuntimeError):
        imported(store, written(tmp_path, rows))
    assert store.answers(None) == []
    assert imported(store, tmp_path / "given").counted == 2


def test_a_run_that_numbers_the_images_otherwise_has_the_same_answers(store, tmp_path):
    store.append([AnswerEvent("two", "late", 0, 4, 9, *_digests(1, 0), "pool", "same", "human", "alice", 5.0)])
    assert imported(store, written(tmp_path, table("c0/0.png,c1/1.png,same,alice"))).known == 1
    with pytest.raises(InputError, match="has said 'same' of the same pictures \\(run 'late'"):
        imported(store, written(tmp_path, table("c0/0.png,c1/1.png,unsure,alice")))


def test_images_are_told_by_digest_and_else_by_path(store, tmp_path):
    lines = [
        {"digest_a": PICTURES[5].digest.upper(), "path_a": "moved.png", "path_b": "c0\\6.png", "verdict": "same"},
        {"digest_a": PICTURES[8].digest, "digest_b": PICTURES[4].digest, "verdict": " Same "},
    ]
    imported(store, written(tmp_path, "\r\n".join(map(json.dumps, lines))), annotator="bob")
    assert [(event.image_a, event.image_b) for event in store.answers(None)] == [(5, 6), (4, 8)]


def test_twins_are_told_apart_by_their_paths(store, tmp_path):
    twins = RunImages({0: ImageRef("a.png", "d"), 1: ImageRef("b.png", "d"), 2: ImageRef("c.png", "e")})
    rows = table("d,b.png,e,same,bob", names="digest_a,path_a,digest_b,verdict,annotator")
    import_file(store, written(tmp_path, rows), RUN, twins)
    assert [(event.image_a, event.image_b) for event in store.answers(None)] == [(1, 2)]


def test_unknown_images_are_all_named_or_left_out(store, tmp_path):
    rows = [f"gone{k}.png,c0/0.png,same,bob" for k in range(30)]
    rows += [f"{'f' * 32},{PICTURES[1].digest},same,bob"]
    content = table(*rows[:30], "c0/0.png,c1/1.png,same,bob")
    message = refused(store, tmp_path, content)
    assert all(f"gone{k}.png: no training image of this run" in message for k in range(30))
    assert "--known-only" in message
    done = imported(store, tmp_path / "given", known_only=True)
    assert (done.kept, done.unknown) == (1, 30)


def test_a_path_whose_bytes_are_others_is_unknown(store, tmp_path):
    rows = table(f"c0/0.png,{'f' * 32},c1/1.png,same,bob", names="path_a,digest_a,path_b,verdict,annotator")
    assert "c0/0.png: no training image of this run, or other bytes" in refused(store, tmp_path, rows)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("c0/0.png,c1/1.png,maybe,bob,1", "verdict is 'maybe', but takes same, different or unsure"),
        ("c0/0.png,c1/1.png,,bob,1", "verdict is missing"),
        ("c0/0.png,,same,bob,1", "image b is missing: digest_b or path_b"),
        ("c0/0.png,c1/1.png,same,,1", "annotator is missing: say whose the answer is, or give --annotator=NAME"),
        ("c0/0.png,c1/1.png,same,bob,1e308", "seconds is '1e308', but takes seconds from 0 to 604800"),
        ("c0/0.png,c1/1.png,same,bob,nan", "seconds is 'nan'"),
        ("c0/0.png,c1/1.png,same,bob,-1", "seconds is '-1'"),
        ("c0/0.png,c1/1.png,same,bob,two", "seconds is 'two', but takes a number"),
        ("c0/0.png,c1/1.png,same,bob", "4 cells, but there are 5 columns"),
        ("c0/0.png,c0/0.png,same,bob,1", "both images are c0/0.png"),
        ("c0/0.png,c1/1.png,same,b\a,1", "takes at most 1000 printable characters"),
        (f"c0/0.png,c1/1.png,same,{'b' * 201},1", "takes a name of 1 to 200 characters"),
        ('c0/0.png,c1/1.png,same,"bob,1', "not CSV"),
    ],
)
def test_every_fault_of_a_row_is_told_with_its_line(row, fault, store, tmp_path):
    good = "c0/0.png,c1/1.png,same,alice,2"
    message = refused(store, tmp_path, table(good, row, names="path_a,path_b,verdict,annotator,seconds"))
    assert fault in message
    assert "line 3: " in message


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("attempt", "0", "takes a whole number from 1 to 1000"),
        ("attempt", "1.5", "takes a whole number from 1 to 1000"),
        ("round", "9" * 400, "takes a whole number from 0 to 1000000"),
        ("kind", "odd", "takes within, between or pool"),
        ("source", "closure", "takes human or oracle"),
        ("settles", "perhaps", "takes true or false"),
        ("answered_at", "yesterday", "takes a time such as 2025-03-01T09:30:00+00:00"),
        ("answered_at", "0001-01-01T00:00:00+23:59", "takes a time such as"),
        ("digest_a", "f" * 65, "takes at most 64 characters"),
    ],
)
def test_every_column_has_its_values(name, value, fault, store, tmp_path):
    rows = table(f"c0/0.png,c1/1.png,same,bob,{value}", names=f"path_a,path_b,verdict,annotator,{name}")
    assert f"{name} is " in (message := refused(store, tmp_path, rows))
    assert fault in message


def test_all_faults_are_told_at_once(store, tmp_path):
    rows = ["c0/0.png,c1/1.png,no,bob", "gone.png,c1/1.png,same,bob", "c0/0.png,c1/1.png,same,"]
    rows += ["c1/4.png,c2/5.png,same,bob", "c2/5.png,c1/4.png,different,bob"]
    message = refused(store, tmp_path, table(*rows))
    assert "given: 4 problems" in message
    assert all(f"line {number}: " in message for number in (2, 3, 4, 6))
    assert "line 6: bob says 'different', but 'same' of the same pair in line 5" in message


@pytest.mark.parametrize(
    ("names", "fault"),
    [
        ("path_a,path_b,verdict,anotator", "unknown column 'anotator': did you mean 'annotator'?"),
        ("path_a,path_b,path_a,verdict", "column 'path_a' is there twice"),
        ("path_a,path_b,annotator,seconds", "there is no column 'verdict'"),
    ],
)
def test_wrong_columns_are_named(names, fault, store, tmp_path):
    assert f"line 1: {fault}" in refused(store, tmp_path, table("a,b,same,c", names=names))


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf \r\n", "the file is empty"),
        ("path_a,path_b,verdict\né,b,same".encode("latin-1"), "line 2: not UTF-8"),
        ("verdict\nsame".encode("utf-16"), "line 1: not UTF-8"),
        (b"verdict\nsa\0me", "line 2: a NUL byte"),
        (b'{"verdict": "same"\n', "line 1: not JSON"),
        (b'{"verdict": "same", "seconds": NaN}', "NaN is no number"),
        (b'{"a": ' + b"[" * 100_000, "nested too deeply"),
        (b'{"a": ' + b"9" * 5000 + b"}", "line 1: Exceeds the limit"),
        (b'{"verdict": "same", "annotator": "\\ud800", "path_a": "x", "path_b": "y"}', "printable characters"),
        (b'{"verdict": ["same"], "seconds": true, "attempt": {}}', "seconds is True, but takes a number"),
        (b'{"verdict": "same"}\n3', "line 2: an answer is an object"),
        (b"[3]", "task 1: has no 'data': export as JSON, not JSON-MIN"),
        (b'[{"data": {}, "annotations": {"a": 1}}]', "task 1: its 'annotations' are no list"),
        (b'[{"id": 8, "data": {}, "annotations": [{"result": []}]}]', "task 8, annotation 1: takes one choice"),
    ],
)
def test_files_that_are_none_are_refused(content, fault, store, tmp_path):
    assert fault in refused(store, tmp_path, content)


@pytest.mark.parametrize("name", ["=1+1", "+bob", "-bob", "@bob", "'=bob", "''@", "'bob", "＝bob", 'b"o,b;'])
def test_no_cell_is_a_formula_and_every_name_comes_back(name):
    record = AnswerRow("=cmd|' /C calc'!A0", "b.png", "same", name, attempt=1)
    content = csv_format.write([record]).decode()
    [row] = list(csv.DictReader(io.StringIO(content)))
    assert not any(cell.startswith(tuple("=+-@＝＋－＠\t\r")) for cell in row.values())
    assert csv_format.parse(content).rows == [record]


def test_a_table_saved_by_a_spreadsheet_is_read(store, tmp_path):
    rows = "\ufeffverdict;path_a;path_b;annotator\r\nsame;c0/0.png;c1/1.png;Zoë\r\n;;;\r\n"
    assert imported(store, written(tmp_path, rows)).kept == 1
    assert [event.annotator for event in store.answers(None)] == ["Zoë"]


def test_of_a_coordinators_decisions_the_last_counts(store, tmp_path):
    names = "path_a,path_b,verdict,annotator,settles"
    rows = ["c0/0.png,c1/1.png,same,bob,false", "c0/0.png,c1/1.png,same,eve,true", "c0/0.png,c1/1.png,unsure,eve,true"]
    imported(store, written(tmp_path, table(*rows, names=names)))
    assert [(e.annotator, e.verdict, e.settles) for e in store.answers(None)] == [
        ("bob", "same", False),
        ("eve", "unsure", True),
    ]


def test_what_an_oracle_said_stays_the_oracles(store, other, tmp_path):
    store.append([AnswerEvent("uid", "mine", 0, 0, 1, *_digests(0, 1), "pool", "same", "oracle", "oracle", 5.0)])
    exported(store, tmp_path / "out.csv")
    asked(other)
    assert imported(other, tmp_path / "out.csv").kept == 1  # no person has answered the question
    assert [event.source for event in other.answers(None)] == ["oracle"]


def _digests(*images):
    return tuple(PICTURES[image].digest for image in images)


# Label Studio


def tasks(path):
    return json.loads(path.read_text())


def test_label_studio_gets_answers_skips_and_open_questions(store, tmp_path, people):
    asked(store, 4)
    give(people, "alice", ["same"])
    [held] = people.lease("bob")
    people.skip("bob", held)
    done = exported(store, tmp_path / "out.json", "label-studio")
    assert done.files == (tmp_path / "out.xml", tmp_path / "out.json")
    assert (tmp_path / "out.xml").read_text() == label_studio.CONFIG
    first, second, _, last = tasks(tmp_path / "out.json")
    assert first["data"]["image_a"] == "/data/local-files/?d=my%20crops/c0/0.png"
    assert last["data"]["image_b"].endswith("c1/%3D7%20%C3%A9.png")
    assert first["data"]["pair"] == "uid:0-1:1"
    assert first["data"]["digest_b"] == PICTURES[1].digest
    [annotation] = first["annotations"]
    assert annotation["completed_by"] == {"email": "alice@whosame.invalid"}
    assert annotation["result"][0]["value"] == {"choices": ["same"]}
    [skipped] = second["annotations"]
    assert (skipped["was_cancelled"], skipped["completed_by"]) == (True, {"email": "bob@whosame.invalid"})
    assert last["annotations"] == []
    assert imported(store, tmp_path / "out.json").skipped == 1


def test_who_skipped_a_question_and_then_answered_it_has_answered_it(store, tmp_path, people):
    asked(store, 1)
    [held] = people.lease("bob")
    people.skip("bob", held)
    give(people, "bob", ["same"])
    exported(store, tmp_path / "out.json", "label-studio")
    assert [given["was_cancelled"] for given in tasks(tmp_path / "out.json")[0]["annotations"]] == [False]


def test_addresses_of_images_are_relative_to_a_folder_above_them(store, tmp_path):
    asked(store, 1)
    exported(store, tmp_path / "out.json", "label-studio", image_root=Path("/"), url_prefix="http://here/")
    assert tasks(tmp_path / "out.json")[0]["data"]["image_a"] == "http://here/data/my%20crops/c0/0.png"
    with pytest.raises(InputError, match="not under --image-root="):
        exported(store, tmp_path / "other.json", "label-studio", image_root=tmp_path)
    assert not (tmp_path / "other.json").exists()
    with pytest.raises(InputError, match=r"ends with \.json"):
        exported(store, tmp_path / "out.xml", "label-studio")


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


def made_there(store, tmp_path, *annotations):
    asked(store, 1)
    exported(store, tmp_path / "out.json", "label-studio")
    [task] = tasks(tmp_path / "out.json")
    exporting = {"drafts": [], "predictions": [], "meta": {}, "inner_id": 1, "total_annotations": 1, "id": 2}
    return written(tmp_path, json.dumps([{**task, **exporting, "annotations": list(annotations)}]))


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
def test_an_answer_made_in_label_studio_counts(by, annotator, name, store, tmp_path):
    path = made_there(store, tmp_path, {**MADE_THERE, "completed_by": by}, {**MADE_THERE, "was_cancelled": True})
    done = imported(store, path, annotator=annotator)
    assert (done.counted, done.skipped) == (1, 1)
    [event] = store.answers("uid")
    assert (event.annotator, event.verdict, event.seconds, event.kind) == (name, "different", 3.25, "between")
    assert event.answered_at == "2026-01-21T17:43:34.533+00:00"


def test_a_page_left_open_for_a_month_is_no_reason_to_refuse(store, tmp_path):
    imported(store, made_there(store, tmp_path, {**MADE_THERE, "lead_time": 3e6}))
    assert store.answers("uid")[0].seconds == 604800


def test_several_annotations_are_several_people(store, tmp_path):
    path = made_there(store, tmp_path, MADE_THERE, {**MADE_THERE, "completed_by": 2})
    with pytest.raises(InputError, match="users 1, 2 cannot all be 'carol'"):
        imported(store, path, annotator="carol")
    imported(store, path)
    assert {event.annotator for event in store.answers(None)} == {"label-studio-user-1", "label-studio-user-2"}


def test_who_changes_an_answer_in_label_studio_has_given_it(store, other, tmp_path, people):
    asked(store, 1)
    give(people, "alice", ["same"])
    exported(store, tmp_path / "out.json", "label-studio", completed_by=False)
    [task] = tasks(tmp_path / "out.json")
    [annotation] = task["annotations"]
    assert "completed_by" not in annotation
    kept = {**annotation, "completed_by": 1, "updated_by": None}  # as Label Studio gives it back untouched
    changed = {**kept, "updated_by": 9, "result": [{**annotation["result"][0], "value": {"choices": ["different"]}}]}
    imported(other, written(tmp_path, json.dumps([{**task, "annotations": [kept, changed]}])))
    assert [(event.annotator, event.verdict) for event in other.answers(None)] == [
        ("alice", "same"),
        ("label-studio-user-9", "different"),
    ]


# Which run, which images, and the log


def test_the_run_at_work_last_is_meant_unless_one_is_named(store, tmp_path):
    with pytest.raises(InputError, match="has no run yet"):
        find_run(store)
    early = AnswerEvent("one", "first", 0, 0, 1, "a", "b", "pool", "same", "oracle", "oracle", 0.0)
    store.append([early])
    assert find_run(store) == StoredRun("one", "first")
    asked(store)
    imported(store, written(tmp_path, table("c0/0.png,c0/3.png,same,alice")))  # an import is no run
    assert find_run(store) == RUN
    assert find_run(store, "first") == StoredRun("one", "first")
    with pytest.raises(ParameterError, match="unknown run 'frist': did you mean 'first'"):
        find_run(store, "frist")


def test_without_a_manifest_the_images_are_those_the_store_knows(store):
    asked(store, 2)
    known = run_images(store, RUN)
    assert known.root == ROOT
    assert known.images == {image: PICTURES[image] for image in range(4)}


def test_a_file_that_cannot_be_written_leaves_the_old_one_and_no_trace_in_the_log(store, tmp_path):
    asked(store)
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError):
        exported(store, tmp_path / "folder")
    assert audit_log.log(store) == []


def test_exports_and_imports_are_in_the_log(store, tmp_path):
    asked(store)
    exported(store, tmp_path / "out.csv")
    imported(store, tmp_path / "out.csv")
    assert [(entry.actor, entry.action) for entry in audit_log.log(store)] == [
        ("(terminal)", "imported"),
        ("(terminal)", "exported"),
    ]

"""Answers to files and back: nothing is lost or doubled, and a bad file changes nothing and is told all its faults."""

import json

import pytest
from sqlalchemy import text

from whosame.annotation.exchange.export_answers import FORMATS
from whosame.annotation.exchange.run_images import RunImages
from whosame.annotation.queue.image_tokens import ImageRef
from whosame.annotation.queue.submit import RefusedError
from whosame.annotation.queue.tasks import PairTask
from whosame.annotation.store import audit_log
from whosame.annotation.store.store import AnswerEvent
from whosame.errors import StorageError
from whosame.memory import LabelMemory

VERDICTS = ["same", "different", "unsure", "same", "different"]
PAIR = "c0/0.png,c1/1.png"
GIVEN = (
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


def memory(exchange):
    events = exchange.store.answers(None)
    return LabelMemory.from_log(*zip(*((event.image_a, event.image_b, event.verdict) for event in events), strict=True))


def same_answers(one, other):
    assert one.answers(*GIVEN) == other.answers(*GIVEN)
    one, other = memory(one), memory(other)
    assert one.log == other.log
    assert one.must_link_roots(20).tolist() == other.must_link_roots(20).tolist()
    assert one.cannot_links().tolist() == other.cannot_links().tolist()


def event_of(images, a, b, **values):
    digests = (images[a].digest, images[b].digest)
    known = {"run_uid": "uid", "run": "mine", "round": 0, "kind": "pool", "source": "human", "annotator": "alice"}
    known |= {"image_a": a, "image_b": b, "digest_a": digests[0], "digest_b": digests[1], "seconds": 5.0}
    return AnswerEvent(**{**known, "verdict": "same", **values})


@pytest.mark.parametrize("form", FORMATS)
def test_an_export_imported_elsewhere_ends_in_the_same_label_memory(form, here, elsewhere):
    here.ask()
    here.give("zoë =1", *VERDICTS)
    out, done = here.write("out.json", form)
    assert (done.answers, done.waiting) == (5, 1 if form == "label-studio" else 0)
    back = elsewhere.read(out)
    assert (back.counted, back.kept) == (0, 5)
    [(uid,)] = set(elsewhere.answers("run_uid"))
    assert uid.startswith("import-")
    assert len(uid) == 23
    same_answers(here, elsewhere)
    for exchange in (here, elsewhere):  # imported again, it is there already
        again = exchange.read(out)
        assert (again.counted, again.kept, again.known) == (0, 0, 5)
        assert len(exchange.store.answers(None)) == 5


@pytest.mark.parametrize("form", FORMATS)
def test_answers_to_open_questions_count_at_once_and_close_them(form, here, elsewhere):
    here.ask()
    here.give("alice", *VERDICTS)
    out, _ = here.write("out.json", form)
    elsewhere.ask()
    [lease] = elsewhere.people.lease("alice")
    assert elsewhere.read(out).counted == 5
    assert set(elsewhere.answers("run_uid")) == {("uid",)}
    same_answers(here, elsewhere)
    with pytest.raises(RefusedError, match="not yours any more"):  # who looked at it is told
        elsewhere.people.answer("alice", lease)
    assert len(elsewhere.people.lease("bob", 9)) == 1


def test_a_vote_counts_like_one_from_the_page(here, table):
    here.ask(1, overlap=2)
    here.give("alice", "same")
    done = here.read(table(f"{PAIR},different,bob", f"{PAIR},same,alice"))
    assert (done.counted, done.known) == (1, 1)
    here.give("carol", "same")  # they disagree: one more is asked
    assert here.people.lease("dave") == []


def test_when_a_question_is_decided_further_answers_are_kept_for_other_runs(here, table):
    here.ask(1)
    done = here.read(table(f"{PAIR},same,alice", f"{PAIR},same,bob"))
    assert (done.counted, done.kept) == (1, 1)
    assert here.answers("annotator", run_uid="uid") == [("alice",)]


def test_an_answer_without_attempt_is_to_the_question_that_is_open(here, table):
    here.ask([PairTask(0, 1, "between", attempt=2)])
    here.read(table(f"{PAIR},same,alice"))
    assert here.answers("run_uid", "attempt") == [("uid", 2)]


def test_an_answer_undone_since_stays_undone(here):
    here.ask(1)
    [receipt] = here.give("alice", "same")
    out, _ = here.write("out.csv")
    here.people.undo("alice", receipt.event)
    assert here.read(out).undone == 1
    assert here.store.answers(None) == []


def test_what_a_person_says_otherwise_than_before_is_refused(here, table):
    here.ask()
    here.give("alice", "same", "same")
    rows = ["c2/2.png,c0/3.png,different,alice", "c1/4.png,c2/5.png,same,alice", f"{PAIR},unsure,alice"]
    message = here.refusal(table(*rows))  # line 3 is not taken either
    assert "2 problems" in message
    assert "line 2: alice answers 'different', but the store has 'same' for the same images (run 'mine'" in message
    assert "line 4: alice answers 'unsure'" in message


def test_an_import_is_one_transaction(here, table):
    here.ask()
    rows = table(f"{PAIR},same,alice", "c2/2.png,c0/3.png,same,alice")
    with here.store.writing() as connection:
        cut = "CREATE TRIGGER cut BEFORE INSERT ON answer_events WHEN new.image_a = 2 BEGIN SELECT raise(ABORT, 'cut'); END"
        connection.execute(text(cut))
    with pytest.raises(StorageError):
        here.read(rows)
    assert here.store.answers(None) == audit_log.log(here.store) == []
    with here.store.writing() as connection:
        connection.execute(text("DROP TRIGGER cut"))
    assert here.read(rows).counted == 2
    assert ("(terminal)", "imported") in [(entry.actor, entry.action) for entry in audit_log.log(here.store)]


def test_a_run_that_numbers_the_images_otherwise_has_the_same_answers(here, table):
    late = event_of(here.images, 0, 1, run_uid="two", run="late", image_a=4, image_b=9)
    here.store.append([late])
    assert here.read(table(f"{PAIR},same,alice")).known == 1
    assert "the store has 'same' for the same images (run 'late'" in here.refusal(table(f"{PAIR},unsure,alice"))


def test_images_are_told_by_digest_and_else_by_path(here):
    digest = {image: ref.digest for image, ref in here.images.items()}
    lines = [
        {"digest_a": digest[5].upper(), "path_a": "moved.png", "path_b": "c0\\6.png", "verdict": "same"},
        {"digest_a": digest[8], "digest_b": digest[4], "verdict": " Same "},
    ]
    here.read("\r\n".join(map(json.dumps, lines)), annotator="bob")
    assert here.answers("image_a", "image_b") == [(5, 6), (4, 8)]


def test_twins_are_told_apart_by_their_paths(here, table):
    twins = RunImages({0: ImageRef("a.png", "d"), 1: ImageRef("b.png", "d"), 2: ImageRef("c.png", "e")})
    here.read(table("d,b.png,e,same,bob", names="digest_a,path_a,digest_b,verdict,annotator"), images=twins)
    assert here.answers("image_a", "image_b") == [(1, 2)]


def test_unknown_images_are_all_named_or_left_out(here, table):
    content = table(*(f"gone{k}.png,c0/0.png,same,bob" for k in range(30)), f"{PAIR},same,bob")
    message = here.refusal(content)
    assert all(f"gone{k}.png: no training image of this run" in message for k in range(30))
    assert "--known-only" in message
    done = here.read(content, known_only=True)
    assert (done.kept, done.unknown) == (1, 30)
    other_bytes = table(f"c0/0.png,{'f' * 32},c1/1.png,same,bob", names="path_a,digest_a,path_b,verdict,annotator")
    assert "c0/0.png: no training image of this run, or other bytes" in here.refusal(other_bytes)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (f"{PAIR},maybe,bob,1", "verdict is 'maybe', but takes same, different or unsure"),
        (f"{PAIR},,bob,1", "verdict is missing"),
        ("c0/0.png,,same,bob,1", "image b is missing: digest_b or path_b"),
        (f"{PAIR},same,,1", "annotator is missing: say whose the answer is, or give --annotator=NAME"),
        (f"{PAIR},same,bob,1e308", "seconds is '1e308', but takes seconds from 0 to 604800"),
        (f"{PAIR},same,bob,nan", "seconds is 'nan'"),
        (f"{PAIR},same,bob,-1", "seconds is '-1'"),
        (f"{PAIR},same,bob,two", "seconds is 'two', but takes a number"),
        (f"{PAIR},same,bob", "4 cells, but there are 5 columns"),
        ("c0/0.png,c0/0.png,same,bob,1", "both images are c0/0.png"),
        (f"{PAIR},same,b\a,1", "takes at most 1000 printable characters"),
        (f"{PAIR},same,{'b' * 201},1", "takes a name of 1 to 200 characters"),
        (f'{PAIR},same,"bob,1', "not CSV"),
    ],
)
def test_every_fault_of_a_row_is_told_with_its_line(row, fault, here, table):
    message = here.refusal(table(f"{PAIR},same,alice,2", row, names="path_a,path_b,verdict,annotator,seconds"))
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
def test_every_column_has_its_values(name, value, fault, here, table):
    message = here.refusal(table(f"{PAIR},same,bob,{value}", names=f"path_a,path_b,verdict,annotator,{name}"))
    assert f"{name} is " in message
    assert fault in message


def test_all_faults_are_told_at_once(here, table):
    rows = ["c0/0.png,c1/1.png,no,bob", "gone.png,c1/1.png,same,bob", f"{PAIR},same,"]
    rows += ["c1/4.png,c2/5.png,same,bob", "c2/5.png,c1/4.png,different,bob"]
    message = here.refusal(table(*rows))
    assert "given: 4 problems" in message
    assert all(f"line {number}: " in message for number in (2, 3, 4, 6))
    assert "line 6: bob answers 'different', but 'same' to the same pair in line 5" in message


@pytest.mark.parametrize(
    ("names", "fault"),
    [
        ("path_a,path_b,verdict,anotator", "unknown column 'anotator': did you mean 'annotator'?"),
        ("path_a,path_b,path_a,verdict", "column 'path_a' is there twice"),
        ("path_a,path_b,annotator,seconds", "there is no column 'verdict'"),
    ],
)
def test_wrong_columns_are_named(names, fault, here, table):
    assert f"line 1: {fault}" in here.refusal(table("a,b,same,c", names=names))


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
def test_files_that_are_none_are_refused(content, fault, here):
    assert fault in here.refusal(content)


def test_of_a_coordinators_decisions_the_last_counts(here, table):
    rows = [f"{PAIR},same,bob,false", f"{PAIR},same,eve,true", f"{PAIR},unsure,eve,true"]
    here.read(table(*rows, names="path_a,path_b,verdict,annotator,settles"))
    assert here.answers("annotator", "verdict", "settles") == [("bob", "same", False), ("eve", "unsure", True)]


def test_what_an_oracle_said_stays_the_oracles(here, elsewhere):
    here.store.append([event_of(here.images, 0, 1, source="oracle", annotator="oracle")])
    out, _ = here.write("out.csv")
    elsewhere.ask()
    assert elsewhere.read(out).kept == 1  # no person has answered the question
    assert elsewhere.answers("source") == [("oracle",)]

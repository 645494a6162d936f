"""``kedro annotators``: who answers, by which link, who did what, and how well; typed in a project."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from whosame.annotation.accounts import users
from whosame.annotation.accounts.sessions import log_in
from whosame.annotation.store import audit_log
from whosame.annotation.store.store import AnswerEvent, open_store


@pytest.fixture
def annotators(typed, empty_project):
    return lambda line: typed(empty_project, f"annotators {line}")


@pytest.fixture
def open_answers(empty_project):
    """Open the project's label store."""
    return partial(open_store, f"sqlite:///{empty_project}/data/answers.db")


@pytest.fixture
def owner(open_answers):
    """Whose link it is, by the store."""

    def asked(link):
        with open_answers() as store:
            return users.token_owner(store, link.strip().rpartition("#")[2])

    return asked


def test_a_person_from_the_first_link_to_the_last(annotators, owner):
    added = annotators("add alice").output
    assert re.fullmatch(r"http://127\.0\.0\.1:8765/login#[\w-]{43}\n", added)
    assert owner(added) == "alice"
    boss = annotators("add bob --coordinator --url=https://lab.example/").output
    assert boss.startswith("https://lab.example/login#")
    listed = annotators("list").output
    assert [line.split()[:2] for line in listed.splitlines()[2:]] == [["alice", "annotator"], ["bob", "coordinator"]]
    rotated = annotators("rotate alice").output
    assert (owner(added), owner(rotated)) == (None, "alice")
    assert "alice may answer no more" in annotators("remove alice").output
    assert owner(rotated) is None
    assert "alice" not in annotators("list").output
    assert all(secret.strip().rpartition("#")[2] not in listed for secret in (added, boss))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("add '<b>'", "cannot be the name of an annotator"),
        ("add alice", "there is an annotator 'alice' already"),
        ("remove alcie", "did you mean 'alice'"),
        ("rotate alcie", "did you mean 'alice'"),
        ("add bob --url=lab.example", "write http://HOST:PORT"),
        ("add bob --url=http://[:1", "write http://HOST:PORT"),
        ("rotate alice --url=http://lab.example/page?x", "write http://HOST:PORT"),
    ],
)
def test_what_cannot_be_is_told_kindly_and_changes_nothing(annotators, owner, line, said):
    link = annotators("add alice").output
    refused = annotators(line)
    assert refused.exit_code == 1
    assert said in refused.output
    assert "Traceback" not in refused.output
    assert owner(link) == "alice"


@pytest.mark.parametrize("line", ["list", "log", "quality", "remove alice", "rotate alice"])
def test_no_store_is_made_to_find_nobody_in_it(annotators, empty_project, line):
    refused = annotators(line)
    assert (refused.exit_code, "there is no label store" in refused.output) == (1, True)
    assert not (empty_project / "data" / "answers.db").exists()


def test_kedro_knows_the_commands_and_their_parameters(empty_project, type_kedro):
    added = type_kedro(empty_project, "annotators", "add", "alice", "--params=database=sqlite:///data/team.db")
    assert "/login#" in added.stdout
    assert (empty_project / "data" / "team.db").exists()


ANSWER = AnswerEvent("uid", "mine", 2, 3, 5, "d3", "d5", "pool", "same", "human", "alice", 1.5)


def test_the_log_tells_who_did_what_the_newest_last(annotators, open_answers):
    token = annotators("add alice").output.strip().rpartition("#")[2]
    with open_answers() as store:
        log_in(store, token, address="10.0.0.1")
        log_in(store, "guessed", address="10.0.0.2")
        moment = (datetime.now(UTC) + timedelta(seconds=1)).isoformat(timespec="milliseconds")
        machine = replace(ANSWER, source="oracle", annotator="oracle")
        store.append([replace(ANSWER, answered_at=moment), machine])
    annotators("remove alice")
    lines = [line.split("\t") for line in annotators("log").output.splitlines()]
    answered = 'run_uid="uid" round=2 image_a=3 image_b=5 verdict="same" seconds=1.5 settles=false answer=1'
    assert [line[1:] for line in lines] == [
        ["(terminal)", "added", 'name="alice" role="annotator"'],
        ["alice", "logged in", 'address="10.0.0.1"'],
        ["(unknown)", "login failed", 'address="10.0.0.2"'],
        ["(terminal)", "removed", 'name="alice"'],
        ["alice", "answered", answered],
    ]
    assert all(datetime.fromisoformat(line[0]).tzinfo for line in lines)
    assert annotators("log --limit=2").output.splitlines() == ["\t".join(line) for line in lines[-2:]]
    assert token not in annotators("log").output


def test_an_empty_log_says_so_and_a_line_stays_a_line(annotators, open_answers):
    open_answers().close()
    assert annotators("log").output == "The log is empty\n"
    with open_answers() as store, store.writing() as connection:
        audit_log.record(connection, "(terminal)", "exported", {"file": "a\n2030\tbob\tremoved"})
    assert len(annotators("log").output.splitlines()) == 1
    assert annotators("log --limit=0").exit_code == 2


def answers(run_uid, run, pairs):
    """Three people about these pairs; the third calls every second pair what it is not."""
    for pair in pairs:
        truth = pair % 2 == 0
        question = {"run_uid": run_uid, "run": run, "image_a": 2 * pair, "image_b": 2 * pair + 1}
        question |= {"digest_a": f"a{pair}", "digest_b": f"b{pair}"}
        for name, same in (("ada", truth), ("ben", truth), ("cleo", truth ^ (pair % 4 < 2))):
            yield replace(ANSWER, **question, annotator=name, verdict="same" if same else "different")


def test_the_quality_of_annotators_in_the_store_or_in_a_run(annotators, open_answers, empty_project):
    with open_answers() as store:
        store.append([*answers("one", "first", range(40)), *answers("two", "second", range(100, 140))])
    for name, uid in (("first", "one"), ("quiet", "three")):
        folder = empty_project / "data" / "runs" / name
        (folder / "round_000").mkdir(parents=True)
        (folder / "run.json").write_text(json.dumps({"uid": uid}))
    for option, answered in (("", "80"), ("--run=first", "40")):
        lines = annotators(f"quality {option}").output.splitlines()
        rows = {line.split()[0]: line for line in lines if line.strip()}
        assert rows["ada"].split()[1:4] == [answered, "0", answered]
        assert [name for name in ("ada", "ben", "cleo") if rows[name].endswith("careless?")] == ["cleo"]
    assert lines[0] == "run first"
    assert "no answers yet" in annotators("quality --run=quiet").output
    unknown = annotators("quality --run=frist")
    assert (unknown.exit_code, "unknown run 'frist': did you mean 'first'" in unknown.output) == (1, True)

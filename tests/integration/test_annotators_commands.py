"""``kedro annotators add``, ``list``, ``remove``, ``rotate`` and ``log``, typed in a project."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from whosame.annotation.accounts import users
from whosame.annotation.accounts.sessions import log_in
from whosame.annotation.store import audit_log
from whosame.annotation.store.store import AnswerEvent, open_store
from whosame.app.commands.annotators import annotators
from whosame.configuration import Configuration


@pytest.fixture
def typed(monkeypatch, empty_project):
    """The commands without Kedro around them, which takes its time to start."""
    monkeypatch.setattr("whosame.app.round_loop.configured", lambda env, params: Configuration())
    monkeypatch.setattr("whosame.app.paths.root", lambda: empty_project)
    return lambda *arguments: CliRunner().invoke(annotators, arguments)


@pytest.fixture
def owner(empty_project):
    def asked(link):
        with open_store(f"sqlite:///{empty_project}/data/answers.db") as store:
            return users.token_owner(store, link.strip().rpartition("#")[2])

    return asked


def test_a_person_from_the_first_link_to_the_last(typed, owner):
    added = typed("add", "alice")
    assert re.fullmatch(r"http://127\.0\.0\.1:8765/login#[\w-]{43}\n", added.output)
    assert owner(added.output) == "alice"
    boss = typed("add", "bob", "--coordinator", "--url=https://lab.example/")
    assert boss.output.startswith("https://lab.example/login#")
    listed = typed("list").output
    assert [line.split()[:2] for line in listed.splitlines()[2:]] == [["alice", "annotator"], ["bob", "coordinator"]]
    rotated = typed("rotate", "alice")
    assert (owner(added.output), owner(rotated.output)) == (None, "alice")
    assert "alice may answer no more" in typed("remove", "alice").output
    assert owner(rotated.output) is None
    assert "alice" not in typed("list").output
    assert all(secret.strip().rpartition("#")[2] not in listed for secret in (added.output, boss.output))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["add", "<b>"], "cannot be the name of an annotator"),
        (["add", "alice"], "there is an annotator 'alice' already"),
        (["remove", "alcie"], "did you mean 'alice'"),
        (["rotate", "alcie"], "did you mean 'alice'"),
        (["add", "bob", "--url=lab.example"], "write http://HOST:PORT"),
        (["add", "bob", "--url=http://[:1"], "write http://HOST:PORT"),
        (["rotate", "alice", "--url=http://lab.example/page?x"], "write http://HOST:PORT"),
    ],
)
def test_what_cannot_be_is_told_kindly_and_changes_nothing(typed, owner, arguments, said):
    link = typed("add", "alice").output
    refused = typed(*arguments)
    assert refused.exit_code == 1
    assert said in refused.output
    assert "Traceback" not in refused.output
    assert owner(link) == "alice"


def test_the_log_tells_who_did_what_the_newest_last(typed, empty_project):
    link = typed("add", "alice").output
    with open_store(f"sqlite:///{empty_project}/data/answers.db") as store:
        log_in(store, link.strip().rpartition("#")[2], address="10.0.0.1")
        log_in(store, "guessed", address="10.0.0.2")
        moment = datetime.now(UTC) + timedelta(seconds=1)
        said = AnswerEvent("uid", "mine", 2, 3, 5, "d3", "d5", "pool", "same", "human", "alice", 1.5)
        machine = replace(said, source="oracle", annotator="oracle")
        store.append([replace(said, answered_at=moment.isoformat(timespec="milliseconds")), machine])
    typed("remove", "alice")
    lines = [line.split("\t") for line in typed("log").output.splitlines()]
    assert [line[1:] for line in lines] == [
        ["(terminal)", "added", 'name="alice" role="annotator"'],
        ["alice", "logged in", 'address="10.0.0.1"'],
        ["(unknown)", "login failed", 'address="10.0.0.2"'],
        ["(terminal)", "removed", 'name="alice"'],
        [
            "alice",
            "answered",
            'run_uid="uid" round=2 image_a=3 image_b=5 verdict="same" seconds=1.5 settles=false answer=1',
        ],
    ]
    assert all(datetime.fromisoformat(line[0]).tzinfo for line in lines)
    assert typed("log", "--limit=2").output.splitlines() == ["\t".join(line) for line in lines[-2:]]
    assert link.strip().rpartition("#")[2] not in typed("log").output


def test_an_empty_log_says_so_and_a_line_stays_a_line(typed, empty_project):
    url = f"sqlite:///{empty_project}/data/answers.db"
    open_store(url).close()
    assert typed("log").output == "Nobody has done anything yet\n"
    with open_store(url) as store, store.writing() as connection:
        audit_log.record(connection, "(terminal)", "exported", {"file": "a\n2030\tbob\tremoved"})
    assert len(typed("log").output.splitlines()) == 1
    assert typed("log", "--limit=0").exit_code == 2


@pytest.mark.parametrize("arguments", [["list"], ["log"], ["remove", "alice"], ["rotate", "alice"]])
def test_no_store_is_made_to_find_nobody_in_it(typed, empty_project, arguments):
    refused = typed(*arguments)
    assert "there is no label store" in refused.output
    assert not (empty_project / "data" / "answers.db").exists()


def test_kedro_knows_the_commands(empty_project, type_kedro):
    added = type_kedro(empty_project, "annotators", "add", "alice", "--params=database=sqlite:///data/team.db")
    assert added.returncode == 0, added.stderr
    assert "/login#" in added.stdout
    assert (empty_project / "data" / "team.db").exists()

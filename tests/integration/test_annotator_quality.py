"""``kedro annotators quality``, typed in a project with a label store."""

import json

import pytest
from click.testing import CliRunner

from whosame.annotation.store.store import AnswerEvent, open_store
from whosame.app.commands.annotators import quality as command
from whosame.configuration import Configuration


def answers(run_uid, run, first_pair=0):
    """Three people about forty pairs; the third calls every second pair what it is not."""
    for pair in range(first_pair, first_pair + 40):
        truth = pair % 2 == 0
        for name, same in (("ada", truth), ("ben", truth), ("cleo", truth ^ (pair % 4 < 2))):
            yield AnswerEvent(
                run_uid=run_uid,
                run=run,
                round=0,
                image_a=2 * pair,
                image_b=2 * pair + 1,
                digest_a=f"a{pair}",
                digest_b=f"b{pair}",
                kind="pool",
                verdict="same" if same else "different",
                source="human",
                annotator=name,
                seconds=2.0,
            )


@pytest.fixture
def filled(empty_project):
    """A project with two runs that three people answered, and one that nobody did."""
    with open_store(f"sqlite:///{empty_project}/data/answers.db") as store:
        store.append([*answers("one", "first"), *answers("two", "second", 100)])
    for name, uid in (("first", "one"), ("quiet", "three")):
        folder = empty_project / "data" / "runs" / name
        (folder / "round_000").mkdir(parents=True)
        (folder / "run.json").write_text(json.dumps({"uid": uid}))
    return empty_project


@pytest.fixture
def quality(monkeypatch):
    """The command without Kedro around it, which takes its time to start."""

    def typed(folder, *arguments):
        monkeypatch.setattr("whosame.app.round_loop.configured", lambda env, params: Configuration())
        monkeypatch.setattr("whosame.app.paths.root", lambda: folder)
        return CliRunner().invoke(command, arguments)

    return typed


def rows(report):
    return {line.split()[0]: line for line in report.splitlines() if line.strip()}


def test_as_typed(filled, type_kedro):
    done = type_kedro(filled, "annotators", "quality", "--run=first")
    assert done.stdout.splitlines()[0] == "run first"
    assert rows(done.stdout)["cleo"].endswith("careless?")


def test_all_runs_of_the_store_or_one(filled, quality):
    everything = rows(quality(filled).output)
    assert everything["ada"].split()[1:4] == ["80", "0", "80"]
    assert everything["cleo"].endswith("careless?")
    assert not everything["ada"].endswith("careless?")
    assert rows(quality(filled, "--run=first").output)["ben"].split()[1:4] == ["40", "0", "40"]
    assert "nobody has answered anything yet" in quality(filled, "--run=quiet").output


def test_an_unknown_run_is_one_clear_error(filled, quality):
    done = quality(filled, "--run=frist")
    assert done.exit_code == 1
    assert "unknown run 'frist': did you mean 'first'" in done.output


def test_without_a_store_the_command_says_so_and_makes_none(empty_project, quality):
    done = quality(empty_project)
    assert done.exit_code == 1
    assert "there is no label store" in done.output
    assert not (empty_project / "data" / "answers.db").exists()

"""People answer the rounds: the result is the oracle's, whatever is killed, and no pair is answered twice."""

import os
import re
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import pytest

from whosame.annotation.queue.submit import RefusedError
from whosame.annotation.store.schema import images, runs
from whosame.annotation.store.store import open_store
from whosame.runs import Run

pytestmark = pytest.mark.xdist_group("rounds")

PEOPLE = {"annotator": "human", "annotator_options": {"serve": False, "undo_seconds": 0.0, "guard": "silent"}}
TIMED = ("seconds", "timed", "hours")  # people take their own time


class Person(threading.Thread):
    """Answers all open questions, from the truth."""

    def __init__(self, folder, people_of):
        super().__init__(daemon=True)
        self.folder, self.people_of, self.done = folder, people_of, threading.Event()
        manifest = pd.read_parquet(next((folder / "data" / "02_index").glob("manifest_*.parquet")))
        self.identities = manifest["identity"].fillna(-2).astype(int).tolist()
        self.answered = 0
        self.pause = 0.02

    def verdict(self, first, second):
        one, other = self.identities[first], self.identities[second]
        if -1 in (one, other) or one == other == 0:
            return "unsure"
        return "same" if one == other else "different"

    def run(self):
        with open_store(f"sqlite:///{self.folder / 'data' / 'answers.db'}") as store:
            while not self.done.is_set():
                with store.reading() as connection:
                    uids = connection.scalars(runs.select().with_only_columns(runs.c.run_uid)).all()
                    shown = dict(
                        connection.execute(images.select().with_only_columns(images.c.token, images.c.image)).all()
                    )
                for uid in uids:
                    self.answer(self.people_of(store, run_uid=uid), shown)
                time.sleep(self.pause)

    def answer(self, people, shown):
        for lease in people.lease("alice"):
            if lease.left in shown and lease.right in shown:
                with suppress(RefusedError):
                    people.answer("alice", lease, self.verdict(shown[lease.left], shown[lease.right]), 1.0)
                    self.answered += 1


@pytest.fixture
def person(project, people_of):
    person = Person(project, people_of)
    person.start()
    yield person
    person.done.set()
    person.join(10)


def metrics(folder, name):
    return [
        {key: value for key, value in found.items() if not any(word in key for word in TIMED)}
        for found in Run(folder / "data" / "runs" / name).metrics()
    ]


def events(folder, name, columns="round, image_a, image_b, verdict"):
    uid = Run(folder / "data" / "runs" / name).about()["uid"]
    with sqlite3.connect(folder / "data" / "answers.db") as store:
        query = f"SELECT {columns} FROM answer_events WHERE run_uid = ? ORDER BY id"
        return store.execute(query, (uid,)).fetchall()


@pytest.mark.parametrize("strategy", ["dcps", "mass"])
def test_people_who_know_the_truth_get_what_the_oracle_gets(project, play, person, strategy):
    person.pause = 0.3  # s: the loop closes the questions that an answer settles before the next is given
    asked = {"strategy": strategy, "rounds": 3, "budget": 24}
    assert play(project, run="oracle", **asked) == 0
    assert play(project, run="people", **asked, **PEOPLE) == 0
    assert metrics(project, "people") == metrics(project, "oracle")
    assert sorted(events(project, "people")) == sorted(events(project, "oracle"))
    assert {source for (source,) in events(project, "people", "source")} == {"human"}
    assert person.answered == len(events(project, "people"))


def test_killed_while_people_answer_it_goes_on(project, play, person):
    asked = {"rounds": 2, "budget": 30, "strategy": "dcps"}
    assert play(project, run="oracle", **asked) == 0
    killed = 0
    for more in (4, 9):
        process = play.start(project, run="people", **asked, **PEOPLE)
        goal = person.answered + more
        while person.answered < goal and process.is_alive():
            time.sleep(0.01)
        process.kill()
        process.join()
        killed += process.exitcode == -signal.SIGKILL
    assert killed == 2
    assert play(project, run="people", **asked, **PEOPLE) == 0
    # An answer given while the loop is dead may be to a pair that would have followed from others: it counts.
    given = events(project, "people", "image_a, image_b")
    assert person.answered == len(given) == len(set(given)) == len(events(project, "oracle"))
    last = Run(project / "data" / "runs" / "people")
    assert last.metrics()[-1]["annotation/asked_total"] == person.answered
    memory = pd.read_parquet(last.round(1) / "memory.parquet")
    assert sorted(zip(memory["image_a"], memory["image_b"], strict=True)) == sorted(given)


def test_a_second_run_begins_with_the_answers_and_asks_none_again(project, play, person):
    asked = {"rounds": 2, "budget": 1000, "strategy": "mass"}  # it ends before its budget does
    assert play(project, run="first", **asked, **PEOPLE) == 0
    first = Run(project / "data" / "runs" / "first").metrics()[-1]
    answered = person.answered
    assert 0 < answered == first["annotation/asked_total"] < 1000
    assert first["annotation/answers_found_again_total"] == 0
    assert play(project, run="second", **asked, **PEOPLE) == 0
    second = Run(project / "data" / "runs" / "second").metrics()[-1]
    assert person.answered == answered + second["annotation/asked_total"]
    assert second["annotation/answers_found_again_total"] == answered
    pairs = events(project, "second", "image_a, image_b, found_in IS NOT NULL")
    assert len({(a, b) for a, b, _ in pairs}) == len(pairs)
    assert {(a, b) for a, b, found in pairs if found} == set(events(project, "first", "image_a, image_b"))
    found = pd.read_parquet(project / "data" / "runs" / "second" / "round_000" / "found.parquet")
    assert len(found) == answered
    assert clusters_obey(project, "second", found)


def clusters_obey(project, name, answers):
    """Return whether a run's first clusters obey answers."""
    manifest = pd.read_parquet(next((project / "data" / "02_index").glob("manifest_*.parquet")))
    labels = np.load(project / "data" / "runs" / name / "round_000" / "clusters.npy")
    of = dict(zip(manifest.index[manifest["split"] == "train"].tolist(), labels.tolist(), strict=True))
    pairs = zip(answers["image_a"], answers["image_b"], answers["verdict"], strict=True)
    return all((of[a] == of[b] >= 0) == (verdict == "same") for a, b, verdict in pairs if verdict != "unsure")


def test_pairs_imported_before_the_first_round_are_constraints_from_the_start(project, play, person, type_kedro):
    manifest = pd.read_parquet(next((project / "data" / "02_index").glob("manifest_*.parquet")))
    train = manifest[manifest["split"] == "train"]
    rng = np.random.default_rng(0)
    first, second = train.iloc[rng.permutation(len(train))[:40]], train.iloc[rng.permutation(len(train))[:40]]
    lines = [
        f"{a},{b},{'same' if one == other else 'different'},carol"
        for a, b, one, other in zip(first["path"], second["path"], first["identity"], second["identity"], strict=True)
        if a != b
    ]
    same = train[train["identity"] == train["identity"].iloc[0]]["path"].tolist()
    lines += [f"{a},{b},same,carol" for a, b in pairwise(same)]
    (project / "pairs.csv").write_text("\n".join(["path_a,path_b,verdict,annotator", *dict.fromkeys(lines)]))
    images = next(project.glob("data/01_raw/*/bounding_box_train")).parent
    of_folder = f"--params=layout=market1501,images={images}"
    printed = type_kedro(project, "answers", "import", "pairs.csv", of_folder).stdout
    assert f"{images}: {len(dict.fromkeys(lines))} other new answers, known from the next round on" in printed
    asked = {"rounds": 1, "budget": 5, "strategy": "dcps"}
    assert play(project, run="people", **asked, **PEOPLE) == 0
    found = pd.read_parquet(project / "data" / "runs" / "people" / "round_000" / "found.parquet")
    assert len(found) == len(dict.fromkeys(lines))
    assert clusters_obey(project, "people", found)
    assert metrics(project, "people")[-1]["annotation/asked_total"] == person.answered == 5
    assert play(project, run="oracle", **asked) == 0
    assert len(pd.read_parquet(project / "data" / "runs" / "oracle" / "round_000" / "found.parquet")) == 0


def test_the_budget_goes_to_pairs_without_answers(project, play, person):
    asked = {"rounds": 1, "budget": 10, "strategy": "dcps"}
    assert play(project, run="first", **asked, **PEOPLE) == 0
    assert play(project, run="second", **asked, **PEOPLE) == 0
    last = Run(project / "data" / "runs" / "second").metrics()[-1]
    assert last["annotation/answers_found_again"] == 10
    assert last["annotation/asked"] == 10
    pairs = events(project, "first", "image_a, image_b") + events(project, "second", "image_a, image_b")
    assert len(set(pairs)) == 20


def kedro(project, *arguments):
    command = [sys.executable, "-m", "kedro", *arguments]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, cwd=project, env=env, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def served(process):
    """Return the login link that the loop prints, and the ids of the page's processes."""
    for line in process.stderr:
        if found := re.search(r"people answer at (http://127.0.0.1:(\d+)/login#\S+)", line):
            children = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=False)
            return found[1], [int(child) for child in children.stdout.split()]
    raise AssertionError(process.stdout.read())


def gone(pid):
    for _ in range(200):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_the_loop_serves_the_page_and_ends_it(project, end):
    process = kedro(
        project,
        "rounds",
        "--env=tiny",
        "--params=annotator=human,run=mine,budget=6,rounds=1,annotator_options.port=18765",
    )
    try:
        address, pages = served(process)
        assert "/login#" in address
        assert pages
        time.sleep(1)
        process.send_signal(end)
        _, printed = process.communicate(timeout=30)
        assert all(gone(page) for page in pages)
        if end == signal.SIGINT:
            assert process.returncode == 130, printed
            assert "nothing is lost, the same command goes on" in printed
            assert "Traceback" not in printed
    finally:
        process.kill()


class Stranger(Person):
    """Knows nobody: to them all are different."""

    def verdict(self, first, second):
        return "different"


def readme(section, folder):
    """Return the commands of a section of the README as they are to be typed, with a folder for PATH."""
    text = (Path(__file__).parents[2] / "README.md").read_text().partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    lines = re.findall(r"^    (kedro .*?)(?:  +#.*)?$", text, re.MULTILINE)
    return [shlex.split(line.replace("PATH", str(folder)))[1:] for line in lines]


@pytest.mark.slow
def test_the_commands_of_the_readme_as_they_are_typed(project, people_of, type_kedro, without_names):
    crops = project / "crops"
    drawn = next((project / "data" / "01_raw").iterdir()) / "bounding_box_train"
    crops.mkdir()
    for number, path in enumerate(sorted(drawn.glob("*.jpg"))):
        shutil.copy(path, crops / f"crop {number}.jpg")  # a name that says nothing: people answer
    # Smaller, not otherwise: what is typed is the README's
    tiny = (project / "conf" / "tiny" / "parameters.yml").read_text().partition("pixels:")
    tiny = f"{tiny[1]}{tiny[2]}".replace("budget: 40", "budget: 6").replace("rounds: 4", "rounds: 2")
    (project / "conf" / "local" / "parameters.yml").write_text(f"{tiny}annotator_options: {{undo_seconds: 0}}\n")
    play, alone, annotate, export, import_ = readme("People answer", crops)

    process = kedro(project, *play)
    try:
        served(process)
        while not (project / "data" / "runs" / "mine" / "round_000" / "questions.parquet").exists():
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert "the same command goes on" in process.communicate(timeout=30)[1]
    finally:
        process.kill()
    stranger = Stranger(project, people_of)
    stranger.start()
    try:
        done = type_kedro(project, *alone)
    finally:
        stranger.done.set()
        stranger.join(10)
    assert "run 'mine' is complete: 2 rounds, 6 questions asked" in done.stdout, done.stdout
    process = kedro(project, *annotate)
    try:
        address = next(line.strip() for line in process.stdout if "/login#" in line)
        while True:  # until the page is served, Ctrl-C may be lost in a library
            with suppress(httpx.HTTPError):
                httpx.get(address, trust_env=False)
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert "every answer is kept" in process.communicate(timeout=30)[0]
    finally:
        process.kill()
    assert "run mine: 6 answers in answers.csv" in type_kedro(project, *export).stdout
    assert "6 known already" in type_kedro(project, *import_).stdout

    assert type_kedro(project, "rounds", "--params=run=mine").stdout == without_names(done.stdout) != done.stdout
    type_kedro(project, "runs", "remove", "mine", "--yes")

"""What people type, as they type it."""

import re
import shutil
import sqlite3

import pytest
from PIL import Image

from whosame.data.indexing import index_images
from whosame.data.manifest import split
from whosame.data.source import SourceConfig
from whosame.parameters import parse
from whosame.pipelines.active_round.prepare import open_round
from whosame.runs import Run


def test_run_plays_the_next_round_and_shows_its_table(project, type_kedro):
    type_kedro(project, "run", "--pipelines=active_round", "--env=tiny", "--to-nodes=select_pairs", "--params=run=1.10")
    started = Run(project / "data" / "runs" / "1.10")
    assert started.completed() == 0
    assert not started.lock().close()  # given back
    assert (started.round(0) / "questions.parquet").exists()
    first = type_kedro(project, "run", "--pipelines=active_round", "--env=tiny", "--params=run=1.10")
    assert re.search(r"round\s+asked\s+mAP", first.stdout)
    second = type_kedro(project, "run", "--pipelines=active_round", "--env=tiny", "--params=run=1.10")
    assert "round 1" in second.stderr
    assert started.completed() == 2
    listed = type_kedro(project, "runs")
    assert re.search(r"^1\.10\s+dcps\s+2 of 4", listed.stdout, re.MULTILINE)
    freed = type_kedro(project, "runs", "prune", "1.10", "--keep-every=10")
    assert "0.0 MiB freed" in freed.stdout
    shown = type_kedro(project, "runs", "show", "1.10").stdout
    assert re.search(r"rounds +2 of 4\n", shown)
    assert re.search(r"started +20\d\d-.*, --env=tiny\n", shown)
    assert re.search(r"questions +\d+ of 40 asked\nanswers +\d+ in the label store", shown)
    assert "\n  clustering.eps: 0.6 (default 0.5)\n" in shown
    with sqlite3.connect(project / "data" / "answers.db") as store:
        answers = store.execute("SELECT count(*) FROM answer_events").fetchone()
    with started.lock():
        refused = type_kedro(project, "runs", "remove", "1.10", "--yes", check=False)
        assert (refused.returncode, "is being continued by process" in refused.stderr) == (1, True)
    asked = type_kedro(project, "runs", "remove", "1.10", check=False)
    assert "Remove run 1.10 (2 rounds, " in asked.stdout
    assert started.completed() == 2
    removed = type_kedro(project, "runs", "remove", "1.10", "--yes")
    assert re.search(r"run 1.10 is removed: 2 rounds, [\d.]+ MiB. Answers in the label store, .* stay", removed.stdout)
    assert not started.folder.exists()
    with sqlite3.connect(project / "data" / "answers.db") as store:
        assert store.execute("SELECT count(*) FROM answer_events").fetchone() == answers > (0,)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ("budgt=5", "unknown parameter 'budgt': did you mean 'budget'"),
        ("budget=many", "'budget' is 'many', but takes a whole number"),
        ("strategy=dcsp", "unknown strategy 'dcsp': did you mean 'dcps'"),
        ("clustering.epss=0.5", "did you mean 'clustering.eps'"),
        ("layout=marke1501,images=x", "did you mean 'market1501'"),
        ("budget=9999999", "have only 7140 pairs"),
        ("env=market1501", "--env=market1501 names an environment"),
        ("run=../outside", "a run cannot be called '../outside'"),
        ("annotator=orcle", "did you mean 'oracle'"),
        (
            "database=sqlite:////dev/null/answers.db",
            "the folder of the label store /dev/null/answers.db cannot be made",
        ),
    ],
)
def test_a_wrong_parameter_is_one_clear_error(project, type_kedro, parameters, said):
    done = type_kedro(project, "rounds", "--env=tiny", f"--params={parameters}", check=False)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((project / "data").glob("runs/*/round_*/features.npz"))
    assert type_kedro(project, "runs").stdout.count("not started") == len(list((project / "data").glob("runs/*")))


def test_params_prints_the_values_in_force(empty_project, type_kedro):
    typed = "--params=images=x,clustering.eps=0.7"
    shown = type_kedro(empty_project, "params", "clustering", "--env=market1501", typed).stdout
    assert [line.split()[1:5] for line in shown.splitlines() if line.startswith("*")] == [
        ["distance:", "jaccard", "default", "auto;"],
        ["k1:", "30", "default", "20;"],
        ["eps:", "0.7", "default", "0.5;"],
        ["centre_cameras:", "false", "default", "true;"],
    ]
    wrong = type_kedro(empty_project, "params", "clusterin", check=False)
    assert wrong.returncode == 1
    assert "unknown group of parameters 'clusterin': did you mean 'clustering'" in wrong.stderr


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("rounds --env=marke1501", "unknown environment 'marke1501': did you mean 'market1501'"),
        ("run --env=marke1501", "unknown environment 'marke1501': did you mean 'market1501'"),
        ("run --pipeline=active_rond", "unknown pipeline 'active_rond': did you mean 'active_round'"),
        ("run --from-nodes=train", "--from-nodes=model.train cannot be run alone"),
        ("run --pipelines=compare --from-nodes=draw", "cannot be run alone: it needs comparison, comparison_tables"),
        ("run --nodes=trian --tags=modle", "unknown node in --nodes 'trian': did you mean 'train'"),
        ("rounds --fork=nope:1", "there is no run 'nope'"),
    ],
)
def test_a_misspelt_name_is_one_clear_error(empty_project, type_kedro, line, said):
    done = type_kedro(empty_project, *line.split(), check=False)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (empty_project / "data" / "runs").exists()


@pytest.mark.parametrize("runs", [(), ("mine", "yours")])
@pytest.mark.parametrize(
    "line",
    [
        "runs prune mien",
        "runs show mien",
        "identities mien",
        "runs remove --yes mien",
        "annotators quality --run=mien",
        "annotate --run=mien",
        "answers export --run=mien --format=csv answers.csv",
        "answers import --run=mien pyproject.toml",
    ],
)
def test_a_command_that_takes_a_run_offers_near_names(empty_project, typed, line, runs):
    for name in runs:
        Run(empty_project / "data" / "runs" / name).lock().close()
    done = typed(empty_project, line)
    assert done.exit_code == 1
    assert re.search("there is no (run 'mien'|label store)|did you mean 'mine'", done.output)
    assert "Traceback" not in done.output


def test_a_nodes_error_is_printed_once_and_fixes_nothing(project, type_kedro):
    wrong = type_kedro(project, "rounds", "--env=tiny", "--params=run=a,seed=7,budget=9999999", check=False)
    assert wrong.returncode == 1
    assert wrong.stderr.count("have only 7140 pairs") == 1
    assert "--from-nodes" not in wrong.stderr
    assert re.search(r"a +– +not started", type_kedro(project, "runs").stdout)
    assert "not started: nothing is computed" in type_kedro(project, "runs", "show", "a").stdout
    type_kedro(project, "run", "--pipelines=active_round", "--env=tiny", "--params=run=a")
    assert Run(project / "data" / "runs" / "a").completed() == 1


def test_a_run_continues_as_it_was_started_and_with_its_images_only(project, type_kedro, without_names):
    images = project / "images"
    shutil.copytree(next((project / "data" / "01_raw").iterdir()), images)
    wanted = f"--params=run=a,layout=market1501,images={images},database=sqlite:///data/own.db,rounds=2,budget=12"
    type_kedro(project, "run", "--pipelines=active_round", "--env=tiny", wanted)
    done = type_kedro(project, "rounds", "--params=run=a,seed=7,training.learning_rate=0.1", check=False)
    assert done.returncode == 1
    assert "seed: 0 in the run, 7 now" in done.stderr
    assert "training.learning_rate" in done.stderr
    shown = type_kedro(project, "params", "--params=run=a").stdout
    assert f"images: {images}" in shown
    assert "env: tiny" in shown
    assert "in the label store" in type_kedro(project, "runs", "show", "a").stdout
    finished = type_kedro(project, "run", "--pipelines=active_round", "--params=run=a")
    assert re.search(r"\n +1 +12 ", finished.stdout)
    type_kedro(project, "answers", "export", "--run=a", "--format=csv", "answers.csv")
    assert len((project / "answers.csv").read_text().splitlines()) == 13
    raised = type_kedro(project, "rounds", "--params=run=a,rounds=3,budget=18")
    assert re.search(r"\n +2 +18 ", raised.stdout)
    again = type_kedro(project, "rounds", "--params=run=a")
    assert again.stdout == without_names(raised.stdout) != raised.stdout
    assert "run 'a' is complete: 3 rounds, 18 questions asked.\nTo go on with it:  kedro rounds" in again.stdout
    next((images / "bounding_box_test").glob("*.jpg")).unlink()
    done = type_kedro(project, "rounds", "--params=run=a,rounds=4", check=False)
    assert done.returncode == 1
    assert "1 images of the run have changed" in done.stderr
    assert Run(project / "data" / "runs" / "a").completed() == 3


def test_images_of_nobody_known_train_without_oracle_and_retrieval(project, type_kedro):
    images = project / "crops"
    images.mkdir()
    drawn = sorted(next((project / "data" / "01_raw").iterdir()).rglob("bounding_box_train/*.jpg"))
    for number, path in enumerate(drawn):
        shutil.copy(path, images / f"crop_{number:04d}.jpg")
    wanted = f"--params=images={images},layout=folder,run=mine,rounds=1"
    done = type_kedro(project, "rounds", "--env=tiny", f"{wanted},annotator=oracle", check=False)
    assert done.returncode == 1
    assert "have none" in done.stderr
    done = type_kedro(project, "rounds", "--env=tiny", f"{wanted},strategy=none,budget=0")
    (metrics,) = Run(project / "data" / "runs" / "mine").metrics()
    assert "retrieval/mAP" not in metrics
    assert "clusters/ari" not in metrics
    assert metrics["clusters/count"] >= 0


def test_without_cameras_every_test_image_is_a_query_and_nothing_is_said_twice(project, type_kedro):
    images = project / "crops"
    for path in next((project / "data" / "01_raw").iterdir()).rglob("bounding_box_train/*.jpg"):
        person, _, rest = path.name.partition("_c")
        (images / person).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, images / person / f"{rest}")
    wanted = f"--params=images={images},layout=folder,run=mine,rounds=2,strategy=none,budget=0"
    done = type_kedro(project, "rounds", "--env=tiny", wanted + ",folder.pattern=^(?P<identity>[^/]+)/")
    assert "no match" not in done.stderr
    assert done.stderr.count("queries drawn from") == 1
    for metrics in Run(project / "data" / "runs" / "mine").metrics():
        assert metrics["retrieval/queries"] > 9  # of three people; drawn queries would be three
        assert metrics["retrieval/queries_without_match"] == 0
        assert metrics["retrieval/mAP"] > 0


def test_queries_without_a_match_are_told_before_the_first_round_alone(empty_project, caplog, monkeypatch):
    monkeypatch.chdir(empty_project)
    for number, name in enumerate(("train/1_1", "train/1_2", "query/2_1", "query/3_1", "test/2_1", "test/4_2")):
        (empty_project / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 16), (40 * number, 90, 200)).save(empty_project / f"{name}.png")
    pattern = r"^(?P<split>train|query|test)/(?P<identity>\d+)_(?P<camera>\d+)"
    images = {"images": str(empty_project), "layout": "folder", "folder": {"pattern": pattern, "unmatched": "skip"}}
    manifest = index_images(parse(SourceConfig, images), empty_project / "data")
    train_set, truth, _ = split(manifest)
    for queries, said in (("split", "2 of 2 queries have no match"), ("all", "4 of 4 queries have no match")):
        caplog.clear()
        for number in (0, 1):
            evaluation = {"queries": queries}
            given = {
                **images,
                "strategy": "none",
                "budget": 0,
                "round": number,
                "run": queries,
                "evaluation": evaluation,
            }
            open_round(given, manifest, train_set, truth)
        assert [message.partition(",")[0] for message in caplog.messages] == [said]

"""The overview's statistics over 100,000 answers, two to each pair, of eight people."""

from itertools import combinations, islice

import pytest

from whosame.annotation.quality.annotator_stats import annotator_stats
from whosame.annotation.quality.answered_pairs import answered_pair, disputes, recent_answers
from whosame.annotation.quality.contradictions import contradictions, pair_verdicts
from whosame.annotation.quality.round_progress import round_progress
from whosame.annotation.queue.image_tokens import ImageRef
from whosame.annotation.queue.tasks import PairTask, RunInfo, TaskQueue
from whosame.annotation.store.schema import answer_events, tasks
from whosame.annotation.store.store import open_store


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A label store in SQLite: 50,000 pairs of 400 images, one in fifty disputed."""
    with open_store(f"sqlite:///{tmp_path_factory.mktemp('overview') / 'labels.db'}") as store:
        info = RunInfo("uid", "mine", "/images", 0, 1, 0, 50_000, 50_000, 2)
        queue = TaskQueue(store, info, {image: ImageRef(f"{image}.png", str(image)) for image in range(400)})
        queue.begin()
        queue.ask([PairTask(image, image + 1, "between") for image in range(0, 400, 2)])  # gives every image its token
        asked, given = [], []
        for task, (a, b) in enumerate(islice(combinations(range(400), 2), 50_000)):
            pair = {"run_uid": "uid", "round": 0, "image_a": a, "image_b": b, "kind": "between", "attempt": 1}
            asked.append({**pair, "id": task, "position": task, "votes": 2, "votes_needed": 2, "open": task % 100 == 0})
            for vote in range(2):
                same = (a % 40 == b % 40) != (task % 100 == 50 * vote or task % 1000 == 7)
                answer = {"digest_a": str(a), "digest_b": str(b), "verdict": "same" if same else "different"}
                answer |= {"source": "human", "annotator": f"person {(task + vote) % 8}", "seconds": 1 + task % 7}
                given.append({**pair, **answer, "run": "mine", "answered_at": "2026-01-01T00:00:00.000+00:00"})
        with store.writing() as connection:
            connection.execute(tasks.delete())
            connection.execute(tasks.insert(), asked)
            connection.execute(answer_events.insert(), given)
        yield store


@pytest.mark.parametrize(
    "statistic",
    [
        lambda store: disputes(store, "uid", undecided=True),
        lambda store: annotator_stats(store, "uid"),
        lambda store: round_progress(store, "uid"),
        lambda store: recent_answers(store, "uid"),
        lambda store: answered_pair(store, "uid", 777),
        lambda store: contradictions(pair_verdicts(store, "uid")),
    ],
    ids=["disputes", "annotator_stats", "round_progress", "recent_answers", "answered_pair", "contradictions"],
)
def test_statistics_of_a_large_run(benchmark, store, statistic):
    assert benchmark.pedantic(statistic, args=(store,), rounds=3)

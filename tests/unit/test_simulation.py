"""Selection alone: what a simulation keeps, repeats and refuses."""

import dataclasses
from functools import cache

import numpy as np
import pytest

from whosame.clustering import ClusteringConfig, base_clusters, enforce, violations
from whosame.errors import ParameterError
from whosame.evaluation import evaluate_clusters
from whosame.features.centring import centre_by_camera
from whosame.memory import LabelMemory
from whosame.questions import Known
from whosame.simulation import simulate
from whosame.strategies.aas.aas import AAS
from whosame.strategies.baselines import RandomPairs
from whosame.strategies.gain.gain import Gain, GainConfig

PAPERS = ClusteringConfig(distance="jaccard", k1=30, eps=0.6, centre_cameras=False)


@cache
def scene(people=20, seed=0):
    """Return features, identities, cameras, clustering: 20 images a person, every two people alike, some images hard."""
    draw, n = np.random.default_rng(seed), 20 * people
    alike = draw.normal(size=(people // 2, 32))[np.arange(people) // 2] + draw.normal(size=(people, 32))
    person = draw.permutation(np.repeat(np.arange(people), 20))
    features = alike[person] + draw.normal(size=(n, 1)) ** 2 * draw.normal(size=(n, 32))
    features = (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32)
    who = 7 * person - 3  # any numbers
    cameras = draw.integers(0, 4, n)
    return features, who.astype(np.int64), cameras, base_clusters(features, cameras, PAPERS)


def run(strategy="gain-labels", **options):
    features, who, cameras, clustering = scene()
    return simulate(
        strategy,
        features,
        who,
        cameras,
        **{"budget": 60, "rounds": 5, "clustering": clustering, "config": PAPERS, **options},
    )


def f1(labels):
    return evaluate_clusters(labels, scene()[1] + 4).everything.pairwise_f1


def memory_of(answers):
    memory = LabelMemory()
    for answer in answers:
        if answer.source != "closure":
            memory.add(answer.question.a, answer.question.b, answer.verdict == "same")
    return memory


@pytest.mark.parametrize("strategy", ["random", "dcps", "gain", "gain-labels"])
def test_answers_make_labels_better_and_labels_obey_them(strategy):
    _, who, _, clustering = scene()
    simulated = run(strategy)
    assert len(violations(simulated.labels, memory_of(simulated.answers))) == 0
    assert simulated.asked == sum(answer.asked for answer in simulated.answers if answer.source != "closure")
    assert 0 < simulated.asked <= 60
    assert simulated.free == sum(answer.source == "closure" for answer in simulated.answers)
    assert f1(simulated.labels) > f1(clustering.labels)
    assert simulated.labels.dtype == np.int64
    assert simulated.seconds > 0
    for answer in simulated.answers:
        assert (answer.verdict == "same") == (who[answer.question.a] == who[answer.question.b])


def test_where_questions_are_scarce_gain_beats_random():
    reached = {"gain-labels": 0.0, "random": 0.0}
    for seed in range(3):
        features, who, cameras, clustering = scene(60, seed)
        for strategy in reached:
            found = simulate(
                strategy, features, who, cameras, budget=60, rounds=5, clustering=clustering, config=PAPERS
            )
            reached[strategy] += evaluate_clusters(found.labels, who + 4).everything.pairwise_f1 / 3
    assert reached["gain-labels"] > reached["random"] + 0.02


def test_a_budget_is_spread_evenly_and_what_is_left_is_carried_on():
    class Counting(RandomPairs):
        def __init__(self):
            super().__init__()
            self.budgets = []

        def start(self, state):
            self.budgets.append(state.budget)
            return super().start(state) if len(self.budgets) != 2 else Gain(GainConfig(worth=1e9, first=0)).start(state)

    strategy = Counting()  # in the second round it asks nothing
    assert run(strategy, budget=22, rounds=5).asked == 22
    assert strategy.budgets == [5, 5, 9, 4, 4]


def test_the_same_seed_gives_the_same_and_another_does_not():
    one, two, other = run("random"), run("random"), run("random", seed=1)
    assert one.answers == two.answers
    assert (one.labels == two.labels).all()
    assert one.answers != other.answers


def test_noise_gives_wrong_answers_and_never_a_violated_one():
    _, who, _, _ = scene()

    def wrong(simulated):
        paid = [answer for answer in simulated.answers if answer.source != "closure"]
        told = [(answer.verdict == "same") == (who[answer.question.a] == who[answer.question.b]) for answer in paid]
        return 1 - np.mean(told)

    noisy = run("random", noise=0.3, budget=200)
    assert 0.2 < wrong(noisy) < 0.4
    assert wrong(run("random", noise=1.0)) == 1
    assert len(violations(noisy.labels, memory_of(noisy.answers))) == 0
    assert f1(noisy.labels) < f1(run("random", budget=200).labels)


def test_supervised_gives_the_truth_and_none_the_clusters():
    _, who, _, clustering = scene()
    truth, nothing = run("supervised"), run("none")
    assert len(np.unique(who)) == len(np.unique(truth.labels)) == len({*zip(who, truth.labels, strict=True)})
    assert (nothing.labels == clustering.labels).all()
    assert (truth.asked, truth.free, truth.answers) == (nothing.asked, nothing.free, nothing.answers) == (0, 0, ())


def test_a_strategy_may_be_given_itself_and_a_name_with_parameters():
    one = run(Gain(GainConfig(aim="labels", splits=False)))
    two = run("gain-labels", parameters={"gain": {"splits": False}})
    assert one.answers == two.answers
    assert "within" not in {answer.question.kind for answer in one.answers}
    assert "within" in {answer.question.kind for answer in run("gain-labels").answers}


def test_without_a_clustering_the_features_are_clustered_as_configured():
    features, _, cameras, _ = scene()
    centred = centre_by_camera(features, cameras)
    for config, expected in (  # an enforcement of nothing numbers clusters by their smallest row
        (None, base_clusters(centred, cameras, ClusteringConfig())),  # as kedro run clusters
        (PAPERS, scene()[3]),
        (PAPERS.replace(centre_cameras=True), base_clusters(centred, cameras, PAPERS)),
    ):
        numbered = enforce(expected.labels, features, LabelMemory())
        assert (run("none", clustering=None, config=config).labels == numbered).all()
    assert (run("none", clustering=None, config=None).labels != scene()[3].labels).any()


def test_without_reuse_only_the_last_rounds_answers_are_in_the_labels():
    kept, fresh = (run("random", config=PAPERS.replace(reuse=reuse)) for reuse in (True, False))
    last = memory_of(fresh.answers[-12:])
    assert len(violations(fresh.labels, last)) == 0 < len(violations(fresh.labels, memory_of(fresh.answers)))
    assert f1(kept.labels) > f1(fresh.labels)


def test_what_the_clustering_searched_serves_every_round():
    class Searching(AAS):
        def start(self, state):
            assert state.nearest is scene()[3].nearest
            return super().start(dataclasses.replace(state, nearest=None))

    shared, searched = run("aas"), run(Searching())
    assert shared.answers == searched.answers
    assert shared.asked == 60


def test_what_a_session_carries_reaches_the_next_round():
    kept = run(Gain(GainConfig(aim="labels")))
    fixed = run(Gain(GainConfig(aim="labels", refit=False)))
    first = {answer.question.reason for answer in kept.answers[:10]}
    assert first == {answer.question.reason for answer in fixed.answers[:10]}  # nothing learnt yet
    assert kept.answers != fixed.answers


@pytest.mark.parametrize("strategy", ["random", "spal", "aas", "dral", "mass", "ucal", "dcps", "gain"])
def test_files_of_the_same_bytes_are_the_same_for_free(strategy):
    """A file of four copies each; the annotator, who is always wrong, is not asked about copies."""
    features, who, cameras, _ = scene(8)
    of = np.arange(len(who)) // 4
    features, who, cameras, digests = features[of], who[of], cameras[of], [str(row) for row in of]
    options = {
        "budget": 30,
        "rounds": 2,
        "clustering": base_clusters(features, cameras, PAPERS),
        "config": PAPERS,
        "noise": 1.0,
    }
    found = simulate(strategy, features, who, cameras, digests=digests, **options)
    copies = [answer for answer in found.answers if of[answer.question.a] == of[answer.question.b]]
    assert {answer.verdict for answer in copies} <= {"same"}
    assert {answer.source for answer in copies} <= {"closure"}
    assert found.asked == sum(answer.asked for answer in found.answers if answer.source != "closure") <= 40
    assert found.free >= len(copies)
    if strategy == "random":
        assert copies
    assert simulate(strategy, features, who, cameras, digests=digests, **options).answers == found.answers


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"noise": 1.5}, "noise is 1.5"),
        ({"noise": -0.1}, "noise is -0.1"),
        ({"noise": float("nan")}, "noise is nan"),
        ({"budget": -1}, "budget is -1"),
        ({"rounds": 0}, "number of rounds is 0"),
        ({"rounds": 0, "strategy": "none"}, "number of rounds is 0"),
        ({"strategy": "gain-label"}, "did you mean 'gain-labels'"),
        ({"parameters": {"gian": {}}}, "did you mean 'gain'"),
        ({"parameters": {"gain": {"worth": -1}}}, "worth"),
        ({"digests": ["a", "b"]}, "as many digests as features, 400, not 2"),
    ],
)
def test_what_cannot_be_simulated_is_refused(options, said):
    with pytest.raises(ParameterError, match=said):
        run(**options)


def test_lengths_that_differ_are_named():
    features, who, cameras, _ = scene()
    with pytest.raises(ParameterError, match="400 features, 399 identities and 398 cameras"):
        simulate("none", features, who[:-1], cameras[:-2], budget=1)


def test_what_is_known_is_obeyed_and_costs_no_question():
    rng = np.random.default_rng(0)
    truth = np.arange(12).repeat(8)
    points = (rng.normal(size=(12, 16))[truth] + rng.normal(size=(96, 16)) * 1.5).astype(np.float32)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    nowhere = np.full(96, -1)
    known = Known(np.where(truth < 3, truth, -1), nowhere)
    done = simulate("random", points, truth, nowhere, budget=20, rounds=2, known=known)
    assert [len(set(done.labels[truth == person])) for person in range(3)] == [1, 1, 1]
    assert len(set(done.labels[truth < 3])) == 3
    assert done.asked <= 20
    assert not any(max(truth[[answer.question.a, answer.question.b]]) < 3 for answer in done.answers)

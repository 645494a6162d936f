"""Identities: answers hold, p says how pure clusters are, images whose cluster is clear join it."""

import numpy as np
import pytest

from whosame.clustering import ClusteringConfig, base_clusters, violations
from whosame.memory import LabelMemory
from whosame.naming.config import NamingConfig
from whosame.naming.identify import identify
from whosame.questions import Known
from whosame.strategies.gain.value import GainConfig


def images(noise, seed=0, individuals=12, each=12, dimension=32):
    """Features of individuals, half of them seen by each of two cameras, and who they are."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(individuals, dimension))
    truth = np.arange(individuals).repeat(each)
    vectors = (centres[truth] + rng.normal(size=(len(truth), dimension)) * noise).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), truth, np.arange(len(truth)) % 2


def named(vectors, cameras, memory, **config):
    clustering = base_clusters(vectors, cameras, ClusteringConfig(distance="jaccard", k1=8, k2=3))
    rng = np.random.default_rng(0)
    return identify(vectors, clustering, cameras, memory, rng, NamingConfig(**config), GainConfig())


def answers(truth, pairs):
    memory = LabelMemory()
    for a, b in pairs.tolist():
        if a != b:
            memory.add(a, b, same=bool(truth[a] == truth[b]))
    return memory


@pytest.mark.parametrize("assign", [True, False])
@pytest.mark.parametrize("noise", [0.3, 0.8, 2.0])
def test_no_answer_is_overruled_and_each_image_is_of_one_kind(noise, assign):
    vectors, truth, cameras = images(noise)
    pairs = np.random.default_rng(1).integers(0, len(truth), (150, 2))
    memory = answers(truth[::-1], pairs)  # wrong answers hold too
    found = named(vectors, cameras, memory, assign=assign)
    assert len(violations(found.labels, memory)) == 0
    roots = memory.must_link_roots(len(truth))
    linked = np.isin(roots, roots[np.flatnonzero(roots != np.arange(len(roots)))])
    assert ((found.known == "answered") == linked).all()
    assert (found.p[linked] == 1).all()
    assert ((found.known == "outlier") == (found.labels == -1)).all()
    assert ((found.p >= 0) & (found.p <= 1)).all()
    assert np.bincount(found.labels[found.labels >= 0]).min() >= 2
    assert assign or "assigned" not in found.known


def test_p_is_higher_where_images_are_right_and_answers_correct_it():
    vectors, truth, cameras = images(1.1, individuals=30)
    near = np.argsort(-vectors @ vectors.T, axis=1)[::4, 1:3]
    pairs = np.stack([np.arange(0, len(truth), 4).repeat(2), near.ravel()], axis=1)
    found = named(vectors, cameras, answers(truth, pairs))
    own = found.labels[:, None] == found.labels
    right = (own & (truth[:, None] == truth)).sum(axis=1) / own.sum(axis=1)
    seen = (found.known != "outlier") & (found.known != "answered")
    assert abs(found.p[seen].mean() - right[seen].mean()) < 0.12
    wrong = seen & (right < 0.5)
    assert found.p[wrong].mean() < found.p[seen & ~wrong].mean() - 0.05
    mistaken = LabelMemory()  # every answer says that two images of a cluster differ: no cluster can be trusted
    for row in range(0, len(truth), 3):
        mistaken.add(row, row + 1, same=False)
    doubted = named(vectors, cameras, mistaken)
    assert doubted.p[doubted.known == "clustered"].mean() < found.p[seen].mean() - 0.2


def test_an_image_whose_cluster_is_clear_joins_it_and_one_that_an_answer_keeps_out_does_not():
    vectors, truth, cameras = images(0.8)
    memory = answers(truth, np.random.default_rng(1).integers(0, len(truth), (200, 2)))
    without, found = (named(vectors, cameras, memory, assign=assign, clear=0.6) for assign in (False, True))
    moved = found.known == "assigned"
    assert moved.any()
    assert (found.p[moved] >= 0.6).mean() > 0.9  # p of the labels as they are in the end
    assert (without.labels == -1).sum() > (found.labels == -1).sum()
    kept_out = int(np.flatnonzero(moved)[0])
    for other in np.flatnonzero(found.labels == found.labels[kept_out]).tolist():
        if other != kept_out:
            memory.add(kept_out, other, same=False)
    again = named(vectors, cameras, memory, clear=0.6)
    assert len(violations(again.labels, memory)) == 0
    assert again.known[kept_out] != "assigned"


@pytest.mark.parametrize("noise", [50.0, 0.01])
def test_without_a_cluster_or_with_one_there_are_names_all_the_same(noise):
    vectors, _, cameras = images(noise, individuals=1, each=10)
    found = named(vectors, cameras, LabelMemory())
    assert np.isfinite(found.p).all()
    assert len(set(found.labels.tolist())) == 1


def test_what_was_known_before_is_told_from_answers():
    vectors, truth, cameras = images(0.8)
    individuals, encounters = np.full(len(truth), -1), np.full(len(truth), -1)
    individuals[:6] = 0
    encounters[12:15] = 7
    encounters[[24, 26]] = 8
    memory = LabelMemory(Known(individuals, encounters))
    memory.add(0, 8, same=True)
    memory.add(24, 30, same=True)
    found = named(vectors, cameras, memory)
    assert set(found.known[:6]) == {"catalogue"}
    assert set(found.known[12:15]) == {"encounter"}
    assert set(found.known[[8, 24, 26, 30]]) == {"answered"}
    assert (found.p[np.isin(found.known, ["catalogue", "encounter", "answered"])] == 1).all()
    assert len(np.unique(found.labels[[*range(6), 8]])) == len(np.unique(found.labels[12:15])) == 1

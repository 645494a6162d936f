"""Retrieval curves and strips: they are those of the evaluation, and frames say what the truth says."""

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from whosame.data.manifest import Manifest, TestSet
from whosame.evaluation import evaluate_retrieval, evaluate_test_set
from whosame.evaluation.queries import Ranked
from whosame.pictures.cells import BLUE, FRAME, ORANGE, box
from whosame.pictures.retrieval_curves import retrieval_curves
from whosame.pictures.retrieval_examples import retrieval_examples
from whosame.pictures.retrieval_strips import retrieval_strips

SIDE = 40


@pytest.fixture(params=["split", "all"])
def experiment(request):
    """Features of 12 individuals and two kinds of images that count in no ranking or match nothing, as a test set."""
    random = np.random.default_rng(3)
    identities = np.concatenate([np.repeat(np.arange(1, 13), 6), [0, 0, 0, -1, -1]])
    centres = random.normal(size=(14, 16))
    vectors = centres[identities + 1] + random.normal(scale=1.2, size=(len(identities), 16))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    # of six images two by camera 0, the first of them a query: its own camera's other one is removed, four matches stay
    cameras = np.concatenate([np.tile([0, 0, 1, 2, 3, 4], 12), np.zeros(5, int)])
    if request.param == "all":
        cameras[:] = -1
        identities = np.where(np.arange(len(identities)) % 6 == 5, 0, identities)  # five of each are left: four matches
    query = np.zeros(len(identities), bool)
    query[:72:6] = True
    ids = np.arange(len(identities))
    sides = (values[side] for values in (ids, identities, cameras) for side in (query, ~query))
    return vectors.astype(np.float32), TestSet(*sides), request.param, identities, cameras


def test_the_area_below_precision_by_recall_is_map(experiment):
    vectors, test_set, queries, *_ = experiment
    found = evaluate_test_set(vectors[test_set.query_ids], vectors[test_set.gallery_ids], test_set, queries)
    assert found.curves()["precision"].mean() == pytest.approx(found.mAP)
    assert (np.diff(found.cmc) >= 0).all()
    figure = retrieval_curves({"mine": found.curves()}, {"mine": {"color": "black"}})
    ranks, recalls = figure.axes
    assert ranks.lines[0].get_ydata()[0] == pytest.approx(100 * found.rank(1))
    assert recalls.lines[0].get_ydata().mean() == pytest.approx(100 * found.mAP)
    assert f"{100 * found.mAP:.1f}" in recalls.get_legend().get_texts()[0].get_text()


def test_examples_are_rankings_of_the_evaluation(experiment):
    vectors, test_set, queries, identities, cameras = experiment
    found = evaluate_test_set(vectors[test_set.query_ids], vectors[test_set.gallery_ids], test_set, queries)
    ranked = Ranked.of(vectors, test_set, queries)
    examples = retrieval_examples(ranked, 4, 1000)
    assert [each.group for each in examples] == ["worst"] * 4 + ["median"] * 4 + ["best"] * 4
    assert [each.average_precision for each in examples] == sorted(each.average_precision for each in examples)
    assert len({identities[each.image] for each in examples}) == 12
    if queries == "split":  # every query is an example
        assert np.mean([each.average_precision for each in examples]) == pytest.approx(found.mAP)
    for each in examples:
        hits = np.array([one.hit for one in each.found])
        ranks = np.flatnonzero(hits) + 1
        assert len(ranks) == each.matches == 4
        assert np.mean(np.arange(1, 5) / ranks) == pytest.approx(each.average_precision)
        for one in each.found:
            assert one.hit == (identities[one.image] == identities[each.image])
            assert identities[one.image] >= 0
            assert not (one.hit and cameras[one.image] == cameras[each.image] >= 0)
            assert one.score == pytest.approx(float(vectors[one.image] @ vectors[each.image]), abs=1e-6)
            assert one.image != each.image


def test_hits_are_framed_in_one_colour_and_misses_in_the_other(experiment, tmp_path):
    vectors, test_set, queries, identities, cameras = experiment
    names = [f"{row}.png" for row in range(len(identities))]
    for name in names[1:]:
        Image.new("RGB", (20, 40), (200, 200, 200)).save(tmp_path / name)  # the first file is gone
    table = pd.DataFrame({"path": names, "camera": cameras, "height": 40, "width": 20})
    examples = retrieval_examples(Ranked.of(vectors, test_set, queries), 2, 7)
    drawn = retrieval_strips(examples, Manifest(tmp_path, "some", table), tmp_path, SIDE)
    pixels = np.asarray(Image.open(io.BytesIO(drawn), formats=["PNG"]))
    high = box([(40, 20)], SIDE)[1] + 2 * FRAME
    upper = _starts(pixels, high)
    assert len(upper) == len(examples)
    for row, example in zip(upper, examples, strict=True):
        line = pixels[row + 1]  # in the upper edge of the frames
        frames = [tuple(line[start]) for start in _changes(line) if tuple(line[start]) in (BLUE, ORANGE)]
        assert frames == [BLUE if one.hit else ORANGE for one in example.found]


def _starts(pixels, high):
    """Return the rows at which frames of images begin: black ones of queries are on the left."""
    black = (pixels[:, 11] == 0).all(axis=1)
    begins = np.flatnonzero(black & ~np.roll(black, 1))
    return [row for row in begins if black[row : row + high].all()]


def _changes(line):
    return [0, *(np.flatnonzero((line[1:] != line[:-1]).any(axis=1)) + 1)]


def test_precision_by_recall_is_that_at_the_matches():
    """One query with matches at ranks 1 and 4: precision 1 for the first half of the recall, then a half."""
    gallery = np.array([[1.0, 0], [0.9, 0.1], [0.8, 0.2], [0.7, 0.3]])
    gallery /= np.linalg.norm(gallery, axis=1, keepdims=True)
    found = evaluate_retrieval(np.array([[1.0, 0]]), [7], [-1], gallery, [7, 8, 8, 7], [-1] * 4)
    assert found.precision.tolist() == pytest.approx([1.0] * 50 + [0.5] * 50)

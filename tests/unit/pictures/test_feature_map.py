"""Map of the features: neighbours stay neighbours, the seed decides, and each panel has its groups."""

import numpy as np

from whosame.pictures.feature_map import LEAST, project
from whosame.pictures.map_figure import Panel, map_figure


def features(count, groups):
    random = np.random.default_rng(0)
    labels = np.arange(count) % groups
    vectors = random.normal(size=(groups, 24))[labels] + random.normal(scale=0.2, size=(count, 24))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), labels


def test_images_of_one_individual_are_neighbours_on_the_map():
    vectors, labels = features(120, 8)
    places = project(vectors, 1)
    distance = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    assert (labels[distance.argmin(axis=1)] == labels).all()
    assert np.array_equal(places, project(vectors, 1))


def test_a_handful_of_images_has_a_map_too():
    vectors, _ = features(LEAST, 2)
    assert np.isfinite(project(vectors, 0)).all()
    assert np.isfinite(project(np.tile(vectors[:1], (8, 1)), 0)).all()  # all the same


def test_a_panel_has_a_point_an_image_and_its_groups():
    places = np.arange(24, dtype=np.float32).reshape(12, 2)
    names = ["a"] * 5 + ["b"] * 4 + [""] * 3
    cameras = [f"camera {row % 3}" for row in range(12)]
    panels = [Panel("By name", names, True, "no name"), Panel("By camera", cameras, False, "camera unknown")]
    by_name, by_camera = map_figure(places, panels).axes
    assert by_name.get_title() == "By name: 2"
    points = {each.get_label(): each.get_offsets() for each in by_name.collections if len(each.get_offsets()) > 1}
    assert np.array_equal(points["a"], places[:5])
    assert np.array_equal(points["no name"], places[9:])
    assert [text.get_text() for text in by_camera.get_legend().get_texts()] == ["camera 0", "camera 1", "camera 2"]

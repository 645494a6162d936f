"""kedro-viz shows a round as four stages that open, its nodes by name, with layers in the order of the data."""

import json
from itertools import pairwise

from whosame.pipeline_registry import register_pipelines

STAGES = {
    "prepare": {"index_images", "continue_images", "split_images", "decode_pixels", "network_images"}
    | {"open_round", "start_network", "compute_maps"},
    "select": {"extract_features", "recall", "remember", "cluster", "describe_round", "select_pairs"},
    "label": {"annotate", "reassign", "draw_pairs"},
    "model": {"train", "evaluate"},
}
LAYERS = ["previous round", "prepared", "features", "clusters", "questions", "answers", "labels", "model", "metrics"]


def test_viz_shows_the_stages_their_nodes_and_the_layers(project, type_kedro):
    type_kedro(project, "viz", "build")
    main = json.loads((project / "build" / "api" / "main").read_text())
    tree, names = main["modular_pipelines"], {node["id"]: node["name"] for node in main["nodes"]}
    children = {name: tree[name]["children"] for name in STAGES}
    assert {child["id"] for child in tree["__root__"]["children"] if child["type"] == "modularPipeline"} == {*STAGES}
    for stage, nodes in STAGES.items():
        assert {names[child["id"]] for child in children[stage] if child["type"] == "task"} == nodes
    for one, later in pairwise(STAGES):
        assert set(tree[one]["outputs"]) & set(tree[later]["inputs"])
        assert not set(tree[later]["outputs"]) & set(tree[one]["inputs"])  # no way back: the boxes are in a row
    assert main["layers"] == LAYERS


def test_nodes_say_what_they_do_and_take_their_own_parameters():
    nodes = register_pipelines()["active_round"].nodes
    assert {(node.namespace, node.short_name) for node in nodes} == {
        (stage, name) for stage, names in STAGES.items() for name in names
    }
    assert all(node.func.__doc__ and node.tags == {node.namespace} for node in nodes)
    assert [node.short_name for node in nodes if "parameters" in node.inputs] == ["open_round"]

"""kedro-viz shows the pipeline: its nodes by name, with layers, tags and a docstring each."""

import json

from whosame.pipeline_registry import register_pipelines

STAGES = {
    "prepare.open_round",
    "select.extract_features",
    "select.cluster",
    "select.select_pairs",
    "label.annotate",
    "label.reassign",
    "model.train",
    "model.evaluate",
}


def test_viz_builds_with_stages_layers_and_tags(project, type_kedro):
    type_kedro(project, "viz", "build")
    main = json.loads((project / "build" / "api" / "main").read_text())
    named = {node["name"]: node for node in main["nodes"]}
    assert named.keys() >= {stage.partition(".")[2] for stage in STAGES}
    assert {"features", "clusters", "questions", "answers", "labels", "model", "metrics"} <= set(main["layers"])


def test_every_node_has_a_docstring():
    nodes = register_pipelines()["active_round"].nodes
    assert {node.name for node in nodes} >= STAGES
    assert all(node.func.__doc__ and node.tags for node in nodes)

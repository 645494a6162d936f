"""The pipeline ``active_round``: extract_features → cluster → select_pairs → annotate → reassign → train → evaluate."""

from kedro.pipeline import Pipeline, node, pipeline

from whosame.pipelines.active_round import nodes


def create_pipeline() -> Pipeline:
    """Return one round. Only ``open_round``, ``annotate``, ``reassign`` and ``evaluate`` receive the truth."""
    return pipeline(
        [
            node(
                nodes.open_round,
                ["parameters", "manifest", "train_set", "truth"],
                "this_round",
                name="open_round",
            ),
            node(
                nodes.start_network,
                ["this_round", "previous_checkpoint", "manifest", "pixels", "train_set", "parameters"],
                "start",
                name="start_network",
                tags=["model"],
            ),
            node(
                nodes.extract_features,
                ["this_round", "start", "pixels", "train_set", "parameters"],
                "features",
                name="extract_features",
                tags=["model"],
            ),
            node(
                nodes.cluster,
                ["features", "train_set", "previous_memory", "previous_clustering_state", "params:clustering"],
                ["clusters", "graph", "nearest", "clustering_state"],
                name="cluster",
                tags=["select"],
            ),
            node(
                nodes.describe_round,
                [
                    "this_round",
                    "features",
                    "clusters",
                    "graph",
                    "nearest",
                    "train_set",
                    "previous_memory",
                    "previous_strategy_state",
                    "parameters",
                ],
                "state",
                name="describe_round",
                tags=["select"],
            ),
            node(
                nodes.select_pairs,
                ["this_round", "state", "train_set", "parameters"],
                "questions",
                name="select_pairs",
                tags=["select"],
            ),
            node(
                nodes.annotate,
                ["this_round", "state", "questions", "train_set", "truth", "previous_memory", "parameters"],
                ["answers", "memory", "strategy_state"],
                name="annotate",
                tags=["label"],
            ),
            node(
                nodes.reassign,
                ["state", "answers", "memory", "train_set", "truth", "parameters"],
                "labels",
                name="reassign",
                tags=["label"],
            ),
            node(
                nodes.draw_pairs,
                ["answers", "clusters", "pixels", "train_set", "parameters"],
                "pairs_picture",
                name="draw_pairs",
                tags=["label"],
            ),
            node(
                nodes.train,
                [
                    "this_round",
                    "start",
                    "features",
                    "pixels",
                    "train_set",
                    "labels",
                    "graph",
                    "memory",
                    "parameters",
                ],
                ["checkpoint", "training_report"],
                name="train",
                tags=["model"],
            ),
            node(
                nodes.evaluate,
                [
                    "this_round",
                    "checkpoint",
                    "pixels",
                    "train_set",
                    "test_set",
                    "truth",
                    "clusters",
                    "labels",
                    "answers",
                    "memory",
                    "training_report",
                    "previous_metrics",
                    "parameters",
                ],
                ["selection_shares", "metrics"],
                name="evaluate",
                tags=["model"],
            ),
        ],
        tags=["round"],
    )

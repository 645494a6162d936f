"""The pipelines ``gallery``: identities → write_gallery, and ``export``: gallery → build_deployed → write_files."""

from kedro.pipeline import Pipeline

from whosame.pipelines import stage_node
from whosame.pipelines.export import nodes


def create_gallery() -> Pipeline:
    """Return the node that comes after the pipeline ``identities``."""
    return Pipeline(
        [
            stage_node(
                "gallery",
                nodes.write_gallery,
                "this_round manifest train_set final_features previous_checkpoint network_input all_answers names "
                "params:network params:extraction params:pixels",
                "gallery",
            )
        ]
    )


def create_pipeline() -> Pipeline:
    """Return the nodes that come after the gallery."""
    return Pipeline(
        [
            stage_node("export", nodes.build_deployed, "previous_checkpoint params:network", "deployed"),
            stage_node(
                "export",
                nodes.write_files,
                "this_round manifest gallery deployed names all_answers params:export",
                "export_summary",
            ),
        ]
    )

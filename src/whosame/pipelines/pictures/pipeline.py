"""The pipeline ``pictures``: gallery → draw_map, draw_curves, draw_strips, draw_clusters → write_page."""

from kedro.pipeline import Pipeline

from whosame.pipelines import stage_node
from whosame.pipelines.pictures import nodes


def create_pipeline() -> Pipeline:
    """Return the nodes that come after the gallery. The truth colours the map and frames the hits."""
    return Pipeline(
        [
            stage_node("pictures", nodes.draw_map, "this_round gallery train_set truth params:pictures", "map_picture"),
            stage_node(
                "pictures", nodes.draw_curves, "this_round gallery test_set params:evaluation", "curves_picture"
            ),
            stage_node(
                "pictures",
                nodes.draw_strips,
                "manifest gallery test_set params:evaluation params:pictures",
                "strips_picture",
            ),
            stage_node(
                "pictures",
                nodes.draw_clusters,
                "this_round manifest train_set params:pictures",
                "clusters_picture",
            ),
            stage_node(
                "pictures",
                nodes.write_page,
                "this_round names map_picture curves_picture strips_picture clusters_picture",
                "pictures_summary",
            ),
        ]
    )

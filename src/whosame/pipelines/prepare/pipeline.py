"""The pipeline ``prepare``: index_images → continue_images → split_images, decode_pixels → network_images."""

from kedro.pipeline import Pipeline

from whosame.pipelines import stage_node
from whosame.pipelines.prepare import nodes

SOURCE = (
    "params:layout params:images params:max_megapixels params:unreadable params:duplicates "
    "params:folder params:omniglot params:synthetic"
)


def create_pipeline() -> Pipeline:
    """Return the nodes that come before a round."""
    return Pipeline(
        [
            stage_node("prepare", nodes.index_images, SOURCE, "found_images"),
            stage_node(
                "prepare",
                nodes.continue_images,
                "found_images params:run params:round params:layout params:folder",
                "manifest",
            ),
            stage_node("prepare", nodes.split_images, "manifest params:use_cameras", "train_set truth test_set"),
            stage_node("prepare", nodes.decode_pixels, "manifest params:pixels params:network", "pixels"),
            stage_node("prepare", nodes.network_images, "manifest pixels params:features", "network_images"),
        ],
    )

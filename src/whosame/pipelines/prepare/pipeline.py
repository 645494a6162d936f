"""The pipeline ``prepare``: whatever is missing before the first round is made, what is there is not made again."""

from kedro.pipeline import Pipeline, node, pipeline

from whosame.pipelines.prepare import nodes


def create_pipeline() -> Pipeline:
    """Return the nodes that come before a round."""
    return pipeline(
        [
            node(nodes.index_images, "parameters", "manifest", name="index_images"),
            node(nodes.split_images, "manifest", ["train_set", "truth", "test_set"], name="split_images"),
            node(nodes.decode_pixels, ["manifest", "params:pixels"], "pixels", name="decode_pixels"),
        ],
        tags=["prepare"],
    )

"""The pipeline ``compare``: collect_runs → tabulate → draw → write_report → log_comparison."""

from kedro.pipeline import Pipeline, node, pipeline

from whosame.pipelines.compare import nodes


def create_pipeline() -> Pipeline:
    """Return the comparison. It reads the runs' folders, never the images."""
    return pipeline(
        [
            node(nodes.collect_runs, "parameters", "comparison", name="collect_runs"),
            node(nodes.tabulate, "comparison", "comparison_tables", name="tabulate"),
            node(nodes.draw, ["comparison", "comparison_tables"], "comparison_figures", name="draw"),
            node(
                nodes.write_report,
                ["comparison", "comparison_tables", "comparison_figures"],
                "comparison_folder",
                name="write_report",
            ),
            node(
                nodes.log_comparison,
                ["comparison", "comparison_tables", "comparison_folder"],
                "comparison_report",
                name="log_comparison",
            ),
        ],
        tags=["compare"],
    )

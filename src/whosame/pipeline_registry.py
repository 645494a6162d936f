"""The pipelines that ``kedro run --pipeline=NAME`` knows."""

from kedro.pipeline import Pipeline

from whosame.pipelines import active_round, compare, prepare


def register_pipelines() -> dict[str, Pipeline]:
    """Return the pipelines by name; ``active_round`` makes what is missing before the round itself."""
    first = prepare.create_pipeline()
    whole = first + active_round.create_pipeline()
    return {"prepare": first, "active_round": whole, "compare": compare.create_pipeline(), "__default__": whole}

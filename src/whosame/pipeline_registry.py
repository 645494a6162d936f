"""The pipelines that ``kedro run --pipelines=NAME`` knows."""

from kedro.pipeline import Pipeline

from whosame.pipelines import active_round, audit, compare, export, identities, pictures, prepare


def register_pipelines() -> dict[str, Pipeline]:
    """Return the pipelines by name; ``active_round`` begins with ``prepare``."""
    preparation = prepare.create_pipeline()
    round_ = preparation + active_round.create_pipeline()
    naming = preparation + identities.create_pipeline()
    gallery = naming + export.create_gallery()
    return {
        "prepare": preparation,
        "active_round": round_,
        "identities": naming,
        "gallery": gallery,
        "export": gallery + export.create_pipeline(),
        "pictures": gallery + pictures.create_pipeline(),
        "audit": preparation + audit.create_pipeline(),
        "compare": compare.create_pipeline(),
        "__default__": round_,
    }

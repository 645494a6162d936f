"""Parameters of the evaluation and of the annotation cost."""

from pydantic import NonNegativeFloat, NonNegativeInt, PositiveFloat

from whosame.evaluation.queries import Queries
from whosame.parameters import Parameters, parameter


class EvaluationConfig(Parameters):
    """How retrieval is measured, how answers are costed, and how evenness is measured."""

    queries: Queries = parameter("auto", source="own choice; papers: split")
    """split: the queries of the split against its gallery. all: every test image that shows a person against all other
    test images. auto: all where no camera of the test images is known, else split."""
    seconds_per_pair: PositiveFloat | None = parameter(None, unit="seconds")
    """What a pair is costed at. null: the mean of the times recorded with the answers."""
    idle_cap: PositiveFloat = parameter(60.0, unit="seconds")
    """A longer answer counts as this much, because the annotator was away."""
    kappa: NonNegativeFloat = parameter(1.0, source="DCPS Eq. 8; methods.md A.4 #5")
    """Added to every cluster's count in the KL divergence. At 0 it is infinite, and left out of the metrics, until
    every cluster was asked about."""
    pairs_shown: NonNegativeInt = parameter(100, unit="pairs", results=False)
    """Most pairs that are drawn in the picture of a round."""

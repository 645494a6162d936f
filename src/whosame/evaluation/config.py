"""Parameters of the evaluation and of the annotation cost."""

from dataclasses import dataclass

from whosame.errors import ParameterError


@dataclass(frozen=True)
class EvaluationConfig:
    """How answers are costed and how evenness is measured.

    Attributes
    ----------
    seconds_per_pair : float or None
        Seconds a pair is costed at, above 0. None: the mean of the times recorded with the answers (measured for
        people; for simulated annotators ``annotator_options.seconds_per_pair``).
    idle_cap : float
        Seconds, above 0: a longer answer counts as this much, because the annotator was away.
    kappa : float
        Added to every cluster's count in the KL divergence, at least 0; 0 makes it infinite (left out of the
        metrics) until every cluster was asked about (DCPS Eq. 8, methods.md A.4 #5).
    pairs_shown : int
        At most so many pairs are drawn in the picture of a round, at least 0.
    """

    seconds_per_pair: float | None = None
    idle_cap: float = 60.0
    kappa: float = 1.0
    pairs_shown: int = 100

    def __post_init__(self) -> None:
        problems = []
        if self.seconds_per_pair is not None and not 0 < self.seconds_per_pair < float("inf"):
            problems.append(f"evaluation.seconds_per_pair is {self.seconds_per_pair}, but is above 0, or null")
        if not 0 < self.idle_cap < float("inf"):
            problems.append(f"evaluation.idle_cap is {self.idle_cap}, but is above 0")
        if not 0 <= self.kappa < float("inf"):
            problems.append(f"evaluation.kappa is {self.kappa}, but is at least 0")
        if self.pairs_shown < 0:
            problems.append(f"evaluation.pairs_shown is {self.pairs_shown}, but is at least 0")
        if problems:
            raise ParameterError("\n".join(problems))

"""Finished runs as values: parameters, images, the metrics of every round."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from whosame import artefacts
from whosame.comparison.bases import VARIED, Base, base_of
from whosame.comparison.camera_use import camera_use
from whosame.comparison.plan import CEILING, never_asks
from whosame.reporting.best_round import best_round
from whosame.runs import Run, flatten
from whosame.strategies.registry import group_of


@dataclass(frozen=True, eq=False)
class RunHistory:
    """A run as a value.

    Attributes
    ----------
    run : str
        Its name.
    configuration : mapping of str to str
        Every parameter that its results depend on, flat: ``clustering.eps``.
    dataset, digest : str
        Of the images' manifest.
    counts : mapping of str to int
        ``images``, and how many are in ``train``, ``query``, ``gallery``.
    rounds : sequence of mappings
        The flat metrics of round 0, 1, …, with ``time/round_seconds``.
    finished : bool
        Whether all its rounds are there.
    created : int
        When it began, seconds since 1970.
    code : str
        Version of the code.
    shares : float64 [C] or None
        p_j after the last round (DCPS, Eq. 7); None where it was not kept.
    curves : mapping of str to arrays, or None
        CMC and precision by recall after the last round; None where they were not kept.
    forked_from : str or None
    raised : str
        From which round on budget or rounds were raised; empty if they were not.
    """

    run: str
    configuration: Mapping[str, str]
    dataset: str
    digest: str
    counts: Mapping[str, int]
    rounds: Sequence[Mapping[str, float]]
    finished: bool = True
    created: int = 0
    code: str = ""
    shares: NDArray[np.float64] | None = None
    curves: Mapping[str, NDArray[np.float64]] | None = None
    forked_from: str | None = None
    raised: str = ""

    @classmethod
    def read(cls, run: Run) -> Self:
        """Read the folder of a run that has begun."""
        about, done = run.about(), run.metrics()
        configuration = {name: str(value) for name, value in flatten(about["configuration"]).items()}
        manifest = about["manifest"]
        return cls(
            run=run.name,
            configuration=configuration,
            dataset=manifest["dataset"],
            digest=manifest["digest"],
            counts={"images": manifest["images"], **manifest.get("splits", {})},
            rounds=[figures(metrics, run.seconds(number)) for number, metrics in enumerate(done)],
            finished=len(done) >= int(configuration["rounds"]),
            created=int(datetime.fromisoformat(about["created"]).timestamp()),
            code=about["code"],
            shares=artefacts.read_if_whole(run.round(len(done) - 1) / artefacts.SELECTION_SHARES),
            curves=artefacts.read_if_whole(run.round(len(done) - 1) / artefacts.RETRIEVAL),
            forked_from=run.forked_from,
            raised=run.raised(),
        )

    @property
    def strategy(self) -> str:
        """The strategy that chose the questions."""
        return self.configuration.get("strategy", "")

    @property
    def seed(self) -> int:
        """The run's seed."""
        return int(self.configuration.get("seed", 0))

    @property
    def last(self) -> Mapping[str, float]:
        """The metrics of the last round."""
        return self.rounds[-1]

    @property
    def best(self) -> Mapping[str, float]:
        """The metrics of the round with the highest mAP, which the test set chooses; of the first such round."""
        return self.rounds[best_round(self.rounds)]

    @property
    def seconds(self) -> float:
        """How long the rounds took together; NaN where one was not timed."""
        return sum(metrics.get("time/round_seconds", float("nan")) for metrics in self.rounds)

    @cached_property
    def never_asks(self) -> bool:
        """Whether its strategy never asks."""
        return never_asks(self.strategy)

    @cached_property
    def cameras(self) -> str:
        """How its clusters use cameras (``camera_use``); empty for the upper bound, which has no clustering."""
        return "" if self.strategy == CEILING else camera_use(self.configuration)

    @cached_property
    def settings(self) -> dict[str, str]:
        """The parameters its results depend on, without those that tell arms and seeds apart.

        Other strategies' groups are left out, and for a strategy that never asks all that is about answers.
        """
        if self.never_asks:
            return dict(sorted(self.base))
        own = f"strategies.{group_of(self.strategy) or self.strategy}."
        return {
            name: value
            for name, value in self.configuration.items()
            if name not in VARIED and (not name.startswith("strategies.") or name.startswith(own))
        }

    @cached_property
    def base(self) -> Base:
        """What it trains with apart from its questions; for the upper bound without the clustering."""
        return base_of(self.configuration, self.strategy)

    @cached_property
    def base_of_ceiling(self) -> Base:
        """The base of the upper bound that belongs to it."""
        return base_of(self.configuration, CEILING)


def figures(metrics: Mapping[str, Any], seconds: float) -> dict[str, float]:
    """Return the defined numbers among the metrics of a round, and how long it took as ``time/round_seconds``."""
    return {
        name: float(value)
        for name, value in (*metrics.items(), ("time/round_seconds", seconds))
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    }

"""Report of an audit: its estimates and the stopping advice, for the terminal, ``audit.json`` and MLflow."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whosame import artefacts
from whosame.annotators.query_loop import QueryResult
from whosame.app.audit.ask import Audited
from whosame.artefacts import ANSWERS, CLUSTERS
from whosame.audit.estimates import Estimates, Interval, estimate
from whosame.audit.session import AuditSession
from whosame.audit.stopping import AHEAD, THRESHOLD, StoppingAdvice, questions_to_halve, stopping_advice
from whosame.evaluation import changes_partition
from whosame.runs import Run
from whosame.tables import read_answers

WORDS = {
    "precision": "pairs of one name that are one individual",
    "recall": "pairs of one individual that have one name",
    "bcubed_precision": "the same by image (BCubed precision)",
    "bcubed_recall": "the same by image (BCubed recall, approximate)",
}


@dataclass(frozen=True)
class AuditReport:
    """What an audit found.

    Attributes
    ----------
    run, names : str
        The run, and the digest of its names.
    rounds : int
        Complete rounds of the run.
    questions, seed : int
        Of the audit.
    confidence : float
    images, identities, outliers : int
        What the names say.
    asked, free, unsure : int
        Questions that were paid for, answers that followed from others, and answers that were "unsure".
    estimates : Estimates
    advice : StoppingAdvice
    """

    run: str
    names: str
    rounds: int
    questions: int
    seed: int
    confidence: float
    images: int
    identities: int
    outliers: int
    asked: int
    free: int
    unsure: int
    estimates: Estimates
    advice: StoppingAdvice

    def as_dict(self) -> dict[str, Any]:
        """Return the values of ``audit.json``; what cannot be estimated is null."""
        advice = {**asdict(self.advice), "ahead": AHEAD, "threshold": THRESHOLD, "stop": self.advice.stop}
        return {
            **{name: value for name, value in vars(self).items() if name not in ("estimates", "advice")},
            "estimates": self.estimates.as_dict(),
            "questions_to_halve": questions_to_halve(self.asked),
            "stopping": advice,
        }

    def metrics(self) -> dict[str, float]:
        """Return what MLflow logs."""
        found = {
            f"audit/{name}{end}": value
            for name, interval in vars(self.estimates).items()
            for end, value in (("", interval.value), ("_low", interval.low), ("_high", interval.high))
            if interval.known
        }
        return {**found, "audit/asked": float(self.asked), "audit/chance_of_change": self.advice.chance}

    def text(self) -> str:
        """Return the report in lines."""
        estimates, share = self.estimates, f"{100 * self.confidence:g} %"
        lines = [
            f"audit of run {self.run!r} after {self.rounds} rounds: {self.images:,} images, {self.identities:,} "
            f"identities, {self.outliers:,} outliers; {self.asked} questions asked, {self.free} answers implied"
            + (f", {self.unsure} unsure" if self.unsure else ""),
            f"  individuals       {_number(estimates.individuals)}   ({share} interval)",
            *(f"  {name.replace('_', ' '):17} {_percent(getattr(estimates, name))}   {WORDS[name]}" for name in WORDS),
            f"half the width takes about {questions_to_halve(self.asked):,} further questions of the audit",
        ]
        if self.advice.answers:
            verdict = "stop" if self.advice.stop else "go on"
            lines.append(
                f"the chance that one of the next {AHEAD} questions of the strategy changes anything is "
                f"{100 * self.advice.chance:.0f} %: {verdict} (Crall's rule: stop below {100 * THRESHOLD:.1f} %)"
            )
        return "\n".join(lines)


def make_report(run: Run, audited: Audited, session: AuditSession, result: QueryResult, names: str) -> AuditReport:
    """Estimate from the units of an audit, and look at the answers of the run's rounds for the advice."""
    population, config = audited.population, audited.config
    return AuditReport(
        run=run.name,
        names=names,
        rounds=run.completed(),
        questions=config.questions,
        seed=config.seed,
        confidence=config.confidence,
        images=len(population),
        identities=population.identities,
        outliers=population.groups - population.identities,
        asked=result.asked,
        free=session.free,
        unsure=session.unsure,
        estimates=estimate(population, session.results, config.confidence),
        advice=stopping_advice(changes_in(run, audited.train_set.image_ids)),
    )


def changes_in(run: Run, image_ids: NDArray[np.int64]) -> list[bool]:
    """Return whether each paid answer of the complete rounds contradicted the clusters as its round began, in order.

    Parameters
    ----------
    run : Run
    image_ids : int64 [N]
        Of the training images; those that a round did not have yet come last.
    """
    changed: list[bool] = []
    for number in range(run.completed()):
        answers, clusters = (artefacts.read(run.round(number) / name) for name in (ANSWERS, CLUSTERS))
        paid = [answer for answer in read_answers(answers, image_ids[: len(clusters)]) if answer.asked]
        changed += changes_partition(paid, clusters).tolist()
    return changed


TOO_FEW = "–  too few questions to say"


def _number(interval: Interval) -> str:
    if not interval.known:
        return TOO_FEW
    return f"{interval.value:,.0f}  {interval.low:,.0f} … {interval.high:,.0f}"


def _percent(interval: Interval) -> str:
    if not interval.known:
        return TOO_FEW
    return f"{100 * interval.value:5.1f} %  {100 * interval.low:5.1f} … {100 * interval.high:5.1f}"

"""Annotation cost: the answers of a round, the questions they cost, and what they changed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Self, get_args

import numpy as np
from numpy.typing import NDArray

from whosame.questions import Answer, Kind

KINDS: tuple[Kind, ...] = get_args(Kind)
PREFIX = "annotation/"


@dataclass(frozen=True)
class AnswerCounts:
    """Answers by verdict, and how often pairs were asked again.

    ``reasked``: further attempts at pairs whose first answer was doubted. ``found_again``: answers that people gave in
    earlier runs; they cost nothing here.
    """

    same: int = 0
    different: int = 0
    unsure: int = 0
    reasked: int = 0
    found_again: int = 0

    @property
    def answered(self) -> int:
        """Questions, each counted once."""
        return self.same + self.different + self.unsure

    @property
    def asked(self) -> int:
        """Their cost in questions: every attempt, without what was found again."""
        return self.answered + self.reasked - self.found_again

    def __add__(self, other: Self) -> Self:
        return type(self)(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


@dataclass(frozen=True)
class AnnotationCost:
    """The answers of one round, or of several rounds added up.

    Attributes
    ----------
    within, between, pool : AnswerCounts
        Answers by the kind of question, without those that followed from others. An answer that the run received
        before a crash counts as one that cost a question.
    free : int
        Pairs that followed from other answers.
    conflicts : int
        Answers that contradicted earlier ones and were not applied.
    changed : int
        Answers after which the partition changed, see :func:`changes_partition`.
    overturned : int
        Doubted answers that a later attempt replaced.
    timed : int
        Attempts with a recorded time.
    seconds : float
        Sum of these times, that of an answer capped at the idle cap times its attempts.
    """

    within: AnswerCounts = field(default_factory=AnswerCounts)
    between: AnswerCounts = field(default_factory=AnswerCounts)
    pool: AnswerCounts = field(default_factory=AnswerCounts)
    free: int = 0
    conflicts: int = 0
    changed: int = 0
    overturned: int = 0
    timed: int = 0
    seconds: float = 0.0

    @property
    def total(self) -> AnswerCounts:
        """Answers to all kinds of question together."""
        return self.within + self.between + self.pool

    def __add__(self, other: Self) -> Self:
        return type(self)(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def seconds_per_pair(self, stated: float | None = None) -> float:
        """Return the seconds an attempt costs: as stated, else the mean of the recorded times; NaN without either."""
        if stated is not None:
            return stated
        return self.seconds / self.timed if self.timed else float("nan")

    def cost_percent(self, images: int) -> float:
        """Return the questions asked as a share of all pairs of ``images``, in per cent (UCAL, Eq. 7)."""
        return 100 * self.total.asked / (images * (images - 1) / 2) if images > 1 else float("nan")

    def to_dict(self, images: int, *, seconds_per_pair: float | None = None, suffix: str = "") -> dict[str, float]:
        """Return the figures by flat names: ``annotation/asked``, with the suffix ``annotation/asked_total``.

        Parameters
        ----------
        images : int
            N, the size of the training set.
        seconds_per_pair : float, optional
            Used instead of the recorded times.
        suffix : str
            ``""`` for one round, ``"_total"`` for all so far.
        """
        total, seconds = self.total, self.seconds_per_pair(seconds_per_pair)
        figures: dict[str, float] = {
            "asked": total.asked,
            "same": total.same,
            "different": total.different,
            "unsure": total.unsure,
            "free": self.free,
            "conflicts": self.conflicts,
            "changed": self.changed,
            "reasked": total.reasked,
            "overturned": self.overturned,
            "timed": self.timed,
            "seconds": self.seconds,
            "seconds_per_pair": seconds,
            "hours": total.asked * seconds / 3600 if total.asked else 0.0,
            "cost_percent": self.cost_percent(images),
            "answers_found_again": total.found_again,
        }
        if total.same + total.different:
            figures["share_same"] = total.same / (total.same + total.different)
        for kind in KINDS:
            counts: AnswerCounts = getattr(self, kind)
            figures |= {f"{kind}_{name}": value for name, value in vars(counts).items()}
            if counts.answered:
                figures[f"{kind}_same_share"] = counts.same / counts.answered
                figures[f"{kind}_different_share"] = counts.different / counts.answered
        return {f"{PREFIX}{name}{suffix}": value for name, value in figures.items() if not np.isnan(value)}

    @classmethod
    def from_dict(cls, metrics: Mapping[str, float], *, suffix: str = "_total") -> Self:
        """Read the cost back from the metrics of a round; zeros where they have none."""

        def count(name: str) -> int:
            return int(metrics.get(f"{PREFIX}{name}{suffix}", 0))

        def counts(kind: Kind) -> AnswerCounts:
            return AnswerCounts(*(count(f"{kind}_{f.name}") for f in fields(AnswerCounts)))

        seconds = float(metrics.get(f"{PREFIX}seconds{suffix}", 0.0))
        names = ("free", "conflicts", "changed", "overturned", "timed")
        free, conflicts, changed, overturned, timed = (count(name) for name in names)
        within, between, pool = (counts(kind) for kind in KINDS)
        return cls(within, between, pool, free, conflicts, changed, overturned, timed, seconds)


def changes_partition(answers: Sequence[Answer], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which answers contradict the clusters before reassignment: these change the partition.

    Parameters
    ----------
    answers : sequence of Answer
    labels : int64 [N]
        Clusters before reassignment; a negative label is an outlier, in no cluster.

    Returns
    -------
    bool [len(answers)]
        True for "different" about a pair in one cluster, and for "same" about any other pair.
    """
    a = np.array([answer.question.a for answer in answers], dtype=np.int64)
    b = np.array([answer.question.b for answer in answers], dtype=np.int64)
    verdict = np.array([answer.verdict for answer in answers], dtype="U9")
    together = (labels[a] == labels[b]) & (labels[a] >= 0)
    contradicts: NDArray[np.bool_] = np.where(together, verdict == "different", verdict == "same")
    return contradicts


def round_cost(
    answers: Sequence[Answer],
    labels: NDArray[np.int64],
    *,
    conflicts: Collection[tuple[int, int, bool]] = (),
    idle_cap: float = 60.0,
) -> AnnotationCost:
    """Count the answers of a round.

    Parameters
    ----------
    answers : sequence of Answer
        Of this round, including free ones (source ``closure``).
    labels : int64 [N]
        Clusters before reassignment.
    conflicts : collection of (a, b, same)
        ``LabelMemory.conflicts``: an answer of this round that is among them changes nothing. Conflicts of earlier
        rounds may be among them.
    idle_cap : float
        Largest number of seconds that an attempt counts.
    """
    contradicting = set(conflicts)
    counts = {kind: vars(AnswerCounts()).copy() for kind in KINDS}
    free = clashes = changed = overturned = timed = 0
    seconds = 0.0
    for answer, changes in zip(answers, changes_partition(answers, labels), strict=True):
        if answer.source == "closure":
            free += 1
            continue
        question = answer.question
        counts[question.kind][answer.verdict] += 1
        counts[question.kind]["reasked"] += answer.attempts - 1
        counts[question.kind]["found_again"] += answer.found_again
        overturned += answer.overturned
        clash = answer.verdict != "unsure" and (question.a, question.b, answer.verdict == "same") in contradicting
        clashes += clash
        changed += bool(changes) and not clash
        if answer.seconds > 0:
            timed += answer.asked
            seconds += min(answer.seconds, idle_cap * answer.asked)
    within, between, pool = (AnswerCounts(**counts[kind]) for kind in KINDS)
    return AnnotationCost(within, between, pool, free, clashes, changed, overturned, timed, seconds)

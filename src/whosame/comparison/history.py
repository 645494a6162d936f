"""Finished runs as values, and the comparison they make: what belongs together, and what is set apart and why."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from whosame.comparison.plan import BASE, never_asks
from whosame.errors import InputError
from whosame.strategies.registry import group_of

CENTRED = "clustering.centre_cameras"
VARIED = ("strategy", "budget", "seed", CENTRED)  # what an arm is told by, and the seed
ANSWERS = (
    "annotator",
    "annotator_options.",
    "strategies.",
    "evaluation.",
)  # what does not touch a run without questions


@dataclass(frozen=True, eq=False)
class History:
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
        When it was begun, milliseconds since 1970.
    code : str
        Version of the code.
    shares : float64 [C] or None
        p_j after the last round (DCPS, Eq. 7); None where it was not kept.
    forked_from : str or None
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
    forked_from: str | None = None

    @property
    def strategy(self) -> str:
        """Who chose the questions."""
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
    def seconds(self) -> float:
        """How long the rounds took together; NaN where one was not timed."""
        return sum(metrics.get("time/round_seconds", float("nan")) for metrics in self.rounds)

    @cached_property
    def silent(self) -> bool:
        """Whether its strategy never asks."""
        return never_asks(self.strategy)

    @cached_property
    def settings(self) -> dict[str, str]:
        """The parameters its results depend on, without those that tell arms and seeds apart.

        Other strategies' groups are left out, and for a strategy that never asks all that is about answers.
        """
        own = f"strategies.{group_of(self.strategy) or self.strategy}."
        return {
            name: value
            for name, value in self.configuration.items()
            if name not in VARIED
            and (not name.startswith("strategies.") or name.startswith(own))
            and not (self.silent and name.startswith(ANSWERS))
        }


@dataclass(frozen=True, order=True)
class Arm:
    """What is compared: runs that differ in their seed only.

    Attributes
    ----------
    strategy : str
    budget : int
        0 where the strategy never asks.
    centred : bool
        Whether clusters were made on camera-centred features.
    rest : str
        Parameters that tell it from other arms of the same three, mostly empty.
    """

    strategy: str
    budget: int
    centred: bool = False
    rest: str = ""

    @property
    def method(self) -> str:
        """Its name without the budget: what has one colour in every figure."""
        return f"{self.strategy}{', cameras centred' if self.centred else ''}{f' ({self.rest})' if self.rest else ''}"


@dataclass(frozen=True)
class SetApart:
    """A run that is not in the comparison, and why."""

    run: str
    why: str


@dataclass(frozen=True, eq=False)
class Comparison:
    """Runs on the same images that can be compared.

    Attributes
    ----------
    name : str
    mode : str
        ``selection``, ``native``, or ``found``: runs that nobody planned as a comparison.
    arms : mapping of Arm to histories by seed
        The base first, the upper bound last.
    apart : tuple of SetApart
    notes : tuple of str
        What a reader should know besides.
    """

    name: str
    mode: Literal["selection", "native", "found"]
    arms: Mapping[Arm, Sequence[History]]
    apart: tuple[SetApart, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def histories(self) -> list[History]:
        """All of them."""
        return [history for found in self.arms.values() for history in found]

    @property
    def budgets(self) -> list[int]:
        """Budgets of the strategies that ask, ascending."""
        return sorted({arm.budget for arm in self.arms if arm.budget})

    @property
    def seeds(self) -> list[int]:
        """Seeds, ascending."""
        return sorted({history.seed for history in self.histories})

    def differing(self) -> dict[str, dict[str, list[str]]]:
        """Return the parameters that are not the same in all arms, as {parameter: {value: methods}}.

        Each strategy's own parameters are left out, but for its schedule.
        """
        values: dict[str, dict[str, list[str]]] = {}
        for arm, found in self.arms.items():
            for name, value in found[0].settings.items():
                own = name.startswith("strategies.")
                if own and not name.endswith(".schedule"):
                    continue
                methods = values.setdefault("schedule" if own else name, {}).setdefault(value, [])
                if arm.method not in methods:
                    methods.append(arm.method)
        return {name: found for name, found in values.items() if len(found) > 1}


def gather(
    name: str,
    histories: Iterable[History],
    *,
    mode: Literal["selection", "native", "found"] = "found",
    apart: Sequence[SetApart] = (),
    notes: Sequence[str] = (),
) -> Comparison:
    """Put together the runs that can be compared, and set the others apart.

    Compared are finished runs on one manifest: that of most of them, of the newest where that is a tie. Of two runs
    that agree in every parameter the newest counts.

    Parameters
    ----------
    name, mode, notes
        As for :class:`Comparison`.
    histories : iterable of History
    apart : sequence of SetApart
        Runs that are known to be missing.

    Raises
    ------
    InputError
        No run is finished.
    """
    everything = sorted(histories, key=lambda history: (history.created, history.run))
    left_out = list(apart)
    finished: list[History] = []
    for history in everything:
        if history.forked_from:
            left_out.append(
                SetApart(history.run, f"a fork of {history.forked_from}: its first rounds are another run's")
            )
        elif not history.finished or not history.rounds:
            of = history.configuration.get("rounds", "?")
            left_out.append(SetApart(history.run, f"unfinished: {len(history.rounds)} of {of} rounds"))
        else:
            finished.append(history)
    if not finished:
        said = "".join(f"\n  {found.run}: {found.why}" for found in left_out)
        raise InputError(f"comparison {name!r} has no finished run to show:{said}\nPlay it first: kedro compare.")
    digests = Counter(history.digest for history in finished)
    newest = {history.digest: history.created for history in finished}
    shared = max(digests, key=lambda digest: (digests[digest], newest[digest]))
    same: dict[tuple[object, ...], History] = {}
    for history in finished:
        if history.digest != shared:
            images = f"{history.dataset}, manifest {history.digest[:12]}, {history.counts.get('images', '?')} images"
            left_out.append(SetApart(history.run, f"other images: {images}"))
            continue
        key = (*_kind(history), history.seed, *sorted(history.settings.items()))
        if key in same:
            left_out.append(SetApart(same[key].run, f"the same as {history.run}, which is newer"))
        same[key] = history
    return Comparison(name, mode, _arms(list(same.values())), tuple(left_out), tuple(notes))


def _kind(history: History) -> tuple[str, int, bool]:
    budget = 0 if history.silent else int(history.configuration.get("budget", 0))
    return history.strategy, budget, history.configuration.get(CENTRED) == "True"


def _arms(histories: Sequence[History]) -> dict[Arm, list[History]]:
    kinds: dict[tuple[str, int, bool], list[History]] = {}
    for history in histories:
        kinds.setdefault(_kind(history), []).append(history)
    arms: dict[Arm, list[History]] = {}
    for (strategy, budget, centred), found in kinds.items():
        names = sorted({name for history in found for name in history.settings})
        telling = [name for name in names if len({history.settings.get(name) for history in found}) > 1]
        for history in found:
            rest = ", ".join(f"{name}={history.settings.get(name)}" for name in telling)
            arms.setdefault(Arm(strategy, budget, centred, rest), []).append(history)
    order = sorted(arms, key=lambda arm: (arm.strategy != BASE, arm.strategy == "supervised", arm))
    return {arm: sorted(arms[arm], key=lambda history: history.seed) for arm in order}

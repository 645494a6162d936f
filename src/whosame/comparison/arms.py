"""Arms of a comparison: finished runs on the same images that differ in their seed only, and the runs left out."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from whosame.comparison.bases import names_of
from whosame.comparison.plan import BASELINE, CEILING, Mode
from whosame.comparison.run_history import RunHistory
from whosame.errors import InputError


@dataclass(frozen=True, order=True)
class Arm:
    """What is compared: runs that differ in their seed only.

    Attributes
    ----------
    strategy : str
    budget : int
        0 where the strategy never asks.
    cameras : str
        How clusters use cameras; empty for the default (``camera_use``).
    rest : str
        What tells it from other arms of the same three, mostly empty: parameters, or for a baseline the strategies that
        train as it does (``as aas, ucal``).
    """

    strategy: str
    budget: int
    cameras: str = ""
    rest: str = ""

    @property
    def method(self) -> str:
        """Its name without the budget: what has one colour in every figure."""
        return f"{self.strategy}{self.cameras and f', {self.cameras}'}{self.rest and f' ({self.rest})'}"


@dataclass(frozen=True)
class ExcludedRun:
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
        ``selection``, ``native``, or ``found``: runs that were not planned as a comparison.
    arms : mapping of Arm to histories by seed
        The baseline first, the upper bound last.
    excluded : tuple of ExcludedRun
    notes : tuple of str
        What a reader should know besides.
    """

    name: str
    mode: Mode
    arms: Mapping[Arm, Sequence[RunHistory]]
    excluded: tuple[ExcludedRun, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def histories(self) -> list[RunHistory]:
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
    histories: Iterable[RunHistory],
    *,
    mode: Mode = "found",
    excluded: Sequence[ExcludedRun] = (),
    notes: Sequence[str] = (),
) -> Comparison:
    """Group the runs that can be compared into arms, and exclude the others.

    Compared are finished runs on one manifest: that of most of them, of the newest where that is a tie. Of two runs
    that agree in every parameter the newest counts.

    Parameters
    ----------
    name, mode, notes
        As for :class:`Comparison`.
    histories : iterable of RunHistory
    excluded : sequence of ExcludedRun
        Runs that are known to be missing.

    Raises
    ------
    InputError
        No run is finished.
    """
    left_out = list(excluded)
    finished: list[RunHistory] = []
    for history in sorted(histories, key=lambda history: (history.created, history.run)):
        if history.forked_from:
            why = f"a fork of {history.forked_from}: its first rounds are another run's"
            left_out.append(ExcludedRun(history.run, why))
        elif history.raised:
            left_out.append(ExcludedRun(history.run, f"raised to {history.raised}: its schedule is its own"))
        elif not history.finished or not history.rounds:
            of = history.configuration.get("rounds", "?")
            left_out.append(ExcludedRun(history.run, f"unfinished: {len(history.rounds)} of {of} rounds"))
        else:
            finished.append(history)
    if not finished:
        reasons = "".join(f"\n  {found.run}: {found.why}" for found in left_out)
        raise InputError(f"comparison {name!r} has no finished run to show:{reasons}\nPlay it first: kedro compare.")
    digests = Counter(history.digest for history in finished)
    newest = {history.digest: history.created for history in finished}
    shared = max(digests, key=lambda digest: (digests[digest], newest[digest]))
    same: dict[tuple[object, ...], RunHistory] = {}
    for history in finished:
        if history.digest != shared:
            images = f"{history.dataset}, manifest {history.digest[:12]}, {history.counts.get('images', '?')} images"
            left_out.append(ExcludedRun(history.run, f"other images: {images}"))
            continue
        key = (*_kind(history), history.seed, *sorted(history.settings.items()))
        if key in same:
            left_out.append(ExcludedRun(same[key].run, f"the same as {history.run}, which is newer"))
        same[key] = history
    return Comparison(name, mode, _arms(list(same.values())), tuple(left_out), tuple(notes))


def _kind(history: RunHistory) -> tuple[str, int, str]:
    budget = 0 if history.never_asks else int(history.configuration.get("budget", 0))
    return history.strategy, budget, history.cameras


def _arms(histories: Sequence[RunHistory]) -> dict[Arm, list[RunHistory]]:
    kinds: dict[tuple[str, int, str], list[RunHistory]] = {}
    for history in histories:
        kinds.setdefault(_kind(history), []).append(history)
    arms: dict[Arm, list[RunHistory]] = {}
    asking = [history for history in histories if not history.never_asks]
    for (strategy, budget, cameras), found in kinds.items():
        for history, rest in zip(found, _what_tells_apart(found, asking), strict=True):
            arms.setdefault(Arm(strategy, budget, cameras, rest), []).append(history)
    order = sorted(arms, key=lambda arm: (arm.strategy != BASELINE, arm.strategy == CEILING, arm))
    return {arm: sorted(arms[arm], key=lambda history: history.seed) for arm in order}


def _what_tells_apart(found: Sequence[RunHistory], asking: Sequence[RunHistory]) -> list[str]:
    """Return for each run of a kind what tells it from the others: parameters, or whose floor or ceiling it is."""
    names = sorted({name for history in found for name in history.settings})
    telling = [name for name in names if len({history.settings.get(name) for history in found}) > 1]
    told = [", ".join(f"{name}={history.settings.get(name)}" for name in telling) for history in found]
    if not telling or found[0].strategy not in (BASELINE, CEILING):
        return told
    ceiling = found[0].strategy == CEILING
    alike = [other for other in asking if ceiling or other.cameras == found[0].cameras]
    names_by_base = names_of((other.base_of_ceiling if ceiling else other.base, other.strategy) for other in alike)
    unique = [name for name, times in Counter(names_by_base.values()).items() if times == 1]
    shared = [names_by_base.get(history.base, "") for history in found]
    return [name if name in unique else text for name, text in zip(shared, told, strict=True)]

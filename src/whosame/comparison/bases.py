"""Bases of a comparison: what a method trains with apart from its questions, and the floor and ceiling of each base.

The floor of a base is what it reaches without a question (``none``), the ceiling what it reaches with true labels
(``supervised``). A method's gain is read against those of its own base: networks, losses and clusterings differ more
than questions do.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from whosame.comparison.camera_use import CAMERA_USE, camera_use
from whosame.comparison.native import NATIVE, native_changes, strategy_of
from whosame.comparison.plan import BASELINE, CEILING, Nested
from whosame.configuration import Configuration
from whosame.errors import ParameterError
from whosame.parameters import merge, parse
from whosame.runs import flatten

Base = frozenset[tuple[str, str]]
PlannedArm = tuple[str, str, Nested]  # label in the names of its runs, strategy, changes of parameters

# Parameters that tell arms and seeds apart
VARIED = ("strategy", "budget", "seed", *CAMERA_USE)
# Parameters without an effect on a run that asks nothing
ABOUT_ANSWERS = (
    "annotator",
    "strategies.",
    "clustering.reuse",
    *(f"evaluation.{name}" for name in ("seconds_per_pair", "idle_cap", "kappa", "pairs_shown")),
)


def base_of(settings: Mapping[str, Any], strategy: str = BASELINE) -> Base:
    """Return the base that flat parameters describe: those that a run without questions depends on.

    How clusters use cameras is not among them: floors that differ in it are floors of one base.

    Parameters
    ----------
    settings : mapping
        Flat: ``clustering.eps``.
    strategy : str
        For ``supervised`` the base has no clustering: the labels are the true ones, whatever the clusters are.
    """
    left_out = (*ABOUT_ANSWERS, "clustering.") if strategy == CEILING else ABOUT_ANSWERS
    return frozenset(
        (name, str(value)) for name, value in settings.items() if name not in VARIED and not name.startswith(left_out)
    )


def native_arms(parameters: Mapping[str, Any], strategies: Sequence[str], problems: list[str]) -> list[PlannedArm]:
    """Return label, strategy and parameters of each arm: floors first, ceilings last."""
    floors, ceilings = (base_runs(strategy, parameters, strategies, problems) for strategy in (BASELINE, CEILING))
    own = [
        (name, strategy_of(name), native_changes(parameters, name))
        for name in strategies
        if name not in (BASELINE, CEILING)
    ]
    return [*floors, *own, *ceilings]


def base_runs(
    strategy: str, parameters: Mapping[str, Any], compared: Sequence[str], problems: list[str]
) -> list[PlannedArm]:
    """Return the floor or the ceiling of each base of a native comparison, once where methods share a base.

    One that trains as configured is called ``none``, another ``none-ucal``, after the first of ``native.py`` that does.

    Parameters
    ----------
    strategy : str
        ``none``: floors, ``supervised``: ceilings.
    parameters : mapping
        All parameters of the comparison.
    compared : sequence of str
        The names that are compared natively.
    problems : list of str
        What is wrong with a native setting is added.
    """
    made: dict[tuple[Base, str], PlannedArm] = {}
    wanted = set()
    for name in ("", *NATIVE, *compared):  # the configured base has no name; then those of native.py
        changes = _without_questions(native_changes(parameters, name)) if name else {}
        try:
            configuration = parse(Configuration, merge(parameters, changes, {"strategy": strategy}))
        except ParameterError as error:
            problems += [str(error)] if name in compared else []
            continue
        settings = flatten(configuration.result_parameters())
        base = base_of(settings, strategy), camera_use(settings) if strategy == BASELINE else ""
        label = f"{strategy}-{name}" if name else strategy
        made.setdefault(base, (label, strategy, changes))
        if name in compared:
            wanted.add(base)
    return [arm for base, arm in made.items() if base in wanted]


def _without_questions(changes: Mapping[str, Any]) -> Nested:
    return {name: value for name, value in changes.items() if name not in ("budget", "strategies")}


def names_of(bases: Iterable[tuple[Base, str]]) -> dict[Base, str]:
    """Return for each base the methods that have it: ``as aas, ucal``."""
    methods: dict[Base, list[str]] = {}
    for base, method in bases:
        methods.setdefault(base, []).append(method)
    return {base: f"as {', '.join(sorted(set(found)))}" for base, found in methods.items()}

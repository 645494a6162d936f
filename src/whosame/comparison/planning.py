"""Planning a comparison: strategies × budgets × seeds, and what they are compared with."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from whosame.clustering import resolve_distance
from whosame.comparison.bases import PlannedArm, native_arms
from whosame.comparison.camera_use import BESIDE, USES, camera_use
from whosame.comparison.option_checks import check_names, check_run_names, whole_numbers
from whosame.comparison.plan import BASELINE, CEILING, Nested, Plan, PlannedRun, never_asks
from whosame.configuration import ComparisonConfig, Configuration
from whosame.data.manifest import TrainSet, Truth
from whosame.errors import ParameterError, WhosameError
from whosame.parameters import merge, parse
from whosame.runs import flatten
from whosame.strategies.registry import StrategiesConfig


def make_plan(
    name: str,
    parameters: Mapping[str, Any],
    typed: Mapping[str, Any],
    *,
    strategies: Sequence[str],
    budgets: Sequence[str | int],
    seeds: Sequence[str | int],
    mode: str = "selection",
) -> Plan:
    """Plan a comparison.

    Strategies that never ask are played once a seed, with budget 0. In mode ``selection`` everything but the questions
    is the same: every group of ``strategies`` that has a schedule gets ``compare.schedule``, and the baseline without
    questions is always among them, as configured (``none``) and with other uses of cameras (``none-plain``,
    ``none-centred``, ``none-camera-aware``: those of :data:`~whosame.comparison.camera_use.BESIDE` that the configured
    one is not). In mode ``native`` a strategy's own network, clustering, loss, schedule and budget come from the group
    ``native``, and each of these bases has a floor (``none``) and a ceiling (``supervised``).

    Parameters
    ----------
    name : str
        Of the comparison; run names begin with it.
    parameters : mapping
        All parameters, as the configuration gives them with ``typed`` applied.
    typed : mapping
        The ``--params`` of the command, nested: passed on to every run.
    strategies, budgets, seeds : sequence
        Names (in mode ``native`` its variants too), questions of a run (at least one a round), seeds from 0; each
        without repetition.
    mode : str
        ``selection`` or ``native``.

    Raises
    ------
    ParameterError
        Everything that is wrong, at once: unknown names with near ones, budgets of 0 or below one question a round,
        repetitions, parameters that are not the comparison's to take.
    """
    problems = check_names(name, typed, strategies, mode)
    budget_numbers = whole_numbers(budgets, "budgets", 1, problems)
    seed_numbers = whole_numbers(seeds, "seeds", 0, problems)
    rounds = parameters.get("rounds", Configuration.model_fields["rounds"].default)
    if isinstance(rounds, int):
        problems += [
            f"--budgets: {budget} is below one question a round: there are {rounds} rounds"
            for budget in budget_numbers
            if budget < rounds
        ]
    common: Nested = {}
    try:
        config = parse(ComparisonConfig, parameters.get("compare", {}), "compare")
        if mode == "selection":
            common = one_schedule(parameters.get("strategies", {}), config.schedule)
    except ParameterError as error:
        problems.append(str(error))
    if problems:
        try:
            parse(Configuration, parameters)  # what else is wrong, whatever is compared
        except ParameterError as error:
            problems.append(str(error))
        raise ParameterError("\n".join(dict.fromkeys(problems)))

    typed = {key: value for key, value in typed.items() if key != "compare"}
    native = mode == "native"
    arms = native_arms(parameters, strategies, problems) if native else _selection_arms(strategies, parameters)
    runs: list[PlannedRun] = []
    for label, strategy, own in arms:
        for budget in _budgets_of(strategy, own, budget_numbers, problems):
            for seed in seed_numbers:
                run = "-".join([name, label, *([str(budget)] if budget else []), f"s{seed}"])
                settings = {"strategy": strategy, "budget": budget, "seed": seed, "run": run}
                runs.append(PlannedRun(run, strategy, budget, seed, merge(typed, common, own, settings)))
    problems += check_run_names([run.name for run in runs])
    own_budgets = [
        f"{strategy} was asked its own budget of {budget:,} questions, not the comparison's."
        for strategy, budget in dict.fromkeys((run.strategy, run.budget) for run in runs)
        if budget and budget not in budget_numbers
    ]
    notes = _check_configurations(runs, parameters, mode, problems)
    if problems:
        raise ParameterError("\n".join(dict.fromkeys(problems)))
    return Plan(name, "native" if native else "selection", tuple(runs), (*notes, *own_budgets))


def fit_to_images(plan: Plan, parameters: Mapping[str, Any], train_set: TrainSet, truth: Truth) -> Plan:
    """Check a plan against the images it is to be played on.

    Returns
    -------
    Plan
        Without the baselines that differ in their use of cameras where fewer than two are known, without a native
        comparison's ceilings where people are not; a note says so.

    Raises
    ------
    ParameterError
        What :meth:`Configuration.check_against` finds, of all runs at once: a budget above all pairs, for example.
    """
    if plan.mode == "selection" and resolve_distance("auto", train_set.cameras) == "jaccard":
        configured = {f"{plan.name}-{BASELINE}-s{run.seed}" for run in plan.runs}
        kept = tuple(run for run in plan.runs if run.strategy != BASELINE or run.name in configured)
        note = "Baselines with another use of cameras were left out: fewer than two cameras of these images are known."
        plan = Plan(plan.name, plan.mode, kept, (*plan.notes, note))
    if plan.mode == "native" and not truth.known:
        kept = tuple(run for run in plan.runs if run.strategy != CEILING)
        note = "The ceilings (supervised) were left out: these images do not say who is shown."
        plan = Plan(plan.name, plan.mode, kept, (*plan.notes, note))
    problems = []
    for run in plan.runs:
        try:
            parse(Configuration, merge(parameters, run.parameters)).check_against(train_set, truth)
        except WhosameError as error:
            problems.append(str(error))
    if problems:
        raise ParameterError("\n".join(dict.fromkeys(problems)))
    return plan


def one_schedule(groups: Mapping[str, Any], schedule: str) -> Nested:
    """Return the parameters that give every strategy which has a schedule the same one."""
    of_other_packages = {name for name, group in groups.items() if isinstance(group, Mapping) and "schedule" in group}
    having = of_other_packages.union(StrategiesConfig.model_fields)
    return {"strategies": {name: {"schedule": schedule} for name in sorted(having)}}


def _budgets_of(strategy: str, own: Nested, budgets: Sequence[int], problems: list[str]) -> Iterable[int]:
    if never_asks(strategy):
        return [0]
    if "budget" not in own:
        return budgets
    if not isinstance(own["budget"], int) or own["budget"] < 1:
        problems.append(f"native.{strategy}.budget is {own['budget']!r}, but takes a number of questions, 1 or more")
        return []
    return [own["budget"]]


def _selection_arms(strategies: Sequence[str], parameters: Mapping[str, Any]) -> list[PlannedArm]:
    """Return label, strategy and parameters of each arm: the baselines first, the configured one before the others."""
    configured = camera_use({**flatten(Configuration().model_dump()), **flatten(parameters)})
    beside = [
        (f"{BASELINE}-{suffix}", BASELINE, {"clustering": changes})
        for use, suffix, changes in USES.values()
        if suffix in BESIDE and use != configured
    ]
    return [(BASELINE, BASELINE, {}), *beside, *((name, name, {}) for name in strategies if name != BASELINE)]


def _check_configurations(
    runs: Sequence[PlannedRun], parameters: Mapping[str, Any], mode: str, problems: list[str]
) -> tuple[str, ...]:
    """Add what is wrong with a run's parameters to the problems; note strategies with a schedule of their own."""
    spending: dict[int, dict[str, list[int]]] = {}
    for run in runs:
        try:
            configuration = parse(Configuration, merge(parameters, run.parameters))
        except ParameterError as error:
            problems.append(str(error))
            continue
        if run.budget:
            schedule = configuration.make_strategy().schedule(run.budget, configuration.rounds)
            spending.setdefault(run.budget, {})[run.strategy] = schedule
    notes = []
    for found in spending.values() if mode == "selection" else ():
        usual = max(found.values(), key=lambda schedule: sum(other == schedule for other in found.values()))
        notes += [
            f"{strategy} has a schedule of its own and did not take the common one."
            for strategy, schedule in found.items()
            if schedule != usual
        ]
    return tuple(dict.fromkeys(notes))

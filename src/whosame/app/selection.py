"""Selection of a part of a pipeline, as ``kedro run`` takes it: names are checked before anything is read."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kedro.io import MemoryDataset
from kedro.pipeline import Pipeline

from whosame.errors import ParameterError, unknown_name

DEFAULT = "__default__"
NODES = {"node_names": "--nodes", "from_nodes": "--from-nodes", "to_nodes": "--to-nodes"}
DATASETS = {"from_inputs": "--from-inputs", "to_outputs": "--to-outputs"}
LEAVING_OUT = {**NODES, **DATASETS, "tags": "--tags", "namespaces": "--namespaces"}


def check_selection(options: Mapping[str, Any], pipelines: Mapping[str, Pipeline]) -> dict[str, list[str]]:
    """Check the names of pipelines, nodes, datasets, tags and namespaces.

    Parameters
    ----------
    options : mapping
        Those of ``kedro run``.
    pipelines : mapping
        The pipelines by name.

    Returns
    -------
    dict
        The options that name nodes, with whole names: ``model.train`` for ``train``.

    Raises
    ------
    ParameterError
        Names that are unknown, all of them, with near ones; or no node has all that is asked for.
    """
    chosen = [name for name in (options["pipeline"], *options["pipelines"]) if name] or [DEFAULT]
    problems = _unknown("pipeline", chosen, pipelines, hidden=DEFAULT)
    if problems:
        raise ParameterError("\n".join(problems))
    pipeline = sum((pipelines[name] for name in chosen), Pipeline([]))
    whole = {each.name: each.name for each in pipeline.nodes} | {each.short_name: each.name for each in pipeline.nodes}
    of = "" if chosen == [DEFAULT] else f" of pipeline {'+'.join(chosen)}"
    names = {each.short_name for each in pipeline.nodes}
    for option, flag in NODES.items():
        problems += _unknown(f"node{of} in {flag}", options[option], names, whole)
    for option, flag in DATASETS.items():
        problems += _unknown(f"dataset{of} in {flag}", options[option], pipeline.datasets())
    spaces = {each.namespace for each in pipeline.nodes if each.namespace}
    problems += _unknown(f"tag{of} in --tags", options["tags"], {tag for each in pipeline.nodes for tag in each.tags})
    problems += _unknown(f"namespace{of} in --namespaces", options["namespaces"], spaces)
    if problems:
        raise ParameterError("\n".join(problems))
    named = {option: [whole[name] for name in options[option]] for option in NODES}
    selected = (
        {name: options[name] for name in (*DATASETS, "tags")} | named | {"node_namespaces": options["namespaces"]}
    )
    try:
        pipeline.filter(**{name: value or None for name, value in selected.items()})
    except ValueError as error:
        raise ParameterError(f"{_typed(options)} leave no node to run: type fewer of them") from error
    return named


def check_inputs(pipeline: Pipeline, catalog: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """Check that what the nodes of a part of a pipeline need is kept in files.

    Parameters
    ----------
    pipeline : Pipeline
        The nodes that are to be run.
    catalog : mapping
        Kedro's datasets.
    options : mapping
        What the part was selected by.

    Raises
    ------
    ParameterError
        It needs what only a node that is left out makes, in memory.
    """
    needed = {name for name in pipeline.inputs() if name != "parameters" and not name.startswith("params:")}
    lost = sorted(name for name in needed if isinstance(catalog.get(name), MemoryDataset | None))
    if lost:
        raise ParameterError(
            f"{_typed(options) or 'this part'} cannot be run alone: it needs {', '.join(lost)}, which nodes that are "
            "left out keep in memory only. Type kedro rounds, or kedro run --only-missing-outputs: an interrupted "
            "round goes on where it was. --to-nodes=NODE ends after a node."
        )


def _typed(options: Mapping[str, Any]) -> str:
    return " ".join(f"{flag}={','.join(options[name])}" for name, flag in LEAVING_OUT.items() if options.get(name))


def _unknown(
    kind: str, names: Sequence[str], known: Iterable[str], taken: Iterable[str] | None = None, *, hidden: str = ""
) -> list[str]:
    offered = [name for name in known if name != hidden]
    allowed = {*(known if taken is None else taken)}
    return [str(unknown_name(kind, name, offered)) for name in names if name not in allowed]

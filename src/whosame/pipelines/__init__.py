"""The Kedro pipelines: nodes that parse their own parameters and call the core."""

from collections.abc import Callable
from typing import Any

from kedro.pipeline import Node


def stage_node(stage: str, function: Callable[..., Any], inputs: str, outputs: str) -> Node:
    """Return a node of a stage.

    kedro-viz draws a stage as one box that opens. In a command the stage is part of the node's name: ``model.train``.

    Parameters
    ----------
    stage : str
        The node's namespace and tag.
    function : callable
        Its name is the node's.
    inputs, outputs : str
        Names of data and parameters, separated by spaces; inputs in the order of the function's arguments.
    """
    made = outputs.split()
    return Node(
        function,
        inputs.split(),
        made if len(made) > 1 else outputs,
        name=function.__name__,
        namespace=stage,
        tags=[stage],
    )

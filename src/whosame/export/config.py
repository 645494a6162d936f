"""Parameters of an export."""

from typing import Literal

from whosame.parameters import Parameters, parameter


class ExportConfig(Parameters):
    """What is written of a run for use elsewhere, and in which form."""

    onnx: bool = True
    """Whether the network is written as ONNX, and with it the model that programs and MLflow load; false for a network
    with an operator that ONNX lacks."""
    folders: Literal["links", "copies", "none"] = "links"
    """A folder an identity, with links to its images, or with copies, which can be moved to another machine."""
    mlflow: bool = True
    """Whether the model is written as a model of MLflow, logged and registered."""
    registered_as: str | None = parameter(None, takes="the name of a registered model, or null")
    """The name that it is registered by; null: whosame-RUN."""

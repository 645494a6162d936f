"""Packages that an export needs and a run does not."""

import importlib.util

from whosame.errors import ParameterError

PACKAGES = ("onnx", "onnxscript", "onnxruntime")


def check_packages() -> None:
    """Check that the packages for ONNX are there.

    Raises
    ------
    ParameterError
        They are not: the message names them and how to get them.
    """
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise ParameterError(
            f"an export needs the packages {', '.join(missing)}: pip install --editable '.[export]'. "
            "kedro search and kedro identities need none of them."
        )

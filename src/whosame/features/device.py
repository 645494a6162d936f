"""Devices and precision: CPU or GPU, float32 or bfloat16."""

from typing import Literal

import torch

from whosame.errors import ParameterError

Precision = Literal["float32", "bfloat16"]


def find_device(name: str, precision: Precision = "float32") -> torch.device:
    """Return the device that ``device`` names.

    Parameters
    ----------
    name : str
        ``cpu``, ``cuda`` or ``auto``: the GPU where torch sees one.
    precision : str
        What it is to compute with.

    Raises
    ------
    ParameterError
        Another name, ``cuda`` where torch sees no GPU, or ``bfloat16`` on a GPU without it.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise ParameterError(f"device is {name!r}, but takes auto, cpu or cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise ParameterError(
            "device is 'cuda', but torch sees no GPU: use device=cpu or device=auto, or look at the driver "
            "(nvidia-smi) and at torch's build (python -c 'import torch; print(torch.version.cuda)')"
        )
    device = torch.device("cuda" if name == "cuda" or (name == "auto" and torch.cuda.is_available()) else "cpu")
    native = device.type != "cuda" or torch.cuda.is_bf16_supported(including_emulation=False)
    if precision == "bfloat16" and not native:
        gpu = torch.cuda.get_device_name()
        raise ParameterError(f"precision is 'bfloat16', but {gpu} does not compute with it: use precision=float32")
    return device


def autocast(device: torch.device, precision: Precision) -> torch.autocast:
    """Return the context in which convolutions run in a precision.

    bfloat16 has the range of float32, so that no gradient needs scaling and no scaler's state needs saving. Weights,
    features and losses stay float32.
    """
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16")

"""Devices: CPU or GPU, with mixed precision and channels-last memory on a GPU."""

import torch

from whosame.errors import ParameterError


def find_device(name: str) -> torch.device:
    """Return the device that ``device`` names.

    Parameters
    ----------
    name : str
        ``cpu``, ``cuda`` or ``auto``: the GPU where torch sees one.

    Raises
    ------
    ParameterError
        Another name, or ``cuda`` where torch sees no GPU.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise ParameterError(f"device is {name!r}, but takes auto, cpu or cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise ParameterError(
            "device is 'cuda', but torch sees no GPU: use device=cpu or device=auto, or look at the driver "
            "(nvidia-smi) and at torch's build (python -c 'import torch; print(torch.version.cuda)')"
        )
    return torch.device("cuda" if name == "cuda" or (name == "auto" and torch.cuda.is_available()) else "cpu")


def autocast(device: torch.device) -> torch.autocast:
    """Return the context in which convolutions run in bfloat16 on a GPU that has it, unchanged elsewhere.

    bfloat16 has the range of float32, so that no gradient needs scaling and no scaler's state needs saving.
    """
    mixed = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=mixed)


def memory_format(device: torch.device) -> torch.memory_format:
    """Return the memory layout of images: channels last on a GPU, for its tensor cores; slow on a CPU."""
    return torch.channels_last if device.type == "cuda" else torch.contiguous_format

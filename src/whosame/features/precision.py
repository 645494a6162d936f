"""How numbers are kept on a device: mixed precision and channels-last on a GPU, plain float32 on a CPU."""

import torch


def autocast(device: torch.device) -> torch.autocast:
    """Return the context in which convolutions run in bfloat16 on a GPU that has it, and as they are elsewhere.

    bfloat16 has the range of float32, so that no gradient needs scaling and no scaler's state needs saving.
    """
    mixed = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=mixed)


def memory_format(device: torch.device) -> torch.memory_format:
    """Return how images lie in memory: channels last on a GPU, for its tensor cores; on a CPU that is much slower."""
    return torch.channels_last if device.type == "cuda" else torch.contiguous_format

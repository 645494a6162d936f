"""Reading of ``.safetensors``, the form of timm's weights on the hub: a header in JSON, then plain numbers."""

import json
import math
from pathlib import Path

import torch
from torch import Tensor

DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file by name.

    Raises
    ------
    ValueError
        The file is damaged, or of a dtype that weights do not have.
    """
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    if len(content) < start:
        raise ValueError("its header is cut off")
    header = json.loads(content[8:start])
    return {name: _tensor(content, start, name, entry) for name, entry in header.items() if name != "__metadata__"}


def _tensor(content: bytes, start: int, name: str, entry: dict[str, list[int]]) -> Tensor:
    dtype, shape, (begin, end) = DTYPES.get(str(entry["dtype"])), entry["shape"], entry["data_offsets"]
    if dtype is None:
        raise ValueError(f"{name} has the dtype {entry['dtype']}")
    count = math.prod(shape)
    if begin < 0 or end - begin != count * dtype.itemsize or start + end > len(content):
        raise ValueError(f"{name} is cut off")
    if count == 0:
        return torch.empty(shape, dtype=dtype)
    return torch.frombuffer(bytearray(content[start + begin : start + end]), dtype=dtype).reshape(shape)

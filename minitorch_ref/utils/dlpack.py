"""Exchange of memory with other libraries by capsules; `torch.from_dlpack` takes their arrays too."""

from __future__ import annotations

from typing import Any

from ..ops.from_data import from_dlpack
from ..tensor import Tensor

__all__ = ["from_dlpack", "to_dlpack"]


def to_dlpack(tensor: Tensor) -> Any:
    """A capsule of the tensor's memory, which may be opened once."""
    # of an older version the other side could not tell that it may write
    return tensor.__dlpack__(max_version=(1, 0))

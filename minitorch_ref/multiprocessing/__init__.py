"""torch.multiprocessing: Python's own, where tensors in shared memory travel without a copy.

Differs from torch: a tensor that was not put there with `share_memory_` travels as a copy.
"""

from __future__ import annotations

import multiprocessing
import sys
from multiprocessing import *  # noqa: F403
from multiprocessing.reduction import ForkingPickler

from ..nn.parameter import Parameter
from ..shared import reduce_tensor
from ..tensor import Tensor
from .spawning import (
    ProcessContext,
    ProcessException,
    ProcessExitedException,
    ProcessRaisedException,
    spawn,
    start_processes,
)

__all__ = [
    "ProcessContext", "ProcessException", "ProcessExitedException", "ProcessRaisedException",
    "get_all_sharing_strategies", "get_sharing_strategy", "set_sharing_strategy", "spawn",
    "start_processes", *multiprocessing.__all__,
]  # fmt: skip

_STRATEGIES = {"file_system"} if sys.platform == "win32" else {"file_descriptor"}


def get_all_sharing_strategies() -> set[str]:
    """How memory can be shared here: by file descriptor."""
    return set(_STRATEGIES)


def get_sharing_strategy() -> str:
    """How memory is shared: there is one way."""
    return next(iter(_STRATEGIES))


def set_sharing_strategy(new_strategy: str) -> None:
    """Accepts the one that there is; "file_system" too, since descriptors do all that it does."""
    if new_strategy not in _STRATEGIES | {"file_system"}:
        raise AssertionError(
            f"invalid sharing strategy {new_strategy!r}, expected one of {_STRATEGIES}"
        )


for _kind in (Tensor, Parameter):
    ForkingPickler.register(_kind, reduce_tensor)

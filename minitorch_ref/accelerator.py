"""torch.accelerator as it is where there is none: it can be asked for, and the answer is no."""

from __future__ import annotations

import warnings
from typing import Any

from .device import device

__all__ = [
    "current_accelerator", "current_device_idx", "current_device_index", "current_stream",
    "device_count", "device_index", "empty_cache", "empty_host_cache", "get_device_capability",
    "get_memory_info", "is_available", "max_memory_allocated", "max_memory_reserved",
    "memory_allocated", "memory_reserved", "memory_stats", "reset_accumulated_memory_stats",
    "reset_peak_memory_stats", "set_device_idx", "set_device_index", "set_stream", "synchronize",
]  # fmt: skip


def is_available() -> bool:
    """False: this engine computes on the CPU."""
    return False


def device_count() -> int:
    """0."""
    return 0


def current_accelerator(check_available: bool = False) -> device | None:
    """None: there is no accelerator."""
    return None


def _refuse(*args: Any, **kwargs: Any) -> Any:
    raise RuntimeError("Cannot access accelerator device when none is available.")


current_device_index = set_device_index = current_stream = set_stream = synchronize = _refuse
get_device_capability = empty_cache = empty_host_cache = get_memory_info = memory_stats = _refuse
memory_allocated = max_memory_allocated = memory_reserved = max_memory_reserved = _refuse
reset_peak_memory_stats = reset_accumulated_memory_stats = _refuse


def current_device_idx() -> int:
    """The old name of `current_device_index`."""
    warnings.warn("Use `current_device_index` instead.", FutureWarning, stacklevel=2)
    return _refuse()


def set_device_idx(device: Any, /) -> None:
    """The old name of `set_device_index`."""
    warnings.warn("Use `set_device_index` instead.", FutureWarning, stacklevel=2)
    _refuse()


class device_index:  # noqa: N801 - torch's own name
    """A context in which another accelerator is the current one; None changes nothing."""

    def __init__(self, device: int | None, /) -> None:
        self.idx = device

    def __enter__(self) -> None:
        if self.idx is not None:
            _refuse()

    def __exit__(self, *exception: object) -> None:
        pass

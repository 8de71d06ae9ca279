"""torch.cuda as it is where there is no GPU: it can be asked, and it answers no."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any


def is_available() -> bool:
    """False: this engine computes on the CPU."""
    return False


def is_initialized() -> bool:
    """False: there is nothing to initialise."""
    return False


def device_count() -> int:
    """0."""
    return 0


def manual_seed(seed: int) -> None:
    """Nothing to seed, as in a torch without CUDA."""


def manual_seed_all(seed: int) -> None:
    """Nothing to seed, as in a torch without CUDA."""


def empty_cache() -> None:
    """Nothing to empty."""


def __getattr__(name: str) -> Any:
    if name == "amp":  # imported when first asked for
        import importlib

        return importlib.import_module(".amp", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _refuse(*args: Any, **kwargs: Any) -> Any:
    raise AssertionError("Torch not compiled with CUDA enabled")


current_device = get_device_name = get_device_properties = synchronize = set_device = _refuse
current_stream = Stream = Event = memory_allocated = max_memory_allocated = _refuse


@contextlib.contextmanager
def device(where: Any) -> Iterator[None]:
    """A context in which `where` is the current GPU; None and -1 change nothing."""
    if where is not None and where != -1:
        _refuse()
    yield

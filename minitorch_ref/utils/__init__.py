"""Helpers around the engine: data loading, hooks, checkpointing."""

from __future__ import annotations

import importlib
from typing import Any


def __getattr__(name: str) -> Any:
    """The parts of this package, imported when first asked for."""
    if name in ("checkpoint", "data", "dlpack", "hooks"):
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

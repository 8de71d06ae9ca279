"""Reverse-mode differentiation: `backward`, `grad`, custom `Function`s, modes and checkers.

Read in this order: `graph.py` (what is recorded), `engine.py` (how gradients flow back),
`inplace.py` (writing into tensors and views), `modes.py`, `function.py`, then the checkers.
"""

from __future__ import annotations

import importlib
from typing import Any

# Resolved at first use: tensor.py needs autograd.modes before the rest of this package can exist.
_WHERE = {
    "backward": "engine", "grad": "engine", "Function": "function",
    "enable_grad": "modes", "inference_mode": "modes", "no_grad": "modes",
    "set_grad_enabled": "modes", "gradcheck": "checking", "gradgradcheck": "checking",
    "detect_anomaly": "anomaly", "set_detect_anomaly": "anomaly",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name == "Variable":
        from ..tensor import Tensor

        return Tensor
    if name in (
        "functional", "function", "engine", "graph", "anomaly", "anomaly_mode", "grad_mode", "variable",
    ):  # fmt: skip
        return importlib.import_module(f".{name}", __name__)
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_WHERE[name]}", __name__), name)
    globals()[name] = value
    return value

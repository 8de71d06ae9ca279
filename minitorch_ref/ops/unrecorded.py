"""Results without a derivative that torch defines: their node says so when backward reaches it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd.graph import record, requires_grad
from ..autograd.inplace import move_to
from ..autograd.modes import state
from ..tensor import Tensor


def without_derivative(name: str, data: np.ndarray, *operands: Tensor) -> Tensor:
    """`data` as a result whose node, NotImplemented, raises torch's RuntimeError in backward."""

    def refuse(g: Any) -> Any:
        raise RuntimeError(f"derivative for aten::{name} is not implemented")

    named = {f"operand{i}": (x, refuse) for i, x in enumerate(operands)}
    return record("NotImplemented", data, **named)


def mark(out: Tensor, name: str, *operands: Tensor) -> Tensor:
    """Let `out`, which was just written, be such a result if an operand requires grad."""
    if state.grad and any(requires_grad(x) for x in operands):
        move_to(out, without_derivative(name, out._array, *operands))
    return out

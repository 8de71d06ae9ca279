"""Plain: a bare array with the arithmetic of a Tensor, for the optimizers' updates.

The updates are written with torch's methods, in torch's order, since the order decides the last
bit.  On a Plain they run without graph, dispatch or checks, at the cost of NumPy alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernels import fma
from ..tensor import Tensor


def number(value: Any) -> Any:
    """The Python number in a 0-d tensor; other values as they are."""
    return value.item() if isinstance(value, Tensor) else value


class Plain:
    """A bare array with the arithmetic of a Tensor, rounding for rounding."""

    __slots__ = ("a",)

    def __init__(self, array: np.ndarray) -> None:
        self.a = array

    def _operand(self, other: Any) -> Any:
        """An array, or a number; beside float16 torch takes numbers in float32."""
        if type(other) is Plain:
            return other.a
        value = number(other)
        return np.float32(value) if self.a.dtype.char == "e" else value

    def _like(self, result: np.ndarray) -> Plain:
        return Plain(result.astype(self.a.dtype, copy=False))

    # In place: each returns self, as torch's methods do.

    def add_(self, other: Any, *, alpha: Any = 1) -> Plain:
        if type(other) is Plain:
            fma.axpy(self.a, other.a, number(alpha))
        else:
            np.add(self.a, self._operand(other), out=self.a, casting="same_kind")
        return self

    def mul_(self, other: Any) -> Plain:
        np.multiply(self.a, self._operand(other), out=self.a, casting="same_kind")
        return self

    def div_(self, other: Any) -> Plain:
        np.divide(self.a, self._operand(other), out=self.a, casting="same_kind")
        return self

    def sqrt_(self) -> Plain:
        np.sqrt(self.a, out=self.a)
        return self

    def lerp_(self, end: Plain, weight: Any) -> Plain:
        fma.lerp(self.a, end.a, number(weight))
        return self

    def addcmul_(self, x: Plain, y: Plain, *, value: Any = 1) -> Plain:
        fma.addcmul(self.a, x.a, y.a, number(value))
        return self

    def addcdiv_(self, x: Plain, y: Plain, *, value: Any = 1) -> Plain:
        fma.addcdiv(self.a, x.a, y.a, number(value))
        return self

    def maximum_(self, other: Plain) -> Plain:
        np.maximum(self.a, other.a, out=self.a)
        return self

    def copy_(self, other: Plain) -> Plain:
        np.copyto(self.a, other.a)
        return self

    def clamp_(self, low: float, high: float) -> Plain:
        np.clip(self.a, low, high, out=self.a)
        return self

    def __setitem__(self, mask: np.ndarray, value: float) -> None:
        self.a[mask] = value

    # Out of place.

    def detach(self) -> Plain:
        return self

    def clone(self) -> Plain:
        return Plain(self.a.copy())

    def add(self, other: Any, *, alpha: Any = 1) -> Plain:
        return self.clone().add_(other, alpha=alpha)

    def addcmul(self, x: Plain, y: Plain, *, value: Any = 1) -> Plain:
        return self.clone().addcmul_(x, y, value=value)

    def sub(self, other: Plain) -> Plain:
        return Plain(np.subtract(self.a, other.a))

    def sqrt(self) -> Plain:
        return Plain(np.sqrt(self.a))

    def abs(self) -> Plain:
        return Plain(np.abs(self.a))

    def sign(self) -> Plain:
        """-1, 0 or 1; 0 for NaN as in torch."""
        return Plain(np.subtract(self.a > 0, self.a < 0, dtype=self.a.dtype))

    def gt(self, bound: float) -> np.ndarray:
        return self.a > bound

    def lt(self, bound: float) -> np.ndarray:
        return self.a < bound

    def eq(self, value: float) -> np.ndarray:
        return self.a == value

    def __neg__(self) -> Plain:
        return Plain(np.negative(self.a))

    def __mul__(self, other: Any) -> Plain:
        return self._like(np.multiply(self.a, self._operand(other)))

    def __truediv__(self, other: Any) -> Plain:
        return self._like(np.divide(self.a, self._operand(other)))

    def __rtruediv__(self, other: Any) -> Plain:
        return Plain(np.reciprocal(self.a)).mul_(other)  # as torch has it: two roundings


def maximum_(x: Any, y: Any) -> None:
    """x becomes the larger of x and y."""
    if type(x) is Plain:
        x.maximum_(y)
    else:
        x.copy_(x.clone().maximum(y))


def kept(x: Any) -> Any:
    """What the graph may hold on to, when there is one: x itself changes in the next step."""
    return x if type(x) is Plain else x.clone()

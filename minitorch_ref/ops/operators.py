"""Python's operators on tensors: `+ - * / // % ** @`, comparisons, `& | ^ ~ << >>`.

A NumPy array is no operand, as in torch: the operator steps back, and `tensor + array` is then
NumPy's own sum, handed back as a tensor; `array + tensor` is a TypeError.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..tensor import Tensor
from . import pointwise as p
from .arithmetic import pow
from .common import array_as, is_number
from .matmul import matmul


def _step_back(self: Tensor, other: Any) -> Any:
    """What operands that are neither tensors nor numbers get: their own turn."""
    return NotImplemented


def _forward(name: str, function: Callable[..., Any], otherwise: Any = _step_back) -> None:
    """`a ∘ b`."""

    def method(self: Tensor, other: Any) -> Any:
        if not isinstance(other, Tensor) and not is_number(other):
            return otherwise(self, other)
        return function(self, other)

    short = getattr(function, "short", None)
    if short is not None:
        method = short(method)
    method.__name__ = name
    setattr(Tensor, name, method)


def _reflected(name: str, function: Callable[..., Any]) -> None:
    """`b ∘ a` where b is a number."""

    def method(self: Tensor, other: Any) -> Any:
        if type(other) is float or type(other) is int:
            return function(other, self)
        if not is_number(other):
            return NotImplemented
        return function(other, self)

    method.__name__ = name
    setattr(Tensor, name, method)


_BOTH_WAYS = {
    "add": p.plain_add, "sub": p.plain_sub, "mul": p.mul, "truediv": p.plain_div, "floordiv": p.floor_divide,
    "mod": p.remainder, "pow": pow, "and": p.bitwise_and, "or": p.bitwise_or,
    "xor": p.bitwise_xor, "lshift": p.bitwise_left_shift, "rshift": p.bitwise_right_shift,
}  # fmt: skip

for _name, _function in _BOTH_WAYS.items():
    _forward(f"__{_name}__", _function)
    _reflected(f"__r{_name}__", _function)
    setattr(Tensor, f"__i{_name}__", _function.in_place)

for _name, _function in {
    "ne": p.ne, "lt": p.lt, "le": p.le, "gt": p.gt, "ge": p.ge,
}.items():  # fmt: skip
    _forward(f"__{_name}__", _function)


def _divided_by(self: Tensor, other: Any) -> Any:
    """`2 / x` is `x.reciprocal() * 2` in torch, which rounds twice."""
    if is_number(other) or isinstance(other, np.ndarray):
        return p.reciprocal(self) * other
    return NotImplemented


def _equal(self: Tensor, other: Any) -> Any:
    """`==` alone compares with arrays: torch falls back on identity only for what has no elements."""
    return p.eq(self, array_as(other)) if isinstance(other, np.ndarray) else NotImplemented


Tensor.__rtruediv__ = _divided_by  # type: ignore[method-assign, assignment]
_forward("__eq__", p.eq, _equal)
_reflected("__rsub__", p.number_minus)
for _name in ("add", "mul"):  # `2 + x` is `x + 2`
    setattr(Tensor, f"__r{_name}__", getattr(Tensor, f"__{_name}__"))
Tensor.__neg__ = p.neg  # type: ignore[attr-defined]
Tensor.__pos__ = p.positive  # type: ignore[attr-defined]
Tensor.__abs__ = p.abs  # type: ignore[attr-defined]


def _matrix_product(self: Tensor, other: Any) -> Any:
    return matmul(self, other) if isinstance(other, Tensor) else NotImplemented


_matrix_product.__name__ = "__matmul__"
Tensor.__matmul__ = _matrix_product  # type: ignore[method-assign, assignment]


def _invert(self: Tensor) -> Tensor:
    if self._array.dtype.kind not in "iub":
        raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
    return p.bitwise_not(self)


Tensor.__invert__ = _invert  # type: ignore

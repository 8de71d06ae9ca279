"""Python's operators on tensors: `+ - * / // % ** @`, comparisons, `& | ^ ~ << >>`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..autograd.graph import rename
from ..tensor import Tensor
from . import pointwise as p
from .arithmetic import pow
from .common import array_as, is_number
from .matmul import matmul


def _forward(name: str, function: Callable[..., Any]) -> None:
    """`a ∘ b`; operands that are neither tensors nor numbers get their own turn."""

    def method(self: Tensor, other: Any) -> Any:
        if not isinstance(other, Tensor) and not is_number(other):
            if not isinstance(other, np.ndarray):
                return NotImplemented
            other = array_as(other)
        return function(self, other)

    short = getattr(function, "short", None)
    if short is not None:
        method = short(method)
    method.__name__ = name
    setattr(Tensor, name, method)


def _reflected(name: str, function: Callable[..., Any]) -> None:
    """`b ∘ a` where b is a number or an array."""

    def method(self: Tensor, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            other = array_as(other)
        elif not is_number(other):
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
    "eq": p.eq, "ne": p.ne, "lt": p.lt, "le": p.le, "gt": p.gt, "ge": p.ge,
}.items():  # fmt: skip
    _forward(f"__{_name}__", _function)

def _over_number(other: Any, self: Tensor) -> Tensor:
    """`2 / x` is `x.reciprocal() * 2` in torch, which rounds twice."""
    return p.mul(p.reciprocal(self), other)


def _number_minus(other: Any, self: Tensor) -> Tensor:
    return rename(p.plain_sub(other, self), "RsubBackward1")


_reflected("__rtruediv__", _over_number)
_reflected("__rsub__", _number_minus)
_forward("__matmul__", matmul)
_reflected("__rmatmul__", matmul)
for _name in ("add", "mul"):  # `2 + x` is `x + 2`
    setattr(Tensor, f"__r{_name}__", getattr(Tensor, f"__{_name}__"))
Tensor.__neg__ = p.neg  # type: ignore[attr-defined]
Tensor.__pos__ = p.positive  # type: ignore[attr-defined]
Tensor.__abs__ = p.abs  # type: ignore[attr-defined]


def _invert(self: Tensor) -> Tensor:
    if self._array.dtype.kind not in "iub":
        raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
    return p.bitwise_not(self)


Tensor.__invert__ = _invert  # type: ignore

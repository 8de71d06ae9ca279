"""Python's operators on tensors: `+ - * / // % ** @`, comparisons, `& | ^ ~ << >>`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..tensor import Tensor
from . import pointwise as p
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
    "add": p._add, "sub": p._sub, "mul": p.mul, "truediv": p._div, "floordiv": p.floor_divide,
    "mod": p.remainder, "pow": p.pow, "and": p.bitwise_and, "or": p.bitwise_or,
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

_forward("__matmul__", matmul)
_reflected("__rmatmul__", matmul)
Tensor.__neg__ = p.neg  # type: ignore[attr-defined]
Tensor.__pos__ = p.positive  # type: ignore[attr-defined]
Tensor.__abs__ = p.abs  # type: ignore[attr-defined]
Tensor.__invert__ = p.bitwise_not  # type: ignore[attr-defined]
Tensor.__hash__ = object.__hash__  # type: ignore[method-assign]

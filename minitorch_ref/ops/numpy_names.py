"""What torch's argument parser accepts, and refuses, beyond an op's own signature.

The parser knows NumPy's name `axis` for `dim`.  The ops that reduce or write take care of that
themselves; the others of torch's own table are listed here and wrapped once, when all are defined.
It also keeps functions stricter than methods: `x.reshape(2, 3)` is right, `torch.reshape(x, 2, 3)`
is not.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..tensor import Tensor
from .registry import REGISTRY

_WITH_DIM = (
    "unbind", "squeeze", "unsqueeze", "stack", "chunk", "select", "narrow", "tensor_split",
    "repeat_interleave", "diff", "unflatten", "scatter", "trapezoid", "cumulative_trapezoid",
)  # fmt: skip
_TAKE_ONE_SHAPE = {"reshape": "shape", "permute": "dims"}


def with_axis(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, taking `axis` for `dim`."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if "axis" in kwargs:
            kwargs["dim"] = kwargs.pop("axis")
        return function(*args, **kwargs)

    return call


def with_one_shape(function: Callable[..., Any], name: str, argument: str) -> Callable[..., Any]:
    """`function(input, shape)`, refusing sizes given one by one, as torch's functions do."""

    @functools.wraps(function)
    def call(input: Any, *sizes: Any, **keyword: Any) -> Any:
        if len(sizes) > 1:
            given = len(sizes) + 1
            raise TypeError(f"{name}() takes 2 positional arguments but {given} were given")
        if sizes and not isinstance(sizes[0], (tuple, list)):
            raise TypeError(
                f"{name}(): argument '{argument}' (position 2) must be tuple of ints, "
                f"not {type(sizes[0]).__name__}"
            )
        return function(input, *sizes, **keyword)

    return call


def _wrap_all() -> None:
    for name in _WITH_DIM:
        entry = REGISTRY["torch", name]
        call = with_axis(entry.call)
        REGISTRY["torch", name] = replace(entry, call=call)
        if entry.method:
            setattr(Tensor, name, call)
    for name, argument in _TAKE_ONE_SHAPE.items():
        entry = REGISTRY["torch", name]
        call = with_one_shape(entry.call, name, argument)
        REGISTRY["torch", name] = replace(entry, call=call)


_wrap_all()

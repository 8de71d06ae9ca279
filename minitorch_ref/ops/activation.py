"""The activations that are also methods of Tensor: relu, prelu, hardshrink.

All others live in `nn/functional/activation.py`.
"""

from __future__ import annotations

import numpy as np

from ..autograd.graph import record
from ..autograd.rows import Row
from ..kernels.layout import arranged, laid_out, preserved, turned
from ..kernels.select import against, keep, keep_where_nonzero, leaky, select
from ..quiet import fp
from ..tensor import Tensor
from . import curves
from .curves import check_floating, draw
from .registry import op
from .table import bad_argument


@op(inplace=True)
def relu(input: Tensor) -> Tensor:
    """max(x, 0).  Raises RuntimeError for booleans, NotImplementedError for complex numbers."""
    array = array_of("relu", input)
    if array.dtype.kind in "bc":
        refuse("relu", array)
    if array.dtype.char == "e":  # NumPy compares float16 by another route
        data = fp.quiet(against, np.maximum, 0, array.astype(np.float32)).astype(np.float16)
    else:
        data = fp.quiet(against, np.maximum, 0, array)  # of equals the second wins: −0 stays −0, as in torch
    if turned or input._base is not None:
        data = arranged(data, array)
    return _RELU(data, input)


def _where_positive(g: Tensor, result: Tensor) -> Tensor:
    """g where relu's result is not zero: it is positive or NaN there."""
    data = keep_where_nonzero(result._array, g._array)
    return _THRESHOLD(arranged(data, result._array, g._array), g, result)


_RELU = Row("ReluBackward0", ("input",), (lambda g, out: _where_positive(g, out),))
_THRESHOLD = Row("ThresholdBackwardBackward0", ("g", "result"), (
    lambda gg, result: _where_positive(gg, result),
    lambda gg: gg * 0,
))  # fmt: skip


def array_of(name: str, input: Tensor) -> np.ndarray:
    """The array of an argument that must be a tensor."""
    if not isinstance(input, Tensor):
        raise bad_argument(name, "input", 1, input)
    return input._array


def refuse(name: str, array: np.ndarray) -> None:
    if array.dtype.kind == "c":
        raise NotImplementedError("clamp is not supported for complex types")
    kind = "Boolean" if name == "relu" else "Bool"
    raise RuntimeError(f"{kind} inputs not supported for {name}")


@op
def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x outside [−lambd, lambd], else 0."""
    return draw(curves.hardshrink, input, lambd)


@op
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """x where x > 0, else weight · x; one weight, or one per channel (dim 1)."""
    if input.dtype is not weight.dtype:
        raise RuntimeError(
            "prelu: Type promoting not supported. "
            f"Got {input.dtype.title} and {weight.dtype.title}"
        )
    if weight.ndim > 1:
        raise RuntimeError(
            f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight.ndim}"
        )
    check_floating(input, "prelu_cpu")
    channels = input.size(1) if input.ndim > 1 else 1
    if weight.numel() not in (1, channels):
        raise RuntimeError(
            "Mismatch of parameter numbers and input channel size. Found parameter numbers = "
            f"{weight.numel()} and channel size = {channels}."
        )
    shape = [1] * max(input.ndim, 0)
    if weight.numel() > 1:
        shape[1] = channels
    return _prelu_kernel(input, weight.reshape(shape))


def _prelu_kernel(input: Tensor, weight: Tensor) -> Tensor:
    x, w = input._array, weight._array
    data = laid_out(fp.quiet(leaky, x, w), preserved(x))
    joint = ("input", "weight"), _prelu_backward
    return record("PreluKernelBackward0", data, joint, input=input, weight=weight)


def _prelu_backward(g: Tensor, input: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """dx = g where x > 0, else w·g; dw = 0 where x > 0, else x·g.  Recorded as one op."""
    x, a = input._array, g._array
    positive = x > 0
    dx = fp.quiet(lambda: select(positive, a, a * weight._array, a.dtype))
    dw = fp.quiet(lambda: keep(~positive, x * a))
    joint = ("g", "input", "weight"), _prelu_double_backward
    return record(
        "PreluKernelBackwardBackward0", (dx, dw), joint, g=g, input=input, weight=weight
    )


def _prelu_double_backward(
    gg: tuple[Tensor | None, Tensor | None], g: Tensor, input: Tensor, weight: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """As torch has it, x = 0 is on the straight side here, and NaN on the bent one."""
    ddx, ddw = (g * 0 if t is None else t for t in gg)
    bent = (input >= 0).logical_not()
    return (
        ddx.where(~bent, ddw * input + ddx * weight),
        (ddw * g).where(bent, g * 0),
        (ddx * g).where(bent, g * 0),
    )

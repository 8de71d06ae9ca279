"""softmax and log_softmax: exponentials normalised along one dim.

The one idea: exp(x − max) cannot overflow and cancels nothing, since softmax does not change when a
constant is added to x.  Both gradients need the result only, not the input:

    y = softmax(x):       dx = y · (g − Σ g·y)
    y = log_softmax(x):   dx = g − exp(y) · Σ g           (sums along dim; derivatives.yaml)

Each is one op with a gradient of its own.  float16 is computed in float32 and rounded once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..autograd.graph import record, requires_grad
from ..autograd.modes import state
from ..dtypes import dtype as DType
from ..kernels import softmax as kernels
from ..quiet import fp
from ..tensor import Tensor, wrap
from .common import wrap_dim
from .reducing import reduction

_HALF, _SINGLE = np.dtype("f2"), np.dtype("f4")


@reduction(out="traced")
def softmax(input: Tensor, dim: int, dtype: DType | None = None) -> Tensor:
    """exp(x) / Σ exp(x) along `dim`, computed in `dtype` if given.

    Raises IndexError for a dim out of range, NotImplementedError for a dtype without fractions.
    """
    input, dim = _prepared(input, dim, dtype, "softmax")
    y = _wide(kernels.softmax, dim, input._array)
    return record("SoftmaxBackward0", y, input=(input, lambda g, out: _softmax_grad(g, out, dim)))


def _softmax_grad(g: Tensor, y: Tensor, dim: int) -> Tensor:
    return record(
        "SoftmaxBackwardDataBackward0",
        _wide(kernels.softmax_slope, dim, g._array, y._array),
        g=(g, lambda gg, y: _softmax_grad(gg, y, dim)),
        y=(y, lambda gg, g, y: g * gg - _along(y * g, dim) * gg - g * _along(y * gg, dim)),
    )


@reduction(out="traced")
def log_softmax(input: Tensor, dim: int, dtype: DType | None = None) -> Tensor:
    """x − log Σ exp(x) along `dim`, computed in `dtype` if given.

    Raises IndexError for a dim out of range, NotImplementedError for a dtype without fractions.
    """
    input, dim = _prepared(input, dim, dtype, "log_softmax")
    x = input._array
    if x.dtype == _HALF or not (x.ndim and x.size and state.grad and requires_grad(input)):
        y, share = _wide(kernels.log_softmax, dim, x), None
    else:  # the gradient needs exp(y), which is at hand now and dear to make again
        y, powers, totals = fp.quiet(kernels.log_softmax_and_exp, dim, x)
        share = wrap(powers)
    if share is None:
        rule: Any = lambda g, out: log_softmax_grad(g, out, None, None, dim)
    else:
        rule = lambda g, out, share: log_softmax_grad(g, out, share, totals, dim)
    return record("LogSoftmaxBackward0", y, input=(input, rule), share=share)


def log_softmax_grad(
    g: Tensor, y: Tensor, share: Tensor | None, totals: np.ndarray | None, dim: int
) -> Tensor:
    if share is None or totals is None:
        dx = _wide(kernels.log_softmax_slope, dim, g._array, y._array)
    else:
        dx = fp.quiet(kernels.less_shares, dim, g._array, share._array, totals)
    return record(
        "LogSoftmaxBackwardDataBackward0",
        dx,
        g=(g, lambda gg, y: gg - _along(gg * y.exp(), dim)),
        y=(y, lambda gg, g, y: -(gg * y.exp() * _along(g, dim))),
    )


def _along(x: Tensor, dim: int) -> Tensor:
    return x.sum(dim, True)


def _prepared(input: Tensor, dim: int, dtype: DType | None, name: str) -> tuple[Tensor, int]:
    """The input in the dtype to compute in, and the dim counted from the front."""
    dim = wrap_dim(dim, input._array.ndim)
    if dtype is not None and input.dtype is not dtype:
        input = input.to(dtype)
    if input._array.size and input._array.dtype.kind != "f":
        last = "_lastdim" if dim >= input._array.ndim - 1 else ""
        raise NotImplementedError(
            f"\"{name}{last}_kernel_impl\" not implemented for '{input.dtype.title}'"
        )
    return input, dim


# ---- arrays --------------------------------------------------------------------------------------


def _wide(kernel: Callable[..., np.ndarray], dim: int, *arrays: np.ndarray) -> np.ndarray:
    """`kernel` on at least one dim, in at least float32, rounded once to the first one's dtype."""
    first = arrays[0]
    if first.size == 0 or (first.ndim and first.dtype != _HALF):
        return fp.quiet(kernel, dim, *arrays) if first.size else np.empty_like(first)
    wide = [a.astype(_SINGLE if a.dtype == _HALF else a.dtype) for a in arrays]
    result: Any = fp.quiet(kernel, dim, *[np.atleast_1d(a) for a in wide])
    return result.astype(first.dtype).reshape(first.shape)

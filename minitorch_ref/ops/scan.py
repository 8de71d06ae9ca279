"""Running sums, products and extremes along a dim, and differences.

A running total's gradient is the same running total from the other end.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import return_types
from ..autograd.graph import record
from ..dtypes import dtype as DType
from ..quiet import fp
from ..tensor import Tensor, wrap
from .common import sum_dtype, wrap_dim
from .conversion import cast
from .parts import narrow
from .pointwise import conj, exp, mul, plain_div
from .pointwise import plain_sub as sub
from .registry import op


def _accumulate(ufunc: Any, array: np.ndarray, dim: int) -> np.ndarray:
    if array.ndim == 0:
        return array.copy()
    if array.dtype.char == "e":  # half precision is accumulated in float32
        return _accumulate(ufunc, array.astype(np.float32), dim).astype(np.float16)
    return fp.quiet(ufunc.accumulate, array, axis=dim)


@op(inplace=True, out=True)
def cumsum(input: Tensor, dim: int, *, dtype: DType | None = None) -> Tensor:
    """The running sum along `dim`; integers are summed in int64."""
    dim = wrap_dim(dim, input.ndim)
    x = cast(input, sum_dtype(input, dtype))
    data = _accumulate(np.add, x._array, dim)
    return record("CumsumBackward0", data, x=(x, lambda g: _from_the_end(g, dim)))


def _from_the_end(g: Tensor, dim: int) -> Tensor:
    """The running sum from the last element to the first."""
    array = g._array
    data = np.flip(_accumulate(np.add, np.flip(array, dim), dim), dim) if array.ndim else array.copy()
    return record("CumsumBackward0", data, g=(g, lambda h: cumsum(h, dim)))


@op(inplace=True, out=True)
def cumprod(input: Tensor, dim: int, *, dtype: DType | None = None) -> Tensor:
    """The running product along `dim`; integers are multiplied in int64."""
    dim = wrap_dim(dim, input.ndim)
    x = cast(input, sum_dtype(input, dtype))
    data = _accumulate(np.multiply, x._array, dim)
    return record("CumprodBackward0", data, x=(x, lambda g, x, out: _cumprod_gradient(g, x, out, dim)))


def _cumprod_gradient(g: Tensor, x: Tensor, out: Tensor, dim: int) -> Tensor:
    """dx_j = Σ_{i≥j} g_i · Π_{k≤i, k≠j} x_k.

    Without zeros that is the reverse running sum of g·out over x.  With zeros, out/x says nothing, so
    the products without x_j are formed directly, one j at a time.
    """
    if x.ndim == 0 or not np.any(x._array == 0):
        return plain_div(_from_the_end(mul(g, conj(out)), dim), conj(x))
    n, parts = x._array.shape[dim], []
    for j in range(n):
        after = narrow(x, dim, j + 1, n - j - 1)
        one = narrow(x, dim, j, 1).new_ones(narrow(x, dim, j, 1).shape)
        before = narrow(out, dim, j - 1, 1) if j else one
        rest = cumprod(_cat([one, after], dim), dim)  # 1, x_{j+1}, x_{j+1}·x_{j+2}, ...
        products = mul(before, rest)
        parts.append(mul(narrow(g, dim, j, n - j), conj(products)).sum(dim, keepdim=True))
    return _cat(parts, dim)


def _cat(parts: list[Tensor], dim: int) -> Tensor:
    from .joining import cat

    return cat(parts, dim)


@op(inplace=True, out=True)
def logcumsumexp(input: Tensor, dim: int) -> Tensor:
    """log of the running sum of exp(x), without overflow."""
    dim = wrap_dim(dim, input.ndim)
    data = _accumulate(np.logaddexp, input._array, dim)
    return record(
        "LogcumsumexpBackward0",
        data,
        input=(input, lambda g, input, out: _logcumsumexp_gradient(g, input, out, dim)),
    )


def _logcumsumexp_gradient(g: Tensor, x: Tensor, out: Tensor, dim: int) -> Tensor:
    """dx_j = Σ_{i≥j} g_i · exp(x_j − out_i), scaled so that no exponential overflows."""
    if out.numel() == 0:
        return mul(g, out)
    top = wrap(out._array.max(axis=dim, keepdims=True) if out.ndim else out._array)
    weights = mul(g, exp(sub(top, out)))
    return mul(exp(sub(x, top)), _from_the_end(weights, dim))


def _running_extreme(x: Tensor, dim: int, ufunc: Any, name: str, better: Any) -> tuple[Tensor, Tensor]:
    dim = wrap_dim(dim, x.ndim)
    array = x._array
    if array.ndim == 0:
        return record(name, array.copy(), x=(x, lambda g: g)), wrap(np.zeros((), np.int64))
    values = fp.quiet(ufunc.accumulate, array, axis=dim)
    # An element takes over where it equals the running extreme (ties go to the later one).
    is_new = (array == values) | (np.isnan(array) if array.dtype.kind == "f" else False)
    shape = [1] * array.ndim
    shape[dim] = array.shape[dim]
    places = np.where(is_new, np.arange(array.shape[dim]).reshape(shape), 0)
    indices = np.maximum.accumulate(places, axis=dim)
    values = np.take_along_axis(array, indices, dim)  # of equal values (±0) the later one
    full = array.shape

    def rule(g: Tensor) -> Tensor:
        return g.new_zeros(full).scatter_add(dim, wrap(indices), g)

    return record(name, values, x=(x, rule)), wrap(indices)


@op(out=True)
def cummax(input: Tensor, dim: int) -> Any:
    """The running maximum along `dim`, and the place of each."""
    return return_types.cummax(_running_extreme(input, dim, np.maximum, "CummaxBackward0", np.greater_equal))


@op(out=True)
def cummin(input: Tensor, dim: int) -> Any:
    """The running minimum along `dim`, and the place of each."""
    return return_types.cummin(_running_extreme(input, dim, np.minimum, "CumminBackward0", np.less_equal))


@op(out=True)
def diff(
    input: Tensor, n: int = 1, dim: int = -1, prepend: Tensor | None = None,
    append: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The `n`-th difference of neighbours along `dim`."""
    if input.ndim == 0:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    dim = wrap_dim(dim, input.ndim)
    parts = [p for p in (prepend, input, append) if p is not None]
    x = _cat(parts, dim) if len(parts) > 1 else input if n else input.clone()
    for _ in range(n):
        length = x._array.shape[dim]
        if length == 0:
            break
        later, earlier = narrow(x, dim, 1, length - 1), narrow(x, dim, 0, length - 1)
        x = later ^ earlier if x._array.dtype.kind == "b" else sub(later, earlier)
    return x



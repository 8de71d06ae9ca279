"""Running sums, products and extremes along a dim, and differences.

A running total's gradient is the same running total from the other end.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from .. import return_types
from ..autograd.graph import record, rename
from ..dtypes import bool_
from ..dtypes import dtype as DType
from ..kernels.scans import accumulate
from ..quiet import fp
from ..tensor import Tensor, wrap
from .common import cast_array, wrap_dim
from .conversion import cast
from .masking import where
from .parts import narrow
from .pointwise import abs as absolute
from .pointwise import conj, exp, gt, log, lt, mul, plain_add, plain_div
from .pointwise import plain_sub as sub
from .reducing import total_dtype
from .registry import op, refuse_grad, write_out
from .table import not_implemented
from .writing import exact_in_place, exact_out, named_out, write_exactly


def _accumulate(ufunc: Any, array: np.ndarray, dim: int) -> np.ndarray:
    """The running sum or product, in the array's own type, row by row in memory."""
    if array.ndim == 0:
        return array.copy()
    data = np.ascontiguousarray(fp.quiet(accumulate, ufunc, array, dim))
    if ufunc is np.add and data.size and array.dtype.kind in "fc":
        first = data[(slice(None),) * dim + (0,)]
        if not np.all(first):  # torch begins with 0, and 0 + −0 is 0
            data += 0
    return data


def _typed(function: Any) -> Any:
    """`out=` and the in-place form of a running total, which decide the type it is computed in."""
    name = function.__name__

    @functools.wraps(function)
    def call(
        input: Tensor, dim: Any = None, *, dtype: DType | None = None, out: Any = None,
        axis: int | None = None,
    ) -> Tensor:  # fmt: skip
        dim = axis if dim is None else dim
        if dim is None:
            raise TypeError(f'{name}() missing 1 required positional arguments: "dim"')
        if out is None:
            return function(input, dim, dtype=dtype)
        refuse_grad(name, (input, out))
        if dtype is None:
            return write_out(out, function(input, dim, dtype=out.dtype), name)
        return write_exactly(out, function(input, dim, dtype=dtype), name)

    def written(
        self: Tensor, dim: Any = None, *, dtype: DType | None = None, axis: int | None = None
    ) -> Tensor:
        return call(self, dim, dtype=dtype or self.dtype, axis=axis)

    written.__name__ = name
    call.in_place = exact_in_place(written).in_place  # type: ignore[attr-defined]
    return call


def _prepared(name: str, input: Tensor, dim: int, dtype: DType | None) -> tuple[np.ndarray, int]:
    """What a running total adds up, and along which dim."""
    kind = total_dtype(input, dtype)
    if kind is bool_:
        raise NotImplementedError(f"\"{name}_out_cpu\" not implemented for 'Bool'")
    dim = wrap_dim(dim, input.ndim)
    return cast_array(input._array, kind), dim


@op(inplace=True, own_out=True)
@_typed
def cumsum(input: Tensor, dim: int, *, dtype: DType | None = None) -> Tensor:
    """The running sum along `dim`; integers are summed in int64."""
    x, dim = _prepared("cumsum", input, dim, dtype)
    kind = input.dtype
    return record(
        "CumsumBackward0",
        _accumulate(np.add, x, dim),
        input=(input, lambda g: _from_the_end(cast(g, kind), dim)),
    )


def _from_the_end(g: Tensor, dim: int) -> Tensor:
    """The running sum from the last element to the first."""
    array = g._array
    if array.size <= 1 or array.shape[dim] == 1:
        return g
    data = np.flip(_accumulate(np.add, np.flip(array, dim), dim), dim).copy()
    return record("CumsumBackward0", data, g=(g, lambda h: cumsum(h, dim)))


@op(inplace=True, own_out=True)
@_typed
def cumprod(input: Tensor, dim: int, *, dtype: DType | None = None) -> Tensor:
    """The running product along `dim`; integers are multiplied in int64."""
    x, dim = _prepared("cumprod", input, dim, dtype)
    kind = input.dtype
    return record(
        "CumprodBackward0",
        _accumulate(np.multiply, x, dim),
        input=(
            input,
            lambda g, input, out: _cumprod_gradient(cast(g, kind), input, out, dim),
        ),
    )


def _cumprod_gradient(g: Tensor, x: Tensor, out: Tensor, dim: int) -> Tensor:
    """dx_j = Σ_{i≥j} g_i · Π_{k≤i, k≠j} x_k.

    Without zeros that is the reverse running sum of g·out over x.  With zeros, out/x says nothing, so
    the products without x_j are formed directly, one j at a time.
    """
    if x.numel() <= 1 or x._array.shape[dim] == 1:
        return g
    if not np.any(x._array == 0):
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


@op(own_out=True)
@exact_out("expected scalar_type {own} but found {out}")
def logcumsumexp(input: Tensor, dim: int) -> Tensor:
    """log of the running sum of exp(x), without overflow."""
    dim = wrap_dim(dim, input.ndim)
    if input._array.dtype.kind not in "fc":
        raise not_implemented("logcumsumexp_out_cpu", input)
    data = _logcumsumexp(input._array, dim)
    return record(
        "LogcumsumexpBackward0",
        data,
        input=(input, lambda g, input, out: _logcumsumexp_gradient(g, input, out, dim)),
    )


def _logcumsumexp(array: np.ndarray, dim: int) -> np.ndarray:
    """log(eᵃ + eᵇ) from one end to the other, the larger real part taken out each time."""
    if array.dtype.kind != "c":
        return _accumulate(np.logaddexp, array, dim)
    result = np.moveaxis(array.copy(), dim, 0) if array.ndim else array.copy()
    for i in range(1, len(result) if array.ndim else 0):
        result[i] = fp.quiet(_complex_logaddexp, result[i - 1], result[i])
    return np.moveaxis(result, 0, dim) if array.ndim else result


def _complex_logaddexp(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    top = np.maximum(a.real, b.real)
    top = np.where(np.isfinite(top), top, 0)
    return top + np.log(np.exp(a - top) + np.exp(b - top))


def _logcumsumexp_gradient(g: Tensor, x: Tensor, out: Tensor, dim: int) -> Tensor:
    """dx_j = Σ_{i≥j} g_i · exp(x_j − out_i), as a running sum of logarithms from the end.

    Positive and negative gradients apart, as in torch, so that no exponential overflows.
    """
    if g.ndim == 0 or g.numel() == 0:
        return g
    if g._array.dtype.kind == "c":
        top = wrap(out._array.real.max(axis=dim, keepdims=True).astype(out._array.dtype))
        weights = mul(g, conj(exp(sub(top, out))))
        return mul(conj(exp(sub(x, top))), _from_the_end(weights, dim))
    least = float(np.finfo(g._array.dtype).min)
    size = log(absolute(g))

    def part(sign: Tensor) -> Tensor:
        logs = sub(where(sign, size, least), out)
        return exp(plain_add(logcumsumexp(logs.flip([dim]), dim).flip([dim]), x))

    return sub(part(gt(g, 0)), part(lt(g, 0)))


def _running_extreme(x: Tensor, dim: int, ufunc: Any, name: str, better: Any) -> tuple[Tensor, Tensor]:
    dim = wrap_dim(dim, x.ndim)
    array = x._array
    if array.dtype.kind == "c":
        raise not_implemented(f"{name.removesuffix('Backward0').lower()}_cpu", x)
    if array.ndim == 0:
        return record(name, array.copy(), x=(x, lambda g: g)), wrap(np.zeros((), np.int64))
    array = np.ascontiguousarray(array)
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


@op(own_out=True)
@named_out("expected scalar_type {own} but found {out}")
def cummax(input: Tensor, dim: int) -> Any:
    """The running maximum along `dim`, and the place of each."""
    return return_types.cummax(_running_extreme(input, dim, np.maximum, "CummaxBackward0", np.greater_equal))


@op(own_out=True)
@named_out("expected scalar_type {own} but found {out}")
def cummin(input: Tensor, dim: int) -> Any:
    """The running minimum along `dim`, and the place of each."""
    return return_types.cummin(_running_extreme(input, dim, np.minimum, "CumminBackward0", np.less_equal))


@op(own_out=True)
def diff(
    input: Tensor, n: int = 1, dim: int = -1, prepend: Tensor | None = None,
    append: Tensor | None = None, *, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The `n`-th difference of neighbours along `dim`."""
    result = _diff(input, n, dim, prepend, append)
    if out is None:
        return result
    if n == 0:  # torch copies then, and keeps the gradient
        return _copied(result, out=out)
    return write_out(out, result, "diff")


@exact_out("expected scalar_type {own} but found {out}", copies=True)
def _copied(result: Tensor) -> Tensor:
    return result


def _diff(
    input: Tensor, n: int, dim: int, prepend: Tensor | None, append: Tensor | None
) -> Tensor:
    if input.ndim == 0:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    dim = wrap_dim(dim, input.ndim)
    parts = [p for p in (prepend, input, append) if p is not None]
    if any(p.ndim != input.ndim for p in parts):
        raise RuntimeError("diff expects prepend or append to be the same dimension as input")
    if n == 0:
        return rename(_cat(parts, dim) if len(parts) > 1 else input.clone(), "CopyBackwards")
    x = _cat(parts, dim) if len(parts) > 1 else input
    for _ in range(min(n, x._array.shape[dim] + 1)):
        length = max(x._array.shape[dim], 1)
        whole = x._array.shape[dim]
        later = narrow(x, dim, min(whole, 1), length - 1)
        earlier = narrow(x, dim, 0, length - 1)
        x = later ^ earlier if x._array.dtype.kind == "b" else sub(later, earlier)
    return x



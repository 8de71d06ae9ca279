"""softmax, log_softmax and what their gradients need, along one dim of an array.

    softmax       y = eᵘ / Σ eᵘ          u = x − max x      dx = y · (g − Σ g·y)
    log_softmax   y = u − log Σ eᵘ                          dx = g − eʸ · Σ g

Rows are independent of each other, so the work goes through chunks of them that stay in cache, each
chunk on whichever thread is free.  Cost per element: one exponential (NumPy's float32: 0.5 ns with
AVX-512, 1.0 with AVX2) and 3 passes of 0.13 ns; sums of rows are matrix-vector products, 0.05 ns.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from . import heap
from .sums import dots
from .threads import parallel_for
from .workspace import scratch

Array = np.ndarray
CHUNK = 1 << 18  # elements at a time
_LONG = 128  # elements from which BLAS adds up a row faster


def _over_rows(dim: int, kernel: Callable[..., None], *arrays: Array) -> Array:
    """`kernel(*parts, out)`, which works along axis 1, over chunks of the dims before `dim`."""
    if arrays[0].size >= heap.LARGE:
        heap.keep()
    out = np.empty(arrays[0].shape, arrays[0].dtype)
    if dim == 1 and out.ndim == 2 and out.size <= CHUNK:  # scores of a batch: as they are
        kernel(*arrays, out)
        return out
    size, inner = out.shape[dim], math.prod(out.shape[dim:][1:])
    behind = () if inner == 1 else (inner,)
    parts = [np.ascontiguousarray(a).reshape(-1, a.shape[dim], *behind) for a in (*arrays, out)]
    rows, step = len(parts[0]), max(1, CHUNK // max(1, size * inner))
    if rows <= step:
        kernel(*parts)
        return out

    def task(i: int) -> None:
        chunk = slice(i * step, (i + 1) * step)
        kernel(*[a[chunk] for a in parts])

    parallel_for(task, -(-rows // step))
    return out


def _sums(x: Array) -> Array:
    """The sums along axis 1, kept as a dim of length 1."""
    if x.ndim == 2 and x.shape[1] >= _LONG:
        return dots(x).astype(x.dtype)[:, None]
    return np.asarray(np.add.reduce(x, axis=1, keepdims=True))


def softmax(dim: int, x: Array) -> Array:
    """eˣ / Σ eˣ."""

    def kernel(x: Array, y: Array) -> None:
        np.subtract(x, np.maximum.reduce(x, axis=1, keepdims=True), out=y)
        np.exp(y, out=y)
        np.divide(y, _sums(y), out=y)

    return _over_rows(dim, kernel, x)


def softmax_slope(dim: int, g: Array, y: Array) -> Array:
    """y · (g − Σ g·y), the gradient of `softmax` from its result."""

    def kernel(g: Array, y: Array, dx: Array) -> None:
        np.multiply(g, y, out=dx)
        np.subtract(g, _sums(dx), out=dx)
        np.multiply(dx, y, out=dx)

    return _over_rows(dim, kernel, g, y)


def log_softmax(dim: int, x: Array) -> Array:
    """x − log Σ eˣ."""

    def kernel(x: Array, y: Array) -> None:
        np.subtract(x, np.maximum.reduce(x, axis=1, keepdims=True), out=y)
        with scratch() as take:
            e = np.exp(y, out=take(y.shape, y.dtype))
            total = _sums(e)
        np.subtract(y, np.log(total, out=total), out=y)

    return _over_rows(dim, kernel, x)


def log_softmax_and_exp(dim: int, x: Array) -> tuple[Array, Array, Array]:
    """`log_softmax`, the exponentials eᵘ it was made from, and Σ eᵘ, of length 1 along `dim`."""
    y = np.empty(x.shape, x.dtype)
    totals = np.empty(x.shape[:dim] + (1,) + x.shape[dim + 1 :], x.dtype)

    def kernel(x: Array, y: Array, total: Array, e: Array) -> None:
        np.subtract(x, np.maximum.reduce(x, axis=1, keepdims=True), out=y)
        np.exp(y, out=e)
        total[...] = _sums(e)
        np.subtract(y, np.log(total), out=y)

    e = _over_rows(dim, kernel, x, y, totals)
    return y, e, totals


def less_shares(dim: int, g: Array, e: Array, totals: Array) -> Array:
    """g − eᵘ · (Σ g / Σ eᵘ), the gradient of `log_softmax` from what its forward pass kept."""

    def kernel(g: Array, e: Array, total: Array, dx: Array) -> None:
        np.multiply(e, _sums(g) / total, out=dx)
        np.subtract(g, dx, out=dx)

    return _over_rows(dim, kernel, g, e, totals)


def log_softmax_slope(dim: int, g: Array, y: Array) -> Array:
    """g − eʸ · Σ g, the gradient of `log_softmax` from its result."""

    def kernel(g: Array, y: Array, dx: Array) -> None:
        np.exp(y, out=dx)
        np.multiply(dx, _sums(g), out=dx)
        np.subtract(g, dx, out=dx)

    return _over_rows(dim, kernel, g, y)


# ---- cross-entropy: of the log-softmax only the targets' elements count ----------------------------


def powers(dim: int, x: Array) -> tuple[Array, Array, Array]:
    """eᵘ, and of length 1 along `dim`: Σ eᵘ and max x.  `log_softmax` is (x − max x) − log Σ eᵘ."""
    shape = x.shape[:dim] + (1,) + x.shape[dim + 1 :]
    totals, tops = np.empty(shape, x.dtype), np.empty(shape, x.dtype)

    def kernel(x: Array, total: Array, top: Array, e: Array) -> None:
        np.maximum.reduce(x, axis=1, keepdims=True, out=top)
        np.subtract(x, top, out=e)
        np.exp(e, out=e)
        total[...] = _sums(e)

    e = _over_rows(dim, kernel, x, totals, tops)
    return e, totals, tops


def scaled(dim: int, e: Array, scale: Array) -> Array:
    """e · scale, where `scale` has length 1 along `dim`."""

    def kernel(e: Array, scale: Array, out: Array) -> None:
        np.multiply(e, scale, out=out)

    return _over_rows(dim, kernel, e, scale)

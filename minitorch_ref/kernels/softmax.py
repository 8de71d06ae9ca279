"""softmax, log_softmax and what their gradients need, along one dim of an array.

    softmax       y = eᵘ / Σ eᵘ          u = x − max x      dx = y · (g − Σ g·y)
    log_softmax   y = u − log Σ eᵘ                          dx = g − eʸ · Σ g

Rows are independent of each other, so the work goes through chunks of them that stay in cache, each
chunk on whichever thread is free.  Cost per element: one exponential (1.3 ns in NumPy's float32) and
some 4 passes of 0.1 to 0.3 ns; the exponential is the floor.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .threads import parallel_for
from .workspace import scratch

Array = np.ndarray
CHUNK = 1 << 15  # elements at a time


def _over_rows(dim: int, kernel: Callable[..., None], *arrays: Array) -> Array:
    """`kernel(*parts, out)`, which works along axis 1, over chunks of the dims before `dim`."""
    out = np.empty(arrays[0].shape, arrays[0].dtype)
    if dim == 1 and out.ndim == 2 and out.size <= CHUNK:  # scores of a batch: as they are
        kernel(*arrays, out)
        return out
    size, inner = out.shape[dim], math.prod(out.shape[dim:][1:])
    shape = (-1, size) if inner == 1 else (-1, size, inner)
    parts = [np.ascontiguousarray(a).reshape(shape) for a in (*arrays, out)]
    rows, step = len(parts[0]), max(1, CHUNK // max(1, size * inner))
    if rows <= step:
        kernel(*parts)
        return out

    def task(i: int) -> None:
        chunk = slice(i * step, (i + 1) * step)
        kernel(*[a[chunk] for a in parts])

    parallel_for(task, -(-rows // step))
    return out


def softmax(dim: int, x: Array) -> Array:
    """eˣ / Σ eˣ."""

    def kernel(x: Array, y: Array) -> None:
        np.subtract(x, np.maximum.reduce(x, axis=1, keepdims=True), out=y)
        np.exp(y, out=y)
        np.divide(y, np.add.reduce(y, axis=1, keepdims=True), out=y)

    return _over_rows(dim, kernel, x)


def softmax_slope(dim: int, g: Array, y: Array) -> Array:
    """y · (g − Σ g·y), the gradient of `softmax` from its result."""

    def kernel(g: Array, y: Array, dx: Array) -> None:
        np.multiply(g, y, out=dx)
        np.subtract(g, np.add.reduce(dx, axis=1, keepdims=True), out=dx)
        np.multiply(dx, y, out=dx)

    return _over_rows(dim, kernel, g, y)


def log_softmax(dim: int, x: Array) -> Array:
    """x − log Σ eˣ."""

    def kernel(x: Array, y: Array) -> None:
        np.subtract(x, np.maximum.reduce(x, axis=1, keepdims=True), out=y)
        with scratch() as take:
            e = np.exp(y, out=take(y.shape, y.dtype))
            total = np.add.reduce(e, axis=1, keepdims=True)
        np.subtract(y, np.log(total, out=total), out=y)

    return _over_rows(dim, kernel, x)


def log_softmax_and_exp(dim: int, x: Array) -> tuple[Array, Array]:
    """`log_softmax`, and its exponential, which is the softmax: one division instead of an exp."""
    y = np.empty(x.shape, x.dtype)

    def kernel(x: Array, y: Array, e: Array) -> None:
        np.subtract(x, np.maximum.reduce(x, axis=1, keepdims=True), out=y)
        np.exp(y, out=e)
        total = np.add.reduce(e, axis=1, keepdims=True)
        np.divide(e, total, out=e)
        np.subtract(y, np.log(total, out=total), out=y)

    return y, _over_rows(dim, kernel, x, y)


def less_shares(dim: int, g: Array, share: Array) -> Array:
    """g − share · Σ g, the gradient of `log_softmax` from the softmax."""

    def kernel(g: Array, share: Array, dx: Array) -> None:
        np.multiply(share, np.add.reduce(g, axis=1, keepdims=True), out=dx)
        np.subtract(g, dx, out=dx)

    return _over_rows(dim, kernel, g, share)


def log_softmax_slope(dim: int, g: Array, y: Array) -> Array:
    """g − eʸ · Σ g, the gradient of `log_softmax` from its result."""

    def kernel(g: Array, y: Array, dx: Array) -> None:
        np.exp(y, out=dx)
        np.multiply(dx, np.add.reduce(g, axis=1, keepdims=True), out=dx)
        np.subtract(g, dx, out=dx)

    return _over_rows(dim, kernel, g, y)

"""Adaptive pooling: the output size is given, and the windows follow from it.

Output i of an axis with n inputs and m outputs sees the inputs

    floor(i·n/m) … ceil((i+1)·n/m) − 1          n = 5, m = 3:   0 1 | 1 2 3 | 3 4

so windows may differ in length and overlap.  They are the product of one range per dim, hence every
pooling is done one dim after the other, last dim first: sums of sums, maxima of maxima.  The first of
equal maxima in row-major order is then the first row's first, as torch has it; the last NaN likewise.

Cost: one pass over x, and one over the shrunken result for each further dim.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def bounds(size: int, out: int) -> list[tuple[int, int]]:
    """The range of inputs of every output."""
    return [(i * size // out, -(-(i + 1) * size // out)) for i in range(out)]


def mean(x: np.ndarray, out: Sequence[int]) -> np.ndarray:
    """The mean over every window of the last len(out) dims of x; float16 in float32."""
    if x.dtype == np.float16:
        return mean(x.astype(np.float32), out).astype(np.float16)
    for axis, n in zip(range(x.ndim - 1, -1, -1), reversed(out)):
        x = _mean_along(x, axis, n)
    return x


def _mean_along(x: np.ndarray, axis: int, out: int) -> np.ndarray:
    """Means along one axis."""
    size = x.shape[axis]
    if out and size % out == 0:  # equal windows, side by side
        parts = x.reshape(*x.shape[:axis], out, size // out, *x.shape[axis + 1 :])
        return np.add.reduce(parts, axis=axis + 1) / x.dtype.type(max(1, size // out))
    result = np.empty((*x.shape[:axis], out, *x.shape[axis + 1 :]), x.dtype)
    for i, (lo, hi) in enumerate(bounds(size, out)):
        total = np.add.reduce(_slice(x, axis, lo, hi), axis=axis)
        _slice(result, axis, i, i + 1)[...] = np.expand_dims(total / x.dtype.type(hi - lo), axis)
    return result


def mean_gradient(g: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """The adjoint of `mean` onto inputs of `sizes`."""
    if g.dtype == np.float16:
        return mean_gradient(g.astype(np.float32), sizes).astype(np.float16)
    for axis, size in zip(range(g.ndim - 1, -1, -1), reversed(sizes)):
        out = g.shape[axis]
        if out and size % out == 0:
            g = np.repeat(g / g.dtype.type(max(1, size // out)), size // out, axis)
            continue
        x = np.zeros((*g.shape[:axis], size, *g.shape[axis + 1 :]), g.dtype)
        for i, (lo, hi) in enumerate(bounds(size, out)):
            part = _slice(x, axis, lo, hi)
            np.add(part, _slice(g, axis, i, i + 1) / g.dtype.type(hi - lo), out=part)
        g = x
    return g


def maximum(x: np.ndarray, out: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """The largest value of every window of the last len(out) dims, and its flat place in them."""
    sizes = x.shape[x.ndim - len(out) :]
    places = np.arange(int(np.prod(sizes)), dtype=np.int64).reshape(sizes)
    places = np.broadcast_to(places, x.shape)
    for axis, n in zip(range(x.ndim - 1, -1, -1), reversed(out)):
        x, places = _max_along(x, places, axis, n)
    return x, places


def _max_along(
    x: np.ndarray, places: np.ndarray, axis: int, out: int
) -> tuple[np.ndarray, np.ndarray]:
    shape = (*x.shape[:axis], out, *x.shape[axis + 1 :])
    values, found = np.empty(shape, x.dtype), np.empty(shape, np.int64)
    for i, (lo, hi) in enumerate(bounds(x.shape[axis], out)):
        part = _slice(x, axis, lo, hi)
        best = np.expand_dims(last_nan_or_first_max(part, axis), axis)
        _slice(values, axis, i, i + 1)[...] = np.take_along_axis(part, best, axis)
        chosen = np.take_along_axis(_slice(places, axis, lo, hi), best, axis)
        _slice(found, axis, i, i + 1)[...] = chosen
    return values, found


def last_nan_or_first_max(x: np.ndarray, axis: int) -> np.ndarray:
    """argmax by torch's rule for pooling."""
    best = x.argmax(axis=axis)  # NumPy's own rule: the first NaN
    if x.dtype.kind == "f":
        nan = np.isnan(x)
        if nan.any():
            last = x.shape[axis] - 1 - np.flip(nan, axis).argmax(axis=axis)
            best = np.where(nan.any(axis=axis), last, best)
    return np.asarray(best)


def _slice(x: np.ndarray, axis: int, lo: int, hi: int) -> np.ndarray:
    return x[(slice(None),) * axis + (slice(lo, hi),)]

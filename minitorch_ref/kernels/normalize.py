"""Normalisation: subtract a mean, divide by a standard deviation, scale and shift; and the gradient.

    d = x − mean      r = 1/√(mean(d²) + eps)      x̂ = d·r      y = x̂·weight + bias

All norms are one problem once the array is seen in five dims (A, S, G, P, B): statistics belong to a
pair (s, g) and run over A, P and B.

    batch (N, C, *)      A = N        S = C         B = *            weight per s
    layer (*, D)         S = *        B = D                          weight per b
    group (N, C, *)      S = N        G = groups    P = C/G   B = *  weight per (g, p)

The work goes through chunks of S that stay in cache, so that the passes below cost arithmetic and not
memory: forward reads x once and writes y once, backward reads x and g once and writes dx once.

    forward    sum, −mean, sum, −rest, dot, ·r, ·w, +b                      8 passes
    backward   −mean, −rest, ·r, ·w, sum, dot, ·, −, −, ·r; dw and db: ·, sum, sum

Sums are BLAS dot products (with ones, for a plain sum) over pieces of at most PIECE elements, added
up in double: 0.12 ns an element, where `np.add.reduce` needs 0.3 and in double 0.5.  A mean has to be
better than its own dtype, or y loses digits where the mean is large: it is kept as the sum of two
numbers, `mean + rest`, where the second is the mean of what subtracting the first one left.
"""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np

from .threads import parallel_for
from .workspace import scratch

Array = np.ndarray

CHUNK = 1 << 19  # elements of x at a time: beyond the second cache, but a call of NumPy lasts 50 us and more
PIECE = 1024  # elements of one dot product
FEW = 8  # rows shorter than this are added in double instead
LANES = 8  # partial sums of dweight and dbias, whatever the number of threads


class Stats(NamedTuple):
    """Statistics of the shape (1, S, G, 1, 1), in the dtype of the arithmetic."""

    mean: Array | None  # None: taken to be zero
    r: Array
    rest: Array | None = None  # what the mean lost when it was rounded
    fixed: bool = False  # given, not taken from the input


def total(x: Array, y: Array | None = None) -> Array:
    """Σ x, or Σ x·y, over A, P and B of (A, S, G, P, B), as float64 (1, S, G, 1, 1)."""
    size = x.shape[-1]
    if size < FEW:
        product = x if y is None else x * y
        return np.add.reduce(product, axis=(0, 3, 4), dtype=np.float64, keepdims=True)
    if y is None:
        y = _ones(min(size, PIECE), x.dtype)
    whole = size - size % PIECE if size > PIECE else 0
    sums: Any = 0
    if whole:
        shape = (*x.shape[:-1], whole // PIECE, PIECE)
        right = y if y.ndim == 1 else y[..., :whole].reshape(shape)
        parts = np.vecdot(x[..., :whole].reshape(shape), right)
        sums = np.add.reduce(parts, axis=-1, dtype=np.float64)
    if whole < size:
        right = y[: size - whole] if y.ndim == 1 else y[..., whole:]
        sums = sums + np.vecdot(x[..., whole:], right)
    if len(x) == x.shape[3] == 1:
        return sums.astype(np.float64)[..., None]
    return np.add.reduce(sums, axis=(0, 3), dtype=np.float64, keepdims=True)[..., None]


@functools.lru_cache(maxsize=64)
def _ones(size: int, dtype: np.dtype) -> Array:
    return np.ones(size, dtype)


def _part(a: Any, rows: slice) -> Any:
    """What concerns some rows of S: all of it, where it does not depend on s."""
    return a if a is None or a.shape[1] == 1 else a[:, rows]


def _chunks(x: Array) -> list[slice]:
    rows = x.shape[1]
    step = max(1, CHUNK // max(1, x.size // max(1, rows)))
    return [slice(i, min(i + step, rows)) for i in range(0, rows, step)]


def _centre(x: Array, stats: Stats, rows: slice, out: Array) -> Array:
    """d = x − mean − rest, in `out`; x itself where the mean is zero."""
    if stats.mean is None:
        return x
    np.subtract(x, _part(stats.mean, rows), out=out)
    return out if stats.rest is None else np.subtract(out, _part(stats.rest, rows), out=out)


def forward(
    x: Array, weight: Array | None, bias: Array | None, eps: float, stats: Stats | None,
    centred: bool,
) -> tuple[Array, Stats, Array | None]:  # fmt: skip
    """y, the statistics, and the (biased) variance in float64; `stats` are used where given.

    x: (A, S, G, P, B); weight and bias broadcast against it.
    """
    shape = (1, *x.shape[1:3], 1, 1)
    y, var = np.empty_like(x), None
    if stats is None:
        zeros = [np.zeros(shape, x.dtype) for _ in range(3)]
        var = np.zeros(shape, np.float64)
        stats = Stats(zeros[0], zeros[1], zeros[2]) if centred else Stats(None, zeros[1])
    chunks = _chunks(x)

    def task(i: int) -> None:
        rows = chunks[i]
        with scratch() as take:
            part = x[:, rows]
            out = take(part.shape, x.dtype)
            if var is None:
                d = _centre(part, stats, rows, out)
            else:
                d = _measure(part, stats, var, rows, eps, out)
            _scale(d, _part(stats.r, rows), _part(weight, rows), _part(bias, rows), y[:, rows], out)

    parallel_for(task, len(chunks))
    return y, stats, var


def _measure(x: Array, stats: Stats, var: Array, rows: slice, eps: float, out: Array) -> Array:
    """Fill in the statistics of some rows; returns d."""
    n = math.prod(x.shape) // max(1, x.shape[1] * x.shape[2])
    if stats.mean is not None and stats.rest is not None:
        stats.mean[:, rows] = total(x) / np.float64(n)
        np.subtract(x, stats.mean[:, rows], out=out)
        stats.rest[:, rows] = total(out) / np.float64(n)
        x = np.subtract(out, stats.rest[:, rows], out=out)
    var[:, rows] = total(x, x) / np.float64(n)
    stats.r[:, rows] = 1 / np.sqrt(var[:, rows] + eps)
    return x


def _scale(d: Array, r: Array, weight: Array | None, bias: Array | None, y: Array, out: Array) -> None:
    """y = d·r·weight + bias, by way of the scratch `out`, which is in cache."""
    factors = [r] if weight is None else [r, weight]
    if weight is not None and weight.shape[3:] == (1, 1):
        factors = [r * weight]
    for factor in factors[:-1]:
        d = np.multiply(d, factor, out=out)
    if bias is None:
        np.multiply(d, factors[-1], out=y)
    else:
        np.add(np.multiply(d, factors[-1], out=out), bias, out=y)


def gradients(
    g: Array, x: Array, weight: Array | None, bias_shape: tuple[int, ...] | None, stats: Stats,
    needs: tuple[bool, bool, bool],
) -> tuple[Array | None, Array | None, Array | None]:  # fmt: skip
    """dx like x, and dweight, dbias in float64 in their own five-dim shape; None if not needed."""
    chunks = _chunks(x)
    lanes = min(LANES, len(chunks))
    shapes = [None if weight is None else weight.shape, bias_shape]
    sums = [
        np.zeros((lanes, *shape)) if need and shape is not None else None
        for need, shape in zip(needs[1:], shapes)
    ]
    dx = np.empty_like(x) if needs[0] else None

    def lane(i: int) -> None:
        for rows in chunks[i::lanes]:
            into = None if dx is None else dx[:, rows]
            dw, db = (None if s is None else _part(s[i], rows) for s in sums)
            with scratch() as take:
                _chunk_gradients(take, g[:, rows], x[:, rows], weight, stats, rows, into, dw, db)

    parallel_for(lane, lanes)
    dw, db = (None if s is None else np.add.reduce(s, axis=0) for s in sums)
    return dx, dw, db


def _chunk_gradients(
    take: Any, g: Array, x: Array, weight: Array | None, stats: Stats, rows: slice,
    dx: Array | None, dw: Array | None, db: Array | None,
) -> None:  # fmt: skip
    """One chunk: h = g·w;  dx = r·(h − mean(h) − x̂·mean(h·x̂));  dw += Σ g·x̂;  db += Σ g."""
    n = np.float64(x.size // max(1, x.shape[1] * x.shape[2]))
    w, r = _part(weight, rows), _part(stats.r, rows)
    hat = take(x.shape, x.dtype)
    moved = dx is not None and not stats.fixed
    if dw is not None or moved:
        hat = np.multiply(_centre(x, stats, rows, hat), r, out=hat)
    buffer = take(x.shape, x.dtype)
    level: Any = None
    along: Any = None
    if all(t is None or t.shape[3:] == (1, 1) for t in (w, dw, db)):
        # the weight is a factor of the whole row: w·r is one, and so are dw, db and the two means
        level, along = total(g), total(g, hat) if dw is not None or moved else None
        if dw is not None:
            dw += _summed(along, dw.shape)
        if db is not None:
            db += _summed(level, db.shape)
        h, factor = g, r if w is None else r * w
    else:
        if dw is not None:
            dw += _summed(np.multiply(g, hat, out=buffer), dw.shape)
        if db is not None:
            db += _summed(g, db.shape)
        h, factor = g if w is None else np.multiply(g, w, out=buffer), r
        if moved:
            level, along = total(h), total(h, hat)
    if dx is None:
        return
    if not moved:
        np.multiply(h, factor, out=dx)
        return
    hat *= (along / n).astype(x.dtype)
    if stats.mean is not None:
        hat += (level / n).astype(x.dtype)
    np.multiply(np.subtract(h, hat, out=hat), factor, out=dx)


def _summed(x: Array, shape: tuple[int, ...]) -> Array:
    """x added up along the dims in which `shape` is 1."""
    if shape[4] > 1 == math.prod(shape[:4]) and len(x) == 1:  # the columns of a matrix
        matrix = x.reshape(-1, x.shape[4])
        return np.matmul(_ones(len(matrix), x.dtype), matrix).reshape(shape)
    axes = tuple(i for i, size in enumerate(shape) if size == 1 and x.shape[i] != 1)
    long = 4 in axes and x.shape[4] > PIECE
    return np.add.reduce(x, axis=axes, keepdims=True, dtype=np.float64 if long else None)

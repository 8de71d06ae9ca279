"""Normalisation: subtract a mean, divide by a standard deviation, scale and shift; and the gradient.

    d = x − mean      r = 1/√(mean(d²) + eps)      x̂ = d·r      y = x̂·weight + bias

All norms are one problem once the array is seen in five dims (A, S, G, P, B): statistics belong to a
pair (s, g) and run over A, P and B.

    batch (N, C, *)      A = N        S = C         B = *            weight per s
    layer (*, D)         S = *        B = D                          weight per b
    group (N, C, *)      S = N        G = groups    P = C/G   B = *  weight per (g, p)

The work goes through chunks of S that stay in cache, so that the passes below cost arithmetic and not
memory.  A pass costs 0.13 ns an element, in place (in y, in dx) 0.08, and the fewer the better.  Where
the mean is no larger than the deviation it need not be subtracted before anything is measured:

    var = mean(x²) − mean²                                 Σ h·x̂ = r·(Σ h·x − mean·Σ h)
    forward    sum, dot, −mean, ·r, ·w, +b                 4 passes, 6 with weight and bias
    backward   sum, dot, ·k, −, −, ·r;  w per b: ·w, and for dw and db ·, sum, sum, sum

with h = g·w and dx = r·(h − mean(h) − x̂·mean(h·x̂)) multiplied out: r·(h − x·k + e), where k and e are
numbers of a row.  Where the mean is larger, too much would cancel: it is subtracted `first`, the rest
is measured once more and takes its place in the formulas.  (`first` is zero for the other rows of such
a chunk, so that no row depends on its neighbours.)

Sums are BLAS dot products (with ones, for a plain sum) over pieces of at most PIECE elements, added
up in double: 0.06 to 0.1 ns an element, where `np.add.reduce` needs 0.2 and in double 0.5.
"""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np

from . import heap
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
    first: Array | None = None  # the large part of large means; `mean` is then the rest
    fixed: bool = False  # given, not taken from the input

    def full_mean(self) -> Array:
        """The mean in one number, as float64."""
        mean = np.asarray(self.mean, np.float64)
        return mean if self.first is None else mean + self.first


def total(x: Array, y: Array | None = None) -> Array:
    """Σ x, or Σ x·y, over A and B of (A, S, G, P, B), as float64 (1, S, G, P, 1)."""
    size = x.shape[-1]
    if size < FEW:
        product = x if y is None else x * y
        return np.add.reduce(product, axis=(0, 4), dtype=np.float64, keepdims=True)
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
    if len(x) == 1:
        return sums.astype(np.float64)[..., None]
    return np.add.reduce(sums, axis=0, dtype=np.float64, keepdims=True)[..., None]


def _over_planes(x: Array) -> Array:
    """Sums of (1, S, G, P, 1) over P."""
    return x if x.shape[3] == 1 else np.add.reduce(x, axis=3, keepdims=True)


@functools.lru_cache(maxsize=64)
def _ones(size: int, dtype: np.dtype) -> Array:
    return np.ones(size, dtype)


def _part(a: Any, rows: slice) -> Any:
    """What concerns some rows of S: all of it, where it does not depend on s."""
    return a if a is None or a.shape[1] == 1 else a[:, rows]


def _chunks(x: Array) -> list[slice]:
    rows = x.shape[1]
    step = max(1, CHUNK // max(1, x.size // max(1, rows)))
    if rows > step:
        step = -(-rows // -(-rows // step))  # chunks of one size: threads end together
    return [slice(i, min(i + step, rows)) for i in range(0, rows, step)]


def _less_first(take: Any, x: Array, stats: Stats, rows: slice) -> Array:
    """x − first, in scratch memory; x itself where that is zero everywhere."""
    first = None if stats.first is None else stats.first[:, rows]
    if first is None or not first.any():
        return x
    return np.subtract(x, first, out=take(x.shape, x.dtype))


def forward(
    x: Array, weight: Array | None, bias: Array | None, eps: float, stats: Stats | None,
    centred: bool,
) -> tuple[Array, Stats, Array | None]:  # fmt: skip
    """y, the statistics, and the (biased) variance in float64; `stats` are used where given.

    x: (A, S, G, P, B); weight and bias broadcast against it.
    """
    if x.size >= heap.LARGE:
        heap.keep()
    shape = (1, *x.shape[1:3], 1, 1)
    y, var = np.empty_like(x), None
    if stats is None:
        r, var = np.zeros(shape, x.dtype), np.zeros(shape, np.float64)
        zeros = [np.zeros(shape, x.dtype) for _ in range(2)]
        stats = Stats(zeros[0], r, zeros[1]) if centred else Stats(None, r)
    chunks = _chunks(x)

    def task(i: int) -> None:
        rows = chunks[i]
        with scratch() as take:
            d = x[:, rows]
            if var is not None:
                d = _measure(take, d, stats, var, rows, eps)
            factors = _part(stats.mean, rows), _part(stats.r, rows), _part(weight, rows)
            _scale(d, *factors, _part(bias, rows), y[:, rows])

    parallel_for(task, len(chunks))
    return y, stats, var


def _measure(take: Any, x: Array, stats: Stats, var: Array, rows: slice, eps: float) -> Array:
    """Fill in the statistics of some rows; returns x − first."""
    n = np.float64(math.prod(x.shape) // max(1, x.shape[1] * x.shape[2]))
    d, spread = x, _over_planes(total(x, x)) / n
    if stats.mean is not None and stats.first is not None:
        mean, square = _over_planes(total(x)) / n, spread
        spread = square - mean * mean
        near = (mean * mean <= spread) & (square < np.inf)
        if not near.all():
            first = stats.first[:, rows]
            first[...] = np.where(near, 0, mean)
            some: Any = np.flatnonzero(~near.all(axis=(0, 2, 3, 4)))
            if 2 * len(some) > x.shape[1]:
                some = slice(None)
            part = x[:, some]
            part = np.subtract(part, first[:, some], out=take(part.shape, x.dtype))
            rest = _over_planes(total(part)) / n
            mean[:, some] = rest
            spread[:, some] = np.maximum(_over_planes(total(part, part)) / n - rest * rest, 0)
            d = part if isinstance(some, slice) else _less_first(take, x, stats, rows)
        stats.mean[:, rows] = mean
    var[:, rows] = spread
    stats.r[:, rows] = 1 / np.sqrt(spread + eps)
    return d


def _scale(
    x: Array, mean: Array | None, r: Array, weight: Array | None, bias: Array | None, y: Array
) -> None:
    """y = (x − mean)·r·weight + bias, in y: a pass in place is a third cheaper than one from x to y."""
    factors = [r] if weight is None else [r, weight] if weight.shape[4] > 1 else [r * weight]
    if mean is not None:
        x = np.subtract(x, mean, out=y)
    for factor in factors:
        x = np.multiply(x, factor, out=y)
    if bias is not None:
        np.add(y, bias, out=y)


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
    """One chunk: dx = r·(h − d·k + e), where h = g·w and d = x − first;  dw += Σ g·x̂;  db += Σ g."""
    n = np.float64(x.size // max(1, x.shape[1] * x.shape[2]))
    w, r, mean = _part(weight, rows), _part(stats.r, rows), _part(stats.mean, rows)
    d, h, factor = _less_first(take, x, stats, rows), g, r
    buffer = take(x.shape, x.dtype)
    moved = dx is not None and not stats.fixed
    level: Any = 0
    along: Any = 0  # Σ h and Σ h·x̂
    if any(t is not None and t.shape[4] > 1 for t in (w, dw, db)):
        if dw is not None:
            dw += _columns(np.multiply(g, d, out=buffer), r)
            if mean is not None:
                dw -= _columns(g, r * mean)
        if db is not None:
            db += _columns(g, None)
        if w is not None and dx is not None:
            h = np.multiply(g, w, out=buffer)
        if moved:
            level, along = _sums(h, d, mean, r)
    else:  # the weight is a factor of a whole plane, and dw and db are sums over planes
        if dw is not None or db is not None or moved:
            level, along = _sums(g, d, mean, r)
        if dw is not None:
            dw += _summed(along, dw.shape)
        if db is not None:
            db += _summed(level, db.shape)
        if w is not None and w.shape[3] == 1:
            factor = r * w
        elif w is not None and dx is not None:
            h, level, along = np.multiply(g, w, out=buffer), level * w, along * w
    if dx is None:
        return
    if not moved:
        np.multiply(h, factor, out=dx)
        return
    k = r * _over_planes(along) / n
    np.multiply(d, k.astype(x.dtype), out=dx)
    if mean is not None:
        dx -= (mean * k - _over_planes(level) / n).astype(x.dtype)
    np.subtract(h, dx, out=dx)
    dx *= factor


def _sums(h: Array, d: Array, mean: Array | None, r: Array) -> tuple[Array, Array]:
    """Σ h and Σ h·x̂ over A and B, where x̂ = (d − mean)·r."""
    level, along = total(h), total(h, d)
    return level, (along if mean is None else along - mean * level) * r


def _columns(x: Array, factor: Array | None) -> Array:
    """Σ x·factor over all dims but B."""
    matrix = x.reshape(-1, x.shape[4])
    if factor is None:
        return np.matmul(_ones(len(matrix), x.dtype), matrix)
    if factor.size != len(matrix):
        factor = np.broadcast_to(factor, (*x.shape[:4], 1))
    return np.matmul(factor.reshape(-1), matrix)


def _summed(x: Array, shape: tuple[int, ...]) -> Array:
    """x added up along the dims in which `shape` is 1."""
    axes = tuple(i for i, size in enumerate(shape) if size == 1 and x.shape[i] != 1)
    return np.add.reduce(x, axis=axes, keepdims=True)

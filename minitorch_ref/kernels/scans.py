"""Running sums and products along one dim of an array.

Floats are accumulated in the next wider type and every result rounded once, as torch does it.
NumPy's `accumulate` waits for each result before it takes the next element: 3.4 ns each.  Two ways
round that:

    along any dim but the last       row i of the result = row i − 1 ∘ row i: whole rows at a time
    sums along the last dim          blocks of BLOCK numbers times a triangle of ones, the sum of
                                     all blocks before added to the first number of each

    │ before+x0  x1  x2 … │ · │ 1 1 1 … │      BLOCK multiply-adds an element: 0.65 ns in double; the
                              │ 0 1 1 … │      sums of blocks, two casts and the rest: 0.7 ns
                              │ 0 0 1 … │

A product with a zero makes NaN of an infinity, so where a total is not finite, and for float64, whose
sums torch adds up one after the other in that very type, NumPy's own loop does the work.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from . import heap
from .workspace import scratch

Array = np.ndarray

BLOCK = 16
_SHORT = 256  # elements below which a row does not pay for a call
_TILE = 1 << 15  # elements worked on at a time: their doubles stay in cache
_DOUBLE = np.dtype(np.float64)
_WIDER: dict[str, np.dtype] = {"e": np.dtype("f4"), "f": _DOUBLE, "F": np.dtype("D")}


def accumulate(ufunc: Any, x: Array, dim: int) -> Array:
    """`ufunc.accumulate` along `dim` (of at least one), in x's own dtype."""
    n, inner = x.shape[dim], math.prod(x.shape[dim + 1 :])
    wide = _WIDER.get(x.dtype.char, x.dtype)
    if x.size >= heap.LARGE:
        heap.keep()
    if ufunc is not np.logaddexp:
        if n > 1 and inner >= BLOCK and x.size >= _SHORT * n:
            return _by_rows(ufunc, x, dim, wide)
        large = inner == 1 and n >= 4 * BLOCK and x.size >= 4 * _SHORT
        if large and x.dtype.char == "f" and ufunc is np.add:
            sums = _by_blocks(np.ascontiguousarray(x).reshape(-1, n))
            if sums is not None:
                return sums.reshape(x.shape)
    return np.asarray(ufunc.accumulate(x, axis=dim, dtype=wide)).astype(x.dtype, copy=False)


def _by_rows(ufunc: Any, x: Array, dim: int, kind: np.dtype) -> Array:
    out = np.empty(x.shape, x.dtype)
    rows, results = np.moveaxis(x, dim, 0), np.moveaxis(out, dim, 0)
    if x.dtype == kind:
        results[0] = before = rows[0]
        for row, result in zip(rows[1:], results[1:]):
            before = ufunc(before, row, out=result)
        return out
    step = max(1, _TILE // rows[0].size)
    with scratch() as take:
        wide = take((step + 1, *rows.shape[1:]), kind)
        wide[0] = ufunc.identity
        for i in range(0, len(rows), step):
            part = rows[i : i + step]
            wide[1 : 1 + len(part)] = part
            for k in range(1, 1 + len(part)):
                ufunc(wide[k - 1], wide[k], out=wide[k])
            results[i : i + step] = wide[1 : 1 + len(part)]
            wide[0] = wide[len(part)]
    return out


def _by_blocks(x: Array) -> Array | None:
    """Running sums of every row of a contiguous float32 matrix; None where they are not finite."""
    rows, n = x.shape
    out = np.empty_like(x)
    step, width = max(1, _TILE // n), min(n, _TILE)
    with scratch() as take:
        for i in range(0, rows, step):
            some = slice(i, i + step)
            before: Any = 0
            for j in range(0, n, width):
                part = slice(j, j + width)
                before = _tile(take, x[some, part], before, out[some, part])
            if not np.isfinite(before).all():
                return None
    return out


def _tile(take: Any, x: Array, before: Any, out: Array) -> Array:
    """Some columns of some rows; returns the rows' sums so far."""
    rows, n = x.shape
    count = -(-n // BLOCK)
    with scratch():
        blocks = take((rows, count, BLOCK), _DOUBLE)
        sums = take((rows * count, BLOCK), _DOUBLE)
        padded = blocks.reshape(rows, -1)
        padded[:, :n] = x
        padded[:, n:] = 0
        ends = np.matmul(blocks.reshape(-1, BLOCK), np.ones(BLOCK)).reshape(rows, count)
        ends[:, 0] += before
        np.add.accumulate(ends, axis=1, out=ends)
        blocks[:, 0, 0] += before
        blocks[:, 1:, 0] += ends[:, :-1]
        np.matmul(blocks.reshape(-1, BLOCK), _triangle(), out=sums)
        out[...] = sums.reshape(rows, -1)[:, :n]
        return ends[:, -1].copy()


@functools.cache
def _triangle() -> Array:
    return np.triu(np.ones((BLOCK, BLOCK)))

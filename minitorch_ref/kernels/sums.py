"""Sums that are accurate along every axis, and products that are fast along the last one.

NumPy adds pairwise (error grows with log n) along the axis that is fastest in memory, and one after
the other (error grows with n) along all others.  So a long slow axis is cut into blocks that are
summed first: the error grows with n/64 + 64, then with the logarithm again as blocks of blocks are
formed.  float16 is summed in float32 and rounded once.

Large sums go to BLAS, a piece of at most PIECE numbers at a time, the pieces added up in double: a dot
product with ones keeps some 64 partial sums and costs 0.05 to 0.07 ns an element, `np.add.reduce`
0.15 to 0.19.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from . import heap

Array = np.ndarray

_add: Any = np.add.reduce
_multiply: Any = np.multiply.reduce

_BLOCK = 64
_LONG = 256  # additions one after the other that are still accurate enough
PIECE = 1024  # elements of one dot product
_MANY = 1 << 13  # elements from which BLAS pays
_ROW = 192  # and the rows it pays for


def total(x: Array, axes: tuple[int, ...] | None, keepdims: bool = False) -> Array:
    """The sum over `axes` (None: all), in the array's own dtype."""
    if x.size >= heap.LARGE:
        heap.keep()
    if x.dtype.char == "e":
        return np.asarray(total(x.astype(np.float32), axes, keepdims)).astype(np.float16)
    if x.dtype.kind in "fc" and x.size > _LONG:
        if x.size >= _MANY and x.dtype.kind == "f" and (n := run_length(x, axes)) >= _ROW:
            return shaped(dots(x.reshape(-1, n)), x, axes, keepdims).astype(x.dtype)
        axis = _slow_axis(x, axes)
        if axis is not None:
            return _in_blocks(x, axes, keepdims, axis)
    return np.asarray(_add(x, axis=axes, keepdims=keepdims), order="C")


def run_length(x: Array, axes: tuple[int, ...] | None) -> int:
    """How many elements each sum over `axes` has if they lie side by side in memory, else 0."""
    if not x.flags.c_contiguous:
        return 0
    if axes is None:
        return x.size
    kept = x.ndim - len(axes)
    return math.prod(x.shape[kept:]) if axes == tuple(range(kept, x.ndim)) else 0


def shaped(sums: Array, x: Array, axes: tuple[int, ...] | None, keepdims: bool) -> Array:
    """Sums over the last axes of x, one after the other in memory, in the shape they should have."""
    kept = () if axes is None else x.shape[: x.ndim - len(axes)]
    return sums.reshape(kept + (1,) * (x.ndim - len(kept)) if keepdims else kept)


def dots(x: Array, y: Array | None = None) -> Array:
    """Σ x·y, or Σ x, of every row of a contiguous matrix, as float64."""
    rows, n = x.shape
    if y is None:
        y = _ones(min(n, PIECE), x.dtype)
    if n <= PIECE:
        return np.vecdot(x, y).astype(np.float64)
    whole = n - n % PIECE
    pieces = rows, whole // PIECE, PIECE
    right = y if y.ndim == 1 else y[:, :whole].reshape(pieces)
    sums = np.add.reduce(np.vecdot(x[:, :whole].reshape(pieces), right), axis=1, dtype=np.float64)
    if whole < n:
        right = y[: n - whole] if y.ndim == 1 else y[:, whole:]
        sums += np.vecdot(x[:, whole:], right)
    return np.asarray(sums)


@functools.lru_cache(maxsize=64)
def _ones(size: int, dtype: np.dtype) -> Array:
    return np.ones(size, dtype)


def _slow_axis(x: Array, axes: tuple[int, ...] | None) -> int | None:
    """The longest summed axis that NumPy would add one after the other, if it is too long."""
    if x.flags.c_contiguous and (axes is None or axes == tuple(range(x.ndim - len(axes), x.ndim))):
        return None  # the summed axes are one run in memory
    summed = range(x.ndim) if axes is None else axes
    fastest = min(range(x.ndim), key=lambda a: abs(x.strides[a]) if x.shape[a] > 1 else math.inf)
    slow = [a for a in summed if a != fastest]
    if math.prod([x.shape[a] for a in slow]) <= _LONG:
        return None
    axis = max(slow, key=lambda a: x.shape[a])
    return axis if x.shape[axis] >= 2 * _BLOCK else None


def _in_blocks(x: Array, axes: tuple[int, ...] | None, keepdims: bool, axis: int) -> Array:
    blocks = x.shape[axis] // _BLOCK
    cut = (slice(None),) * axis
    head = x[(*cut, slice(0, blocks * _BLOCK))]
    split = head.reshape(x.shape[:axis] + (blocks, _BLOCK) + x.shape[axis + 1 :])
    if axis == 0 and x.ndim == 2 and x.dtype.kind == "f" and x.flags.c_contiguous:
        partial = np.matmul(_ones(_BLOCK, x.dtype), split)  # twice as fast
    else:
        partial = _add(split, axis=axis + 1)
    if x.shape[axis] > blocks * _BLOCK:
        tail = _add(x[(*cut, slice(blocks * _BLOCK, None))], axis=axis, keepdims=True)
        partial = np.concatenate((partial, tail), axis)
    return total(partial, axes, keepdims)


def product(x: Array, axes: tuple[int, ...], keepdims: bool = False) -> Array:
    """The product over `axes`, in the array's own dtype.

    NumPy multiplies a run in memory one number after the other (0.9 ns each).  So the second half of
    every row is multiplied into the first, again and again, many numbers at a time.
    """
    if x.dtype.char == "e":
        return product(x.astype(np.float32), axes, keepdims).astype(np.float16)
    n = run_length(x, axes) if x.dtype.kind == "f" else 0
    if n < 2 * _BLOCK:
        return np.asarray(_multiply(x, axis=axes, keepdims=keepdims), order="C")
    rows = x.reshape(-1, n)
    while n >= 2 * _BLOCK:
        half = n // 2
        folded = np.multiply(rows[:, :half], rows[:, half : 2 * half])
        if n % 2:
            folded[:, 0] *= rows[:, -1]
        rows, n = folded, half
    return shaped(np.asarray(_multiply(rows, axis=1)), x, axes, keepdims)

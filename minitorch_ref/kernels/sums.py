"""Sums that are accurate along every axis, and products that are fast along the last one.

NumPy adds pairwise (error grows with log n) along the axis that is fastest in memory, and one after
the other (error grows with n) along all others.  So a long slow axis is cut into blocks that are
summed first: the error grows with n/64 + 64, then with the logarithm again as blocks of blocks are
formed.  float16 is summed in float32 and rounded once.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import heap

Array = np.ndarray

_add: Any = np.add.reduce
_multiply: Any = np.multiply.reduce

_BLOCK = 64
_LONG = 256  # additions one after the other that are still accurate enough


def total(x: Array, axes: tuple[int, ...] | None, keepdims: bool = False) -> Array:
    """The sum over `axes` (None: all), in the array's own dtype."""
    if x.size >= heap.LARGE:
        heap.keep()
    if x.dtype.char == "e":
        return np.asarray(total(x.astype(np.float32), axes, keepdims)).astype(np.float16)
    if x.dtype.kind in "fc" and x.size > _LONG:
        axis = _slow_axis(x, axes)
        if axis is not None:
            return _in_blocks(x, axes, keepdims, axis)
    return np.asarray(_add(x, axis=axes, keepdims=keepdims))


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
    partial = _add(split, axis=axis + 1)
    if x.shape[axis] > blocks * _BLOCK:
        tail = _add(x[(*cut, slice(blocks * _BLOCK, None))], axis=axis, keepdims=True)
        partial = np.concatenate((partial, tail), axis)
    return total(partial, axes, keepdims)


def product(x: Array, axes: tuple[int, ...], keepdims: bool = False) -> Array:
    """The product over `axes`, in the array's own dtype.

    NumPy multiplies a run in memory one number after the other; as the rows of a matrix they are
    multiplied many at a time.
    """
    if x.dtype.char == "e":
        return product(x.astype(np.float32), axes, keepdims).astype(np.float16)
    n, outer = math.prod([x.shape[a] for a in axes]), x.shape[: x.ndim - len(axes)]
    run = x.flags.c_contiguous and axes == tuple(range(len(outer), x.ndim))
    if x.dtype.kind == "f" and run and n >= 512:
        whole = n - n % _BLOCK
        flat = x.reshape(*outer, n)
        head = _multiply(flat[..., :whole].reshape(*outer, -1, _BLOCK), axis=-2)
        result = _multiply(head, axis=-1) * _multiply(flat[..., whole:], axis=-1)
        return np.asarray(result).reshape(outer + (1,) * len(axes) if keepdims else outer)
    return np.asarray(_multiply(x, axis=axes, keepdims=keepdims))

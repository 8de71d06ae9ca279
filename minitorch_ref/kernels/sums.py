"""Sums that are accurate along every axis.

NumPy adds pairwise (error grows with log n) along the axis that is fastest in memory, and one after
the other (error grows with n) along all others.  So a long slow axis is cut into blocks that are
summed first: the error grows with n/64 + 64, then with the logarithm again as blocks of blocks are
formed.  float16 is summed in float32 and rounded once.
"""

from __future__ import annotations

import math

import numpy as np

Array = np.ndarray

_BLOCK = 64
_LONG = 256  # additions one after the other that are still accurate enough


def total(x: Array, axes: tuple[int, ...] | None, keepdims: bool = False) -> Array:
    """The sum over `axes` (None: all), in the array's own dtype."""
    if x.dtype.char == "e":
        return np.asarray(total(x.astype(np.float32), axes, keepdims)).astype(np.float16)
    if x.dtype.kind in "fc" and x.size > _LONG:
        axis = _slow_axis(x, axes)
        if axis is not None:
            return _in_blocks(x, axes, keepdims, axis)
    return np.asarray(np.add.reduce(x, axis=axes, keepdims=keepdims))


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
    partial = np.add.reduce(split, axis=axis + 1)
    if x.shape[axis] > blocks * _BLOCK:
        tail = np.add.reduce(x[(*cut, slice(blocks * _BLOCK, None))], axis=axis, keepdims=True)
        partial = np.concatenate((partial, tail), axis)
    return total(partial, axes, keepdims)

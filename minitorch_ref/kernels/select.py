"""Choosing between values by a mask, without a branch per element.

`np.where` takes a branch for each element, and a random mask defeats the branch predictor: it is
ten times slower than the arithmetic around it.  Seen as integers, the choice needs no branch: `b ^
((a ^ b) * mask)` has the bits of `a` where the mask is 1 and the bits of `b` where it is 0. Unlike
multiplying by the mask, it turns neither inf into NaN nor -1 into -0.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from . import heap
from .blocks import LARGE, share, spread
from .threads import get_num_threads, parallel_for

_SOME = 1024  # elements from which on a pass counts more than a call
_BITS: dict[int, Any] = {1: np.dtype("i1"), 2: np.dtype("i2"), 4: np.dtype("i4"), 8: np.dtype("i8")}


def keep(mask: np.ndarray, a: np.ndarray) -> np.ndarray:
    """`a` where `mask` holds, else zero (a positive zero, whatever `a` is there)."""
    bits = _BITS.get(a.itemsize)
    if bits is None:  # complex128 is wider than any integer
        return np.where(mask, a, np.zeros((), a.dtype))
    return _times(mask, a.view(bits)).view(a.dtype)


def keep_where_nonzero(of: np.ndarray, a: np.ndarray) -> np.ndarray:
    """`a` where `of` is not zero (NaN is not), else zero: the gradient of relu, `of` its result."""
    if a.size < LARGE:
        return keep(of != 0, a)
    step, bits = share(a.size), _BITS.get(a.itemsize)
    flat = of.shape == a.shape and of.flags.c_contiguous and a.flags.c_contiguous
    if step == a.size or not flat or bits is None:
        return keep(of != 0, a)
    out, mask = np.empty_like(a), np.empty(a.size, bool)
    given, source, target = of.reshape(-1), a.view(bits).reshape(-1), out.view(bits).reshape(-1)

    def task(i: int) -> None:
        part = slice(i * step, (i + 1) * step)
        np.not_equal(given[part], 0, out=mask[part])
        np.copyto(target[part], mask[part])
        np.multiply(target[part], source[part], out=target[part])

    parallel_for(task, -(-a.size // step))
    return out


def select(mask: np.ndarray, a: Any, b: Any, dtype: np.dtype) -> np.ndarray:
    """`a` where `mask` holds, else `b`, as `dtype`; arrays and numbers, broadcast together."""
    a, b = np.asarray(a, dtype), np.asarray(b, dtype)
    bits = _BITS.get(dtype.itemsize)
    if bits is None:
        return np.where(mask, a, b)
    a, b = a.view(bits), b.view(bits)
    chosen = _times(mask, np.bitwise_xor(a, b))
    if chosen.shape == b.shape or not b.ndim:
        return np.bitwise_xor(chosen, b, out=chosen).view(dtype)
    return np.bitwise_xor(chosen, b).view(dtype)


def _times(mask: np.ndarray, bits: np.ndarray) -> np.ndarray:
    """`bits` · `mask`.  NumPy would convert the mask buffer by buffer: a cast before saves a quarter."""
    if bits.size >= LARGE and get_num_threads() > 1:
        return np.asarray(spread(np.multiply, bits, mask))
    if bits.size < _SOME or bits.itemsize == 8 or mask.shape != bits.shape:
        return np.asarray(np.multiply(bits, mask))
    kept = mask.astype(bits.dtype)
    return np.multiply(kept, bits, out=kept)


def leaky(x: np.ndarray, slope: Any) -> np.ndarray:
    """x where it is positive, else slope·x: with slopes from 0 to 1 the larger of the two."""
    other = np.asarray(x * slope)
    if np.all(np.greater(slope, 0)) and np.all(np.less_equal(slope, 1)):
        return np.maximum(other, x, out=other)
    return select(x > 0, x, other, x.dtype)


# ---- the larger, or smaller, of an array and a number --------------------------------------------

_BLOCK = 2048  # 8 KB of float32: in the first cache, with a stretch of x and one of the result


@functools.lru_cache(maxsize=64)
def _filled(number: float, negative: bool, dtype: np.dtype) -> np.ndarray:
    """A block of `number`; `negative` tells -0.0 from 0.0, which a cache takes for one."""
    block = np.full(_BLOCK, number, dtype)
    block.flags.writeable = False
    return block


def against(
    ufunc: np.ufunc, number: float, x: np.ndarray, out: np.ndarray | None = None
) -> np.ndarray:
    """`ufunc(number, x)` for np.maximum or np.minimum: NumPy's loop over two arrays is five times
    faster than the one over an array and a number, so the number is spelt out, once per block.

    `out` is for contiguous x only.
    """
    if not x.flags.c_contiguous or not x.ndim:
        result = ufunc(x.dtype.type(number), x)
        return np.asarray(np.where(x == number, x, result) if number == 0 else result)
    block = _filled(number, math.copysign(1, number) < 0, x.dtype)
    if x.size <= _BLOCK:
        return ufunc(block[: x.size].reshape(x.shape), x, out=out)
    if out is None:
        heap.keep()
        out = np.empty_like(x)
    source, target, step = x.reshape(-1), out.reshape(-1), share(x.size)
    if step == x.size:
        _by_blocks(ufunc, block, source, target)
        return out

    def task(i: int) -> None:
        part = slice(i * step, (i + 1) * step)
        _by_blocks(ufunc, block, source[part], target[part])

    parallel_for(task, -(-x.size // step))
    return out


def _by_blocks(ufunc: np.ufunc, block: np.ndarray, x: np.ndarray, out: np.ndarray) -> None:
    whole = x.size - x.size % _BLOCK
    ufunc(block, x[:whole].reshape(-1, _BLOCK), out=out[:whole].reshape(-1, _BLOCK))
    ufunc(block[: x.size - whole], x[whole:], out=out[whole:])

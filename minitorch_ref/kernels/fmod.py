"""The remainder of a division, exact, of large float32 arrays, through float64.

The C library's fmod takes an element at a time, 14 ns each.  In double precision

    q = trunc(a / b)      r = a − q·b

both steps of r are exact while |q| < 2²⁷: q·b has at most 51 bits, and r lies on the grid of a and b.
And a / b is not rounded up to a whole number that it does not reach: it stays away from one by at
least 2⁻⁵¹ of itself.  Larger quotients, zero divisors, infinities and NaN are left to the C library.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .workspace import scratch

Array = np.ndarray

_FEW = 512
_PART = 1 << 15  # elements worked on at a time: their doubles stay in the cache
_LARGEST = float(1 << 27)
_WIDE = np.dtype(np.float64)


def fmod(a: Any, b: Any) -> Any:
    """np.fmod: a − b·trunc(a/b), with the sign of a."""
    if not (isinstance(a, Array) and a.dtype.char == "f" and a.size >= _FEW and a.flags.c_contiguous):
        return np.fmod(a, b)
    whole = isinstance(b, Array) and b.ndim > 0
    if whole and not (b.dtype == a.dtype and b.shape == a.shape and b.flags.c_contiguous):
        return np.fmod(a, b)
    out = np.empty_like(a)
    left, target = a.reshape(-1), out.reshape(-1)
    right: Any = b.reshape(-1) if whole else np.float32(b)
    for i in range(0, a.size, _PART):
        part = slice(i, i + _PART)
        divisor = right[part] if whole else right
        if not _part(left[part], divisor, target[part]):
            np.fmod(left[part], divisor, out=target[part])
    return out


def _part(a: Array, b: Any, out: Array) -> bool:
    """Whether `out` has the remainders now."""
    with scratch() as take:
        x, q = take(a.shape, _WIDE), take(a.shape, _WIDE)
        np.copyto(x, a)
        y: Any = np.float64(b)
        if np.ndim(b):
            y = take(a.shape, _WIDE)
            np.copyto(y, b)
        np.divide(x, y, out=q)
        np.trunc(q, out=q)
        low, high = np.minimum.reduce(q), np.maximum.reduce(q)
        if not (low > -_LARGEST and high < _LARGEST):  # NaN and infinities among them
            return False
        np.multiply(q, y, out=q)
        np.subtract(x, q, out=out, casting="same_kind")
    zero = np.flatnonzero(out == 0)
    if zero.size:
        out[zero] = np.copysign(out[zero], a[zero])
    return bool(np.isfinite(np.add.reduce(out)))

"""The stable order of numbers of 32 bits: by sorting keys of 64 bits that end in the place.

    │ the number, as whole number in the same order │ its place │       64 bits, no two alike
      sign bit of positives set, negatives inverted

NumPy sorts whole numbers of 64 bits with vector instructions, which no stable argsort does: a million
of them in 14 ms with AVX2, in 50 with AVX-512 on a Zen 4, instead of 120.  As equal numbers differ in
their places, the order is stable; in descending order the number's bits are inverted and the place is
not.  −0 is made +0 and every NaN the largest key: they are equal to each other in torch's order.
"""

from __future__ import annotations

import numpy as np

Array = np.ndarray

_FEW = 256  # elements of a row below which NumPy's own argsort is no slower
_TOP = np.uint32(1 << 31)
_ALL = np.uint32(0xFFFFFFFF)


def stable_order(x: Array, dim: int, descending: bool) -> Array | None:
    """The places that sort x along `dim`, NaN last (first if descending); None for other dtypes."""
    n = x.shape[dim]
    if x.dtype.char not in "fiI" or not _FEW <= n < 1 << 32:
        return None
    keys = _ordered_bits(np.ascontiguousarray(np.moveaxis(x, dim, -1)))
    if descending:
        np.invert(keys, out=keys)
    wide = keys.astype(np.uint64)
    wide <<= np.uint64(32)
    wide |= np.arange(n, dtype=np.uint64)
    wide.sort(axis=-1)
    wide &= np.uint64(_ALL)
    return np.moveaxis(wide.view(np.int64), -1, dim)


def _ordered_bits(x: Array) -> Array:
    """Numbers of 32 bits as uint32 in the same order."""
    if x.dtype.kind == "u":
        return x.copy()
    if x.dtype.kind == "i":
        return x.view(np.uint32) ^ _TOP
    x = x + np.float32(0)  # −0 is +0 now
    bits = x.view(np.uint32)
    negative = np.right_shift(x.view(np.int32), 31).view(np.uint32)
    negative |= _TOP
    negative ^= bits
    if np.isnan(np.add.reduce(x, axis=None)):  # a NaN, or infinities of both signs
        negative[np.isnan(x)] = _ALL
    return negative

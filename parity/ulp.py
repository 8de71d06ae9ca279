"""Distances in units in the last place.

`distance(a, b)` counts the representable numbers between two arrays of one floating dtype: IEEE
numbers of one sign are ordered as their bit patterns are, so after mapping negative patterns below
zero the distance is a difference of integers.  −0 and +0 are the same number (distance 0); nan to
nan is 0, nan to anything else, and a finite number to an infinity of the other sign, is `FAR`.

`error(a, exact)` measures a result against a more precise one, in ULPs (fractions count) of the
dtype at `exact`: the spacing between the two representable numbers around it.
"""

from __future__ import annotations

import numpy as np

FAR = 2.0**63
_INTS = {2: np.int16, 4: np.int32, 8: np.int64}


def ordered(a: np.ndarray) -> np.ndarray:
    """Signed integers in the order of the numbers; neighbours differ by one, ±0 are both 0."""
    bits = np.ascontiguousarray(a).view(_INTS[a.dtype.itemsize])
    low = np.array(np.iinfo(bits.dtype).min, bits.dtype)
    return np.where(bits < 0, low - bits, bits).astype(np.int64).reshape(a.shape)


def distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """ULP distance, elementwise, as float64.  Both arrays must have the same floating dtype."""
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype != b.dtype or a.dtype.kind != "f":
        raise TypeError(
            f"ULP distance needs two arrays of one floating dtype, got {a.dtype} and {b.dtype}"
        )
    x, y = ordered(a), ordered(b)
    same_side = (x >= 0) == (y >= 0)
    with np.errstate(all="ignore"):
        steps = np.where(
            same_side,
            np.abs(x - y).astype(np.float64),
            np.abs(x.astype(np.float64)) + np.abs(y.astype(np.float64)),
        )
    nan_a, nan_b = np.isnan(a), np.isnan(b)
    return np.where(nan_a & nan_b, 0.0, np.where(nan_a | nan_b, FAR, steps))


def spacing(exact: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Size of one ULP of `dtype` at the (more precise) number `exact`, denormals included."""
    info = np.finfo(dtype)
    wide = np.longdouble if np.asarray(exact).dtype == np.longdouble else np.float64
    with np.errstate(all="ignore"):
        size = np.abs(np.asarray(exact, wide))
        power = np.frexp(np.maximum(size, wide(info.tiny)))[1] - 1
        return np.ldexp(
            np.ones_like(size), np.maximum(power - info.nmant, info.minexp - info.nmant)
        )


def error(a: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """|a − exact| in ULPs of a's dtype at `exact`; for complex numbers, at the larger component.

    nan where nan is due is 0; an overflow counts as the true number rounded would: an infinity is
    right (0) when `exact` rounds to it.  Anything else non-finite is `FAR`.
    """
    a, exact = np.asarray(a), np.asarray(exact)
    if a.dtype.kind == "c":
        part = np.dtype(f"f{a.dtype.itemsize // 2}")
        size = np.maximum(np.abs(exact.real), np.abs(exact.imag))
        scale = spacing(np.where(np.isfinite(size), size, 0), part)
        return np.maximum(_error(a.real, exact.real, scale), _error(a.imag, exact.imag, scale))
    return _error(a, exact, spacing(np.where(np.isfinite(exact), exact, 0), a.dtype))


def _error(a: np.ndarray, exact: np.ndarray, scale: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        rounded = exact.astype(a.dtype)
        off = np.abs(a.astype(exact.dtype) - exact) / scale
        agree = (np.isnan(a) & np.isnan(exact)) | (np.isinf(rounded) & (a == rounded))
        over = np.isinf(a) & np.isfinite(exact) | np.isinf(exact) & np.isfinite(a) | np.isnan(off)
        near_edge = over & (np.abs(exact) > np.finfo(a.dtype).max * (1 - 4 * np.finfo(a.dtype).eps))
        limit = np.copysign(np.asarray(np.finfo(a.dtype).max, exact.dtype), exact)
        edge = np.where(np.isinf(a), 1.0, np.abs(a.astype(exact.dtype) - limit) / scale)
        same_way = near_edge & (np.signbit(a) == np.signbit(exact)) & ~np.isnan(a)
        found = np.where(agree, 0.0, np.where(same_way, edge, np.where(over, FAR, off)))
        return np.minimum(found, FAR).astype(np.float64)

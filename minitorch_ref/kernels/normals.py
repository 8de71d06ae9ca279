"""Normal numbers from uniform ones: Box-Muller, in the three arithmetics that torch has for it.

From two uniform numbers u, v the pair  sqrt(-2 log(1-u)) · (cos 2πv, sin 2πv)  is normal.  torch
fills 16 places with uniforms and turns place j and place j+8 into such a pair.

* float32 with AVX2: the logarithm, sine and cosine are the polynomials of the Cephes library
  (Moshier, logf.c and sinf.c), evaluated with fused multiply-adds.  Here the polynomials' steps are
  fused by products of complex numbers (fma.py); where the product is exact anyway (by a power of two,
  or of a small whole number and a constant of few bits), it is a product and a sum.
* float32 without: the C library's logf, cosf, sinf.
* float64: the C library's functions.  float16 is float32, rounded at the end.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from .fma import Fused, fma
from .libm import fused, has_avx2, libm, libm_float
from .threads import get_num_threads, parallel_for

Array = np.ndarray

_NEAR = 1 << 12  # blocks of 16 at a time that stay in the second cache
_FAR = 1 << 14  # and so many that threads seldom wait for each other


def box_muller(u: Array, mean: float, std: float) -> Array:
    """Turn uniforms, float32 or float64 of shape (blocks, 16), into normal numbers in place."""
    pairs = _double if u.dtype.char == "d" else _single
    step = _NEAR if get_num_threads() == 1 else _FAR

    def task(i: int) -> None:
        block = u[i * step : (i + 1) * step]
        first, second = block[:, :8].reshape(-1), block[:, 8:].reshape(-1)  # copies
        radius, cos, sin = pairs(first, second)
        np.multiply(radius, cos, out=cos)
        np.multiply(radius, sin, out=sin)
        block[:, :8], block[:, 8:] = cos.reshape(-1, 8), sin.reshape(-1, 8)

    parallel_for(task, -(-len(u) // step))
    scalar = u.dtype.type
    if std == 1 and mean == 0:
        return np.add(u, scalar(0), out=u)  # what the fused step below would do: -0 becomes 0
    with np.errstate(all="ignore"):
        u[...] = fused(u, scalar(std), scalar(mean))
    return u


def _double(u: Array, v: Array) -> tuple[Array, Array, Array]:
    angle = 2.0 * math.pi * v
    return np.sqrt(-2.0 * libm("log")(1.0 - u)), libm("cos")(angle), libm("sin")(angle)


def _single(u: Array, v: Array) -> tuple[Array, Array, Array]:
    if has_avx2():
        work = Fused(u.size)
        with np.errstate(all="ignore"):  # of imaginary parts
            return (_radius(_ONE - u, work), *_cos_sin(v, work))
    angle = (2.0 * math.pi * v.astype(np.float64)).astype(np.float32)
    radius = np.sqrt(np.float32(-2) * libm_float("log")(np.float32(1) - u))
    return radius, libm_float("cos")(angle), libm_float("sin")(angle)


def box_muller_scalar(u: Array, v: Array) -> tuple[Array, Array]:
    """The pair in torch's element-by-element loop: float64, and the angle comes from the first."""
    radius = np.sqrt(-2.0 * libm("log1p")(-v))
    angle = 2.0 * math.pi * u
    return radius * libm("cos")(angle), radius * libm("sin")(angle)


def box_muller_pair(uniforms: Iterator[float]) -> tuple[float, float]:
    """The same for the next two uniforms."""
    u, v = next(uniforms), next(uniforms)
    radius, angle = math.sqrt(-2.0 * math.log1p(-v)), 2.0 * math.pi * u
    return radius * math.cos(angle), radius * math.sin(angle)


# ---- Cephes in float32 with fused steps ----------------------------------------------------------


def _float32(*numbers: float) -> tuple[np.float32, ...]:
    return tuple(map(np.float32, numbers))


_LOG = _float32(
    7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
    -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
)  # fmt: skip
_LN2_LOW, _LN2_HIGH = _float32(-2.12194440e-4, 0.693359375)
_SQRT_HALF_BITS = np.int32(0x3F3504F3)  # the bits of sqrt(1/2) in float32
_SIN = _float32(-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
_COS = _float32(2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
_QUARTER_PI = _float32(0.78515625, 2.4187564849853515625e-4, 3.77489497744594108e-8)  # sums to pi/4
_FOUR_OVER_PI, _TWO_PI = _float32(4 / math.pi, 2 * math.pi)
_ONE, _HALF = _float32(1, 0.5)


def _radius(u: Array, work: Fused) -> Array:
    """sqrt(-2 log u), where u = (1+x)·2^e, 1+x in [sqrt 1/2, sqrt 2): log u = e·ln 2 + log(1+x)."""
    bits = u.view(np.int32)
    exponent = (bits - _SQRT_HALF_BITS) >> 23
    x = (bits - (exponent << 23)).view(np.float32)
    x -= _ONE
    e = exponent.astype(np.float32)
    y = work.polynomial(x, _LOG)
    y *= x
    square = np.multiply(x, x)
    work.x[...] = square
    work.step(e * _LN2_LOW)
    square *= -_HALF
    square += y
    x += square
    e *= _LN2_HIGH
    x += e  # log u
    x *= np.float32(-2)
    return np.sqrt(x, out=x)


def _cos_sin(v: Array, work: Fused) -> tuple[Array, Array]:
    """cos 2πv, sin 2πv: fold the angle to [-π/4, π/4]; the octant chooses polynomial and sign."""
    x = v * _TWO_PI
    octant = (x * _FOUR_OVER_PI).astype(np.int32)
    octant += 1
    octant &= ~1  # the even octant boundary that is nearest
    turns = octant.astype(np.float32)
    scratch = np.empty_like(x)
    for part in _QUARTER_PI[:2]:
        x -= np.multiply(turns, part, out=scratch)
    fma(turns, -_QUARTER_PI[2], x, out=x)
    square = np.multiply(x, x, out=scratch)
    y = work.polynomial(square, _COS)
    y *= square
    cos = work.step(np.multiply(square, -_HALF, out=turns)) + _ONE
    y = work.polynomial(square, _SIN)
    y *= square
    work.x[...] = x
    sin = work.step(x).copy()
    return _by_octant(cos, sin, octant)


def _by_octant(cos: Array, sin: Array, octant: Array) -> tuple[Array, Array]:
    """Sine and cosine change places in every other quarter turn, and signs on the far side."""
    swap = (octant & 2) >> 1
    cos, sin = cos.view(np.int32), sin.view(np.int32)
    exchange = np.bitwise_xor(cos, sin)
    exchange *= swap
    cos ^= exchange
    sin ^= exchange
    cos ^= ((octant + 2) & 4) << 29  # bit 2 moved to the sign's place
    sin ^= (octant & 4) << 29
    return cos.view(np.float32), sin.view(np.float32)

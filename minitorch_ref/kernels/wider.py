"""Elementwise functions worked out in the next wider type and rounded once.

NumPy's own float32 exp and log are fast, and up to 2.4 ULP off; a formula built on them (a sigmoid)
misses by more.  In float64 the steps' errors vanish in the last rounding.  Complex functions of
several steps lose their bits in the same way, so complex128 goes through extended precision where
the processor has it (elsewhere it stays what it is).

The one idea for speed: a piece of the array at a time, so that the wide temporaries never leave
the cache.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from . import exponential, gaussian
from .blocks import over_blocks

Array = np.ndarray
Kernel = Callable[..., Any]

_FEW = 256  # elements below which two conversions are faster than one call that converts
_LARGE = exponential.LEAST  # elements from which on parts and threads pay
_PIECE = 1 << 17  # elements: a megabyte of float64, about the second cache
_SINGLE, _DOUBLE = np.dtype("f4"), np.dtype("f8")
_WIDER: dict[np.dtype, np.dtype] = {
    np.dtype("f2"): _SINGLE, _SINGLE: _DOUBLE, np.dtype("F"): np.dtype("D"),
    np.dtype("D"): np.dtype(np.clongdouble),
}  # fmt: skip
_ONE = {kind: np.ones((), kind) for kind in map(np.dtype, "fdgFDG")}  # NumPy takes 0.3 us to convert 1
_WIDEST = {**_WIDER, _DOUBLE: np.dtype(np.longdouble)}


def wider(kernel: Kernel, large: Kernel | None = None) -> Kernel:
    """`kernel(x, *constants)` in the type above x's own; float64 stays as it is.

    `large` does the same for large arrays of float32, where it has a faster way.
    """

    @functools.wraps(kernel)
    def call(x: Array, *constants: Any) -> Array:
        wide = _WIDER.get(x.dtype)
        if wide is None:
            return np.asarray(kernel(x, *constants))
        if x.size >= _LARGE:
            if large is not None and wide is _DOUBLE:
                return np.asarray(large(x, *constants))
            if x.size > _PIECE and x.flags.c_contiguous:
                return over_blocks(lambda part: _by_pieces(kernel, part, wide, constants), x)
        return np.asarray(kernel(x.astype(wide), *constants)).astype(x.dtype)

    return call


def _by_pieces(kernel: Kernel, x: Array, wide: np.dtype, constants: tuple) -> Array:
    out = np.empty_like(x)
    source, target = x.reshape(-1), out.reshape(-1)
    for i in range(0, x.size, _PIECE):
        piece = slice(i, i + _PIECE)
        target[piece] = kernel(source[piece].astype(wide), *constants)
    return out


def widened(ufunc: np.ufunc, chars: str) -> Kernel:
    """A ufunc, wider for the types `chars`; of large arrays NumPy converts a buffer at a time."""
    wide = {np.dtype(c): _WIDEST[np.dtype(c)] for c in chars}

    def call(x: Array) -> Array:
        to = wide.get(x.dtype)
        if to is None:
            return ufunc(x)
        if x.size < _FEW:
            return ufunc(x.astype(to)).astype(x.dtype)
        options: Any = {"dtype": to, "casting": "same_kind"}
        return ufunc(x, np.empty_like(x), **options)

    return call


log = widened(np.log, "f")
log2 = widened(np.log2, "F")
log10 = widened(np.log10, "fF")
expm1 = widened(np.expm1, "f")
tan = widened(np.tan, "f")
asin = widened(np.arcsin, "f")
acos = widened(np.arccos, "D")


def exp2(x: Array) -> Array:
    """2ˣ; NumPy's float32 routine is up to 2.5 ULP off near the ends of the type."""
    y = np.asarray(np.exp2(x))
    if x.dtype == _SINGLE and (far := np.abs(x) > 120).any():
        y[far] = np.exp2(x[far].astype(_DOUBLE))
    return y


_EXP2 = {_SINGLE: widened(np.exp2, "f"), _DOUBLE: widened(np.exp2, "d")}


def power_of_two(x: Array) -> Array:
    """2ˣ for float16, float32 and float64; exact for whole x."""
    return np.asarray(_EXP2.get(x.dtype, np.exp2)(x))


@wider
def scaled_expm1(x: Array, inner: float, outer: float) -> Array:
    """outer · (exp(inner · x) − 1): elu left of zero."""
    return np.expm1(x * inner) * outer


@functools.partial(wider, large=exponential.logistic)
def logistic(x: Array) -> Array:
    """1 / (1 + exp(−x))."""
    return np.reciprocal(_denominator(x))


@wider
def complex_softsign(z: Array) -> Array:
    """z / (1 + |z|) a part at a time; NaN in both parts at infinity, as torch has it."""
    size = np.hypot(z.real, z.imag) + 1
    quotient = np.empty_like(z)
    np.divide(z.real, size, out=quotient.real)
    np.divide(z.imag, size, out=quotient.imag)
    return np.where(np.isinf(size), z.dtype.type(complex(np.nan, np.nan)), quotient)


@functools.partial(wider, large=exponential.silu)
def silu(x: Array) -> Array:
    """x σ(x)."""
    return x / _denominator(x)


def _denominator(x: Array) -> Array:
    if x.size < _FEW:  # a single number takes NumPy 1 us longer in place
        return np.asarray(np.add(np.exp(np.negative(x)), _ONE[x.dtype]))
    y = np.asarray(np.negative(x))
    np.exp(y, y)
    return np.add(y, _ONE[y.dtype], y)


def mish(x: Array) -> Array:
    """x tanh(log(1 + eˣ)), the tanh t a number that is nearly right, 1 or eˣ, less a small correction
    whose errors weigh little.  With m = eˣ (eˣ + 1): t = 1 − 2/(m + eˣ + 2) = eˣ − eˣ m/(m + eˣ + 2).
    Around zero, in float64, also t = 3/5 + 2/5 s/(5 + s) with s = d (4 + d) and d = eˣ − 1."""
    y = _mish(x)
    if x.dtype == _DOUBLE:
        near = np.flatnonzero(np.abs(x) < 0.5)
        x = x.ravel()[near]
        d = np.expm1(x)
        s = d * (4 + d)
        y.reshape(-1)[near] = x * (0.6 + 0.4 * (s / (5 + s)))
    return y


@wider
def _mish(x: Array) -> Array:
    e = np.exp(np.minimum(x, 20))  # beyond, the tanh is 1 in either type
    m = e * (e + 1)
    rest = m + e + 2
    t = np.where(x > 0, 1 - 2 / rest, e - e * (m / rest))
    return np.multiply(x, t, order="C")


@wider
def softplus(x: Array, beta: float, limit: float) -> Array:
    """log(1 + exp(βx)) / β, and x itself where βx > limit."""
    z = x * beta
    return np.where(z > limit, x, np.log1p(np.exp(np.minimum(z, limit))) / beta)


@wider
def logsigmoid(x: Array) -> Array:
    """log σ(x), by the form that cannot overflow."""
    return np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))


def gelu(x: Array) -> Array:
    """x Φ(x) with Φ(x) = ½ erfc(−x/√2), which does not cancel as 1 + erf does.

    In float64 the C library's erfc where SciPy's, too, is a difference from 1.
    """
    if gaussian.pays(x):
        return gaussian.gelu(x)
    y = _gelu(x)
    if x.dtype == _DOUBLE:
        middle = np.flatnonzero((x < -0.3) & (x > -1.5))
        x = x.ravel()[middle]
        tail = map(math.erfc, (x * -math.sqrt(0.5)).tolist())
        y.reshape(-1)[middle] = x * (np.fromiter(tail, _DOUBLE, x.size) / 2)
    return y


@wider
def _gelu(x: Array) -> Array:
    from scipy.special import erfc

    return np.multiply(x, erfc(x * -math.sqrt(0.5)) / 2, order="C")


def sinc(x: Array) -> Array:
    """sin(πx) / πx of complex numbers, and 1 at zero; πx is rounded first, as torch has it."""
    angle = x * x.real.dtype.type(math.pi)
    return np.where(x == 0, x.dtype.type(1), _sine_quotient(angle))


def _sine_quotient(angle: Array) -> Array:
    return np.asarray(np.sin(angle) / angle) if angle.dtype.char == "F" else _wide_quotient(angle)


@wider
def _wide_quotient(angle: Array) -> Array:
    return np.sin(angle) / angle


def log1p(x: Array) -> Array:
    """log(1 + x); of small complex numbers ½ log1p(|1 + z|² − 1), which does not cancel."""
    return np.log1p(x) if x.dtype.kind != "c" else _complex_log1p(x)


@wider
def _complex_log1p(z: Array) -> Array:
    x, y = z.real, z.imag
    out = np.empty_like(z)
    out.imag = np.arctan2(y, x + 1)
    excess = x * (x + 2) + y * y
    near = np.hypot(x, y) < 0.5
    size = np.log1p(np.where(near, excess, 0)) / 2
    out.real = np.where(near, np.where(excess == 0, x, size), np.log(np.hypot(x + 1, y)))
    return out


# ---- one that cancels ------------------------------------------------------------------------------

# The coefficients of x − tanh(x) = x³ (1/3 − 2x²/15 + 17x⁴/315 − …).
_SHRINK = (1 / 3, -2 / 15, 17 / 315, -62 / 2835, 1382 / 155925, -21844 / 6081075, 929569 / 638512875)


def tanhshrink(x: Array) -> Array:
    """x − tanh(x); near zero its series, because the difference has no bits left there."""
    return np.add(_tanhshrink(x), 0)  # a difference that vanishes is +0


@wider
def _tanhshrink(x: Array) -> Array:
    square = np.asarray(x * x)
    series = np.full_like(square, _SHRINK[-1])
    for c in reversed(_SHRINK[:-1]):
        series *= square
        series += c
    return np.where(square < 0.01, series * square * x, x - np.tanh(x))

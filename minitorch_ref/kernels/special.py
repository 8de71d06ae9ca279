"""Special functions of arrays: SciPy's, in double precision, rounded once to the array's type.

SciPy is imported when the first special function is called.  float32 and float16 arrays are widened,
so their results are correctly rounded but for ties nobody meets.  Where torch's formula is short and
fixed (sinc, xlogy, entr, logit) it is written out, operation by operation, in the array's own type,
around the C library's functions: the bits are torch's.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from . import gaussian
from .airy import airy_ai as airy
from .c_functions import c_function
from .fma import fma
from .hurwitz import LARGEST, hurwitz_zeta
from .incomplete_gamma import lower_and_upper
from .libm import by_element, fuses, libm, libm_float
from .modified_bessel import modified_bessel as extended
from .wider import sinc as complex_sinc

Array = np.ndarray
Kernel = Callable[..., Any]
_HALF, _SINGLE, _DOUBLE = np.dtype("f2"), np.dtype("f4"), np.dtype("f8")


def scipy_function(name: str) -> Kernel:
    """The function of that name in `scipy.special`, as an array → array kernel."""

    def kernel(x: Array) -> Array:
        from scipy import special

        return through_double(getattr(special, name), x)

    return kernel


def through_double(function: Kernel, *arrays: Array) -> Array:
    """`function` of the arrays in float64, rounded once to their common type."""
    wide = [np.asarray(a, _DOUBLE) for a in arrays]
    return np.asarray(function(*wide)).astype(np.result_type(*arrays))


def in_single(kernel: Kernel) -> Kernel:
    """`kernel`, with half precision computed in float32 and rounded at the end, as torch does."""

    @functools.wraps(kernel)
    def call(x: Array, *more: Any) -> Array:
        if x.dtype != _HALF:
            return kernel(x, *more)
        return kernel(x.astype(_SINGLE), *more).astype(_HALF)

    return call


def c_library(name: str) -> Kernel:
    """The C library's function `name`, which torch calls for these, in float32 and float64."""

    def kernel(x: Array) -> Array:
        x = np.asarray(x)
        return libm_float(name)(x) if x.dtype == _SINGLE else np.asarray(libm_double(name)(x))

    return kernel


@functools.cache
def libm_double(name: str) -> Kernel:
    """Its float64 functions: those that `libm` compares with NumPy's, acos, and lgamma."""
    if name == "acos":
        return functools.partial(by_element, math.acos, np.arccos)
    return _ctypes_double(name, _lgamma) if name == "lgamma" else libm(name)


def _ctypes_double(name: str, instead: Kernel) -> Kernel:
    """A function that neither NumPy nor `math` takes from the C library (math.lgamma is its own)."""
    function = c_function(name, "d")
    if function is None:
        return instead
    return lambda x: np.fromiter(map(function, x.ravel().tolist()), _DOUBLE).reshape(x.shape)


sin, cos, acos, log, log1p = (c_library(name) for name in ("sin", "cos", "acos", "log", "log1p"))


# ---- gamma functions -----------------------------------------------------------------------------


def lgamma(x: Array) -> Array:
    """log |Γ(x)|; +inf at the poles 0, −1, −2, … and at both infinities.

    float64 comes from the C library, whose error stays below an ULP at the zeros, too.
    """
    return np.asarray(libm_double("lgamma")(x)) if x.dtype == _DOUBLE else through_double(_lgamma, x)


def _lgamma(x: Array) -> Array:
    from scipy import special

    return np.where(np.isneginf(x), np.inf, special.gammaln(x))


def polygamma(n: int, x: Array) -> Array:
    """The n-th derivative of the digamma function: (−1)ⁿ⁺¹ n! ζ(n+1, x)."""
    from scipy import special

    if n == 0:
        return through_double(special.psi, x)
    if n > 1:
        return through_double(functools.partial(_higher, n), x)
    angle = (x.astype(_SINGLE) if x.dtype == _HALF else x) * np.pi
    unknown = np.isinf(angle) & (x < 0)  # torch's reflection asks for the sine of infinity
    return np.where(unknown, x.dtype.type(np.nan), through_double(_trigamma, x))


def _higher(n: int, x: Array) -> Array:
    sign = 1.0 if n % 2 else -1.0
    scale = math.gamma(n + 1.0) if n < 171 else math.inf
    value = _zeta(np.asarray(n + 1.0), x)
    near = np.asarray(x > -100)
    if n < LARGEST and near.any():
        value[near] = hurwitz_zeta(n + 1, x[near])
    return sign * scale * value


def _trigamma(x: Array) -> Array:
    """ζ(2, x); on the left through its reflection π²/sin²(πx) − ζ(2, 1 − x)."""
    from scipy import special

    left = x < 0.5
    right = special.zeta(2.0, np.where(left, 1 - x, x))
    sine = np.sin(np.pi * (x - np.round(np.where(np.isfinite(x), x, 0))))
    return np.where(left, np.square(np.pi / sine) - right, right)


def mvlgamma(x: Array, p: int) -> Array:
    """Σ log |Γ(x − j/2)| over j < p, plus p(p − 1)/4 · log π."""

    def total(wide: Array) -> Array:
        parts: Any = sum(np.longdouble(lgamma(wide - 0.5 * j)) for j in reversed(range(p)))
        return (parts + p * (p - 1) / 4 * math.log(math.pi)).astype(_DOUBLE)

    return through_double(total, x)


def igamma(a: Array, x: Array) -> Array:
    """P(a, x), the regularized lower incomplete gamma function."""
    return _at_edges(_incomplete(0, a, x), a, x, 0, 1)


def igammac(a: Array, x: Array) -> Array:
    """Q(a, x) = 1 − P(a, x), without the cancellation."""
    return _at_edges(_incomplete(1, a, x), a, x, 1, 0)


def _incomplete(which: int, a: Array, x: Array) -> Array:
    from scipy import special

    if a.dtype == _DOUBLE:
        return lower_and_upper(a, x)[which].reshape(np.broadcast_shapes(a.shape, x.shape))
    return through_double((special.gammainc, special.gammaincc)[which], a, x)


def _at_edges(y: Array, a: Array, x: Array, a_infinite: float, x_infinite: float) -> Array:
    """The limits at x = 0 and at an infinite argument, which torch gives even if the other is nan."""
    y = np.where((x == 0) & np.isnan(a), y.dtype.type(a_infinite), y)
    y = np.where(np.isinf(a) & (a > 0) & np.isnan(x), y.dtype.type(a_infinite), y)
    return np.where(np.isinf(x) & (x > 0) & np.isnan(a), y.dtype.type(x_infinite), y)


def zeta(x: Array, q: Array) -> Array:
    """The Hurwitz zeta function Σ (k + q)⁻ˣ; inf at x = 1, nan below.

    nan at q = inf, where the limit is 0, because torch has it so.
    """
    return through_double(_zeta, x, q)


def _zeta(x: Array, q: Array) -> Array:
    from scipy import special

    return np.where((q == np.inf) & (x > 1), np.nan, special.zeta(x, q))


def erf(x: Array) -> Array:
    """The error function: SciPy's, in float64 the C library's (its last bits are better)."""
    return gaussian.erf(x) if gaussian.pays(x) else _error_function("erf", math.erf, x)


def erfc(x: Array) -> Array:
    """1 − erf(x), without the cancellation."""
    return gaussian.erfc(x) if gaussian.pays(x) else _error_function("erfc", math.erfc, x)


def _error_function(name: str, scalar: Kernel, x: Array) -> Array:
    from scipy import special

    function = getattr(special, name)
    if x.dtype != _DOUBLE:
        return through_double(function, x)
    return by_element(scalar, lambda a: np.array(function(a)), x)


def erfinv(y: Array) -> Array:
    """The inverse of erf; keeps the sign of zero."""
    return np.where(y == 0, y, through_double(_erfinv, y))


def _erfinv(y: Array) -> Array:
    """SciPy's value and one step of Newton's method; near ±1 on erfc, which is small there."""
    from scipy import special

    x = np.asarray(special.erfinv(y))
    inner = np.isfinite(x) & (y != 0)
    size, at = np.abs(np.where(inner, x, 0.5)), np.abs(np.where(inner, y, 0.5))
    residue = np.where(at <= 0.5, at - _double_erf(size), _double_erfc(size) - (1 - at))
    step = residue * np.exp(size * size) * (math.sqrt(math.pi) / 2)
    return np.where(inner, np.copysign(size + step, x), x)


def _double_erf(x: Array) -> Array:
    return erf(np.asarray(x, _DOUBLE))


def _double_erfc(x: Array) -> Array:
    return erfc(np.asarray(x, _DOUBLE))


def ndtr(x: Array) -> Array:
    """The area under the normal density left of x: ½ erfc(−x/√2)."""
    if gaussian.pays(x):
        return gaussian.ndtr(x)
    return through_double(lambda x: 0.5 * _double_erfc(x * -math.sqrt(0.5)), x)


def ndtri(p: Array) -> Array:
    """The inverse of ndtr: √2 erfinv(2p − 1) in the middle, where 2p − 1 is exact."""
    return through_double(_ndtri, p)


def _ndtri(p: Array) -> Array:
    from scipy import special

    middle = (p >= 0.25) & (p <= 0.75)
    centre = math.sqrt(2) * _erfinv(2 * np.where(middle, p, 0.5) - 1)
    y = special.ndtri(p)
    tail = np.isfinite(y) & ~middle
    below, at = np.where(p > 0.5, 1 - p, p), np.where(tail, -np.abs(y), -1)
    residue = 0.5 * _double_erfc(at * -math.sqrt(0.5)) - below  # one step of Newton's method
    step = residue * np.exp(at * at / 2) * math.sqrt(2 * math.pi)
    at = at - np.where(np.isfinite(step), step, 0)  # not where the density underflows
    return np.where(middle, centre, np.where(tail, np.copysign(at, y), y))


def log_ndtr(x: Array) -> Array:
    """log ndtr(x); from erfcx on the left, where ndtr would underflow."""
    return through_double(_log_ndtr, x)


def _log_ndtr(x: Array) -> Array:
    from scipy import special

    right = np.log1p(_double_erfc(np.maximum(x, -1) * math.sqrt(0.5)) / -2)
    return np.where(x < -1, special.log_ndtr(x), right)


def modified_bessel(kind: str, order: int, scaled: bool = False) -> Kernel:
    """The kernel of I ("i") or K ("k"): SciPy's for narrow types, extended precision for float64."""
    name = f"{kind}{order}" + ("e" if scaled else "")
    narrow = scipy_function(name)

    def kernel(x: Array) -> Array:
        return extended(kind, order, scaled, x) if x.dtype == _DOUBLE else narrow(x)

    return kernel


# ---- torch's short formulas, operation by operation ----------------------------------------------


@in_single
def sinc(x: Array) -> Array:
    """sin(πx) / πx, and 1 at zero."""
    if x.dtype.kind == "c":
        return complex_sinc(x)
    angle = x * x.dtype.type(math.pi)
    return np.where(x == 0, x.dtype.type(1), sin(angle) / angle)


def logit(x: Array, eps: float | None = None) -> Array:
    """log(x / (1 − x)), x first limited to [eps, 1 − eps] if eps is given.

    Half precision is rounded at each step here, as torch does it.
    """
    one = x.dtype.type(1)
    if eps is not None:
        low = x.dtype.type(eps)
        high = one - low
        x = np.where(x < low, low, np.where(x > high, high, x))
    return in_single(log)(x / (one - x))


@in_single
def entr(x: Array) -> Array:
    """−x log x for x > 0, 0 at zero, −inf below."""
    inside = -x * log(np.where(x > 0, x, 1))
    outside = np.where(x == 0, x.dtype.type(0), np.where(x < 0, x.dtype.type(-np.inf), x))
    return np.where(x > 0, inside, outside)


def xlogy(x: Array, y: Array) -> Array:
    """x · log y, and 0 where x = 0 unless y is nan."""
    return _zero_times(log, x, y)


def xlog1py(x: Array, y: Array) -> Array:
    """x · log(1 + y), and 0 where x = 0 unless y is nan."""
    return _zero_times(log1p, x, y)


def _zero_times(function: Kernel, x: Array, y: Array) -> Array:
    half = x.dtype == _HALF
    if half:
        x, y = x.astype(_SINGLE), y.astype(_SINGLE)
    product = np.where(x == 0, x.dtype.type(0), x * function(y))
    result = np.where(np.isnan(y), y, product)
    return result.astype(_HALF) if half else result


@in_single
def spherical_bessel_j0(x: Array) -> Array:
    """sin(x) / x; its Taylor series below 1/2, and 0 at infinity."""
    kind = x.dtype.type
    square = x * x
    series = np.full_like(x, kind(1) / kind(6227020800))
    for factorial in (-39916800, 362880, -5040, 120, -6):
        series = _one_step(square, series, kind(1) / kind(factorial))
    near = _one_step(square, series, kind(1))
    far = np.where(np.isinf(x), kind(0), sin(x) / x)
    return np.where(np.abs(x) < 0.5, near, far)


def _one_step(x: Array, series: Array, c: np.floating) -> Array:
    """c + x·series, rounded once where torch's compiler fuses."""
    return fma(x, series, np.full_like(x, c)) if fuses() else c + x * series


def airy_ai(x: Array) -> Array:
    """Ai(x): decaying to the right (0 beyond 103.892), a wave on the left; nan at infinity.

    Also nan where x·√|x|, the argument of the wave, overflows, as in torch.
    """
    lost = (x < 0) & np.isinf(x * np.sqrt(np.abs(x)))
    return np.where(lost, x.dtype.type(np.nan), through_double(airy, x))

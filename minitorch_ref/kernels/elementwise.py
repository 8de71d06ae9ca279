"""Elementwise functions where torch's answer is not that of NumPy's ufunc.

The one idea: the ufunc does the work, and the few elements on which the two libraries differ are
set right afterwards: signed zeros, NaN, the least integer, complex zero.  Whole numbers divided by
zero raise the error that torch raises.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .fmod import fmod as exact_fmod
from .select import select
from .threads import parallel_for
from .wider import log1p, wider
from .workspace import scratch

Array = np.ndarray


def _is_whole(a: Any) -> bool:
    return np.result_type(a).kind in "iu"


def divisible(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """`kernel(a, b)`, refusing a zero among whole divisors."""

    def checked(a: Any, b: Any) -> Any:
        if _is_whole(b) and np.any(np.equal(b, 0)):
            raise RuntimeError("ZeroDivisionError")
        return kernel(a, b)

    return checked


def _widened(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """float16 computed in float32 and rounded once, as torch does."""

    def wide(a: Any, b: Any) -> Any:
        if np.result_type(a) != np.float16:
            return kernel(a, b)
        return np.asarray(kernel(np.float32(a), np.float32(b))).astype(np.float16)

    return wide


@divisible
def floor_divide(a: Any, b: Any) -> Any:
    """⌊a/b⌋; two halves are rounded to half at every step, as torch does."""
    kind = np.result_type(a, b)
    if kind.kind != "f" or (kind != np.float16 and not _is_long_single(a, b)):
        return np.floor_divide(a, b)
    rest = exact_fmod(a, b)
    steps = (a - rest) / b
    steps = steps - ((rest != 0) & (np.less(b, 0) != (rest < 0)))
    whole = np.floor(steps)
    whole += steps - whole > 0.5
    if not (all_there := steps != 0).all():
        whole = np.where(all_there, whole, np.copysign(kind.type(0), a / b))
    return np.where(np.equal(b, 0), a / b, whole) if not np.all(b) else whole


def _is_long_single(a: Any, b: Any) -> bool:
    return all(x.dtype.char == "f" and x.size > 512 for x in map(np.asarray, (a, b)) if x.ndim)


fmod = divisible(exact_fmod)


@divisible
@_widened
def remainder(a: Any, b: Any) -> Any:
    """a − b·⌊a/b⌋ with torch's zeros and infinities: C's fmod, plus b where the signs differ."""
    if _is_whole(a):
        return np.remainder(a, b)
    rest = exact_fmod(a, b)
    wrong = (rest != 0) & (np.less(b, 0) != (rest < 0))
    return select(wrong, rest + b, rest, rest.dtype) if wrong.any() else rest


@divisible
def truncated_quotient(a: Any, b: Any) -> Any:
    """a / b without its fraction."""
    if not _is_whole(a):
        return np.trunc(np.true_divide(a, b))
    quotient = np.floor_divide(a, b)
    inexact = np.remainder(a, b) != 0
    return quotient + (inexact & (quotient < 0)).astype(quotient.dtype)


def sign(x: Array) -> Array:
    """−1, 0 or 1; NaN has sign 0 and −0 has sign +0; z/|z| for complex numbers."""
    if x.dtype.kind == "b":
        return x.copy()
    if x.dtype.kind != "f":
        return np.sign(x)
    return np.subtract(x > 0, x < 0, dtype=np.int8).astype(x.dtype)


def reciprocal(x: Array) -> Array:
    """1/x; the reciprocal of a complex zero is inf + nan·i."""
    result = np.reciprocal(x)
    if x.dtype.kind == "c" and not np.all(x):
        result = np.where(x == 0, x.dtype.type(complex(np.inf, np.nan)), result)
    return result


def rsqrt(x: Array) -> Array:
    """1/√x."""
    return reciprocal(np.sqrt(x)) if x.dtype.kind == "f" and x.dtype.char != "e" else _wide_rsqrt(x)


@wider
def _wide_rsqrt(x: Array) -> Array:
    return reciprocal(np.sqrt(x))


def multiplied(factor: float) -> Callable[[Array], Array]:
    """x · factor for one number; of half precision rounded once, as torch does."""

    def product(x: Array) -> Array:
        if x.dtype.char == "e":
            return (x.astype(np.float32) * np.float32(factor)).astype(np.float16)
        return x * x.dtype.type(factor)

    return product


def atan2(a: Array, b: Array) -> Array:
    """The angle of (b, a); NumPy's float32 routine is up to 2.1 ULP off."""
    if np.result_type(a, b) != np.float32:
        return np.arctan2(a, b)
    return np.asarray(np.arctan2(a, b, dtype=np.float64)).astype(np.float32)


_PART = 1 << 18  # elements worked on at a time: their steps stay in the last cache
_FEW = 400  # elements below which float64's tanh is no slower
_FLAT = {np.dtype("f4"): np.float32(1.25), np.dtype("f8"): np.float64(2)}


def tanh(x: Array) -> Array:
    """tanh, nearer to the truth than NumPy's, which is up to 1.4 ULP off in float32: near ±1 that
    would be thousands in 1 − tanh².  There it is 1 − 2/(e²ˣ + 1), where exp's own error vanishes."""
    limit = _FLAT.get(x.dtype)
    if limit is None:
        return np.tanh(x)
    if x.size < _FEW and x.dtype.char == "f":
        return np.tanh(x.astype(np.float64)).astype(np.float32)
    source = np.ascontiguousarray(x).reshape(-1)
    out = np.empty(source.shape, source.dtype)

    def task(i: int) -> None:
        _tanh(source[i * _PART : (i + 1) * _PART], limit, out[i * _PART : (i + 1) * _PART])

    parallel_for(task, -(-x.size // _PART), 2 * x.size)
    return out.reshape(x.shape)


def _tanh(x: Array, limit: Any, out: Array) -> None:
    """tanh |x| by both formulas; the choice between them and the sign by their bits."""
    one, kind = x.dtype.type(1), np.dtype(f"u{x.itemsize}")
    with scratch() as take:
        size = np.abs(x, out=take(x.shape, x.dtype))
        np.tanh(size, out=out)
        flat = np.add(size, size, out=take(x.shape, x.dtype))
        np.exp(flat, out=flat)
        np.add(flat, one, out=flat)
        np.divide(one + one, flat, out=flat)
        np.subtract(one, flat, out=flat)
        chosen, steep = flat.view(kind), out.view(kind)
        np.bitwise_xor(chosen, steep, out=chosen)
        np.multiply(chosen, size > limit, out=chosen)
        np.bitwise_xor(chosen, steep, out=steep)
        np.bitwise_and(x.view(kind), kind.type(1 << (8 * x.itemsize - 1)), out=chosen)
        np.bitwise_or(steep, chosen, out=steep)


def _first_of_equals(ufunc: np.ufunc) -> Callable[..., Any]:
    """np.fmax or np.fmin, of equal operands (−0 and 0) always the first."""

    def chosen(a: Any, b: Any) -> Any:
        result = ufunc(a, b)
        if result.dtype.kind != "f":
            return result
        zeros = (result == 0) & (a == b)
        return np.where(zeros, a, result) if zeros.any() else result

    return chosen


fmax, fmin = _first_of_equals(np.fmax), _first_of_equals(np.fmin)


def nextafter(a: Array, b: Array) -> Array:
    """The next number from a toward b; b itself where they are equal (NumPy's half gives a)."""
    result = np.nextafter(a, b)
    return np.where(a == b, b, result) if result.dtype.char == "e" else result


def gcd(a: Array, b: Array) -> Array:
    """The greatest common divisor; with the least integer, which has no absolute value, by Euclid's
    algorithm on the wrapped numbers, as torch does."""
    if a.dtype.kind == "u":
        return np.gcd(a, b)
    least = np.iinfo(a.dtype).min
    if not (np.any(a == least) or np.any(b == least)):
        return np.gcd(a, b)
    a, b = (np.array(x) for x in np.broadcast_arrays(np.abs(a), np.abs(b)))
    while (left := a != 0).any():
        rest = np.fmod(b, np.where(left, a, 1))
        a, b = np.where(left, rest, a), np.where(left, a, b)
    return b


def logaddexp(a: Array, b: Array) -> Array:
    """log(eᵃ + eᵇ); for complex numbers the larger real part is taken out first."""
    if a.dtype.kind != "c":
        return np.logaddexp(a, b)
    first = a.real >= b.real
    large, small = np.where(first, a, b), np.where(first, b, a)
    return log1p(np.exp(small - large)) + large


def logaddexp2(a: Array, b: Array) -> Array:
    """log₂(2ᵃ + 2ᵇ); where the sum of max(a, b) and the logarithm cancels, in the wider type."""
    result = np.asarray(np.logaddexp2(a, b))
    wide = {"f": np.float64, "d": np.longdouble}.get(result.dtype.char)
    lost = np.abs(result) < np.abs(np.maximum(a, b)) / 4
    if wide is not None and lost.any():
        a, b = (np.broadcast_to(x, result.shape)[lost].astype(wide) for x in (a, b))
        result[lost] = np.logaddexp2(a, b)
    return result


def absolute(x: Array) -> Array:
    """|x|; of complex64 rounded once, which NumPy's is not."""
    return np.hypot(x.real, x.imag) if x.dtype.char == "F" else np.absolute(x)


# ---- powers ----------------------------------------------------------------------------------------

_SIMPLE_POWERS: dict[float, Any] = {  # the exponents that torch special-cases
    0.5: np.sqrt,
    1.0: lambda a: a.copy(),
    2.0: np.square,
    3.0: lambda a: a * a * a,
    -0.5: lambda a: np.reciprocal(np.sqrt(a)),
    -1.0: np.reciprocal,
    -2.0: lambda a: np.reciprocal(a * a),
}
_SEVERAL_STEPS = (0.5, -0.5, 3.0, -2.0)  # in half precision torch rounds these once, as np.power does


def power(a: Array, b: Any) -> Array:
    """a ** b, by the routes that torch takes."""
    if a.dtype.kind in "iu":
        return _whole_power(a, b)
    if a.dtype.kind == "c":
        return _complex_power(a, b)
    if np.ndim(b) == 0:
        simple = _SIMPLE_POWERS.get(float(b))
        if simple is not None and not (a.dtype.char == "e" and float(b) in _SEVERAL_STEPS):
            return simple(a)
    return _wide_power(a, b) if np.result_type(a, b) == np.float32 else np.power(a, b)


def _wide_power(a: Array, b: Any) -> Array:
    """In float64: the slope in the exponent multiplies the error."""
    out = np.empty(np.broadcast_shapes(np.shape(a), np.shape(b)), np.float32)
    return np.asarray(np.power(a, b, out=out, dtype=np.float64, casting="same_kind"))


def _whole_power(a: Array, b: Any) -> Array:
    """Whole numbers, negative exponents included: only ±1 has an inverse among them."""
    if np.any(np.asarray(b) < 0):
        inverse = np.where(a == 1, 1, np.where(a == -1, np.where(b % 2 == 0, 1, -1), 0))
        return np.where(b < 0, inverse, np.power(a, np.maximum(b, 0))).astype(a.dtype)
    return np.power(a, b)


def _complex_power(a: Array, b: Any) -> Array:
    """exp(b · log a) also where NumPy would multiply: for small whole exponents."""
    result = np.power(a, b)
    whole = (np.imag(b) == 0) & (np.rint(np.real(b)) == np.real(b)) & (a != 0) & (b != 0)
    return np.where(whole, np.exp(b * np.log(a)), result) if np.any(whole) else result


def complex_power_of_number(a: Array, exponent: complex) -> Array:
    """a ** exponent for one number, multiplied out where torch does so."""
    simple = None if exponent.imag else _SIMPLE_POWERS.get(exponent.real)
    return _complex_power(a, a.dtype.type(exponent)) if simple is None else simple(a)

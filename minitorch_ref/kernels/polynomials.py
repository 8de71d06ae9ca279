"""Orthogonal polynomials by their three-term recurrences, in torch's order of operations.

A family is where the recurrence starts and how it steps from degree k to k + 1:

    Chebyshev   p(k+1) = 2x·p(k) − p(k−1)                        T, U, V, W differ in p(1)
    Hermite     H(k+1) = 2x·H(k) − 2k·H(k−1)                     He(k+1) = x·He(k) − k·He(k−1)
    Laguerre    L(k+1) = ((2k + 1 − x)·L(k) − k·L(k−1)) / (k + 1)
    Legendre    P(k+1) = ((2k + 1)·x·P(k) − k·P(k−1)) / (k + 1)

Degrees are cut to whole numbers; negative ones (and nan, which cuts to the most negative) give 0.
High degrees of the Chebyshev polynomials on (−1, 1) come from their cosine form instead.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .fma import fma
from .libm import fuses
from .special import acos, cos, sin

Array = np.ndarray
Step = Callable[[Array, Array, Array, int], Array]  # x, p(k), p(k−1), k → p(k+1)


def degrees(n: Array) -> Array:
    """Degrees as int64; those that int64 cannot hold, and nan, become negative."""
    fits = np.abs(n) < 2.0**63
    return np.where(fits, n, -1).astype(np.int64)


def climb(x: Array, n: Array, first: Array, step: Step, stop_at_nan: bool = True) -> Array:
    """The polynomials of degrees `n` at `x`, p(0) = 1 and p(1) = `first`.

    Each element climbs to its own degree and then stands still; with `stop_at_nan` also once it has
    become nan, so that a huge degree outside the interval ends soon.
    """
    before, now = np.ones_like(x), first.copy()
    result = np.where(n == 0, before, now)
    result = np.where(n < 0, x.dtype.type(0), result)
    k = 1
    climbing = n > 1
    while climbing.any():
        if stop_at_nan:
            climbing &= ~np.isnan(now)
        before, now = now, step(x, now, before, k)
        result = np.where(climbing, now, result)
        k += 1
        climbing &= n > k
    return result


def minus(a: Array, b: Array, c: Array) -> Array:
    """a·b − c, rounded once where torch's compiler fuses."""
    return fma(a, b, -c) if fuses() else a * b - c


# ---- Chebyshev -------------------------------------------------------------------------------------


def _chebyshev_step(x: Array, now: Array, before: Array, k: int) -> Array:
    return minus(x + x, now, before)


def _signed(even: Array, n: Array) -> Array:
    """±even: the sign of (−1)ⁿ."""
    return np.where(n % 2 == 0, even, -even)


def chebyshev(kind: str, x: Array, n: Array) -> Array:
    """T, U, V or W of degree `n` at `x`."""
    n = degrees(n)
    first = {"t": x, "u": x + x, "v": x + x - 1, "w": x + x + 1}[kind]
    closed, ends = _by_cosine(x, n, 6 if kind == "t" else 8), np.abs(x) == 1
    result = climb(x, np.where(closed | ends, np.minimum(n, 0), n), first, _chebyshev_step)
    return _with_cosines(kind, x, n, result, closed, ends)


def shifted_chebyshev(kind: str, x: Array, n: Array) -> Array:
    """T*, U*, V* or W*: the Chebyshev polynomials at 2x − 1."""
    n = degrees(n)
    y = x + x - 1
    first = {"t": y, "u": y + y, "v": y + y - 1, "w": y + y + 1}[kind]
    closed, ends = _by_cosine(y, n, 4 if kind == "w" else 6), (x == 1) | (x == 0)
    result = climb(y, np.where(closed | ends, np.minimum(n, 0), n), first, _chebyshev_step)
    return _with_cosines(kind, y, n, result, closed, ends, shifted=True)


def _by_cosine(x: Array, n: Array, limit: int) -> Array:
    return (n > limit) & (np.abs(x) < 1)


def _with_cosines(
    kind: str, x: Array, n: Array, result: Array, closed: Array, ends: Array, shifted: bool = False
) -> Array:
    """`result`, with the cosine form where `closed` and the exact values at the ends ±1."""
    x, n, closed, ends = (np.atleast_1d(a) for a in np.broadcast_arrays(x, n, closed, ends))
    shape, result = result.shape, np.atleast_1d(np.array(result))
    if closed.any():
        result[closed] = _cosine_form(kind, x[closed], n[closed], shifted)
    ends = ends & (n >= 0)
    if ends.any():
        result[ends] = _at_end(kind, x[ends] > 0, n[ends])
    return result.reshape(shape)


def _at_end(kind: str, right: Array, n: Array) -> Array:
    """The values at x = 1 (`right`) and x = −1."""
    one = np.ones_like(n)
    at_right = {"t": one, "u": n + 1, "v": one, "w": n + n + 1}[kind]
    at_left = _signed({"t": one, "u": n + 1, "v": n + n + 1, "w": one}[kind], n)
    return np.where(right, at_right, at_left)


def _cosine_form(kind: str, x: Array, n: Array, shifted: bool) -> Array:
    """T = cos nθ, U = sin (n+1)θ / sin θ, V = cos (n+½)θ / cos ½θ, W = sin (n+½)θ / sin ½θ."""
    kind_of = x.dtype.type
    theta = acos(x)
    if kind == "t":
        return cos(n.astype(x.dtype) * theta)
    if kind == "u":
        m = (n + 1).astype(x.dtype)
        sine = sin(theta)
        return np.where(sine != 0, sin(m * theta) / sine, m * cos(m * theta) / x)
    turned, half = (n.astype(x.dtype) + kind_of(0.5)) * theta, theta / kind_of(2)
    odd = (n + n + 1).astype(x.dtype)
    if kind == "v":
        return np.where(sin(half) != 1, cos(turned) / cos(half), _signed(odd, n))
    edge = _signed(np.ones_like(x), n)
    if not shifted:
        edge = np.where(x > 0, odd, edge)
    return np.where(cos(half) != 1, sin(turned) / sin(half), edge)


# ---- Hermite, Laguerre, Legendre -------------------------------------------------------------------

_LIMIT = {"f": 128, "d": 512}  # the highest degree of a Hermite polynomial; nan beyond


def _hermite(x: Array, n: Array, first: Array, step: Step) -> Array:
    n = degrees(n)
    limit = _LIMIT[x.dtype.char]
    climbed = climb(x, np.where(n > limit, 0, n), first, step, stop_at_nan=False)
    return np.where(n > limit, x.dtype.type(np.nan), climbed)


def hermite_h(x: Array, n: Array) -> Array:
    """H, the physicists' Hermite polynomials."""
    return _hermite(x, n, x + x, lambda x, p, q, k: minus(x + x, p, x.dtype.type(2 * k) * q))


def hermite_he(x: Array, n: Array) -> Array:
    """He, the probabilists'."""
    return _hermite(x, n, x, lambda x, p, q, k: minus(x, p, x.dtype.type(k) * q))


def _laguerre_step(x: Array, now: Array, before: Array, k: int) -> Array:
    kind = x.dtype.type
    return minus(kind(2 * k) + (kind(1) - x), now, kind(k) * before) / kind(k + 1)


def laguerre(x: Array, n: Array) -> Array:
    """L, 1 at zero whatever the degree."""
    n = degrees(n)
    return climb(x, np.where(x == 0, np.minimum(n, 0), n), 1 - x, _laguerre_step)


def _legendre_step(x: Array, now: Array, before: Array, k: int) -> Array:
    kind = x.dtype.type
    return minus(kind(2 * k + 1) * x, now, kind(k) * before) / kind(k + 1)


def legendre(x: Array, n: Array) -> Array:
    """P, with P(±1) = (±1)ⁿ exactly."""
    n = degrees(n)
    ends = np.abs(x) == 1
    climbed = climb(x, np.where(ends, np.minimum(n, 0), n), x, _legendre_step)
    at_end = np.where((x > 0) | (n % 2 == 0), x.dtype.type(1), x.dtype.type(-1))
    return np.where(ends & (n >= 0), at_end, climbed)


KERNELS: dict[str, Any] = {
    "hermite_polynomial_h": hermite_h,
    "hermite_polynomial_he": hermite_he,
    "laguerre_polynomial_l": laguerre,
    "legendre_polynomial_p": legendre,
}
for _kind in "tuvw":
    KERNELS[f"chebyshev_polynomial_{_kind}"] = functools.partial(chebyshev, _kind)
    KERNELS[f"shifted_chebyshev_polynomial_{_kind}"] = functools.partial(shifted_chebyshev, _kind)

"""How a gamma or beta number moves with its parameter: implicit reparametrization.

A number x drawn as the inverse of a distribution function, F(x; a) = u, moves with a while u stays:

    dx/da  =  - (∂F/∂a) / p(x),        ∂F/∂a = ∫₀ˣ p(t) (log t - c) dt

where p is the density and c the mean of log t: ψ(a) for a gamma number, ψ(a) - ψ(a+b) for a beta
number.  As the integral over all t is zero, the one from x on, with the other sign, is as good; on
one of the two sides log t - c keeps its sign, and there nothing cancels.  With t = x·exp(-s) (or
1 - t = (1-x)·exp(-s)) it becomes ∫ exp(e(s)) w(s) ds over s > 0, computed by tanh-sinh quadrature
up to where the exponent e has fallen to -45.

Near zero the density is t^(a-1) times a power series in t, and the integral is one, too.
(Figurnov, Mohamed, Mnih 2018; torch has the series near zero, and rational approximations with errors
about 1e-4 elsewhere.)
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray
Function = Callable[[Array], Array]

_STEP, _NODES = 1 / 24, 76  # nodes on either side of the middle
_GONE = -45.0  # exp of it no longer counts
_TERMS = 16
_CACHE = 16384  # numbers at once


def gamma_slope(shape: Array, x: Array) -> Array:
    """dx/da of gamma numbers x with shapes a and rate 1; float64 in and out, any common shape."""
    from scipy.special import psi

    gap = np.log(x) - psi(shape)
    side = np.where(gap > 0, 1.0, -1.0)

    def exponent(s: Array) -> Array:
        return side * shape * s - x * np.expm1(side * s)

    slope = x * _integral(exponent, lambda s: np.abs(gap) + s, x)
    series = _series(shape, gap, x, x, lambda n: -1 / n)
    return np.where(x < 0.5, series, slope)


def beta_slope(x: Array, a: Array, b: Array) -> Array:
    """dx/da / (1 - x) of beta numbers x with parameters a and b; float64, of one shape.

    A part x of a Dirichlet point is such a number, with b the sum of the other parameters; when a
    grows, x takes its share from all other parts alike: each loses that many times itself.
    """
    from scipy.special import psi

    log_x, log_rest = np.log(x), np.log1p(-x)
    mean = psi(a) - psi(a + b)
    below = log_x <= mean
    rate = np.where(below, a, b)
    power = np.where(below, b, a) - 1
    start = np.where(below, x, 1 - x)
    log_start = np.where(below, log_rest, log_x)

    def exponent(s: Array) -> Array:
        with np.errstate(all="ignore"):
            return power * (np.log1p(-start * np.exp(-s)) - log_start) - rate * s

    def weight(s: Array) -> Array:
        log_t = np.where(below, log_x - s, np.log1p(-start * np.exp(-s)))
        return np.abs(log_t - mean)

    slope = np.where(below, x / (1 - x), 1.0) * _integral(exponent, weight, x)
    series = _series(a, log_x - mean, x, -b * log_rest, lambda n: (n - b) / n)
    return np.where(x < 0.1 / (1 + b), series, slope)


def _series(a: Array, gap: Array, x: Array, depth: Array, ratio: Callable[[int], Any]) -> Array:
    """-x/h(x) · Σ hₙ xⁿ (gap/(a+n) - 1/(a+n)²), for a density ∝ t^(a-1) Σ hₙ tⁿ.

    gap = log x - c; `depth` is -log h(x), for beta numbers of the rest 1-x as well; hₙ/hₙ₋₁ is
    `ratio(n)`.
    """
    total, term = np.zeros_like(x), np.ones_like(x)
    with np.errstate(all="ignore"):  # far from zero, where it is not asked for
        for n in range(_TERMS):
            total += term * (gap - 1 / (a + n)) / (a + n)
            term = term * x * ratio(n + 1)
        return -x * np.exp(depth) * total


def _integral(exponent: Function, weight: Function, like: Array) -> Array:
    """∫ exp(exponent(s)) · weight(s) ds from 0 to infinity, for every element."""
    with np.errstate(all="ignore"):
        reach = _reach(exponent, like)
        total = np.zeros_like(like)
        places, shares = (x.reshape(-1, *[1] * like.ndim) for x in _tanh_sinh())
        together = max(1, _CACHE // max(like.size, 1))  # nodes
        for i in range(0, len(places), together):
            s = reach * places[i : i + together]
            total += (shares[i : i + together] * (np.exp(exponent(s)) * weight(s))).sum(axis=0)
        return total * reach


def _reach(exponent: Function, like: Array) -> Array:
    """A length after which the exponent stays below `_GONE`: bisection for its binary logarithm."""
    low, high = np.full_like(like, -40.0), np.full_like(like, 60.0)
    for _ in range(14):
        middle = (low + high) / 2
        gone = exponent(np.exp2(middle)) < _GONE
        high, low = np.where(gone, middle, high), np.where(gone, low, middle)
    return np.exp2(high)


@functools.cache
def _tanh_sinh() -> tuple[Array, Array]:
    """Places in (0, 1) and their shares: dense at both ends."""
    u = np.arange(-_NODES, _NODES + 1) * _STEP
    z = np.pi * np.sinh(u)
    place = 1 / (1 + np.exp(-z))
    return place, _STEP * np.pi * np.cosh(u) * place / (1 + np.exp(z))

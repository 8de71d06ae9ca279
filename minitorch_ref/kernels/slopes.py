"""Slopes of elementwise functions: kernels for gradients that lose bits in the textbook's formula.

A gradient written as operations on tensors rounds after every step, and some formulas cancel besides:
1 − tanh² near ±1, 2x·erfcx(x) − 2/√π far right, the density of the gamma distribution through its
logarithm.  The one idea: find the form that does not cancel, and work float32 out in float64.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from . import exponential, gaussian
from .incomplete_gamma import density
from .wider import wider

Array = np.ndarray
_DOUBLE = np.dtype("f8")
_TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)
_INV_SQRT_2PI = 1 / math.sqrt(2 * math.pi)
_FAR = 8.0  # where erfcx's asymptotic series is good to the last bit
# erfcx'(x) = 2/√π Σ aₖ/(2x²)ᵏ over k ≥ 1 with aₖ = (−1)ᵏ (2k − 1)!!
_ASYMPTOTIC = [(-1.0) ** k * math.prod(range(1, 2 * k, 2)) for k in range(1, 21)]


@wider
def erf(x: Array) -> Array:
    """2/√π · exp(−x²)."""
    return np.exp(-(x * x)) * _TWO_OVER_ROOT_PI


@wider
def erfcx(x: Array) -> Array:
    """2x·erfcx(x) − 2/√π, by its asymptotic series where the difference cancels."""
    from scipy import special

    y = np.asarray(2 * x * special.erfcx(x) - _TWO_OVER_ROOT_PI)
    far = (x > _FAR) & np.isfinite(2 * x)  # where that overflows, torch's is inf or NaN
    if far.any():
        z = 1 / (2 * x[far] * x[far])
        total = np.zeros_like(z)
        for a in reversed(_ASYMPTOTIC):
            total = (total + a) * z
        y[far] = total * _TWO_OVER_ROOT_PI
    return y


@wider
def log_ndtr(x: Array) -> Array:
    """φ(x)/Φ(x) = √(2/π) / erfcx(−x/√2); NaN at −inf, as torch has it."""
    from scipy import special

    left = math.sqrt(2 / math.pi) / special.erfcx(x * -math.sqrt(0.5))
    right = np.exp(-0.5 * x * x) * math.sqrt(0.5 / math.pi) / special.ndtr(x)
    return np.where(x > 1, right, np.where(np.isneginf(x), np.nan, left))


def gelu(x: Array) -> Array:
    """Φ(x) + x φ(x); NaN at ±inf, as torch has it."""
    return gaussian.gelu_slope(x) if gaussian.pays(x) else np.asarray(_gelu(x))


@wider
def _gelu(x: Array) -> Array:
    from scipy.special import ndtr

    return ndtr(x) + x * (_INV_SQRT_2PI * np.exp(-0.5 * x * x))


@wider
def tanhshrink(x: Array) -> Array:
    """tanh²(x): 1 − (1 − tanh²) has no bits left near zero."""
    bent = np.tanh(x)
    return bent * bent


@wider
def mish(x: Array) -> Array:
    """With e = eˣ and d = e² + 2e + 2, e·(4(x + 1) + 4e² + e³ + e(4x + 6))/d²; right of 1, where
    that is 1 and a little more, 1 + (4x·e(1 + e)/d − 2)/d.  NaN at ±inf, as torch has it."""
    x = x + 0 * x  # NaN for ±inf
    near = np.clip(x, -800, 20)  # beyond, the slope is 0 or 1 in either type
    e = np.exp(near)
    d = 2 + e * (2 + e)
    left = e * (4 * (near + 1) + e * (4 * near + 6 + e * (4 + e))) / (d * d)
    return np.where(x > 1, 1 + (4 * near * (e * (1 + e)) / d - 2) / d, left)


@wider
def softplus(x: Array, beta: float, limit: float) -> Array:
    """σ(βx), and 1 beyond the limit."""
    z = x * beta
    return np.where(z > limit, 1.0, 1 / (1 + np.exp(-z)))


@wider
def logsigmoid(x: Array) -> Array:
    """σ(−x), by the form that cannot overflow."""
    e = np.exp(-np.abs(x))
    return np.where(x > 0, e, 1.0) / (1 + e)


def _large_elu(x: Array, alpha: float, scale: float, inner: float) -> Array:
    return exponential.elu_slope(x, alpha * scale * inner, scale, inner)


@functools.partial(wider, large=_large_elu)
def elu(x: Array, alpha: float, scale: float, inner: float) -> Array:
    """`scale` where x > 0, else scale · alpha · inner · exp(inner · x)."""
    bent = np.exp(np.minimum(x, 0) * inner) * (alpha * scale * inner)
    return np.where(x <= 0, bent, scale)


def share(a: Array, b: Array, base: float) -> Array:
    """baseᵃ / (baseᵃ + baseᵇ), the slope of log(baseᵃ + baseᵇ) in a, for base 2 or e."""
    kind = np.result_type(a, b)
    power = np.exp2 if base == 2 else np.exp
    if kind != _DOUBLE:
        return np.asarray(1 / (1 + power(b - a.astype(_DOUBLE)))).astype(kind)
    d = b - a
    return np.asarray(1 / (1 + power(d) * (1 + _lost(b, a, d) * math.log(base))))


def _lost(b: Array, a: Array, d: Array) -> Array:
    """What rounding took from d = b − a: a large exponent makes much of it.  (source: Knuth)"""
    taken = b - d
    rest = (b - (d + taken)) + (taken - a)
    return np.where(np.isfinite(rest), rest, 0)


def gamma_density(a: Array, x: Array) -> Array:
    """xᵃ⁻¹ e⁻ˣ / Γ(a), the slope of P(a, x) in x."""
    return density(*(np.asarray(v, _DOUBLE) for v in (a, x))).astype(np.result_type(a, x))

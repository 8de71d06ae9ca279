"""The Hurwitz zeta function ζ(s, q) = Σ (q + k)⁻ˢ of a whole s > 1, by Euler and Maclaurin.

In float64 the sums q + k are rounded, and the power makes s/2 ULP of each rounding.  Extended
precision has the bits for it; where the processor has none, the result is as good as SciPy's.
(source: DLMF 25.11.5)
"""

from __future__ import annotations

import numpy as np

Array = np.ndarray
_EXTENDED = np.longdouble
LARGEST = 32  # s beyond which the corrections converge too slowly
# B(2j) / (2j)!
_CORRECTIONS = [
    _EXTENDED(p) / _EXTENDED(q)
    for p, q in (
        (1, 12), (-1, 720), (1, 30240), (-1, 1209600), (1, 47900160), (-691, 1307674368000),
        (1, 74724249600), (-3617, 10670622842880000), (43867, 5109094217170944000),
    )
]  # fmt: skip


def hurwitz_zeta(s: int, q: Array) -> Array:
    """ζ(s, q) of a float64 array with q > −100; inf at the poles 0, −1, −2, …"""
    wide = np.array(q, _EXTENDED)
    total = np.zeros_like(wide)
    start = 10 + s  # from here on, the series is the integral and a few corrections
    while (near := wide < start).any():
        total[near] += _power(wide[near], s)
        wide[near] += 1
    last = _power(wide, s)
    total = total + last * (wide / (s - 1) + _EXTENDED(0.5))
    factor = last * s / wide
    for j, c in enumerate(_CORRECTIONS):
        total = total + factor * c
        factor = factor * (s + 2 * j + 1) * (s + 2 * j + 2) / (wide * wide)
    poles = (q <= 0) & (q == np.floor(q))
    return np.where(poles, np.inf, total.astype(np.float64))


def _power(x: Array, s: int) -> Array:
    """x⁻ˢ by squaring."""
    inverse, power = 1 / x, np.ones_like(x)
    while s:
        if s & 1:
            power = power * inverse
        inverse, s = inverse * inverse, s >> 1
    return power

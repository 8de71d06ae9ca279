"""Airy's function Ai in four pieces: a series, SciPy's scaled values, SciPy's own, and a wave.

    |x| < 3.2   its Maclaurin series, in extended precision
    x ≥ 3.2     e^−ζ times SciPy's scaled function, ζ = ⅔ x√x in extended precision
    x ≥ −10     SciPy's values
    x < −10     the asymptotic wave, its phase in extended precision
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray


def airy_ai(x: Array) -> Array:
    """Ai(x) of a float64 array; nan at infinity."""
    from scipy import special

    far_left = x < -10
    near = np.abs(x) < 3.2
    y = special.airy(np.where(far_left, 0, x))[0]
    if np.any(near):
        y = np.where(near, _series(np.where(near, x, 0)), y)
    right = np.clip(x, 3.2, 200).astype(np.longdouble)  # e^−ζ to more digits: ζ is large
    decay = np.exp(right * np.sqrt(right) * (-2 / np.longdouble(3)))
    scaled = special.airye(np.asarray(right, np.float64))[0].real
    y = np.where((x >= 3.2) & (x < 200), scaled * decay, y)
    y = np.where(x > 103.892, 0, y)
    if np.any(far_left):
        y = np.where(far_left, _wave(np.where(far_left, -x, 10)), y)
    return np.where(np.isinf(x), np.nan, y)


_AIRY = tuple(np.longdouble(c) for c in ("0.355028053887817239260063", "0.258819403792806798405184"))


def _series(x: Array) -> Array:
    """Ai(0)·f(x) + Ai′(0)·g(x), the Maclaurin series, in extended precision: they nearly cancel."""
    wide = np.asarray(x, np.longdouble)
    cube = wide * wide * wide
    f_term: Any = np.ones_like(wide)
    g_term: Any = wide
    f, g = f_term, g_term
    for k in range(0, 78, 3):
        f_term = f_term * cube / ((k + 2) * (k + 3))
        g_term = g_term * cube / ((k + 3) * (k + 4))
        f, g = f + f_term, g + g_term
    return _AIRY[0] * f - _AIRY[1] * g


def _wave(x: Array) -> Array:
    """Ai(−x) for x ≥ 10, in extended precision: the argument of the wave is large.  (DLMF 9.7.9)"""
    wide = np.asarray(x, np.longdouble)
    zeta = wide * np.sqrt(wide) * 2 / 3
    phase = zeta - np.longdouble("0.785398163397448309615660845819875721")
    term = np.ones_like(zeta)
    sums = [term, np.zeros_like(zeta)]  # of the even and the odd terms
    for k in range(1, 27):
        term = term * ((6 * k - 5) * (6 * k - 3) * (6 * k - 1)) / (216 * k * (2 * k - 1)) / zeta
        sums[k % 2] = sums[k % 2] + (term if k % 4 < 2 else -term)
    wave = np.cos(phase) * sums[0] + np.sin(phase) * sums[1]
    return wave / np.sqrt(np.sqrt(wide) * np.longdouble("3.14159265358979323846264338"))

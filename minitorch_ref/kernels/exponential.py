"""exp and exp − 1 of float32 numbers in float64, and what is made of them: the sigmoid, SiLU, ELU.

float32's own exp is up to 2.5 ULP off, a sigmoid made of it 3.2.  In float64 the steps' errors vanish
in the last rounding.  NumPy has vector code for float64's exp where the processor has AVX-512: 0.8 ns an
element, 1.2 for expm1.  Elsewhere it calls the C library, 4 to 8 ns, most of it branches that go the
wrong way.  The one idea for those: a table (tabulated.py), since the argument has 24 bits only,

    x = x₀ + d        eˣ = E + E w,   E = exp(x₀),   w = eᵈ − 1 = d (1 + d (1/2 + d/6 + d²/24))

    eˣ − 1 = F + (F + 1) w,   F = exp(x₀) − 1:       near zero, where F is 0, that is w

with a step of 1/64, for the second 1/1024.  Of w only what d is multiplied with is worked out in float32,
where it is 1 and a little; the error before the last rounding is below 2⁻¹² ULP.

Cost per element of the sigmoid: two casts, exp, a sum and a quotient, 1.9 ns with AVX-512; with the
table, 13 passes in float32 (0.1 ns), 8 in float64 (0.2 ns) and a look-up (0.6 ns), 3.7 ns.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from .blocks import by_parts
from .select import against, select
from .tabulated import DOUBLE, SINGLE, Grid, horner, look_up, singles, wide

Array = np.ndarray
LEAST = 1 << 14  # elements from which on scratch memory, parts and threads pay
_COST = 3  # nanoseconds an element
_ONE = np.ones(())
_HIGH, _LOW = 110, -110  # below, x exp(x) is zero in float32
_EXP_TERMS, _EXPM1_TERMS = singles(1 / 2, 1 / 6, 1 / 24), singles(1 / 2, 1 / 6)


@functools.cache
def vectorised() -> bool:
    """Whether NumPy has vector code for float64's exp and expm1 on this processor."""
    from numpy._core._multiarray_umath import __cpu_features__ as features

    return bool(features.get("AVX512_SKX"))


def pays(x: Array) -> bool:
    """Whether x is float32, and large enough for what follows."""
    return x.dtype == SINGLE and x.size >= LEAST


def logistic(x: Array) -> Array:
    """1 / (1 + exp(−x)) of float32, like all here."""
    return by_parts(_logistic, x, _COST)


def silu(x: Array) -> Array:
    """x / (1 + exp(−x))"""
    return by_parts(_silu, x, _COST)


def elu(x: Array, outer: float, scale: float) -> Array:
    """scale · x where x > 0, else outer · (exp(x) − 1), for finite factors."""
    return by_parts(functools.partial(_elu, outer, scale), x, _COST)


def elu_slope(x: Array, outer: float, scale: float, inner: float) -> Array:
    """outer · exp(inner · x) where x ≤ 0, else `scale`."""
    return by_parts(functools.partial(_elu_slope, outer, scale, inner), x, _COST)


# ---- a part of the array ---------------------------------------------------------------------------


def _logistic(x: Array, out: Array, take: Any) -> None:
    below = _exp(np.negative(x, out=take(SINGLE)), take)
    np.add(below, _ONE, out=below)
    np.divide(_ONE, below, out=below)
    np.copyto(out, below, casting="same_kind")


def _silu(x: Array, out: Array, take: Any) -> None:
    above = wide(x, take)
    if vectorised():
        below = np.negative(above, out=take(DOUBLE))
        np.exp(below, out=below)
    else:
        below = _exp(np.negative(x, out=take(SINGLE)), take)
    np.add(below, _ONE, out=below)
    np.divide(above, below, out=below)
    np.copyto(out, below, casting="same_kind")


def _elu(outer: float, scale: float, x: Array, out: Array, take: Any) -> None:
    """exp(x) − 1 is never below x, and 0 where x is above zero: the larger one.  With other factors the
    sum of what is above zero and what is below: one of them is zero, −0 where x is not above."""
    below = _expm1(against(np.minimum, 0, x, take(SINGLE)), take)
    if outer != 1:
        np.multiply(below, outer, out=below)
    bent = take(SINGLE)
    np.copyto(bent, below, casting="same_kind")
    if scale == 1 and 0 <= outer <= 1:
        np.maximum(bent, x, out=out)
        return
    against(np.maximum, -0.0, x, out)
    if scale != 1:
        np.multiply(out, SINGLE.type(scale), out=out)
    np.add(out, bent, out=out)


def _elu_slope(outer: float, scale: float, inner: float, x: Array, out: Array, take: Any) -> None:
    below = against(np.fmin, 0, x, take(SINGLE))  # 0 for NaN: torch gives it the slope above
    if inner == 1:
        power = _exp(below, take)
    else:
        power = wide(below, take)
        np.multiply(power, inner, out=power)
        np.exp(power, out=power)
    if outer != 1:
        np.multiply(power, outer, out=power)
    np.copyto(out, power, casting="same_kind")
    if SINGLE.type(outer) != SINGLE.type(scale):
        out[...] = select(x <= 0, out, scale, SINGLE)


def _exp(x: Array, take: Any) -> Array:
    """exp(x) in float64."""
    if vectorised():
        power = wide(x, take)
        return np.exp(power, out=power)
    grid, table = _powers()
    power, growth = _from_nearest(x, grid, table, _EXP_TERMS, take)
    np.multiply(growth, power, out=growth)
    np.add(power, growth, out=power)
    if not grid.holds(x):
        np.copyto(power, np.inf, where=x > _HIGH)
        np.copyto(power, 0, where=x < _LOW)
    return power


def _expm1(x: Array, take: Any) -> Array:
    """exp(x) − 1 in float64 for x ≤ 0."""
    if vectorised():
        less = wide(x, take)
        return np.expm1(less, out=less)
    less, growth = _from_nearest(x, *_powers_less_one(), _EXPM1_TERMS, take)
    np.multiply(growth, np.add(less, _ONE, out=take(DOUBLE)), out=growth)
    return np.add(less, growth, out=less)


def _from_nearest(
    x: Array, grid: Grid, table: Array, terms: tuple[Array, ...], take: Any
) -> tuple[Array, Array]:
    """The table's value at the x₀ nearest to x, and eᵈ − 1 = d (1 + d (1/2 + …)) for d = x − x₀, as float64.

    Of d = −0 that is −0.
    """
    _, d, place = grid.nearest(grid.within(x), take)
    value = look_up(table, place, take)
    rest = horner(d, terms, take(SINGLE))
    growth = wide(np.multiply(rest, d, out=rest), take)
    np.add(growth, _ONE, out=growth)
    return value, np.multiply(growth, wide(d, take), out=growth)


@functools.cache
def _powers() -> tuple[Grid, Array]:
    grid = Grid(_LOW, _HIGH, 2.0**-6)
    return grid, np.array([math.exp(v) for v in grid.points.tolist()])


@functools.cache
def _powers_less_one() -> tuple[Grid, Array]:
    grid = Grid(-26, 0, 2.0**-10)  # below, it is −1 and far less than an ULP of float32
    table = np.array([math.expm1(v) for v in grid.points.tolist()])
    table[-1] = -0.0  # −0 + d keeps the sign of d = ±0
    return grid, table

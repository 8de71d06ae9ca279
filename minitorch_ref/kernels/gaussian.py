"""Functions whose slope is a Gaussian, in float32: erf, erfc, the normal distribution function, GELU.

SciPy's erfc takes 7 to 15 ns an element, a branch for each of its cases included.  The one idea: a table
of F and F' at the multiples x₀ of 1/1024, and from the nearest one a short Taylor polynomial:

    x = x₀ + d                               F' = A exp(−c x²)
    F(x) = F(x₀) + F'(x₀) · d · (1 + p)       p = −c y + ⅔c² y² − ⅓c³ y³ − ⅓c d²,  y = x₀ d

The polynomial is relative to F'(x₀): nothing cancels in a tail, or underflows before F does, and around
x₀ = 0, where erf vanishes, the result is F'(0) d.  |p| is at most 2⁻⁷ at the end of a tail and 2⁻¹¹
around zero, so it is worked out in float32 (see tabulated.py); the error before the last rounding is
2⁻¹² ULP or less.

Cost per element: 15 passes in float32 (0.1 ns), 9 in float64 or between the two (0.2 ns) and a look-up
(0.7 ns), 4.2 ns in all.  A table takes 350 KB and 3 ms, once.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .blocks import by_parts
from .tabulated import DOUBLE, SINGLE, Grid, horner, look_up, singles, wide

Array = np.ndarray
_SQRT_HALF, _INV_SQRT_2PI = math.sqrt(0.5), 1 / math.sqrt(2 * math.pi)
_COST = 4  # nanoseconds an element
LEAST = 2048  # elements from which on the table is faster


class _Table(NamedTuple):
    """F and its slope on a grid; beyond, F is constant in float32."""

    grid: Grid
    cells: Array  # complex numbers: F + iF'
    p: tuple[Array, ...]  # the coefficients of y, y² and y³
    square: Array  # and of d²


def _tabulate(
    low: float, high: float, value: Callable[[float], float], slope: float, c: float
) -> _Table:
    """The table of F = `value` with F'(x) = slope · exp(−c x²)."""
    grid = Grid(low, high, 2.0**-10)
    x = grid.points
    cells = np.empty(x.size, np.complex128)
    cells.real = [value(v) for v in x.tolist()]
    cells.imag = slope * np.exp(-c * x * x)
    cells.real[cells.real == 0] = -0.0  # −0 + d keeps the sign of d = ±0
    return _Table(grid, cells, singles(-c, 2 * c * c / 3, -(c**3) / 3), *singles(-c / 3))


@functools.cache
def _erf() -> _Table:
    return _tabulate(-4.25, 4.25, math.erf, 2 / math.sqrt(math.pi), 1)


@functools.cache
def _erfc() -> _Table:
    table = _tabulate(-4.25, 10.25, math.erfc, -2 / math.sqrt(math.pi), 1)
    table.cells[-1] = 0
    return table


@functools.cache
def _normal() -> _Table:
    table = _tabulate(-15, 6.5, lambda v: math.erfc(v * -_SQRT_HALF) / 2, _INV_SQRT_2PI, 0.5)
    table.cells[0] = 0
    return table


def pays(x: Array) -> bool:
    """Whether the table is faster than SciPy here: some 25 calls of NumPy cost 20 us."""
    return x.dtype != DOUBLE and x.size >= LEAST


def erf(x: Array) -> Array:
    """The error function of float16 or float32, like all here."""
    return by_parts(functools.partial(_integral, _erf()), x, _COST)


def erfc(x: Array) -> Array:
    """1 − erf(x), without the cancellation."""
    return by_parts(functools.partial(_integral, _erfc()), x, _COST)


def ndtr(x: Array) -> Array:
    """Φ(x), the area under the normal density left of x."""
    return by_parts(functools.partial(_integral, _normal()), x, _COST)


def gelu(x: Array) -> Array:
    """x Φ(x)."""
    return by_parts(functools.partial(_gelu, _normal()), x, _COST)


def gelu_slope(x: Array) -> Array:
    """Φ(x) + x φ(x); NaN at ±inf, as torch has it."""
    return by_parts(functools.partial(_gelu_slope, _normal()), x, _COST)


# ---- a part of the array ---------------------------------------------------------------------------


def _integral(table: _Table, x: Array, out: Array, take: Any) -> None:
    np.copyto(out, _area(table, x, take), casting="same_kind")


def _gelu(table: _Table, x: Array, out: Array, take: Any) -> None:
    area = _area(table, x, take)
    np.multiply(area, wide(x, take), out=area)
    np.copyto(out, area, casting="same_kind")


def _area(table: _Table, x: Array, take: Any) -> Array:
    x0, d, place = table.grid.nearest(table.grid.within(x), take)
    y = np.multiply(x0, d, out=take(SINGLE))
    p = horner(y, table.p, take(SINGLE))
    np.multiply(p, y, out=p)
    np.multiply(d, table.square, out=y)
    np.multiply(y, d, out=y)
    np.add(p, y, out=p)
    np.multiply(p, d, out=p)
    return _from_cell(look_up(table.cells, place, take), d, p, take)


def _gelu_slope(table: _Table, x: Array, out: Array, take: Any) -> None:
    """Φ(x₀) + φ(x₀) · (x₀ + d · (2 − v + ½ d x₀(v − 4) + ⅙ d² (7v − v² − 4))) with v = x₀²."""
    near = table.grid.within(x)
    if near is not x:
        near = near + 0 * x  # NaN at ±inf
    x0, d, place = table.grid.nearest(near, take)
    v = np.multiply(x0, x0, out=take(SINGLE))
    a = horner(v, _CUBIC, take(SINGLE))
    np.multiply(a, d, out=a)
    b = horner(v, _SQUARE, take(SINGLE))
    np.multiply(b, x0, out=b)
    np.add(a, b, out=a)
    np.multiply(a, d, out=a)
    np.subtract(_TWO, v, out=b)
    np.add(a, b, out=a)
    np.multiply(a, d, out=a)
    slope = _from_cell(look_up(table.cells, place, take), x0, a, take)
    np.copyto(out, slope, casting="same_kind")


(_TWO,) = singles(2)
_SQUARE, _CUBIC = singles(-2, 1 / 2), singles(-4 / 6, 7 / 6, -1 / 6)


def _from_cell(cell: Array, large: Array, small: Array, take: Any) -> Array:
    """F(x₀) + F'(x₀) · (large + small) in float64."""
    total = wide(large, take)
    np.add(total, wide(small, take), out=total)
    np.multiply(total, cell.imag, out=total)
    return np.add(total, cell.real, out=total)

"""Random numbers found by trial: a candidate is drawn, and drawn again until it is accepted.

Gamma (Marsaglia and Tsang 2000), Dirichlet as gammas over their sum, binomial (Hörmann 1993, and
sums of geometric gaps where few successes are expected).  How many words one number takes depends
on what was drawn, so the numbers come one after the other, in torch's arithmetic: where it computes
in float32, or with a constant that was rounded to float32, so does this.
(source: ATen/native/Distributions.h)
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .c_functions import c_function
from .draws import doubles
from .mersenne import MersenneTwister

Array = np.ndarray

_THIRD = float(np.float32(1) / np.float32(3))
_SQUEEZE = float(np.float32(0.0331))

# All is computed in Python's floats; `near` rounds to the operands' type where C computes in that.  An
# operation on two float32, rounded to float64 and then to float32, is as if rounded once.
Near = Callable[[float], float]


def _float32(x: float) -> float:
    return float(np.float32(x))


def _nearest(kind: np.dtype) -> Near:
    return _float32 if kind.char == "f" else float


# ---- gamma ---------------------------------------------------------------------------------------


def gamma(source: MersenneTwister, shapes: Array) -> Array:
    """A gamma number of rate 1 for every shape (float32 or float64), never below the smallest
    normal number: a logarithm of it exists."""
    uniforms, near = doubles(source), _nearest(shapes.dtype)
    drawn = np.array([_gamma(source, uniforms, x, near) for x in shapes.reshape(-1).tolist()])
    drawn = drawn.astype(shapes.dtype).reshape(shapes.shape)
    tiny = np.finfo(shapes.dtype).tiny
    return np.where(drawn > tiny, drawn, tiny)  # not a number becomes tiny too


def _gamma(source: MersenneTwister, uniforms: Iterator[float], shape: float, near: Near) -> float:
    """Marsaglia and Tsang: d·v, where v = (1 + c·normal)³ is accepted by the ratio of densities.

    A shape below 1 is raised by 1, and the number scaled by uniform^(1/shape).
    """
    if not shape > 0:
        return 0.0 if shape == 0 else math.nan
    scale = 1.0
    if shape < 1:
        scale = math.pow(1 - next(uniforms), near(1 / shape))
        shape = near(shape + 1)
    d = near(shape - _THIRD)
    c = 1 / math.sqrt(9 * d)
    while True:
        x = _normal(source, uniforms)
        y = 1 + c * x
        if y <= 0:
            continue
        v = y * y * y
        u = 1 - next(uniforms)
        square = x * x
        if u < 1 - _SQUEEZE * square * square:
            return scale * d * v
        if math.log(u) < 0.5 * square + d * (1 - v + math.log(v)):
            return scale * d * v


def _normal(source: MersenneTwister, uniforms: Iterator[float]) -> float:
    """A normal number by Box-Muller; the second of a pair waits in the generator."""
    kept = source.next_normal
    if kept is not None:
        source.next_normal = None
        return kept
    angle = 2 * math.pi * next(uniforms)
    radius = math.sqrt(-2 * math.log1p(-next(uniforms)))
    source.next_normal = radius * math.sin(angle)
    return radius * math.cos(angle)


def dirichlet(source: MersenneTwister, shapes: Array) -> Array:
    """Points of the simplex along the last dim: float64 gammas over their sum, kept off 0 and 1."""
    parts = gamma(source, shapes.astype(np.float64))
    kind = shapes.dtype
    share = (parts / _total(parts) if shapes.ndim else parts / parts).astype(kind)
    return np.clip(share, np.finfo(kind).tiny, np.nextafter(kind.type(1), kind.type(0)))


def _total(parts: Array) -> Array:
    """The sum along the last dim in torch's order, whose last bits reach the result: numbers four
    apart, in four interleaved runs; then what is left over, and the four lanes."""
    whole = parts.shape[-1] // 4
    fours = parts[..., : 4 * whole].reshape(*parts.shape[:-1], whole, 4)
    even = whole // 4 * 4
    runs = [_one_by_one(fours[..., j:even:4, :]) for j in range(4)]
    runs[0] = _one_by_one(fours[..., even:, :], runs[0])
    lanes = runs[0] + runs[1] + runs[2] + runs[3]
    rest = _one_by_one(parts[..., 4 * whole :, None])
    return _one_by_one(lanes[..., None], rest)


def _one_by_one(x: Array, start: Any = 0.0) -> Array:
    """`start` plus the numbers along the last dim but one, in order."""
    for i in range(x.shape[-2]):
        start = start + x[..., i, :]
    return start + np.zeros((*x.shape[:-2], x.shape[-1]))


# ---- binomial ------------------------------------------------------------------------------------


def binomial(source: MersenneTwister, counts: Array, chances: Array) -> Array:
    """How many of `counts` trials succeed, each with its chance; arrays of one shape and dtype."""
    uniforms, near = doubles(source), _nearest(counts.dtype)
    pairs = zip(counts.reshape(-1).tolist(), chances.reshape(-1).tolist())
    drawn = [_binomial(uniforms, n, p, near) for n, p in pairs]
    return np.array(drawn, counts.dtype).reshape(counts.shape)


def _binomial(uniforms: Iterator[float], n: float, p: float, near: Near) -> float:
    """The rarer of success and failure is counted."""
    if n <= 0 or p <= 0:
        return 0.0
    if p >= 1:
        return n
    if p != p:
        return math.nan
    rarer = p if p <= 0.5 else near(1 - p)
    method = _by_rejection if near(n * rarer) >= 10 else _by_gaps
    hits = method(uniforms, n, rarer, near)
    return hits if p <= 0.5 else near(n - hits)


def _by_gaps(uniforms: Iterator[float], n: float, p: float, near: Near) -> float:
    """Geometric gaps from success to success, until they reach beyond n."""
    log_miss = _log1p(-p, near)
    place, hits = 0.0, 0.0
    while True:
        u = next(uniforms)
        gap = math.log(u) / log_miss if u else math.inf
        if gap > n:
            return hits
        place += math.ceil(gap)
        if place > n:
            return hits
        hits += 1


def _log1p(x: float, near: Near) -> float:
    """The C library's, in the operands' type."""
    single = c_function("log1pf", "f") if near is _float32 else None
    return single(x) if single else near(math.log1p(x))


def _by_rejection(uniforms: Iterator[float], n: float, p: float, near: Near) -> float:
    """Hörmann's transformed rejection with squeeze, BTRS."""
    a, b, c, bound, alpha = _box(n, p, near)
    while True:
        u, v = next(uniforms) - 0.5, next(uniforms)
        rim = 0.5 - abs(u)
        if rim == 0:
            continue
        k = near(math.floor((2 * a / rim + b) * u + c))
        if k < 0 or k > n:
            continue
        if rim >= 0.07 and v <= bound:
            return k
        v = v * alpha / (a / (rim * rim) + b)
        if v == 0 or math.log(v) <= _log_ratio(n, p, k, near):
            return k


@functools.lru_cache(64)
def _box(n: float, p: float, near: Near) -> tuple[float, ...]:
    """The constants of the region that candidates are drawn from, and of its squeeze."""
    spread = near(math.sqrt(near(near(n * p) * near(1 - p))))
    b = 1.15 + 2.53 * spread
    a = -0.0873 + 0.0248 * b + 0.01 * p
    return a, b, near(n * p) + 0.5, 0.92 - 4.2 / b, (2.83 + 5.1 / b) * spread


def _log_ratio(n: float, p: float, k: float, near: Near) -> float:
    """log of the chance of k over that of the mode, by Stirling's formula."""
    odds = near(p / near(1 - p))
    mode = float(math.floor(near(near(n + 1) * p)))
    rest, left, after = n - mode + 1, near(near(n - k) + 1), near(k + 1)
    return (
        (mode + 0.5) * math.log((mode + 1) / (odds * rest))
        + near(n + 1) * math.log(rest / left)
        + (k + 0.5) * math.log(odds * left / after)
        + _stirling_tail(mode)
        + _stirling_tail(n - mode)
        - _stirling_tail(k)
        - _stirling_tail(near(n - k))
    )


@functools.cache
def _small_tails() -> list[float]:
    """log k! minus Stirling's approximation of it, for k = 0 … 9."""
    half_log = 0.5 * math.log(2 * math.pi)
    return [
        math.lgamma(k + 1) - (half_log + (k + 0.5) * math.log(k + 1) - (k + 1)) for k in range(10)
    ]


def _stirling_tail(k: float) -> float:
    if k <= 9:
        return _small_tails()[int(k)]
    square = (k + 1) * (k + 1)
    return (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / (k + 1)

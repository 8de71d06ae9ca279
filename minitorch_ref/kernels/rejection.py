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

from .draws import doubles
from .libm import libm_float
from .mersenne import MersenneTwister

Array = np.ndarray

_THIRD = np.float32(1) / np.float32(3)
_SQUEEZE = float(np.float32(0.0331))


# ---- gamma ---------------------------------------------------------------------------------------


def gamma(source: MersenneTwister, shapes: Array) -> Array:
    """A gamma number of rate 1 for every shape (float32 or float64), never below the smallest
    normal number: a logarithm of it exists."""
    uniforms = doubles(source)
    one = functools.partial(_gamma, source, uniforms)
    drawn = np.array([one(shape) for shape in shapes.reshape(-1)], np.float64)
    drawn = drawn.astype(shapes.dtype).reshape(shapes.shape)
    tiny = np.finfo(shapes.dtype).tiny
    return np.where(drawn > tiny, drawn, tiny)  # not a number becomes tiny too


def _gamma(source: MersenneTwister, uniforms: Iterator[float], shape: Any) -> float:
    """Marsaglia and Tsang: d·v, where v = (1 + c·normal)³ is accepted by the ratio of densities.

    A shape below 1 is raised by 1, and the number scaled by uniform^(1/shape).
    """
    scale = 1.0
    if shape < 1:
        if shape == 0:
            return 0.0
        exponent = float(type(shape)(1) / shape)
        scale = _power(1 - next(uniforms), exponent)
        shape = shape + type(shape)(1)
    d = float(shape - type(shape)(_THIRD))
    c = 1 / math.sqrt(9 * d) if d > 0 else math.nan
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
        if c != c or math.log(u) < 0.5 * square + d * (1 - v + math.log(v)):
            return scale * d * v


def _power(base: float, exponent: float) -> float:
    return 0.0 if exponent == math.inf else math.pow(base, exponent)


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
    uniforms = doubles(source)
    pairs = zip(counts.reshape(-1), chances.reshape(-1))
    with np.errstate(all="ignore"):
        drawn = [_binomial(uniforms, n, p) for n, p in pairs]
    return np.array(drawn, counts.dtype).reshape(counts.shape)


def _binomial(uniforms: Iterator[float], n: Any, p: Any) -> Any:
    """The rarer of success and failure is counted."""
    kind: Any = type(n)
    if n <= 0 or p <= 0:
        return kind(0)
    if p >= 1:
        return n
    if p != p:
        return kind(math.nan)
    rarer = p if p <= 0.5 else kind(1 - float(p))
    method = _by_rejection if n * rarer >= 10 else _by_gaps
    hits = method(uniforms, n, rarer)
    return hits if p <= 0.5 else n - hits


def _by_gaps(uniforms: Iterator[float], n: Any, p: Any) -> Any:
    """Geometric gaps from success to success, until they reach beyond n."""
    kind: Any = type(n)
    log_miss = _logarithm("log1p", kind)(-p)
    log = _logarithm("log", kind)
    place, hits = kind(0), kind(0)
    while True:
        place += np.ceil(log(kind(next(uniforms))) / log_miss)
        if place > n:
            return hits
        hits += kind(1)


def _by_rejection(uniforms: Iterator[float], n: Any, p: Any) -> Any:
    """Hörmann's transformed rejection with squeeze, BTRS; `wide` marks what C computes in double."""
    kind: Any = type(n)
    wide, log = np.float64, _logarithm("log", kind)
    spread = np.sqrt(n * p * (1 - p))
    b = kind(1.15 + 2.53 * wide(spread))
    a = kind(-0.0873 + 0.0248 * wide(b) + 0.01 * wide(p))
    c = kind(wide(n * p) + 0.5)
    bound = kind(0.92 - 4.2 / wide(b))
    odds = p / (1 - p)
    alpha = kind((2.83 + 5.1 / wide(b)) * wide(spread))
    mode = np.floor((n + 1) * p)
    while True:
        u = kind(wide(kind(next(uniforms))) - 0.5)
        v = kind(next(uniforms))
        rim = kind(0.5 - abs(wide(u)))
        k = np.floor((2 * a / rim + b) * u + c)
        if k < 0 or k > n:
            continue
        if rim >= 0.07 and v <= bound:
            return k
        ratio = (
            (wide(mode) + 0.5) * wide(log((mode + 1) / (odds * (n - mode + 1))))
            + wide((n + 1) * log((n - mode + 1) / (n - k + 1)))
            + (wide(k) + 0.5) * wide(log(odds * (n - k + 1) / (k + 1)))
            + sum_of_tails(mode, n - mode, k, n - k)
        )
        if log(v * alpha / (a / (rim * rim) + b)) <= kind(ratio):
            return k


def sum_of_tails(mode: Any, rest: Any, k: Any, left: Any) -> Any:
    """What Stirling's formula leaves of log mode! + log rest! - log k! - log left!."""
    tails = [np.float64(_stirling_tail(x)) for x in (mode, rest, k, left)]
    return tails[0] + tails[1] - tails[2] - tails[3]


@functools.cache
def _small_tails() -> list[float]:
    """log k! minus Stirling's approximation of it, for k = 0 … 9."""
    half_log = 0.5 * math.log(2 * math.pi)
    return [
        math.lgamma(k + 1) - (half_log + (k + 0.5) * math.log(k + 1) - (k + 1)) for k in range(10)
    ]


def _stirling_tail(k: Any) -> Any:
    if k <= 9:
        return type(k)(_small_tails()[int(k)])
    square = np.float64((k + 1) * (k + 1))
    return type(k)((1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / np.float64(k + 1))


@functools.cache
def _logarithm(name: str, kind: Any) -> Callable[[Any], Any]:
    """The C library's `log` or `log1p` of one number of NumPy's type `kind`."""
    if kind is np.float32:
        function = libm_float(name)
        return lambda x: function(np.asarray(x))[()]
    scalar, at_pole = getattr(math, name), getattr(np, name)
    pole = 0.0 if name == "log" else -1.0
    return lambda x: np.float64(scalar(x) if x > pole else at_pole(x))

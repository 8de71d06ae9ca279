"""Where the atlas looks, beyond the regions of `accuracy_cases`: the whole line and the edges.

IEEE numbers of one sign are ordered as their bit patterns, so a step through the patterns goes from
the largest negative number through the denormals to the largest positive one and gives each power of
two its share.  `line` walks it evenly (float16: all 63,488 finite numbers).  `edges` looks for the
places between two neighbours of the line where a result changes its kind - overflows, becomes
denormal, passes through zero, stops being defined - closes in on each by bisection, and takes the
numbers on both sides of it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .ulp import ordered

LINE, EDGES, BESIDE = 4096, 32, 64
_KINDS = ("-inf", "negative", "negative denormal", "-0", "0", "denormal", "positive", "inf", "nan")


def largest(dtype: np.dtype) -> int:
    """The place of the largest finite number in the order of the patterns."""
    return int(ordered(np.array([np.finfo(dtype).max], dtype))[0])


def number(place: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """The inverse of ulp.ordered, for finite numbers."""
    bits = np.dtype(f"i{dtype.itemsize}")
    size = np.abs(place).astype(bits).view(dtype)
    return np.where(place < 0, -size, size).astype(dtype)


def line(dtype: np.dtype, count: int = LINE) -> np.ndarray:
    """`count` numbers evenly spread over the patterns; all there are if they are no more."""
    top = largest(dtype)
    if dtype.itemsize == 2:
        return number(np.arange(-top, top + 1), dtype)
    steps = np.linspace(-1.0, 1.0, count, dtype=np.longdouble) * top
    return number(np.clip(steps.astype(np.int64), -top, top), dtype)


def kinds(values: np.ndarray) -> np.ndarray:
    """What sort of number each is, as an index into `_KINDS`."""
    tiny, minus = np.finfo(values.dtype).tiny, np.signbit(values)
    size = np.abs(values)
    group = np.select([size == 0, size < tiny, np.isfinite(values)], [0, 1, 2], 3)
    return np.where(np.isnan(values), 8, np.where(minus, 3 - group, 4 + group))


def edges(
    function: Callable[[np.ndarray], np.ndarray], dtype: np.dtype, count: int = LINE
) -> list[tuple[float, str]]:
    """(number, "kind → kind") of the places where `function` changes kind: those nearest to ±1."""
    start = line(dtype, min(count, 4096)) if dtype.itemsize > 2 else line(dtype)
    place, kind = ordered(start), kinds(function(start))
    at = np.flatnonzero(kind[1:] != kind[:-1])
    with np.errstate(divide="ignore"):
        far = np.abs(np.log2(np.abs(start[at].astype(np.float64))))
    at = np.sort(at[np.argsort(far, kind="stable")[:EDGES]])
    low, high, before = place[at], place[at + 1], kind[at]
    while at.size and (high - low > 1).any():
        middle = low + (high - low) // 2
        left = kinds(function(number(middle, dtype))) == before
        low, high = np.where(left, middle, low), np.where(left, high, middle)
    after = kinds(function(number(high, dtype))) if at.size else before
    return [
        (float(x), f"{_KINDS[a]} → {_KINDS[b]}")
        for x, a, b in zip(number(high, dtype), before, after, strict=True)
        if a != b and {int(a), int(b)} != {3, 4}
    ]


def beside(places: list[float], dtype: np.dtype, reach: int = BESIDE) -> np.ndarray:
    """The numbers around each of `places`: the nearest half densely, the others further and further."""
    half = reach // 2
    steps = np.unique(np.r_[np.arange(half), (half * 1.5 ** np.arange(half)).astype(np.int64)])
    steps = steps[steps < 2 ** (np.finfo(dtype).nmant + 1)]
    around = ordered(np.array(places, dtype))[:, None] + np.r_[-steps[::-1] - 1, steps]
    top = largest(dtype)
    return number(np.clip(around, -top, top), dtype)


def position(x: np.ndarray, region: tuple[float, float] | None) -> np.ndarray:
    """Where `x` stands in its region, 0 to 1: by patterns (no region), by logarithm, or linear."""
    if region is None:
        top = float(largest(x.dtype))
        return (ordered(x) / top + 1) / 2
    wide, ends = x.astype(np.float64), np.array(region)
    if logarithmic(*region):
        sign = -1 if region[1] <= 0 else 1
        wide, ends = np.log(sign * wide), np.log(sign * ends)
    return (wide - ends[0]) / (ends[1] - ends[0])


def logarithmic(low: float, high: float) -> bool:
    """Whether accuracy.py spreads a region's points evenly in the logarithm."""
    a, b = sorted((abs(low), abs(high)))
    return low * high > 0 and b / a > 30


def ticks(dtype: np.dtype) -> list[tuple[float, str]]:
    """Positions on the whole line with their labels."""
    info = np.finfo(dtype)
    power = int(np.log10(info.tiny) / 2)  # between 1 and the denormals
    shown = [float(info.max), 1.0, 10.0**power]
    names = [f"{info.max:.0e}".replace("e+0", "e").replace("e+", "e"), "1", f"1e{power}"]
    marks = np.array([*[-v for v in shown], 0.0, *shown[::-1]], dtype)
    labels = [*["−" + n for n in names], "0", *names[::-1]]
    return [(round(float(p), 4), t) for p, t in zip(position(marks, None), labels, strict=True)]

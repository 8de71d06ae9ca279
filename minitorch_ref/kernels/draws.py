"""Random numbers from the words of a MersenneTwister, in torch's arithmetic: one function per kind.

Each function returns a flat array of `count` numbers, drawn in torch's order with torch's number of
words, so that the stream stands afterwards where torch's would.  `kind` is the NumPy dtype wanted.

A uniform number is the low 24 (float32) or 53 (float64) bits of a word, scaled to [0, 1).  All
other distributions but `normal` start from a float64 uniform, whatever the dtype of the result.
(source: ATen/core/DistributionsHelper.h, ATen/native/cpu/DistributionTemplates.h)
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import heap
from .libm import libm, multiply_add
from .mersenne import MersenneTwister
from .normals import box_muller, box_muller_pair, box_muller_scalar

Array = np.ndarray

_PIECE = 1 << 16  # words handled at once: they stay in the second cache
_FEW = 24  # numbers up to which Python's own arithmetic is faster than NumPy's calls
_MANY = 1 << 14  # swaps from which on SciPy's LAPACK is worth its import, once
_WIDE = 1 << 28  # from this range on an integer takes two words, to keep `%` nearly uniform
_LOW53 = np.uint64((1 << 53) - 1)
_DIGITS = {"e": 11, "f": 24, "d": 53}  # bits of a floating type's significand


def convert(values: Array, kind: np.dtype) -> Array:
    """float64 as `kind`, the way C++ does: float16 by way of float32, integers by truncation."""
    if values.dtype == kind:
        return values
    with np.errstate(all="ignore"):
        if kind.char == "e":
            return values.astype(np.float32).astype(kind)
        if kind.char == "?":
            return values != 0
        return values.astype(np.int64).astype(kind) if kind.kind in "iu" else values.astype(kind)


def _results(count: int, kind: Any) -> Array:
    """Room for `count` numbers."""
    if count >= heap.LARGE:
        heap.keep()
    return np.empty(count, kind)


# ---- uniform -------------------------------------------------------------------------------------


def standard_floats(source: MersenneTwister, count: int) -> Array:
    """`count` float32 in [0, 1)."""
    out = _results(count, np.float32)
    for i in range(0, count, _PIECE):
        piece = out[i : i + _PIECE]
        words = source.words(piece.size)
        np.bitwise_and(words, np.uint64(0xFFFFFF), out=words)
        np.copyto(piece, words.view(np.int64), casting="unsafe")
    return np.multiply(out, np.float32(2.0**-24), out=out)


def standard_doubles(source: MersenneTwister, count: int) -> Array:
    """`count` float64 in [0, 1)."""
    out = _results(count, np.float64)
    for i in range(0, count, _PIECE):
        piece = out[i : i + _PIECE]
        words = source.wide_words(piece.size)
        np.bitwise_and(words, _LOW53, out=words)
        np.copyto(piece, words.view(np.int64), casting="unsafe")
    return np.multiply(out, 2.0**-53, out=out)


def standard(source: MersenneTwister, count: int, kind: np.dtype) -> Array:
    """Uniform numbers in [0, 1) as float16, float32 or float64."""
    if kind.char == "e":
        return uniform(source, count, kind, 0.0, 1.0)
    return _standard(kind)(source, count)


def uniform(source: MersenneTwister, count: int, kind: np.dtype, low: float, high: float) -> Array:
    """Uniform numbers in [low, high) as float16, float32 or float64."""
    wide = kind.char == "d"
    u = standard_doubles(source, count) if wide else standard_floats(source, count)
    start, end = u.dtype.type(low), u.dtype.type(high)
    if (low, high) != (0, 1):
        with np.errstate(all="ignore"):
            u = multiply_add(u, end - start, start)
    values = u.astype(kind, copy=False)
    top = kind.type(end)
    np.copyto(values, kind.type(start), where=values == top)  # rounded up to the open end
    return values


# ---- normal --------------------------------------------------------------------------------------


def normal(
    source: MersenneTwister, count: int, kind: np.dtype, mean: float, std: float, blocks: bool
) -> Array:
    """Normal numbers, in `blocks` if there are 16 or more (torch does so in contiguous memory)."""
    if count < 16 or not blocks:
        return convert(_normal_one_by_one(source, count, mean, std), kind)
    # All blocks that fit; if some places remain, the last 16 places are drawn again.
    draw, whole = _standard(kind), count // 16 * 16
    u = draw(source, whole if kind.char == "e" else count)[:whole]
    if count > whole:
        u = np.concatenate((u, draw(source, 16)))
    numbers = box_muller(u.reshape(-1, 16), mean, std).reshape(-1)
    with np.errstate(over="ignore"):  # float16
        numbers = numbers.astype(kind, copy=False)
    if count == whole:
        return numbers
    return np.concatenate((numbers[: count - 16], numbers[whole:]))


def _standard(kind: np.dtype) -> Any:
    return standard_doubles if kind.char == "d" else standard_floats


def _normal_one_by_one(source: MersenneTwister, count: int, mean: float, std: float) -> Array:
    """Pairs in float64; a pair's second number waits in the generator for the next call."""
    kept = source.next_normal if count else None
    fresh = (count - (kept is not None) + 1) // 2 * 2
    if fresh <= _FEW:
        uniforms = doubles(source)
        pairs = np.array([x for _ in range(fresh // 2) for x in box_muller_pair(uniforms)])
    else:
        u = standard_doubles(source, fresh)
        pairs = np.empty(fresh, np.float64)
        pairs[0::2], pairs[1::2] = box_muller_scalar(u[0::2], u[1::2])
    if kept is not None:
        source.next_normal = None
        pairs = np.concatenate((np.array([kept], np.float64), pairs))
    if pairs.size > count:
        source.next_normal = float(pairs[-1])
    return multiply_add(pairs[:count], np.float64(std), np.float64(mean))


# ---- integers ------------------------------------------------------------------------------------


def integers(source: MersenneTwister, count: int, kind: np.dtype, low: int, span: int) -> Array:
    """Integers in [low, low + span), 0 < span <= 2**64, as `kind`."""
    wide = span >= _WIDE
    words = source.wide_words(count) if wide else source.words(count)
    if span < 1 << 64:
        np.remainder(words, np.uint64(span), out=words)
    values = words.view(np.int64)
    np.add(values, np.int64(low), out=values)  # wraps around, as torch's unsigned sum does
    return _from_int64(values, kind)


def full_range(source: MersenneTwister, count: int, kind: np.dtype) -> Array:
    """What `random_()` draws: [0, largest integer], or [0, 2**digits] for a floating type."""
    if kind.char == "?":
        return (source.words(count) & np.uint64(1)).astype(kind)
    digits = _DIGITS.get(kind.char)
    span = int(np.iinfo(kind).max) + 1 if digits is None else (1 << digits) + 1
    wide = kind.itemsize == 8
    words = source.wide_words(count) if wide else source.words(count)
    return _from_int64((words % np.uint64(span)).view(np.int64), kind)


def _from_int64(values: Array, kind: np.dtype) -> Array:
    if kind.char == "e":
        values = values.astype(np.float32)
    return values.astype(kind, copy=False)


def permutation(source: MersenneTwister, count: int) -> Array:
    """0 … count-1 shuffled: for i = 0, 1, … swap place i with a random place `target[i]` >= i."""
    if count >= (2**32 - 1) // 20:
        return _permutation_inside_out(source, count)
    if count >= heap.LARGE:
        heap.keep()
    target = np.arange(count, dtype=np.int32)
    for i in range(0, count - 1, _PIECE):
        words = source.words(min(_PIECE, count - 1 - i)).view(np.int64)
        left = np.arange(count - i, count - i - words.size, -1)
        target[i : i + words.size] += np.remainder(words, left, out=words).astype(np.int32)
    return swapped(target)


def swapped(target: Array) -> Array:
    """0, 1, … after place i has changed places with `target[i]`, for each i in turn.

    LAPACK interchanges the rows of a matrix so, whatever numbers they hold: 1 ns a swap, where a loop
    of Python's takes 60.
    """
    count = len(target)
    if count >= _MANY:
        try:
            from scipy.linalg.lapack import slaswp
        except ImportError:
            pass
        else:
            rows = np.arange(count, dtype=np.int32).view(np.float32).reshape(count, 1)
            return slaswp(rows, target, overwrite_a=True).view(np.int32).reshape(-1).astype(np.int64)
    order = list(range(count))
    for i, j in enumerate(target.tolist()):
        order[i], order[j] = order[j], order[i]
    return np.array(order, np.int64)


def _permutation_inside_out(source: MersenneTwister, count: int) -> Array:
    """The same for counts at which one word no longer chooses evenly; kept in an array."""
    order = np.empty(count, np.int64)
    for start in range(0, count, _PIECE):
        places = np.arange(start, min(start + _PIECE, count), dtype=np.uint64)
        chosen = source.wide_words(places.size) % (places + np.uint64(1))
        for i, j in zip(places.tolist(), chosen.tolist()):
            order[i] = order[j]
            order[j] = i
    return order


# ---- from a float64 uniform ----------------------------------------------------------------------


def bernoulli(source: MersenneTwister, count: int, p: float) -> Array:
    """Booleans, True with probability `p`: u < p, compared as 53-bit integers."""
    out = np.empty(count, np.bool_)
    bound = np.uint64(math.ceil(math.ldexp(p, 53)))
    for i in range(0, count, _PIECE):
        piece = out[i : i + _PIECE]
        words = source.wide_words(piece.size)
        np.less(np.bitwise_and(words, _LOW53, out=words), bound, out=piece)
    return out


def bernoulli_each(source: MersenneTwister, p: Array) -> Array:
    """Booleans, each True with its own probability; float32 uniforms unless `p` is float64."""
    u = _standard(p.dtype)(source, p.size)
    return u < p


def exponential(source: MersenneTwister, count: int, kind: np.dtype, rate: float) -> Array:
    """-log(1 - u) / rate."""
    with np.errstate(all="ignore"):
        scale = np.float64(-1.0) / rate
        return convert(scale * libm("log1p")(-standard_doubles(source, count)), kind)


def geometric(source: MersenneTwister, count: int, kind: np.dtype, p: float) -> Array:
    """How many trials until the first success of probability `p`."""
    with np.errstate(all="ignore"):
        log_miss = libm("log1p")(np.array([-p]))
        return convert(np.ceil(libm("log")(standard_doubles(source, count)) / log_miss), kind)


def cauchy(
    source: MersenneTwister, count: int, kind: np.dtype, median: float, sigma: float
) -> Array:
    """median + sigma · tan(π (u - 1/2))."""
    tangent = libm("tan")(math.pi * (standard_doubles(source, count) - 0.5))
    return convert(multiply_add(tangent, np.float64(sigma), np.float64(median)), kind)


def log_normal(
    source: MersenneTwister, count: int, kind: np.dtype, mean: float, std: float
) -> Array:
    """exp of normal numbers, always drawn one by one."""
    values = _normal_one_by_one(source, count, mean, std)
    with np.errstate(all="ignore"):
        return convert(libm("exp")(values), kind)


def poisson(source: MersenneTwister, rates: Array) -> Array:
    """A count for every rate, as float64.  How many words one takes depends on what was drawn."""
    uniforms = doubles(source)
    return np.array([_poisson(rate, uniforms) for rate in rates.tolist()], np.float64)


def doubles(source: MersenneTwister) -> Any:
    """float64 uniforms, one per `next`."""
    while True:
        high, low = source.word(), source.word()
        yield ((high << 32 | low) & 0x1FFFFFFFFFFFFF) * 2.0**-53


def _poisson(rate: float, uniforms: Any) -> int:
    """Products of uniforms below 10, transformed rejection from there on (Hörmann 1993)."""
    if rate == 0:
        return 0
    if rate < 10:
        floor, product, count = math.exp(-rate), next(uniforms), 0
        while product > floor:
            product *= next(uniforms)
            count += 1
        return count
    log_rate = math.log(rate)
    b = 0.931 + 2.53 * math.sqrt(rate)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    bound = 0.9277 - 3.6224 / (b - 2)
    while True:
        u = next(uniforms) - 0.5
        v = next(uniforms)
        rim = 0.5 - abs(u)
        if rim == 0:
            continue
        k = math.floor((2 * a / rim + b) * u + rate + 0.43)
        if rim >= 0.07 and v <= bound:
            return k
        if k < 0 or (rim < 0.013 and v > rim):
            continue
        likelihood = -rate + k * log_rate - math.lgamma(k + 1)
        # v = 0 accepts at once: its logarithm is minus infinity.
        if v == 0 or (
            math.log(v) + math.log(inverse_alpha) - math.log(a / (rim * rim) + b) <= likelihood
        ):
            return k


# ---- choosing by weight --------------------------------------------------------------------------


def choose_with_replacement(source: MersenneTwister, weights: Array, count: int) -> Array:
    """Indices into each row of `weights` (rows, categories), by its running sums."""
    chosen = np.empty((len(weights), count), np.int64)
    for row, places in zip(weights, chosen):
        reach = np.add.accumulate(row)
        reach = reach / reach[-1]
        reach[-1] = 1
        places[:] = np.searchsorted(reach.astype(np.float64), standard_doubles(source, count))
    return chosen


def choose(source: MersenneTwister, weights: Array, count: int) -> Array:
    """Different indices into each row: those of the `count` largest weight / exponential number."""
    clocks = exponential(source, weights.size, weights.dtype, 1.0).reshape(weights.shape)
    with np.errstate(all="ignore"):
        race = weights / clocks
    if count == 1:
        return race.argmax(axis=-1, keepdims=True)
    return np.argsort(-race, axis=-1, kind="stable")[:, :count].copy()

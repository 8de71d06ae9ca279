"""Sums and products replayed in plain NumPy as another machine might have computed them.

A dot product of n terms can be added in any order, in one accumulator or in several lanes, with the
products rounded or fused, from inputs that were first cut to fewer bits, with denormals flushed.
Each is a different float result of the same formula.  `terms_of` turns an op into its terms, one
row for each output element; `replays` computes every combination.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

Array = np.ndarray
LANES = (4, 8, 16, 32, 64)


@dataclass
class Terms:
    """Output element i is finish(Σₖ a[i,k]·b[i,k]) (b None: Σₖ a[i,k]); `start` is a bias or None."""

    a: Array
    b: Array | None
    start: Array | None = None
    finish: Callable[[Array], Array] = lambda x: x

    def magnitude(self) -> Array:
        """Σₖ |a[i,k]·b[i,k]| in float64, finished as the sum is."""
        a = np.abs(self.a).astype(np.float64)  # of complex numbers too
        total = a.sum(1) if self.b is None else np.einsum("ik,ik->i", a, np.abs(self.b))
        total = total if self.start is None else total + np.abs(self.start)
        return np.abs(self.finish(total))

    def rows(self, at: Array) -> Terms:
        """Only some output elements."""
        b = None if self.b is None else self.b[at]
        start = None if self.start is None else self.start[at]
        return Terms(self.a[at], b, start, self.finish)


# ---- precision of inputs -------------------------------------------------------------------------


def cut(x: Array, bits: int, nearest: bool = False) -> Array:
    """float32 with only so many bits of mantissa: truncated, or rounded half away (TF32 is 10)."""
    drop = 23 - bits
    words = np.ascontiguousarray(x, np.float32).view(np.uint32)
    if nearest:
        words = words + np.uint32(1 << (drop - 1))
    kept = (words & np.uint32(0xFFFFFFFF << drop & 0xFFFFFFFF)).view(np.float32)
    return np.where(np.isfinite(x), kept, x).reshape(np.shape(x)).astype(np.float32)


def flush(x: Array) -> Array:
    """Denormals as zeros of their sign."""
    return np.where(np.abs(x) < np.finfo(x.dtype).tiny, np.copysign(x.dtype.type(0), x), x)


INPUTS: dict[str, Callable[[Array], Array]] = {
    "TF32 inputs, truncated": lambda x: cut(x, 10),
    "TF32 inputs, rounded": lambda x: cut(x, 10, True),
    "bfloat16 inputs, truncated": lambda x: cut(x, 7),
    "bfloat16 inputs, rounded": lambda x: cut(x, 7, True),
    "denormals flushed": flush,
}


# ---- orders of summation -------------------------------------------------------------------------


def _one(terms: Terms, k: Any) -> Array:
    return terms.a[:, k] if terms.b is None else terms.a[:, k] * terms.b[:, k]


def _add(total: Array, terms: Terms, k: Any, fused: bool) -> Array:
    if not fused or terms.b is None:
        return total + _one(terms, k)
    from minitorch_ref.kernels.fma import fma

    return fma(terms.a[:, k], terms.b[:, k], total)


def sequential(terms: Terms, fused: bool) -> Array:
    """One accumulator, first term to last."""
    total = np.zeros(len(terms.a), terms.a.dtype) if terms.start is None else terms.start.copy()
    for k in range(terms.a.shape[1]):
        total = _add(total, terms, k, fused)
    return total


def backwards(terms: Terms, fused: bool) -> Array:
    """One accumulator, last term to first."""
    b = None if terms.b is None else terms.b[:, ::-1]
    return sequential(Terms(terms.a[:, ::-1], b, terms.start), fused)


def lanes(terms: Terms, fused: bool, width: int) -> Array:
    """`width` accumulators side by side, as a vector register; halves of it added at the end."""
    n = terms.a.shape[1]
    total = np.zeros((len(terms.a), width), terms.a.dtype)
    whole = n // width * width
    for k in range(0, whole, width):
        total = _add(total, terms, slice(k, k + width), fused)
    while total.shape[1] > 1:
        half = total.shape[1] // 2
        total = total[:, :half] + total[:, half:]
    return _rest(total[:, 0], terms, whole, fused)


def _rest(total: Array, terms: Terms, first: int, fused: bool) -> Array:
    for k in range(first, terms.a.shape[1]):
        total = _add(total, terms, k, fused)
    return total if terms.start is None else total + terms.start


def tree(terms: Terms, fused: bool) -> Array:
    """Neighbours in pairs, pairs in pairs, …"""
    x = _one(terms, slice(None))
    while x.shape[1] > 1:
        odd = x[:, -1:] if x.shape[1] % 2 else x[:, :0]
        even = x.shape[1] // 2 * 2
        x = np.concatenate([x[:, 0:even:2] + x[:, 1:even:2], odd], 1)
    total = x[:, 0] if x.shape[1] else np.zeros(len(x), x.dtype)
    return total if terms.start is None else total + terms.start


def pairwise(terms: Terms, fused: bool) -> Array:
    """NumPy's: eight lanes within blocks of 128, blocks in a tree."""
    total = np.add.reduce(np.ascontiguousarray(_one(terms, slice(None))), axis=1)
    return total if terms.start is None else total + terms.start


def cascade(terms: Terms, fused: bool, width: int) -> Array:
    """torch's sum of contiguous memory: vectors of `width`, four at a time, in a cascade of levels.

    (source: ATen/native/cpu/SumKernel.cpp, multi_row_sum and vectorized_inner_sum)
    """
    x = _one(terms, slice(None))
    count, vectors = x.shape[1], x.shape[1] // width
    rows = vectors // 4
    data = x[:, : rows * 4 * width].reshape(len(x), rows, 4, width)
    power = max(4, int(np.ceil(np.log2(max(rows, 1)))) // 4)
    levels = np.zeros((4, len(x), 4, width), x.dtype)
    i, step = 0, 1 << power
    while i + step <= rows:
        for _ in range(step):
            levels[0] += data[:, i]
            i += 1
        for j in range(1, 4):
            levels[j] += levels[j - 1]
            levels[j - 1] = 0
            if i & (step - 1) << j * power:
                break
    for row in range(i, rows):
        levels[0] += data[:, row]
    part = levels[0] + levels[1] + levels[2] + levels[3]
    lanes = part[:, 0]
    for k in range(rows * 4, vectors):
        lanes = lanes + x[:, k * width : (k + 1) * width]
    for k in range(1, 4):
        lanes = lanes + part[:, k]
    total = np.zeros(len(x), x.dtype)
    for k in range(vectors * width, count):
        total = total + x[:, k]
    for k in range(width):
        total = total + lanes[:, k]
    return total if terms.start is None else total + terms.start


def blas(terms: Terms, fused: bool) -> Array:
    """NumPy's BLAS, one dot product at a time."""
    assert terms.b is not None
    rows = zip(np.ascontiguousarray(terms.a), np.ascontiguousarray(terms.b), strict=True)
    total = np.array([np.dot(x, y) for x, y in rows], terms.a.dtype)
    return total if terms.start is None else total + terms.start


def once(terms: Terms, fused: bool) -> Array:
    """In twice the precision, rounded once."""
    dtype = terms.a.dtype
    wide = np.longdouble if dtype.itemsize == 8 else np.float64
    b = None if terms.b is None else terms.b.astype(wide)
    start = None if terms.start is None else terms.start.astype(wide)
    return tree(Terms(terms.a.astype(wide), b, start), False).astype(dtype)


ORDERS: dict[str, Callable[[Terms, bool], Array]] = {
    "sequential": sequential,
    "reversed": backwards,
    "pairs of pairs": tree,
    "pairwise in blocks of 128": pairwise,
    **{f"blocked by {w}": partial(lanes, width=w) for w in LANES},
    **{f"cascade of vectors of {w}": partial(cascade, width=w) for w in (4, 8, 16)},
    "wider accumulator": once,
}


def replays(terms: Terms, dtype: np.dtype) -> Iterator[tuple[str, Array]]:
    """(cause, result) for every combination; the first is the plain sequential sum."""
    kinds: list[tuple[str, Terms, np.dtype]] = [("", terms, dtype)]
    if dtype == np.float32:
        for name, change in INPUTS.items():
            b = None if terms.b is None else change(terms.b)
            changed = Terms(change(terms.a), b, terms.start, terms.finish)
            if not _same(changed, terms):
                kinds.append((name, changed, dtype))
    if dtype == np.float16:
        kinds.append(("float32 accumulation", _wider(terms), np.dtype(np.float32)))
    for prefix, chosen, _ in kinds:
        for order, function in ORDERS.items():
            for fused in (False, True):
                if chosen.a.dtype == np.float16 and order in (
                    "pairwise in blocks of 128",
                    "wider accumulator",
                ):
                    continue  # NumPy adds halves in float32, which comes under that name
                if fused and (chosen.b is None or order in NEVER_FUSED or dtype == np.float16):
                    continue
                with np.errstate(all="ignore"):
                    total = chosen.finish(function(chosen, fused)).astype(dtype)
                words = [prefix, order, "fused multiply-add" if fused else ""]
                yield ", ".join(w for w in words if w), total
        if chosen.b is not None and chosen.a.dtype != np.float16:
            yield (
                ", ".join(w for w in (prefix, "BLAS dot") if w),
                chosen.finish(blas(chosen, True)).astype(dtype),
            )


def misplaced(op: str, args: list) -> Iterator[tuple[str, list]]:
    """(cause, arguments) of a convolution whose windows are one element off: a padding gone wrong."""
    if "conv" not in op or not args or getattr(args[0], "ndim", 0) < 3:
        return
    x = args[0]
    for dim, word in ((x.ndim - 1, "width"), (x.ndim - 2, "height"))[: x.ndim - 2]:
        for step, way in ((1, "more"), (-1, "less")):
            moved = np.roll(x, step, dim)
            edge = [slice(None)] * x.ndim
            edge[dim] = slice(0, 1) if step > 0 else slice(-1, None)
            moved[tuple(edge)] = 0
            yield f"one {way} of padding before the {word}", [moved, *args[1:]]


NEVER_FUSED = {"pairs of pairs", "pairwise in blocks of 128", "wider accumulator"}
NEVER_FUSED |= {name for name in ORDERS if name.startswith("cascade")}


def _same(x: Terms, y: Terms) -> bool:
    equal = x.b is None or y.b is None or np.array_equal(x.b, y.b, equal_nan=True)
    return np.array_equal(x.a, y.a, equal_nan=True) and equal


def _wider(terms: Terms) -> Terms:
    b, start = (None if t is None else t.astype(np.float32) for t in (terms.b, terms.start))
    return Terms(terms.a.astype(np.float32), b, start, terms.finish)


# ---- ops as terms --------------------------------------------------------------------------------


def terms_of(op: str, args: list, kwargs: dict) -> Terms | None:
    """The terms of a call on arrays, rows in the order of the flat output; None if not a sum."""
    make = _OPS.get(op)
    try:
        return None if make is None else make(*args, **kwargs)
    except (TypeError, ValueError, IndexError, AttributeError):  # a form that is not known here
        return None


def _sum(x: Array, dim: Any = None, keepdim: bool = False, **_: Any) -> Terms:
    whole = dim is None or dim == () or not x.ndim
    axes = tuple(range(x.ndim)) if whole else tuple(int(d) % x.ndim for d in np.atleast_1d(dim))
    kept = [i for i in range(x.ndim) if i not in axes]
    n = int(np.prod([x.shape[i] for i in axes]))
    return Terms(x.transpose(*kept, *axes).reshape(-1, n), None)


def _mean(x: Array, dim: Any = None, keepdim: bool = False, **options: Any) -> Terms:
    found = _sum(x, dim)
    n = found.a.shape[1]
    return Terms(found.a, None, None, lambda total: total / total.dtype.type(n))


def _matmul(x: Array, y: Array, **_: Any) -> Terms:
    x, y = (x[None] if x.ndim == 1 else x), (y[:, None] if y.ndim == 1 else y)
    a, b = x[..., :, None, :], np.swapaxes(y, -1, -2)[..., None, :, :]
    a, b = np.broadcast_arrays(a, b)
    n = x.shape[-1]
    return Terms(a.reshape(-1, n), b.reshape(-1, n))


def _linear(x: Array, weight: Array, bias: Array | None = None) -> Terms:
    found = _matmul(x, weight.T)
    if bias is not None:
        found.start = np.resize(bias, len(found.a))
    return found


def _addmm(start: Array, x: Array, y: Array, **_: Any) -> Terms:
    found = _matmul(x, y)
    found.start = np.broadcast_to(start, (x.shape[0], y.shape[1])).reshape(-1).copy()
    return found


def _conv2d(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Terms | None:
    if groups != 1 or isinstance(padding, str) or x.ndim != 4 or np.any(np.array(dilation) != 1):
        return None
    (sy, sx), (py, px) = (np.broadcast_to(v, 2) for v in (stride, padding))
    padded = np.pad(x, ((0, 0), (0, 0), (py, py), (px, px)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, weight.shape[2:], axis=(2, 3))
    windows = windows[:, :, ::sy, ::sx].transpose(0, 2, 3, 1, 4, 5)
    patches = windows.reshape(*windows.shape[:3], 1, -1)
    a, b = np.broadcast_arrays(patches, weight.reshape(len(weight), -1))
    a, b = (v.transpose(0, 3, 1, 2, 4).reshape(-1, v.shape[-1]) for v in (a, b))
    found = Terms(a, b)
    if bias is not None:
        shape = (len(x), len(weight), *windows.shape[1:3])
        found.start = np.broadcast_to(bias[:, None, None], shape).reshape(-1).copy()
    return found


_OPS: dict[str, Callable[..., Terms | None]] = {
    "sum": _sum,
    "mean": _mean,
    **dict.fromkeys(("matmul", "mm", "bmm", "mv", "dot", "inner", "vdot", "__matmul__"), _matmul),
    "nn.functional.linear": _linear,
    "addmm": _addmm,
    "nn.functional.conv2d": _conv2d,
    "conv2d": _conv2d,
}

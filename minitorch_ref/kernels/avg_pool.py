"""Average pooling: sums over windows, their adjoint, and what to divide by.

Chunks of planes are cut into phases (phases.py) and summed tap by tap in row-major order,

    total = ((tap 0 + tap 1) + tap 2) + …

which is torch's own order, so small windows give torch's own bits.  Windows of more than FEW elements
are summed along the width and then along the height: kh + kw passes instead of kh·kw.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np

from .axis import Axis
from .phases import Phases, is_whole, over_chunks, planes_of
from .workspace import scratch

FEW = 9  # windows up to this area are summed in torch's order


def sum_pool2d(x: np.ndarray, h: Axis, w: Axis) -> np.ndarray:
    """The sum of every window, (..., H, W) -> (..., OH, OW); padding counts as zero."""
    if h.kernel * w.kernel > FEW and is_whole(h) and is_whole(w):
        flat = x.reshape(*x.shape[:-2], h.size * w.size)
        total = np.empty((*x.shape[:-2], 1, 1), x.dtype)
        np.add.reduce(flat, axis=-1, dtype=x.dtype, out=total[..., 0, 0])
        return total
    if h.kernel * w.kernel > FEW and h.kernel > 1 and w.kernel > 1:
        return sum_pool2d(sum_pool2d(x, _same(h.size), w), h, _same(w.out))
    y = np.empty((*x.shape[:-2], h.out, w.out), x.dtype)
    planes, outs = planes_of(x), planes_of(y)

    def task(part: slice) -> None:
        with scratch() as take:
            phases = Phases(take, len(planes[part]), h, w, x.dtype).load(planes[part], 0)
            values = phases.flat(x.dtype)
            total = values[: phases.run]
            taps = phases.taps()
            total[...] = taps[0]
            for tap in taps[1:]:
                np.add(total, tap, out=total)
            outs[part] = phases.grid(values)

    if y.size:
        over_chunks(task, planes)
    return y


def sum_pool2d_gradient(g: np.ndarray, h: Axis, w: Axis) -> np.ndarray:
    """The adjoint: every g (..., OH, OW) added to its whole window."""
    x = np.empty((*g.shape[:-2], h.size, w.size), g.dtype)
    if is_whole(h) and is_whole(w):
        x[...] = g
        return x
    if h.kernel * w.kernel > FEW and h.kernel > 1 and w.kernel > 1:
        return sum_pool2d_gradient(sum_pool2d_gradient(g, h, _same(w.out)), _same(h.size), w)
    given, outs = planes_of(g), planes_of(x)

    def task(part: slice) -> None:
        with scratch() as take:
            phases = Phases(take, len(outs[part]), h, w, g.dtype)
            values = phases.spread(given[part])[: phases.run]
            phases.data[...] = 0
            for tap in phases.taps():
                np.add(tap, values, out=tap)
            phases.store(outs[part])

    if x.size:
        over_chunks(task, outs)
    return x


def mean(x: np.ndarray, axes: Sequence[Axis], padded: bool, divisor: int | None) -> np.ndarray:
    """The mean of every window, over the last two or three dims.

    The divisor counts the padding a window covers, or not, unless it is given.  float16 is summed in
    float32; integers are divided towards zero, as C does.
    """
    total = _sum(x.astype(np.float32) if x.dtype == np.float16 else x, axes)
    by = divisors(axes, padded, divisor, total.dtype)
    if total.dtype.kind in "iu":
        return np.asarray(np.sign(total) * np.sign(by) * (np.abs(total) // np.abs(by)), x.dtype)
    return np.divide(total, by, out=total).astype(x.dtype, copy=False)


def mean_gradient(
    g: np.ndarray, axes: Sequence[Axis], padded: bool, divisor: int | None
) -> np.ndarray:
    """The adjoint of `mean`: every g spread evenly over its window."""
    wide = g.astype(np.float32) if g.dtype == np.float16 else g
    share = np.asarray(wide / divisors(axes, padded, divisor, wide.dtype), wide.dtype)
    if len(axes) == 2:
        return sum_pool2d_gradient(share, *axes).astype(g.dtype, copy=False)
    d, h, w = axes
    lead = g.shape[:-3]
    along = sum_pool2d_gradient(share.reshape(*lead, d.out, h.out * w.out), d, _same(h.out * w.out))
    planes = sum_pool2d_gradient(along.reshape(*lead, d.size, h.out, w.out), h, w)
    return planes.astype(g.dtype, copy=False)


def _sum(x: np.ndarray, axes: Sequence[Axis]) -> np.ndarray:
    if len(axes) == 2:
        return sum_pool2d(x, *axes)
    d, h, w = axes
    lead, cells = x.shape[:-3], h.out * w.out
    along = sum_pool2d(sum_pool2d(x, h, w).reshape(*lead, d.size, cells), d, _same(cells))
    return along.reshape(*lead, d.out, h.out, w.out)


def divisors(
    axes: Sequence[Axis], padded: bool, divisor: int | None, dtype: np.dtype
) -> np.ndarray:
    """What to divide a window's sum by: 0-d, or one number per window."""
    if divisor is not None:
        return np.asarray(divisor, dtype)
    counts = [_counts(a, padded) for a in axes]
    if all(len(set(c)) == 1 for c in counts):
        return np.asarray(math.prod(c[0] for c in counts), dtype)
    return functools.reduce(np.multiply.outer, map(np.array, counts)).astype(dtype)


def _counts(a: Axis, padded: bool) -> list[int]:
    counts = []
    for o in range(a.out):
        start = o * a.stride - a.padding
        end = min(start + a.kernel, a.size + a.padding)  # a window may hang over in ceil_mode
        counts.append(end - start if padded else min(end, a.size) - max(start, 0))
    return counts


def _same(size: int) -> Axis:
    return Axis(size, size, 1)

"""Max pooling, its gradient, and the positions of the maxima.

Chunks of planes are cut into taps - by phases.py in general, by one strided copy where the windows tile
the plane - and gone through in row-major order:

    best = max(best, tap k);   offset = offset of tap k wherever it was greater than all before it

    window   0    1           the offset counts from the window's first element along the plane's rows:
             W   W+1          a byte for planes up to 128 wide, two or four beyond

Offsets grow in that order, so the last tap to win is the largest one that won: a maximum of products
(won · offset), which costs less than a choice by mask.  torch's index is the window's origin plus the
offset; it is worked out for the user who asks for it, and for the gradient, which is a scatter to these
positions.  The second gradient is a gather from them.

torch's rule for ties and NaN: a value replaces the best so far if it is greater or NaN, so the first
of equal values wins, and the last NaN.  The fast loop ignores NaN; if the result has any, an exact
loop runs instead.

Cost of 2 x 2 windows, ns for an element of x, in cache: 0.45 for the strided copy, 0.1 to compare and
0.1 to choose; the gradient 0.3 per element of g for the positions and 1 for the scatter.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .adaptive import last_nan_or_first_max
from .axis import Axis
from .phases import Phases, is_whole, over_chunks, planes_of
from .threads import parallel_for
from .workspace import scratch

PLACES = 1 << 15  # places at a time: they and what they point at stay in the second-level cache
SCATTER = 2  # nanoseconds for a place, and the memory it points to


def max_pool2d(
    x: np.ndarray, h: Axis, w: Axis, with_indices: bool = True
) -> tuple[np.ndarray, np.ndarray | None]:
    """The largest value of every window, (..., H, W) -> (..., OH, OW), and where it is (int64)."""
    y, offsets = maxima(x, h, w, with_indices)
    return y, None if offsets is None else places_of(offsets, h, w)


def maxima(
    x: np.ndarray, h: Axis, w: Axis, with_offsets: bool = True
) -> tuple[np.ndarray, np.ndarray | None]:
    """The largest value of every window, and its offset in the window along the plane's rows."""
    y = np.empty((*x.shape[:-2], h.out, w.out), x.dtype)
    table = _table(h, w)
    offsets = np.empty(y.shape, table.first.dtype) if with_offsets else None
    if not y.size:
        return y, offsets
    planes, outs = planes_of(x), planes_of(y)
    found = None if offsets is None else planes_of(offsets)
    pool = _pool
    if is_whole(h) and is_whole(w):
        pool = _pool_whole
    elif tiles(h) and tiles(w):
        pool = _pool_tiles

    def task(part: slice) -> None:
        pool(planes[part], h, w, outs[part], None if found is None else found[part])

    over_chunks(task, planes)
    return y, offsets


def places_of(offsets: np.ndarray, h: Axis, w: Axis) -> np.ndarray:
    """The positions ih·W + iw (int64) that belong to the offsets of maxima."""
    places = offsets + _table(h, w).origin
    if has_empty_window(h) or has_empty_window(w):
        np.clip(places, 0, h.size * w.size - 1, out=places)
    return places


class Table(NamedTuple):
    """What a pair of axes says about offsets."""

    taps: list[np.ndarray]  # the offset of each tap, 0-d
    origin: np.ndarray  # (OH, OW), int64: where each window starts
    first: np.ndarray  # (OH, OW): the offset of each window's first tap that is not padding
    padded: bool  # whether that is not 0 everywhere


@functools.lru_cache(maxsize=256)
def _table(h: Axis, w: Axis) -> Table:
    tap = np.arange(h.kernel * w.kernel)
    offset = tap // w.kernel * (h.dilation * w.size) + tap % w.kernel * w.dilation
    rows = np.arange(h.out, dtype=np.int64) * h.stride - h.padding
    columns = np.arange(w.out, dtype=np.int64) * w.stride - w.padding
    skipped_rows = -(np.minimum(rows, 0) // h.dilation) * h.dilation
    skipped_columns = -(np.minimum(columns, 0) // w.dilation) * w.dilation
    first = np.add.outer(skipped_rows * w.size, skipped_columns)
    top = max(int(offset[-1]), int(first.max(initial=0)))
    kind = np.uint8 if top < 1 << 8 else np.uint16 if top < 1 << 16 else np.int32
    origin = np.add.outer(rows * w.size, columns)
    at = [np.array(o, kind) for o in offset]
    return Table(at, origin, first.astype(kind), bool(first.any()))


# ---- the maxima of some planes x (P, H, W), and their offsets if asked for ----------------------------


def _pool_whole(x: np.ndarray, h: Axis, w: Axis, y: np.ndarray, offsets: np.ndarray | None) -> None:
    """One window that is the whole plane."""
    flat = x.reshape(len(x), -1)
    best = last_nan_or_first_max(flat, 1)
    y[:, 0, 0] = flat[np.arange(len(x)), best]
    if offsets is not None:
        offsets[:, 0, 0] = best


@functools.lru_cache(maxsize=256)
def tiles(a: Axis) -> bool:
    """Whether the windows lie side by side from the first element on (some may be left at the end)."""
    return a.kernel == a.stride and a.dilation == 1 and not a.padding and a.out * a.stride <= a.size


def _pool_tiles(x: np.ndarray, h: Axis, w: Axis, y: np.ndarray, offsets: np.ndarray | None) -> None:
    """Windows that tile the plane: every tap is one strided slice, and what is left is contiguous."""
    if (h.out * h.stride, w.out * w.stride) != x.shape[1:]:
        x = x[:, : h.out * h.stride, : w.out * w.stride]
    cut = x.reshape(len(x), h.out, h.kernel, w.out, w.kernel)
    with scratch() as take:
        loaded = take((h.kernel, w.kernel, *y.shape), x.dtype)
        loaded[...] = cut.transpose(2, 4, 0, 1, 3)
        taps, values = loaded.reshape(-1, y.size), y.reshape(-1)
        if offsets is None:
            _maxima(taps, values)
            return
        found, at = offsets.reshape(-1), _table(h, w).taps
        _maxima_and_offsets(take, taps, at, values, found, False)
        if _has_nan(y):
            found[...] = 0
            _maxima_with_nan(taps, at, values, found)


def _pool(x: np.ndarray, h: Axis, w: Axis, y: np.ndarray, offsets: np.ndarray | None) -> None:
    """Windows of any kind."""
    low = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    with scratch() as take:
        phases = Phases(take, len(x), h, w, x.dtype).load(x, low)
        values, taps = phases.flat(x.dtype), phases.taps()
        if offsets is None:
            _maxima(taps, values[: phases.run])
            y[...] = phases.grid(values)
            return
        table = _table(h, w)
        found = phases.flat(table.first.dtype)
        run = values[: phases.run], found[: phases.run]
        _set_first(phases, found, table)
        _maxima_and_offsets(take, taps, table.taps, *run, table.padded)
        y[...] = phases.grid(values)
        if _has_nan(y):
            _set_first(phases, found, table)
            _maxima_with_nan(taps, table.taps, *run)
            y[...] = phases.grid(values)
        offsets[...] = phases.grid(found)


def _set_first(phases: Phases, found: np.ndarray, table: Table) -> None:
    """The offsets before any comparison: those of the first taps, which win where all is -inf."""
    found[...] = 0
    if table.padded:
        phases.grid(found)[...] = table.first


def _has_nan(y: np.ndarray) -> bool:
    return y.dtype.kind == "f" and bool(np.isnan(np.minimum.reduce(y, axis=None)))


def _maxima(taps: Sequence[np.ndarray], best: np.ndarray) -> None:
    """Fill `best` with the largest tap; a NaN wins."""
    if len(taps) == 1:
        best[...] = taps[0]
    before = taps[0]
    for tap in taps[1:]:
        before = np.maximum(before, tap, out=best)


def _maxima_and_offsets(
    take: Any, taps: Sequence[np.ndarray], at: list[np.ndarray], best: np.ndarray, found: np.ndarray,
    started: bool,
) -> None:  # fmt: skip
    """Fill `best`, and `found` with the offset of the tap that won; `started`: found has offsets."""
    before = taps[0]
    greater, candidate = take(best.shape, np.bool_), take(best.shape, found.dtype)
    won = greater.view(np.uint8)
    if len(taps) == 1:
        best[...] = before
        if not started:
            found[...] = 0
    for offset, tap in zip(at[1:], taps[1:]):
        np.greater(tap, before, out=greater)
        before = np.maximum(before, tap, out=best)
        if not started:
            np.multiply(won, offset, out=found)
            started = True
        else:
            np.multiply(won, offset, out=candidate)
            np.maximum(found, candidate, out=found)  # offsets grow: the last to win is the largest


def _maxima_with_nan(
    taps: Sequence[np.ndarray], at: list[np.ndarray], best: np.ndarray, found: np.ndarray
) -> None:
    """The same by the letter of torch's rule."""
    best[...] = taps[0]
    for offset, tap in zip(at[1:], taps[1:]):
        wins = (tap > best) | np.isnan(tap)
        np.copyto(best, tap, where=wins)
        np.copyto(found, offset, where=wins)


def gradient(
    g: np.ndarray, offsets: np.ndarray, h: Axis, w: Axis, shape: tuple[int, ...]
) -> np.ndarray:
    """Add each g to the maximum of its window, in a zero array of `shape` (..., H, W)."""
    if not (tiles(h) and tiles(w)):
        return to_places(g, places_of(offsets, h, w), shape, 2, windows_apart(h, w))
    x = np.zeros(shape, g.dtype)
    planes, size, count = math.prod(shape[:-2]), h.size * w.size, h.out * w.out
    if not g.size:
        return x
    step = max(1, PLACES // count)
    origin = _origins(h, w, step)
    flat, given, found = x.reshape(-1), g.reshape(-1), offsets.reshape(-1)

    def task(i: int) -> None:
        part = slice(i * step * count, min((i + 1) * step, planes) * count)
        offset = found[part]
        with scratch() as take:
            where = np.add(origin[: len(offset)], offset, out=take(offset.shape, np.intp))
            flat[i * step * size :][where] = given[part]

    parallel_for(task, -(-planes // step), SCATTER * g.size)
    return x


@functools.lru_cache(maxsize=16)
def _origins(h: Axis, w: Axis, planes: int) -> np.ndarray:
    """Where each window of some planes in a row starts, flat."""
    starts = np.arange(planes).reshape(-1, 1, 1) * (h.size * w.size)
    return np.asarray(starts + _table(h, w).origin, np.intp).reshape(-1)


def max_pool3d(
    x: np.ndarray, d: Axis, h: Axis, w: Axis, with_indices: bool = True
) -> tuple[np.ndarray, np.ndarray | None]:
    """(..., D, H, W) -> (..., OD, OH, OW): plane by plane, then along the depth.

    The first of equal maxima in row-major order is the first plane's first, so ties stay torch's.
    """
    lead, cells = x.shape[:-3], h.out * w.out
    inner, within = max_pool2d(x, h, w, with_indices)
    y, frames = max_pool2d(inner.reshape(*lead, d.size, cells), d, Axis(cells, cells, 1), with_indices)
    y = y.reshape(*lead, d.out, h.out, w.out)
    if frames is None or within is None:
        return y, None
    frame = frames // max(1, cells)
    within = np.take_along_axis(within.reshape(*lead, d.size, cells), frame, axis=-2)
    return y, (frame * (h.size * w.size) + within).reshape(y.shape)


def to_places(
    g: np.ndarray, places: np.ndarray, shape: tuple[int, ...], dims: int, apart: bool = False
) -> np.ndarray:
    """Add each g at its place, flat over the last `dims` dims, in a zero array of `shape`.

    `apart`: no two values share a place.
    """
    x = np.zeros(shape, g.dtype)
    planes, size = math.prod(shape[:-dims]), math.prod(shape[-dims:])
    if not g.size or not planes:
        return x
    flat, given, at = (a.reshape(planes, -1) for a in (x, g, places))
    step = max(1, PLACES // at.shape[1])

    def task(i: int) -> None:
        part = slice(i * step, (i + 1) * step)
        with scratch() as take:
            where = _in_a_row(take, at[part], size)
            if apart:
                flat[part].reshape(-1)[where] = given[part].reshape(-1)
            else:
                np.add.at(flat[part].reshape(-1), where, given[part].reshape(-1))

    parallel_for(task, -(-planes // step), SCATTER * g.size)
    return x


def from_places(x: np.ndarray, places: np.ndarray, dims: int) -> np.ndarray:
    """The elements of x at places: the adjoint of `to_places`."""
    planes, size = math.prod(x.shape[:-dims]), math.prod(x.shape[-dims:])
    out = np.empty(places.shape, x.dtype)
    if out.size:
        flat, found, at = (a.reshape(planes, -1) for a in (x, out, places))
        step = max(1, PLACES // at.shape[1])
        for i in range(0, planes, step):
            with scratch() as take:
                where = _in_a_row(take, at[i : i + step], size)
                found[i : i + step] = flat[i : i + step].take(where).reshape(-1, at.shape[1])
    return out


def _in_a_row(take: Any, places: np.ndarray, size: int) -> np.ndarray:
    """Places within each of some planes (or volumes) as places in all of them, flat."""
    where = take(places.shape, np.intp)
    starts = np.arange(0, len(places) * size, max(1, size)).reshape(-1, 1)
    return np.add(places, starts, out=where).reshape(-1)


@functools.lru_cache(maxsize=256)
def has_empty_window(a: Axis) -> bool:
    """Whether some window has all of its taps in the padding (it takes dilation to do that).

    Its maximum is -inf, and torch's index for it lies outside of the plane; here it is clipped.
    """
    met = {o for k in range(a.kernel) for o in range(*a.tap(k)[:2])}
    return len(met) < a.out


def windows_apart(*axes: Axis) -> bool:
    """Whether no position belongs to two windows."""
    return all((a.kernel - 1) * a.dilation < a.stride for a in axes)

"""Max pooling, its gradient, and the positions of the maxima.

Chunks of planes are cut into phases (phases.py) and gone through tap by tap in row-major order:

    best = max(best, tap k);   code = k wherever tap k was greater than all before it

One byte per output element tells which tap won; torch's indices ih·W + iw follow from it by a table
look-up.  The gradient is a scatter to these positions, and the second gradient a gather from them.

torch's rule for ties and NaN: a value replaces the best so far if it is greater or NaN, so the first
of equal values wins, and the last NaN.  The fast loop ignores NaN; if the result has any, an exact
loop runs instead.

Cost: one strided copy of x, 4 passes per tap (1 without indices) over a chunk that stays in cache,
and one copy out.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from .adaptive import last_nan_or_first_max
from .axis import Axis
from .phases import Phases, is_whole, over_chunks, planes_of
from .threads import parallel_for
from .workspace import scratch

PLACES = 1 << 14  # places at a time: they and what they point at stay in the second-level cache


def max_pool2d(
    x: np.ndarray, h: Axis, w: Axis, with_indices: bool = True
) -> tuple[np.ndarray, np.ndarray | None]:
    """The largest value of every window, (..., H, W) -> (..., OH, OW), and where it is (int64)."""
    y = np.empty((*x.shape[:-2], h.out, w.out), x.dtype)
    indices = np.empty(y.shape, np.int64) if with_indices else None
    if not y.size:
        return y, indices
    planes, outs = planes_of(x), planes_of(y)
    places = None if indices is None else planes_of(indices)
    table = _places(h, w)
    pool = _pool_whole if is_whole(h) and is_whole(w) else _pool

    def task(part: slice) -> None:
        pool(planes[part], h, w, outs[part], None if places is None else places[part], table)

    over_chunks(task, planes)
    return y, indices


def _pool_whole(
    x: np.ndarray, h: Axis, w: Axis, y: np.ndarray, places: np.ndarray | None, table: Any
) -> None:
    """One window that is the whole plane."""
    flat = x.reshape(len(x), -1)
    best = last_nan_or_first_max(flat, 1)
    y[:, 0, 0] = flat[np.arange(len(x)), best]
    if places is not None:
        places[:, 0, 0] = best


def _pool(
    x: np.ndarray, h: Axis, w: Axis, y: np.ndarray, places: np.ndarray | None, table: Any
) -> None:
    """The maxima of planes x (P, H, W), and their places if asked for."""
    low = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    with scratch() as take:
        phases = Phases(take, len(x), h, w, x.dtype).load(x, low)
        values = y.reshape(-1) if phases.exact else phases.flat(x.dtype)
        codes = None if places is None else _first_codes(phases, table)
        _maxima(phases, values, codes)
        if not phases.exact:
            y[...] = phases.grid(values)
        if x.dtype.kind == "f" and np.isnan(np.minimum.reduce(y, axis=None)):
            codes = _first_codes(phases, table)
            _maxima_with_nan(phases, values, codes)
            if not phases.exact:
                y[...] = phases.grid(values)
        if places is not None and codes is not None:
            offset, origin = table[:2]
            np.add(offset.take(phases.grid(codes)), origin, out=places)
            if has_empty_window(h) or has_empty_window(w):
                np.clip(places, 0, h.size * w.size - 1, out=places)


def _maxima(phases: Phases, values: np.ndarray, codes: np.ndarray | None) -> None:
    """Fill `values`, and set `codes` to the number of the tap that won."""
    taps, best = phases.taps(), values[: phases.run]
    before = taps[0]  # the best of the taps so far
    if codes is None:
        for tap in taps[1:]:
            before = np.maximum(before, tap, out=best)
    else:
        code, candidate = codes[: phases.run], phases.flat(codes.dtype)[: phases.run]
        greater = phases.flat(np.bool_)[: phases.run]
        for k, tap in enumerate(taps[1:], 1):
            np.greater(tap, before, out=greater)
            before = np.maximum(before, tap, out=best)
            np.multiply(greater.view(np.uint8), codes.dtype.type(k), out=candidate)
            np.maximum(code, candidate, out=code)  # codes grow: the last to win is the largest
    if before is not best:
        best[...] = before


def _maxima_with_nan(phases: Phases, values: np.ndarray, codes: np.ndarray) -> None:
    """The same by the letter of torch's rule."""
    taps, run = phases.taps(), phases.run
    values[:run] = taps[0]
    for k, tap in enumerate(taps[1:], 1):
        wins = (tap > values[:run]) | np.isnan(tap)
        np.copyto(values[:run], tap, where=wins)
        np.copyto(codes[:run], codes.dtype.type(k), where=wins)


def _first_codes(phases: Phases, table: Any) -> np.ndarray:
    """Codes before any comparison: the first tap of each window that is not padding."""
    first, padded = table[2:]
    codes = phases.flat(first.dtype)
    codes[...] = 0
    if padded:
        phases.grid(codes)[...] = first
    return codes


@functools.lru_cache(maxsize=256)
def _places(h: Axis, w: Axis) -> tuple[np.ndarray, np.ndarray, np.ndarray, bool]:
    """What turns codes into places: each tap's offset, each window's origin, and its first tap.

    The first tap that is not padding wins where all values are -inf.
    """
    tap = np.arange(h.kernel * w.kernel, dtype=np.int64)
    offset = tap // w.kernel * (h.dilation * w.size) + tap % w.kernel * w.dilation
    rows = np.arange(h.out, dtype=np.int64) * h.stride - h.padding
    columns = np.arange(w.out, dtype=np.int64) * w.stride - w.padding
    skipped_rows = -(np.minimum(rows, 0) // h.dilation)
    skipped_columns = -(np.minimum(columns, 0) // w.dilation)
    kind = np.uint8 if len(tap) <= 256 else np.int32
    first = np.add.outer(skipped_rows * w.kernel, skipped_columns).astype(kind)
    return offset, np.add.outer(rows * w.size, columns), first, bool(first.any())


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

    parallel_for(task, -(-planes // step))
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

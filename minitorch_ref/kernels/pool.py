"""Max and average pooling over windows, their gradients, and the maximum's positions.

All of them work on chunks of planes cut into phases (phases.py), tap by tap in row-major order:

    max    best = max(best, tap);  code = k wherever tap k was the first to be greater
    mean   total = ((tap 0 + tap 1) + tap 2) + …           torch's own order, so torch's own bits

The position of a maximum is kept as its tap's number, one byte an output element ("code"), which is
all that the gradient needs:  x̄ at tap k += ȳ where code = k.  torch's int64 indices come from codes
by a table look-up when they are asked for.

torch's rule for ties and NaN: a value replaces the best so far if it is greater or NaN, so the first
of equal values wins, and the last NaN.  The fast loop ignores NaN; if the result has any, an exact
loop runs instead.

Cost: one strided copy of x, kh·kw passes (4 for a max with codes, 1 for a mean) over a chunk that
stays in cache, and one copy out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .axis import Axis
from .phases import Phases
from .select import keep
from .threads import parallel_for
from .workspace import scratch

CHUNK = 256 << 10  # bytes of input in one piece of work
FEW = 9  # windows up to this area are summed in torch's order, larger ones along each dim in turn


def max_pool2d(
    x: np.ndarray, h: Axis, w: Axis, with_codes: bool = True
) -> tuple[np.ndarray, np.ndarray | None]:
    """The largest value of every window, (N, C, H, W) -> (N, C, OH, OW), and its tap's number."""
    y = np.empty((*x.shape[:2], h.out, w.out), x.dtype)
    codes = np.empty(y.shape, _code_type(h, w)) if with_codes else None
    planes, outs = _planes(x), _planes(y)
    code_planes = None if codes is None else _planes(codes)
    low = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    first = _first_codes(h, w)

    def task(part: slice) -> None:
        with scratch() as take:
            phases = Phases(take, len(planes[part]), h, w, x.dtype).load(planes[part], low)
            values, numbers = _maxima(phases, code_planes is not None, first)
            outs[part] = phases.grid(values)
            if x.dtype.kind == "f" and np.isnan(np.minimum.reduce(outs[part], axis=None)):
                values, numbers = _maxima_with_nan(phases, first)
                outs[part] = phases.grid(values)
            if code_planes is not None:
                code_planes[part] = phases.grid(numbers)

    if y.size:
        _over_chunks(task, planes)
    return y, codes


def _maxima(
    phases: Phases, with_codes: bool, first: np.ndarray | int
) -> tuple[np.ndarray, Any]:
    taps, run = phases.taps(), phases.run
    values = phases.flat(phases.data.dtype)
    best = values[:run]
    best[...] = taps[0]
    if not with_codes:
        for tap in taps[1:]:
            np.maximum(best, tap, out=best)
        return values, None
    numbers = phases.flat(_code_type(phases.h, phases.w))
    numbers[...] = 0
    if isinstance(first, np.ndarray):
        phases.grid(numbers)[...] = first
    code, candidate = numbers[:run], phases.flat(numbers.dtype)[:run]
    greater = phases.flat(np.bool_)[:run]
    for k, tap in enumerate(taps[1:], 1):
        np.greater(tap, best, out=greater)
        np.maximum(best, tap, out=best)
        np.multiply(greater.view(np.uint8), numbers.dtype.type(k), out=candidate)
        np.maximum(code, candidate, out=code)  # codes grow, so the last one to win is the largest
    return values, numbers


def _maxima_with_nan(phases: Phases, first: np.ndarray | int) -> tuple[np.ndarray, np.ndarray]:
    """The same by the letter of torch's rule."""
    taps, run = phases.taps(), phases.run
    values, numbers = phases.flat(phases.data.dtype), phases.flat(_code_type(phases.h, phases.w))
    numbers[...] = 0
    phases.grid(numbers)[...] = first
    values[:run] = taps[0]
    for k, tap in enumerate(taps[1:], 1):
        wins = (tap > values[:run]) | np.isnan(tap)
        np.copyto(values[:run], tap, where=wins)
        np.copyto(numbers[:run], numbers.dtype.type(k), where=wins)
    return values, numbers


def max_pool2d_gradient(g: np.ndarray, codes: np.ndarray, h: Axis, w: Axis) -> np.ndarray:
    """Send each g (N, C, OH, OW) to its window's maximum: (N, C, H, W)."""
    x = np.empty((*g.shape[:2], h.size, w.size), g.dtype)
    given, code_planes, outs = _planes(g), _planes(codes), _planes(x)
    # with stride >= window, every position belongs to one tap at most
    apart = h.stride > (h.kernel - 1) * h.dilation and w.stride > (w.kernel - 1) * w.dilation

    def task(part: slice) -> None:
        with scratch() as take:
            phases = Phases(take, len(outs[part]), h, w, g.dtype)
            values = phases.spread(given[part])[: phases.run]
            numbers = phases.spread(code_planes[part])[: phases.run]
            if not apart:
                phases.data[...] = 0
            for k, tap in enumerate(phases.taps()):
                mine = keep(numbers == k, values)
                if apart:
                    tap[...] = mine
                else:
                    np.add(tap, mine, out=tap)
            phases.store(outs[part])

    if x.size:
        _over_chunks(task, outs)
    return x


def max_pool2d_gather(x: np.ndarray, codes: np.ndarray, h: Axis, w: Axis) -> np.ndarray:
    """The element of x that each window's maximum came from: the adjoint of the gradient."""
    y = np.empty(codes.shape, x.dtype)
    planes, code_planes, outs = _planes(x), _planes(codes), _planes(y)

    def task(part: slice) -> None:
        with scratch() as take:
            phases = Phases(take, len(planes[part]), h, w, x.dtype).load(planes[part], 0)
            numbers = phases.spread(code_planes[part])[: phases.run]
            values = phases.flat(x.dtype)
            chosen = values[: phases.run]
            for k, tap in enumerate(phases.taps()):
                np.copyto(chosen, tap, where=numbers == k)
            outs[part] = phases.grid(values)

    if y.size:
        _over_chunks(task, planes)
    return y


def indices_of(codes: np.ndarray, h: Axis, w: Axis) -> np.ndarray:
    """torch's indices ih·W + iw (int64) from codes (N, C, OH, OW)."""
    tap = np.arange(h.kernel * w.kernel, dtype=np.int64)
    offset = tap // w.kernel * (h.dilation * w.size) + tap % w.kernel * w.dilation
    rows = np.arange(h.out, dtype=np.int64) * h.stride - h.padding
    columns = np.arange(w.out, dtype=np.int64) * w.stride - w.padding
    return offset.take(codes) + (rows[:, None] * w.size + columns)


def _code_type(h: Axis, w: Axis) -> Any:
    return np.uint8 if h.kernel * w.kernel <= 256 else np.int32


def _first_codes(h: Axis, w: Axis) -> np.ndarray | int:
    """The first tap of each window that is not padding: the winner among values that are all -inf."""
    if not h.padding and not w.padding:
        return 0
    rows = [-(min(0, i * h.stride - h.padding) // h.dilation) for i in range(h.out)]
    columns = [-(min(0, j * w.stride - w.padding) // w.dilation) for j in range(w.out)]
    return np.add.outer(np.array(rows) * w.kernel, np.array(columns)).astype(_code_type(h, w))


def sum_pool2d(x: np.ndarray, h: Axis, w: Axis) -> np.ndarray:
    """The sum of every window, (N, C, H, W) -> (N, C, OH, OW); padding counts as zero."""
    if h.kernel * w.kernel > FEW and _is_whole(h) and _is_whole(w):
        flat = x.reshape(*x.shape[:2], h.size * w.size)
        return np.add.reduce(flat, axis=2, dtype=x.dtype).reshape(*x.shape[:2], 1, 1)
    if h.kernel * w.kernel > FEW and h.kernel > 1 and w.kernel > 1:
        return sum_pool2d(sum_pool2d(x, _same(h.size), w), h, _same(w.out))
    y = np.empty((*x.shape[:2], h.out, w.out), x.dtype)
    planes, outs = _planes(x), _planes(y)

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
        _over_chunks(task, planes)
    return y


def sum_pool2d_gradient(g: np.ndarray, h: Axis, w: Axis) -> np.ndarray:
    """The adjoint: every g (N, C, OH, OW) added to its whole window, (N, C, H, W)."""
    x = np.empty((*g.shape[:2], h.size, w.size), g.dtype)
    if _is_whole(h) and _is_whole(w):
        x[...] = g
        return x
    if h.kernel * w.kernel > FEW and h.kernel > 1 and w.kernel > 1:
        return sum_pool2d_gradient(sum_pool2d_gradient(g, h, _same(w.out)), _same(h.size), w)
    given, outs = _planes(g), _planes(x)

    def task(part: slice) -> None:
        with scratch() as take:
            phases = Phases(take, len(outs[part]), h, w, g.dtype)
            values = phases.spread(given[part])[: phases.run]
            phases.data[...] = 0
            for tap in phases.taps():
                np.add(tap, values, out=tap)
            phases.store(outs[part])

    if x.size:
        _over_chunks(task, outs)
    return x


def divisors(h: Axis, w: Axis, count_include_pad: bool) -> np.ndarray | int:
    """The number of elements of each window (OH, OW): with the padding it covers, or without."""
    rows, columns = _counts(h, count_include_pad), _counts(w, count_include_pad)
    if len(set(rows)) == len(set(columns)) == 1:
        return rows[0] * columns[0]
    return np.outer(rows, columns)


def _counts(a: Axis, padded: bool) -> list[int]:
    counts = []
    for o in range(a.out):
        start = o * a.stride - a.padding
        end = min(start + a.kernel, a.size + a.padding)  # a window may hang over in ceil_mode
        counts.append(end - start if padded else min(end, a.size) - max(start, 0))
    return counts


def _is_whole(a: Axis) -> bool:
    return a.kernel == a.size and a.out == 1 and not a.padding


def _same(size: int) -> Axis:
    return Axis(size, size, 1)


def _planes(x: np.ndarray) -> np.ndarray:
    return x.reshape(-1, *x.shape[2:])


def _over_chunks(task: Callable[[slice], None], planes: np.ndarray) -> None:
    """Run `task` over even chunks of the planes, cut by their size alone."""
    count, bytes_each = len(planes), max(1, planes[0].size * planes.itemsize)
    pieces = -(-count // max(1, CHUNK // bytes_each))
    step = -(-count // pieces)
    chunks = [slice(i, i + step) for i in range(0, count, step)]
    parallel_for(lambda i: task(chunks[i]), len(chunks))

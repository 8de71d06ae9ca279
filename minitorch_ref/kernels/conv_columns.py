"""Convolutions of few positions and many channels: one product over all windows at once.

A deep layer on a single small image (256 channels of 7×7) has only a handful of columns in each row,
while its weight is megabytes that every product must read again.  So all windows are laid out side by
side (im2col), the weight is read once, and the copies, kh·kw times a small image, cost little:

    y  = W · columns                  (O × C·KH·KW) · (C·KH·KW × OH·n·OW)
    x̄  = fold(Wᵀ · ȳ)                 kh·kw additions per element
    W̄  = ȳ · columnsᵀ                 in the weight's own order

conv_rows would read the weight OH times: OH·O·C·KH·KW against (O + C·KH·KW)·OH·OW elements here.
"""

from __future__ import annotations

import functools

import numpy as np

from .axis import Axis
from .threads import Work
from .tiles import Take, rows_first
from .unfold import fold_width, unfold_windows
from .workspace import scratch

COLUMNS = 64  # with so few columns in a row ...
WEIGHTS = 1 << 17  # ... and so many weights, reading the weight dominates
BUDGET = 8 << 20  # bytes of columns at a time


def suits(samples: int, weight: tuple[int, ...], w: Axis) -> bool:
    """Whether the weight is better read once than once a row."""
    o, cg, kh, kw = weight
    return samples * w.out <= COLUMNS and o * cg * kh * kw >= WEIGHTS


def _bands(rows: int, row_bytes: int) -> list[slice]:
    step = max(1, BUDGET // row_bytes)
    return [slice(i, min(i + step, rows)) for i in range(0, rows, step)]


def forward(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, h: Axis, w: Axis, groups: int
) -> Work:
    """y (N, O, OH, OW) of x (N, C, H, W) and weight (O, C/G, KH, KW)."""
    n, (o, cg) = len(x), weight.shape[:2]
    og, k = o // groups, cg * h.kernel * w.kernel
    matrix = np.ascontiguousarray(weight).reshape(groups, og, k)
    y = np.empty((n, o, h.out, w.out), x.dtype)
    source, target = rows_first(x, groups), rows_first(y, groups)
    bands = _bands(h.out, groups * k * n * w.out * x.itemsize)

    def task(band: slice) -> None:
        rows = band.stop - band.start
        with scratch() as take:
            columns = _columns(take, source, h, w, band)
            product = take((groups, og, rows * n * w.out), x.dtype)
            np.matmul(matrix, columns, out=product)
            parts = product.reshape(groups, og, rows, n, w.out)
            target[band] = parts.transpose(2, 0, 1, 3, 4)

    def finish() -> np.ndarray:
        return y if bias is None else np.add(y, bias.reshape(o, 1, 1), out=y)

    return Work([functools.partial(task, band) for band in bands], finish)


def _columns(take: Take, x: np.ndarray, h: Axis, w: Axis, band: slice) -> np.ndarray:
    """The windows of some output rows of x (H, G, C, N, W), as (G, C·KH·KW, rows·N·OW)."""
    groups, cg, n = x.shape[1:4]
    columns = take((groups, cg, h.kernel, w.kernel, band.stop - band.start, n, w.out), x.dtype)
    unfold_windows(x, 0, h, w, band.start, columns.transpose(4, 2, 0, 1, 3, 5, 6))
    return columns.reshape(groups, cg * h.kernel * w.kernel, -1)


def weight_gradient(g: np.ndarray, x: np.ndarray, h: Axis, w: Axis, groups: int) -> Work:
    """Gradient (O, C/G, KH, KW) from g (N, O, OH, OW) and x (N, C, H, W)."""
    n, o, cg = len(g), g.shape[1], x.shape[1] // groups
    og, k = o // groups, cg * h.kernel * w.kernel
    result = np.zeros((groups, og, k), g.dtype)
    given, source = rows_first(g, groups), rows_first(x, groups)
    bands = _bands(h.out, groups * k * n * w.out * g.itemsize)

    def task() -> None:
        for band in bands:
            rows = band.stop - band.start
            with scratch() as take:
                blocks = take((groups, og, rows, n, w.out), g.dtype)
                blocks.transpose(2, 0, 1, 3, 4)[...] = given[band]
                blocks = blocks.reshape(groups, og, -1)
                columns = _columns(take, source, h, w, band).swapaxes(1, 2)
                if len(bands) == 1:
                    np.matmul(blocks, columns, out=result)
                else:
                    np.add(result, np.matmul(blocks, columns), out=result)

    return Work([task], lambda: result.reshape(o, cg, h.kernel, w.kernel))


def input_gradient(g: np.ndarray, weight: np.ndarray, h: Axis, w: Axis, groups: int) -> Work:
    """Gradient (N, C, H, W) from g (N, O, OH, OW) and weight (O, C/G, KH, KW)."""
    n, (o, cg) = len(g), weight.shape[:2]
    og, k = o // groups, cg * h.kernel * w.kernel
    matrix = np.ascontiguousarray(weight).reshape(groups, og, k).swapaxes(1, 2)
    x = np.zeros((n, groups * cg, h.size, w.size), g.dtype)
    given, target = rows_first(g, groups), rows_first(x, groups)

    def task() -> None:
        for band in _bands(h.out, groups * k * n * w.out * g.itemsize):  # they overlap in x: in order
            rows = band.stop - band.start
            with scratch() as take:
                blocks = take((groups, og, rows, n, w.out), g.dtype)
                blocks.transpose(2, 0, 1, 3, 4)[...] = given[band]
                columns = take((groups, cg, h.kernel, w.kernel, rows, n, w.out), g.dtype)
                out = columns.reshape(groups, k, rows * n * w.out)
                np.matmul(matrix, blocks.reshape(groups, og, -1), out=out)
                for i in range(h.kernel):
                    _add_rows(columns[:, :, i], i, band, h, w, target)

    return Work([task], lambda: x)


def _add_rows(
    columns: np.ndarray, tap: int, band: slice, h: Axis, w: Axis, target: np.ndarray
) -> None:
    """Add the columns (G, C, KW, rows, n, OW) of one kernel row to the input rows they came from."""
    lo, hi, _ = h.tap(tap)
    lo, hi = max(lo, band.start), min(hi, band.stop)
    if hi <= lo:
        return
    start = lo * h.stride + tap * h.dilation - h.padding
    rows = target[start : start + (hi - lo - 1) * h.stride + 1 : h.stride]
    part = columns[:, :, :, lo - band.start : hi - band.start].transpose(3, 0, 1, 2, 4, 5)
    with scratch() as take:
        folded = take(rows.shape, rows.dtype)
        fold_width(take, part, w, folded)
        np.add(rows, folded, out=rows)

"""The two gradients of a convolution, by the layout of conv_rows.py.

Weight gradient.  Every output row adds one product; again r rows can share one:

    W̄ = Σ_oh ȳ_oh · B_ohᵀ            (r·O × n·OW) · (n·OW × (kh+r-1)·KW·C), of which the r diagonal
                                      blocks are wanted

Wide convolutions have room for one product per kernel row instead, over all positions at once:
(KW·C × OH·n·OW) · (OH·n·OW × O), whose left side is a slice of the columns, `kh` rows further on; so
do narrow ones whose products by rows would be packed (pieces.py) and these would not.

Input gradient.  Padded input row `i` got its columns from output rows `i - kh`:

    columns_i = Σ_kh W_khᵀ · ȳ_(i-kh)  =  [W_(KH-1)ᵀ … W_1ᵀ W_0ᵀ] · (rows i-KH+1 … i of ȳ, stacked)

so it is a product with overlapping windows of ȳ, of which nothing is unfolded; folding the columns
back along the width takes kw adds.  With a stride s, input row s·u + q only meets the kernel rows
q, q+s, …: s smaller problems ("phases").  With a dilation d it only meets output rows ≡ q (mod d).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .axis import Axis
from .threads import Work, get_num_threads
from .tiles import (
    Layout,
    Take,
    Tile,
    banded,
    bands,
    columns,
    gather,
    layout_of,
    plan,
    plan_weight,
    product_of,
    rows_first,
    samples_inside,
    taps_of,
    turn,
    windows,
)  # fmt: skip
from .unfold import copy_rows, fold_width, unfold_rows, unfold_windows
from .workspace import scratch

LANES = 8  # partial sums of a weight gradient; fixed, so that threads never change the rounding
CALL = 1 << 16  # multiply-adds in the time of a call
FEW_WEIGHTS = 1 << 14  # so many are turned in one call


def weight_gradient(g: np.ndarray, x: np.ndarray, h: Axis, w: Axis, groups: int) -> Work:
    """Gradient (O, C/G, KH, KW) from g (N, O, OH, OW) and x (N, C, H, W)."""
    o, cg, layout = g.shape[1], x.shape[1] // groups, layout_of(h)
    og, k = o // groups, cg * w.kernel
    shape = (layout, h.kernel, len(x), h.out, w.out, groups, og, k, x.itemsize)
    broad, (r, tiles) = plan_weight(*shape)
    lanes = min(LANES, len(tiles))
    sums = np.empty((lanes, groups, h.kernel, k, og), x.dtype)
    source, given, taps = rows_first(x, groups), rows_first(g, groups), taps_of(x, w, groups)

    def lane(i: int) -> None:
        for tile in tiles[i::lanes]:
            with scratch() as take:
                if broad:
                    part = broad_part(take, source, given, h, w, tile)
                else:
                    part = rows_part(take, source, taps, given, h, w, tile, r)
                if tile is tiles[i]:
                    sums[i] = part
                else:
                    np.add(sums[i], part, out=sums[i])

    def finish() -> np.ndarray:
        total = sums[0] if lanes == 1 else np.add.reduce(sums, axis=0)
        return weight_order(total.reshape(groups, h.kernel, w.kernel, cg, og))

    return Work([functools.partial(lane, i) for i in range(lanes)], finish)


def weight_order(total: np.ndarray) -> np.ndarray:
    """(G, KH, KW, C, O) as a weight (G·O, C, KH, KW)."""
    groups, kh, kw, cg, og = total.shape
    result = np.empty((groups, og, cg, kh, kw), total.dtype)
    if total.size < FEW_WEIGHTS:
        result[...] = total.transpose(0, 4, 3, 1, 2)
    else:  # NumPy would copy kw elements at a time; this way it is a row of the matrix
        for i in range(kh):
            for j in range(kw):
                result[..., i, j] = total[:, i, j].swapaxes(1, 2)
    return result.reshape(groups * og, cg, kh, kw)


def rows_part(
    take: Take, x: np.ndarray, taps: np.ndarray | None, g: np.ndarray, h: Axis, w: Axis, tile: Tile,
    r: int,
) -> np.ndarray:  # fmt: skip
    """A tile's part (G, KH, K, O), by products over r rows."""
    layout, rows, n = layout_of(h), tile.hi - tile.lo, tile.n1 - tile.n0
    groups, cg, inside = x.shape[1], x.shape[2], samples_inside(tile, w)
    og, k = g.shape[2], cg * w.kernel
    count = rows * layout.step + layout.halo
    blocks = columns(take, (groups, count, w.kernel, cg, n, w.out), x.dtype, inside)
    gather(take, x, taps, h, w, tile, blocks.transpose(1, 0, 3, 2, 4, 5))
    given = columns(take, (groups, rows, og, n, w.out), x.dtype, inside)
    given.swapaxes(0, 1)[...] = g[tile.lo : tile.hi, :, :, tile.n0 : tile.n1]
    total: Any = None
    for first, products, height in bands(rows, r):
        window = h.kernel + (height - 1) * layout.step
        a = windows(given, first, products, height, height)
        b = windows(blocks, first * layout.step, products, window, height * layout.step)
        out = take((groups, products, window * k, height * og), x.dtype)
        np.matmul(b, a.swapaxes(-1, -2), out=out)  # this way round is 10 to 20 % faster
        part = np.add.reduce(out, axis=1).reshape(groups, window, k, height, og)
        for i in range(height):
            block = part[:, i * layout.step : i * layout.step + h.kernel, :, i]
            total = block if total is None else np.add(total, block)
    return np.asarray(total)


def broad_part(
    take: Take, x: np.ndarray, g: np.ndarray, h: Axis, w: Axis, tile: Tile
) -> np.ndarray:
    """A tile's part (G, KH, K, O), by one product per kernel row over all positions."""
    rows, n = tile.hi - tile.lo, tile.n1 - tile.n0
    groups, cg = x.shape[1:3]
    og, k, size = g.shape[2], cg * w.kernel, rows * n * w.out
    part, inside = x[:, :, :, tile.n0 : tile.n1], samples_inside(tile, w) and w.stride == 1
    taps = None
    if inside and w.kernel > 1:
        part, taps = turn(take, part, w)
    if h.stride == 1:  # kernel row kh is the same columns, kh·dilation rows further on
        count = rows + (h.kernel - 1) * h.dilation
        blocks = columns(take, (groups, w.kernel, cg, count, n, w.out), x.dtype, inside)
        target = blocks.transpose(3, 0, 2, 1, 4, 5)
        if taps is None:
            unfold_rows(part, tile.lo - h.padding, w, target)
        else:
            copy_rows(taps, tile.lo - h.padding, target)
        memory = blocks.swapaxes(-1, -2) if inside else blocks
        line, item = n * w.out * x.itemsize, x.itemsize
        strides = (k * count * line, h.dilation * line, count * line, item)
        b = np.ndarray((groups, h.kernel, k, size), x.dtype, memory, 0, strides)
    else:
        blocks = columns(take, (groups, h.kernel, w.kernel, cg, rows, n, w.out), x.dtype, inside)
        unfold_windows(part, 0, h, w, tile.lo, blocks.transpose(4, 1, 0, 3, 2, 5, 6))
        memory = blocks.swapaxes(-1, -2) if inside else blocks
        b = memory.reshape(groups, h.kernel, k, size)
    given = columns(take, (groups, og, rows, n, w.out), x.dtype, inside)
    given.transpose(2, 0, 1, 3, 4)[...] = g[tile.lo : tile.hi, :, :, tile.n0 : tile.n1]
    a = (given.swapaxes(-1, -2) if inside else given).reshape(groups, 1, og, size)
    out = take((groups, h.kernel, k, og), x.dtype)
    # The longer side first: 20 % faster.  As A·B, with g laid out by channels, it would take a tenth less,
    # but BLAS keeps fewer partial sums there, and the result has twice the error.
    return np.matmul(b, a.swapaxes(-1, -2), out=out)


class Phase(NamedTuple):
    """Input rows first, first+step, …: which rows of g, and which kernel rows, meet them."""

    first: int  # the first such input row
    step: int
    rows: int  # how many input rows
    origin: int  # row `i` of the phase meets rows origin+i, origin+i-1, … of g
    given: slice  # the rows of g that take part
    kernel: slice  # the kernel rows that take part


def phases(h: Axis) -> list[Phase]:
    """Split the padded input rows by their remainder; stride and dilation are not both above 1."""
    step = h.stride * h.dilation
    found = []
    for q in range(step):
        origin = -((q - h.padding) // step)  # the first u with step·u + q in the input
        first = q + step * origin - h.padding
        rows = max(0, -((first - h.size) // step))
        given = slice(q, None, step) if h.dilation > 1 else slice(None)
        kernel = slice(None) if h.dilation > 1 else slice(q, None, step)
        found.append(Phase(first, step, rows, origin, given, kernel))
    return found


def input_gradient(g: np.ndarray, weight: np.ndarray, h: Axis, w: Axis, groups: int) -> Work:
    """Gradient (N, C, H, W) from g (N, O, OH, OW) and weight (O, C/G, KH, KW)."""
    if h.stride > 1 and h.dilation > 1:  # rare: write the dilation out as zeros in the kernel
        o, cg, kh, kw = weight.shape
        spread = np.zeros((o, cg, (kh - 1) * h.dilation + 1, kw), weight.dtype)
        spread[:, :, :: h.dilation] = weight
        weight, h = spread, h._replace(kernel=spread.shape[2], dilation=1)
    result = np.empty((len(g), weight.shape[1] * groups, h.size, w.size), g.dtype)
    target, given = rows_first(result, groups), rows_first(g, groups)
    tasks: list[Callable[[], None]] = []
    for phase in phases(h):
        rows = target[phase.first :: phase.step]
        kernel = weight[:, :, phase.kernel]
        if phase.rows and kernel.shape[2]:
            tasks += phase_tasks(given[phase.given], kernel, phase.origin, w, rows)
        else:
            rows[...] = 0
    return Work(tasks, lambda: result)


@functools.lru_cache(maxsize=1024)
def _met(
    rows: int, r: int, start: int, t: int, size: int, work: int
) -> list[tuple[int, int, int, int, int]]:
    """`bands` of target rows, and which blocks of their windows are rows of g: from `skip` to `stop`.

    The first window begins with row `start` of g, which has `size`; the blocks outside are zeros, two
    in seven for a 5×5 kernel and 14 rows.  Unless they are so little `work` that a product of their
    own costs those rows more, they are not multiplied.
    """
    if work < CALL:
        return [(*band, 0, t + band[2] - 1) for band in bands(rows, r)]
    found: list[tuple[int, int, int, int, int]] = []
    for first, products, height in bands(rows, r):
        depth = t + height - 1
        for row in range(first, first + products * height, height):
            skip = min(depth, max(0, -start - row))
            stop = max(skip, min(depth, size - start - row))
            if found and found[-1][2:] == (height, skip, stop):
                found[-1] = (found[-1][0], found[-1][1] + 1, height, skip, stop)
            else:
                found.append((row, 1, height, skip, stop))
    return found


def phase_tasks(
    g: np.ndarray, weight: np.ndarray, origin: int, w: Axis, target: np.ndarray
) -> list[Callable[[], None]]:
    """The tiles of one phase: target row i is made of weight rows t and rows origin+i-t of g.

    g: (OH, G, O, N, OW); weight: (G·O, C, T, KW); target: (H, G, C, N, W), written.
    """
    _, groups, og, samples, _ = g.shape
    rows, _, cg, _, _ = target.shape
    t, kw = weight.shape[2:]
    k, layout = cg * kw, Layout(True, 1, t - 1)
    shape = (layout, t, samples, rows, w.out, groups, k, og, g.itemsize, get_num_threads())
    r, tiles = plan(*shape)
    turned = weight.reshape(groups, og, cg, t, kw)[:, :, :, ::-1].transpose(0, 4, 2, 3, 1)
    band = banded(turned.reshape(groups, k, t, og), r, 1)

    def work(tile: Tile) -> None:
        n, rows, inside = tile.n1 - tile.n0, tile.hi - tile.lo, samples_inside(tile, w)
        start = origin + tile.lo - t + 1
        with scratch() as take:
            blocks = columns(take, (groups, rows + t - 1, og, n, w.out), g.dtype, inside)
            copy_rows(g[:, :, :, tile.n0 : tile.n1], start, blocks.swapaxes(0, 1))
            out = columns(take, (groups, rows, kw, cg, n, w.out), g.dtype, inside)
            products = product_of(out, k)
            block = r * k * og * n * w.out  # multiply-adds
            for first, count, height, skip, stop in _met(rows, r, start, t, len(g), block):
                a = band[:, None, : height * k, skip * og : stop * og]
                b = windows(blocks, first + skip, count, stop - skip, height)
                part = products[:, first : first + count * height]
                np.matmul(a, b, out=part.reshape(groups, count, height * k, -1))
            place = target[tile.lo : tile.hi, :, :, tile.n0 : tile.n1]
            fold_width(take, out.transpose(1, 0, 3, 2, 4, 5), w, place)

    return [functools.partial(work, tile) for tile in tiles]

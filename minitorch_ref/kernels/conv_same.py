"""Convolutions that keep the width: a tap is the whole plane, shifted.

With stride 1 and OW = W an image's rows follow each other as the output's do.  So what tap `kw` reads of
a plane is the plane itself, seen flat, shifted by `kw·dilation - padding`; only where a row's end would
come into the next row's beginning there must be zeros:

    plane      a b c d│e f g h│i j k l          3 x 3, padding 1
    kw = 0     0 a b c│0 e f g│0 i j k          one long copy each, and a column of zeros
    kw = 1     a b c d│e f g h│i j k l
    kw = 2     b c d 0│f g h 0│j k l 0          kernel row kh is the same, kh·dilation rows further on

    y = Σ_kh W_kh · rows from kh on             kh products (O × KW·C) · (KW·C × OH·W), added up
    W̄_kh = rows from kh on · ȳᵀ                 ȳ as it is

The products are as long as a plane, and what they give lies as the result does: it is added up into its
place.  With few output channels the kh products are one, of KH·O rows, over all rows of the image.  The
input gradient is the forward pass over ȳ, with the kernel turned around.

Cost beside the multiply-adds, ns: kw copies at 0.15 for an element of x, kh additions at 0.12 for one of
y.  conv_rows pays kw copies at 0.45 and two passes over y at 0.25, so this is for many channels, where
both are small beside the products, and for depthwise convolutions, where there is nothing else.
"""

from __future__ import annotations

import functools

import numpy as np

from .axis import Axis
from .pieces import DIRECT_TURNED, multiply, unpacked
from .threads import Work
from .tiles import Take, Tile, cut
from .unfold import inside
from .workspace import scratch

BUDGET = 4 << 20  # bytes of columns and products at a time: long runs gain more than a nearer cache
SHARED = 1 << 20  # bytes from which on the batch is cut in an even number of pieces, for two threads
LONG = 256  # elements of a plane that make a product long enough
WIDE = 32  # output channels from which on every kernel row is a product of its own
LANES = 8  # partial sums of a weight gradient, whatever the number of threads


def suits(weight: tuple[int, ...], h: Axis, w: Axis, groups: int) -> bool:
    """Whether the width stays, and the channels are many or each for itself."""
    o, cg, _, kw = weight
    keeps = h.stride == w.stride == 1 and w.out == w.size and 2 * w.padding == (kw - 1) * w.dilation
    if not keeps or kw == 1:
        return False
    if cg == 1 and groups > 1:
        return True
    return h.out * w.out >= LONG and o // groups >= WIDE and cg >= WIDE // 4


@functools.lru_cache(maxsize=256)
def _tiles(
    samples: int, h: Axis, w: Axis, groups: int, cg: int, og: int, item: int, most: int = 1 << 31
) -> list[Tile]:
    """Samples and bands of rows whose columns and products fit in cache: by their size alone.

    A band has about `most` positions at most.
    """
    halo = (h.kernel - 1) * h.dilation
    row = groups * (w.kernel * cg + h.kernel * og) * w.out * item
    band = max(min(BUDGET // row - halo, most // w.out), 2 * halo, 4)
    sample = row * (h.out + halo)
    pieces = -(-samples // max(1, BUDGET // sample))
    if samples * sample > SHARED:
        pieces += pieces % 2
    return cut(samples, -(-samples // min(pieces, samples)), h.out, min(band, h.out), 1)


def _columns(take: Take, x: np.ndarray, first: int, count: int, w: Axis) -> np.ndarray:
    """Rows `first` … of planes x (n, G, C, H, W), shifted for each tap: (n, G, KW, C, count, W)."""
    n, groups, cg, height, width = x.shape
    out = take((n, groups, w.kernel, cg, count, width), x.dtype)
    lo, hi = inside(first, count, height)
    out[..., :lo, :] = 0
    out[..., hi:, :] = 0
    flat = x.reshape(n, groups, cg, height * width)
    start, stop = (first + lo) * width, (first + hi) * width
    for k in range(w.kernel):
        shift = k * w.dilation - w.padding
        a, z = max(0, start + shift), min(height * width, stop + shift)
        if z > a:
            place = lo * width + a - start - shift
            rows = out[:, :, k].reshape(n, groups, cg, count * width)
            rows[..., place : place + z - a] = flat[..., a:z]
        if shift < 0:
            out[:, :, k, :, :, : min(-shift, width)] = 0
        elif shift > 0:
            out[:, :, k, :, :, max(0, width - shift) :] = 0
    return out


def _from_each_row(columns: np.ndarray, h: Axis, rows: int) -> np.ndarray:
    """Columns seen from every kernel row on: (n, G, KH, KW·C, rows·W), overlapping."""
    n, groups, kw, cg, count, width = columns.shape
    item, k = columns.itemsize, kw * cg
    line = count * width * item
    strides = (groups * k * line, k * line, h.dilation * width * item, line, item)
    shape = (n, groups, h.kernel, k, rows * width)
    return np.ndarray(shape, columns.dtype, columns, 0, strides)


def _planes(x: np.ndarray, groups: int) -> np.ndarray:
    """(N, C, H, W) as (N, G, C/G, H, W), one plane after the other in memory."""
    n, c, h, w = x.shape
    return np.ascontiguousarray(x).reshape(n, groups, c // groups, h, w)


def forward(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, h: Axis, w: Axis, groups: int
) -> Work:
    """y (N, O, OH, W) of x (N, C, H, W) and weight (O, C/G, KH, KW)."""
    o, cg = weight.shape[:2]
    og, k = o // groups, cg * w.kernel
    by_row = weight.reshape(groups, og, cg, h.kernel, w.kernel).transpose(0, 3, 1, 4, 2)
    matrices = by_row.reshape(groups, h.kernel, og, k)
    source, y = _planes(x, groups), np.empty((len(x), o, h.out, w.out), x.dtype)
    target = y.reshape(len(x), groups, og, h.out * w.out)
    shift = None if bias is None else bias.reshape(groups, og, 1)

    def task(tile: Tile) -> None:
        place = target[tile.n0 : tile.n1, ..., tile.lo * w.out : tile.hi * w.out]
        with scratch() as take:
            count = tile.hi - tile.lo + (h.kernel - 1) * h.dilation
            part = source[tile.n0 : tile.n1]
            columns = _columns(take, part, tile.lo - h.padding, count, w)
            terms = _products(take, matrices, columns, h, tile.hi - tile.lo)
            if h.kernel == 1:
                place[...] = terms[0]
            else:
                np.add(terms[0], terms[1], out=place)
            for term in terms[2:]:
                np.add(place, term, out=place)
        if shift is not None:
            np.add(place, shift, out=place)

    tiles = _tiles(len(x), h, w, groups, cg, og, x.itemsize)
    return Work([functools.partial(task, tile) for tile in tiles], lambda: y)


def _products(
    take: Take, matrices: np.ndarray, columns: np.ndarray, h: Axis, rows: int
) -> list[np.ndarray]:
    """What every kernel row adds to the result: (n, G, O, rows·W) each."""
    groups, kh, og, k = matrices.shape
    n, width = len(columns), columns.shape[-1]
    if og >= WIDE:
        out = take((n, groups, kh, og, rows * width), columns.dtype)
        multiply(matrices, _from_each_row(columns, h, rows), out)
        return [out[:, :, i] for i in range(kh)]
    line = columns.shape[-2] * width
    out = take((n, groups, kh * og, line), columns.dtype)
    stacked, flat = matrices.reshape(groups, kh * og, k), columns.reshape(n, groups, k, line)
    np.matmul(stacked, flat, out=out)
    step, size = h.dilation * width, rows * width
    parts = out.reshape(n, groups, kh, og, line)
    return [parts[:, :, i, :, i * step : i * step + size] for i in range(kh)]


def input_gradient(g: np.ndarray, weight: np.ndarray, h: Axis, w: Axis, groups: int) -> Work:
    """Gradient (N, C, H, W) from g (N, O, OH, W): the forward pass with the kernel turned around."""
    og, cg = len(weight) // groups, weight.shape[1]
    by_group = weight.reshape(groups, og, cg, h.kernel, w.kernel)[..., ::-1, ::-1]
    turned = by_group.swapaxes(1, 2).reshape(groups * cg, og, h.kernel, w.kernel)
    reach = (h.kernel - 1) * h.dilation
    rows = Axis(h.out, h.size, h.kernel, 1, reach - h.padding, h.dilation)
    return forward(g, turned, None, rows, w, groups)


def weight_gradient(g: np.ndarray, x: np.ndarray, h: Axis, w: Axis, groups: int) -> Work:
    """Gradient (O, C/G, KH, KW) from g (N, O, OH, W) and x (N, C, H, W)."""
    o, cg = g.shape[1], x.shape[1] // groups
    og, k = o // groups, cg * w.kernel
    source, given = _planes(x, groups), _planes(g, groups).reshape(len(g), groups, 1, og, -1)
    deepest = unpacked() // DIRECT_TURNED or 1 << 31  # the products' inner side: see pieces.py
    tiles = _tiles(len(x), h, w, groups, cg, og, x.itemsize, deepest)
    lanes = min(LANES, len(tiles))
    sums = np.zeros((lanes, groups, h.kernel, k, og), x.dtype)

    def lane(i: int) -> None:
        for tile in tiles[i::lanes]:
            n, rows = tile.n1 - tile.n0, tile.hi - tile.lo
            with scratch() as take:
                count = rows + (h.kernel - 1) * h.dilation
                part = source[tile.n0 : tile.n1]
                columns = _columns(take, part, tile.lo - h.padding, count, w)
                right = given[tile.n0 : tile.n1, ..., tile.lo * w.out : tile.hi * w.out]
                out = take((n, groups, h.kernel, k, og), x.dtype)
                left = _from_each_row(columns, h, rows)
                if k == w.kernel and og == 1:  # a sum for every tap
                    np.vecdot(left, right, out=out[..., 0])  # half the time of a product by BLAS
                else:
                    multiply(left, right.swapaxes(-1, -2), out)
                sums[i] += out[0] if n == 1 else np.add.reduce(out, axis=0)

    def finish() -> np.ndarray:
        total = np.add.reduce(sums, axis=0).reshape(groups, h.kernel, w.kernel, cg, og)
        return np.ascontiguousarray(total.transpose(0, 4, 3, 1, 2)).reshape(o, cg, h.kernel, w.kernel)

    return Work([functools.partial(lane, i) for i in range(lanes)], finish)

"""How a convolution is laid out in scratch memory, and cut into tiles that fit in cache.

Shared by the forward pass and both gradients (conv_rows.py, conv_rows_backward.py).  A tile is some
samples times a band of output rows; every product inside it has the same shape however the rows are
cut, so cutting more bands for more threads never changes a bit of the result.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from .axis import Axis
from .pieces import DIRECT_TURNED, unpacked
from .unfold import copy_rows, unfold_rows, unfold_windows

PACK = 8  # cost of packing one element, in multiply-adds (measured: 0.2 ns against 0.025 ns)
CACHE = 2 << 20  # bytes of scratch a tile may use; twice that when the products are wide
WIDE = 32  # products with this many rows do enough work per element to be fed from further away
SPLIT = 4_320_000  # multiply-adds that are worth a thread's while (180 us; conv.py has why so many)
COLUMNS = 512  # products of at least so many columns run at full speed
FEWEST = 64  # columns from which on a product that is not packed does so, too
BROAD = 32  # channels on either side from which on a weight gradient is one product per kernel row
SHORT = 16  # rows up to this length are laid across the samples

Take = Callable[..., np.ndarray]


class Tile(NamedTuple):
    """Samples n0:n1 and rows lo:hi."""

    n0: int
    n1: int
    lo: int
    hi: int


def band_height(kernel_rows: int, step: int, channels: int, rows: int) -> int:
    """How many output rows (1 to 4) one product should make; the cost model is in conv_rows.py.

    A single channel is a matrix times a vector, which BLAS does without packing; small products on
    processors with AVX-512 it does so, too, and then a band is of no use.
    """
    best, height = math.inf, 1
    for r in range(1, min(4, rows) + 1 if channels > 1 else 1):
        cost = (kernel_rows + (r - 1) * step) * (r * channels + PACK) / r
        if cost < 0.99 * best:
            best, height = cost, r
    return height


def bands(rows: int, r: int) -> Iterator[tuple[int, int, int]]:
    """(first row, how many products, rows per product): products of r rows, and one for the rest."""
    if rows >= r:
        yield 0, rows // r, r
    if rows % r:
        yield rows - rows % r, 1, rows % r


class Layout(NamedTuple):
    """How the unfolded rows ("blocks") of neighbouring windows follow each other."""

    shared: bool  # neighbouring windows overlap; else each window has blocks of its own
    step: int  # blocks from one output row to the next
    halo: int  # blocks a tile needs besides step * its rows


@functools.lru_cache(maxsize=1024)
def layout_of(h: Axis) -> Layout:
    """Overlapping windows where rows are not dilated and not skipped."""
    if h.dilation == 1 and h.stride < h.kernel:
        return Layout(True, h.stride, h.kernel - h.stride)
    return Layout(False, h.kernel, 0)


class Plan(NamedTuple):
    """Output rows per product, and the tiles."""

    r: int
    tiles: list[Tile]


@functools.lru_cache(maxsize=1024)
def plan(
    layout: Layout, kernel_rows: int, samples: int, rows: int, width: int,
    groups: int, m: int, k: int, itemsize: int, threads: int = 1,
) -> Plan:  # fmt: skip
    """How to make `rows` output rows by products M × (kernel_rows·K) per group, on `threads`."""
    n = min(samples, max(1, COLUMNS // width))
    most = unpacked() // (m * kernel_rows * k * width)  # samples in a product that is not packed
    direct = most * width >= FEWEST
    if direct:
        n = min(n, most)
    n = -(-samples // -(-samples // n))
    r = 1
    if layout.shared and not direct:
        r = band_height(kernel_rows, layout.step, m, rows)
    row_bytes = groups * (k * layout.step + m) * width * n * itemsize
    halo = -(-layout.halo // layout.step)
    budget = CACHE if groups * m < WIDE else 2 * CACHE
    band = max(budget // row_bytes - halo, 2 * halo, 4)
    shares = min(threads, samples * rows * width * groups * m * kernel_rows * k // SPLIT)
    if shares > 1:
        band = min(band, -(-rows // -(-shares // -(-samples // n))))
    return Plan(r, cut(samples, n, rows, band, r))


@functools.lru_cache(maxsize=1024)
def plan_weight(
    layout: Layout, kernel_rows: int, samples: int, rows: int, width: int,
    groups: int, m: int, k: int, itemsize: int,
) -> tuple[bool, Plan]:  # fmt: skip
    """For the weight gradient: whether by one product per kernel row over all positions, and tiles."""
    positions = unpacked() // (m * k)  # in a product that is not packed
    if m * k <= DIRECT_TURNED < kernel_rows * m * k and positions >= COLUMNS:
        n = min(samples, max(1, positions // (rows * width)))
        n = -(-samples // -(-samples // n))
        return True, Plan(1, cut(samples, n, rows, max(1, min(rows, positions // (n * width))), 1))
    r, tiles = plan(layout, kernel_rows, samples, rows, width, groups, m, k, itemsize)
    work = samples * rows * width * groups * m * kernel_rows * k
    if len(tiles) == 1 and work >= 2 * SPLIT:  # two threads' worth, whoever comes to do it
        half = -(-samples // 2)
        if half * width >= 2 * FEWEST:
            tiles = cut(samples, half, rows, rows, r)
        else:
            tiles = cut(samples, samples, rows, -(-rows // 2), r)
    return min(m, k) >= BROAD, Plan(r, tiles)


def cut(samples: int, n: int, rows: int, band: int, r: int) -> list[Tile]:
    """Tiles of n samples and about `band` rows: even bands, in multiples of r."""
    band = -(-rows // -(-rows // band))
    band = -(-band // r) * r
    return [
        Tile(i, min(i + n, samples), a, min(a + band, rows))
        for i in range(0, samples, n)
        for a in range(0, rows, band)
    ]


def rows_first(x: np.ndarray, groups: int) -> np.ndarray:
    """(N, C, H, W) seen as (H, G, C/G, N, W)."""
    n, c, h, w = x.shape
    return x.reshape(n, groups, c // groups, h, w).transpose(3, 1, 2, 0, 4)


def samples_inside(tile: Tile, w: Axis) -> bool:
    """Whether a tile's columns run over (width, samples) instead of (samples, width).

    Copies go run by run, about 8 ns each: short rows are better laid across the samples.
    """
    return w.out <= SHORT and tile.n1 - tile.n0 >= 8


def columns(take: Take, shape: Sequence[int], dtype: np.dtype, inside: bool) -> np.ndarray:
    """Scratch of shape (..., n, width) whose memory runs over (..., width, n) if `inside`."""
    if not inside:
        return take(tuple(shape), dtype)
    return take((*shape[:-2], shape[-1], shape[-2]), dtype).swapaxes(-1, -2)


def taps_of(x: np.ndarray, w: Axis, groups: int) -> np.ndarray | None:
    """(N, C, H, W) seen as (H, G, C, KW, N, OW), tap by tap: a view whose rows overlap.

    None where taps fall outside, or rows are short and better turned first.
    """
    if not _within(w) or not x.flags.c_contiguous or (w.out <= SHORT and len(x) >= 8):
        return None
    n, c, rows, width = x.shape
    item, c = x.itemsize, c // groups
    line, plane = width * item, rows * width * item
    strides = (line, c * plane, plane, w.dilation * item, groups * c * plane, w.stride * item)
    return np.ndarray((rows, groups, c, w.kernel, n, w.out), x.dtype, x, 0, strides)


@functools.lru_cache(maxsize=256)
def _within(w: Axis) -> bool:
    """Whether there are several taps, and none of them falls outside."""
    last = (w.out - 1) * w.stride + (w.kernel - 1) * w.dilation
    return w.kernel > 1 and not w.padding and last < w.size


def turn(take: Take, x: np.ndarray, w: Axis) -> tuple[np.ndarray, np.ndarray | None]:
    """Rows (H, G, C, n, W) whose memory runs over (..., W, n), so that every tap is long runs; and the
    taps, as `taps_of` has them: one copy of all is one call, and threads wait less for each other."""
    turned = columns(take, x.shape, x.dtype, True)
    turned[...] = x
    if not _within(w):
        return turned, None
    *outer, sample, column = turned.strides
    strides = (*outer, w.dilation * column, sample, w.stride * column)
    shape = (*x.shape[:-2], w.kernel, x.shape[-2], w.out)
    return turned, np.ndarray(shape, x.dtype, turned.swapaxes(-1, -2), 0, strides)


def gather(
    take: Take, x: np.ndarray, taps: np.ndarray | None, h: Axis, w: Axis, tile: Tile, blocks: np.ndarray
) -> None:
    """Unfold what a tile needs of x (H, G, C, N, W) into blocks (rows, G, C, KW, n, OW)."""
    layout, first = layout_of(h), max(0, tile.lo * h.stride - h.padding)
    start = tile.lo * h.stride - h.padding - first
    last = (tile.hi - 1) * h.stride + (h.kernel - 1) * h.dilation - h.padding
    stop = max(first, last + 1)
    if layout.shared and taps is not None:
        copy_rows(taps[first:stop, :, :, :, tile.n0 : tile.n1], start, blocks)
        return
    part = x[first:stop, :, :, tile.n0 : tile.n1]
    if samples_inside(tile, w) and w.kernel > 1:
        part, taps = turn(take, part, w)
    if not layout.shared:
        shape = (tile.hi - tile.lo, h.kernel, *blocks.shape[1:])
        unfold_windows(part, first, h, w, tile.lo, blocks.reshape(shape))
    elif taps is not None:
        copy_rows(taps, start, blocks)
    else:
        unfold_rows(part, start, w, blocks)


def windows(blocks: np.ndarray, first: int, count: int, height: int, step: int) -> np.ndarray:
    """Overlapping windows of `height` blocks, `step` blocks apart, from block `first` on.

    blocks: (G, rows, K..., n, W), contiguous up to the order of the last two
    -> view (G, count, height·K, n·W).
    """
    groups, rows = blocks.shape[:2]
    j = blocks.shape[-1] * blocks.shape[-2]
    k = math.prod(blocks.shape[2:-2])
    memory = blocks if blocks.flags.c_contiguous else blocks.swapaxes(-1, -2)
    line = j * blocks.itemsize
    strides = (rows * k * line, step * k * line, line, blocks.itemsize)
    shape = (groups, count, height * k, j)
    return np.ndarray(shape, blocks.dtype, memory, first * k * line, strides)


def product_of(out: np.ndarray, m: int) -> np.ndarray:
    """Scratch (G, products, r, M, n, W) seen as the matrices (G, products, r·M, n·W)."""
    memory = out if out.flags.c_contiguous else out.swapaxes(-1, -2)
    return memory.reshape(*out.shape[:2], m, -1)


def banded(weight: np.ndarray, r: int, step: int) -> np.ndarray:
    """(G, M, KH, K) -> (G, r·M, (KH+(r-1)·step)·K): the band matrix that makes r rows at once."""
    groups, m, kh, k = weight.shape
    if r == 1:
        return np.ascontiguousarray(weight).reshape(groups, m, kh * k)  # else: not for BLAS
    out = np.zeros((groups, r, m, kh + (r - 1) * step, k), weight.dtype)
    for i in range(r):
        out[:, i, :, i * step : i * step + kh] = weight
    return out.reshape(groups, r * m, -1)

"""How a convolution is laid out in scratch memory, and cut into tiles that fit in cache.

Shared by the forward pass and both gradients (conv_rows.py, conv_rows_backward.py).  Nothing here
looks at the number of threads: tiles depend on shapes alone, so results do not depend on threads.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from .axis import Axis
from .unfold import unfold_rows, unfold_windows

PACK = 8  # cost of packing one element, in multiply-adds (measured: 0.2 ns against 0.025 ns)
CACHE = 512 << 10  # bytes of scratch that a tile of a narrow convolution may use
WIDE = 16  # every so many output channels let the products be fed from further away
COLUMNS = 512  # products of at least so many columns run at full speed
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

    A single channel is a matrix times a vector, which BLAS does without packing.
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


def cut(
    samples: int, rows: int, width: int, row_bytes: int, halo: int, channels: int, r: int
) -> list[Tile]:
    """Cut a batch into tiles: samples for COLUMNS columns, then bands of rows that fit in cache.

    A row of one sample takes `row_bytes` of scratch, and a tile needs `halo` rows besides its own.
    Bands are even, and multiples of `r` rows.
    """
    n = min(samples, max(1, COLUMNS // width))
    n = -(-samples // -(-samples // n))  # even pieces
    budget = CACHE * min(8, max(1, channels // WIDE))
    band = max(budget // (row_bytes * n) - halo, 2 * halo, 4)
    band = -(-rows // -(-rows // band))
    band = -(-band // r) * r
    return [
        Tile(i, min(i + n, samples), a, min(a + band, rows))
        for i in range(0, samples, n)
        for a in range(0, rows, band)
    ]


class Layout(NamedTuple):
    """How the unfolded rows ("blocks") of neighbouring windows follow each other."""

    shared: bool  # neighbouring windows overlap; else each window has blocks of its own
    step: int  # blocks from one output row to the next
    halo: int  # blocks a tile needs besides step * its rows

    @classmethod
    def of(cls, h: Axis) -> Layout:
        if h.dilation == 1 and h.stride < h.kernel:
            return cls(True, h.stride, h.kernel - h.stride)
        return cls(False, h.kernel, 0)


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


def gather(take: Take, x: np.ndarray, h: Axis, w: Axis, tile: Tile, blocks: np.ndarray) -> None:
    """Unfold what a tile needs of x (H, G, C, N, W) into blocks (rows, G, C, KW, n, OW)."""
    layout, first = Layout.of(h), max(0, tile.lo * h.stride - h.padding)
    last = (tile.hi - 1) * h.stride + (h.kernel - 1) * h.dilation - h.padding
    part = x[first : max(first, last + 1), :, :, tile.n0 : tile.n1]
    if samples_inside(tile, w) and w.kernel > 1:  # turn once, so that every tap is long runs
        turned = columns(take, part.shape, part.dtype, True)
        turned[...] = part
        part = turned
    if layout.shared:
        unfold_rows(part, tile.lo * h.stride - h.padding - first, w, blocks)
    else:
        shape = (tile.hi - tile.lo, h.kernel, *blocks.shape[1:])
        unfold_windows(part, first, h, w, tile.lo, blocks.reshape(shape))


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
        return weight.reshape(groups, m, kh * k)
    out = np.zeros((groups, r, m, kh + (r - 1) * step, k), weight.dtype)
    for i in range(r):
        out[:, i, :, i * step : i * step + kh] = weight
    return out.reshape(groups, r * m, -1)

"""How a convolution is laid out in scratch memory, and cut into tiles that fit in cache.

Shared by the forward pass and both gradients (conv_rows.py, conv_rows_backward.py).  Nothing here
looks at the number of threads: tiles depend on shapes alone, so results do not depend on threads.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from .axis import Axis
from .unfold import unfold_rows, unfold_windows

PACK = 8  # cost of packing one element, in multiply-adds (measured: 0.2 ns against 0.025 ns)
CACHE = 512 << 10  # bytes of scratch that a tile of a narrow convolution may use
WIDE = 16  # every so many output channels let the products be fed from further away
COLUMNS = 128  # a product with fewer columns than this runs below its speed


class Tile(NamedTuple):
    """Samples n0:n1 and rows lo:hi."""

    n0: int
    n1: int
    lo: int
    hi: int


def band_height(kernel_rows: int, step: int, channels: int, rows: int) -> int:
    """How many output rows (1 to 4) one product should make; the cost model is in conv_rows.py."""
    best, height = math.inf, 1
    for r in range(1, min(4, rows) + 1):
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
    """Cut a batch into tiles that fit in cache: whole images, several at once, else bands of rows.

    A row of one sample takes `row_bytes` of scratch; a tile needs `halo` rows besides its own.
    Bands are multiples of `r` rows.
    """
    budget = CACHE * min(8, max(1, channels // WIDE))
    enough = -(-COLUMNS // width)
    n, band = budget // (row_bytes * (rows + halo)), rows
    if n < enough:
        n = min(samples, enough)
        band = max(4, budget // (row_bytes * n) - halo)
        band = rows if band >= rows else -(-band // r) * r
    pieces = -(-samples // max(1, n))
    n = -(-samples // pieces)  # even pieces
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


def gather(x: np.ndarray, h: Axis, w: Axis, tile: Tile, blocks: np.ndarray) -> None:
    """Unfold what a tile needs of x (H, G, C, N, W) into blocks (rows, G, C, KW, n, OW)."""
    layout, part = Layout.of(h), x[:, :, :, tile.n0 : tile.n1]
    if layout.shared:
        unfold_rows(part, tile.lo * h.stride - h.padding, w, blocks)
    else:
        shape = (tile.hi - tile.lo, h.kernel, *blocks.shape[1:])
        unfold_windows(part, h, w, tile.lo, blocks.reshape(shape))


def windows(blocks: np.ndarray, first: int, count: int, height: int, step: int) -> np.ndarray:
    """Overlapping windows of `height` blocks, `step` blocks apart, from block `first` on.

    blocks: contiguous (G, rows, K, J) -> view (G, count, height·K, J).
    """
    groups, rows, k, j = blocks.shape
    line = j * blocks.itemsize
    strides = (rows * k * line, step * k * line, line, blocks.itemsize)
    shape = (groups, count, height * k, j)
    return np.ndarray(shape, blocks.dtype, blocks, first * k * line, strides)


def banded(weight: np.ndarray, r: int, step: int) -> np.ndarray:
    """(G, M, KH, K) -> (G, r·M, (KH+(r-1)·step)·K): the band matrix that makes r rows at once."""
    groups, m, kh, k = weight.shape
    if r == 1:
        return weight.reshape(groups, m, kh * k)
    out = np.zeros((groups, r, m, kh + (r - 1) * step, k), weight.dtype)
    for i in range(r):
        out[:, i, :, i * step : i * step + kh] = weight
    return out.reshape(groups, r * m, -1)

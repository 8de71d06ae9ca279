"""Convolution as one matrix product per output row, over windows that overlap in memory.

The image is unfolded along its width only (see unfold.py), row by row.  The columns that output row
`oh` needs are then kh neighbouring blocks - a view, not a copy:

    blocks   │ row 0 │ row 1 │ row 2 │ row 3 │ row 4 │ …        each KW·C × (n·OW)
    oh = 0   └────────── B₀ ─────────┘                           y₀ = W · B₀
    oh = 1           └────────── B₁ ─────────┘                   y₁ = W · B₁     W: O × KH·KW·C

so unfolding costs kw copies of the image instead of kh·kw, and the products are as wide as the whole
chunk of the batch.  Both gradients are the same picture:

    weight gradient    W̄ = Σ_oh  ȳ_oh · B_ohᵀ
    input gradient     blocks of W̄ᵀ· (kh neighbouring rows of ȳ), folded back along the width: kw adds

Cost model.  A matrix product of M × K by K × J costs M·K·J multiply-adds, plus packing its K × J
operand into cache order, about PACK multiply-adds an element.  With few output channels (M = 6)
packing dominates; then `r` output rows are made by one product, whose weight is a band matrix:

    ⎡ W0 W1 W2 0  ⎤ · ⎡ rows oh … oh+kh ⎤      (kh+r-1)/kh times the multiply-adds,
    ⎣ 0  W0 W1 W2 ⎦                            1/r times (kh+r-1)/kh the packing

`band_height` takes the r with the smallest sum.  Where BLAS packs nothing (pieces.py) r is 1, and
the tiles are cut so that it stays so.  Bytes moved: x once, kw copies written and read in
cache (tiles are cut so that they fit), y once.
"""

from __future__ import annotations

import functools

import numpy as np

from .axis import Axis
from .conv_rows_backward import input_gradient, weight_gradient
from .threads import Work, get_num_threads
from .tiles import (
    Plan,
    Tile,
    banded,
    bands,
    columns,
    gather,
    layout_of,
    plan,
    product_of,
    rows_first,
    samples_inside,
    taps_of,
    windows,
)  # fmt: skip
from .workspace import scratch

__all__ = ["forward", "input_gradient", "weight_gradient"]


def forward(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, h: Axis, w: Axis, groups: int
) -> Work:
    """y (N, O, OH, OW) of x (N, C, H, W) and weight (O, C/G, KH, KW)."""
    (o, cg), layout = weight.shape[:2], layout_of(h)
    og, k = o // groups, cg * w.kernel
    shape = (layout, h.kernel, len(x), h.out, w.out, groups, og, k, x.itemsize, get_num_threads())
    todo = plan(*shape)
    by_row = weight.reshape(groups, og, cg, h.kernel, w.kernel).transpose(0, 1, 3, 4, 2)
    band = banded(by_row.reshape(groups, og, h.kernel, k), todo.r, layout.step)
    y = np.empty((len(x), o, h.out, w.out), x.dtype)
    source, target, taps = rows_first(x, groups), rows_first(y, groups), taps_of(x, w, groups)
    shift = None if bias is None else bias.reshape(o, 1, 1)

    def task(tile: Tile) -> None:
        one_tile(source, taps, band, h, w, todo, tile, target)
        if shift is not None:
            part = y[tile.n0 : tile.n1, :, tile.lo : tile.hi]
            np.add(part, shift, out=part)

    return Work([functools.partial(task, tile) for tile in todo.tiles], lambda: y)


def one_tile(
    x: np.ndarray, taps: np.ndarray | None, band: np.ndarray, h: Axis, w: Axis, todo: Plan,
    tile: Tile, y: np.ndarray,
) -> None:  # fmt: skip
    """A tile's part of y (OH, G, O, N, OW), from x (H, G, C, N, W)."""
    layout, n, inside = layout_of(h), tile.n1 - tile.n0, samples_inside(tile, w)
    groups, cg = x.shape[1:3]
    og = y.shape[2]
    count = (tile.hi - tile.lo) * layout.step + layout.halo
    with scratch() as take:
        blocks = columns(take, (groups, count, w.kernel, cg, n, w.out), x.dtype, inside)
        gather(take, x, taps, h, w, tile, blocks.transpose(1, 0, 3, 2, 4, 5))
        for first, products, height in bands(tile.hi - tile.lo, todo.r):
            depth = h.kernel + (height - 1) * layout.step
            a = band[:, None, : height * og, : depth * cg * w.kernel]
            b = windows(blocks, first * layout.step, products, depth, height * layout.step)
            out = columns(take, (groups, products, height, og, n, w.out), x.dtype, inside)
            np.matmul(a, b, out=product_of(out, height * og))
            first += tile.lo
            rows = y[first : first + products * height, :, :, tile.n0 : tile.n1]
            rows = rows.reshape(products, height, *rows.shape[1:])
            rows[...] = out.transpose(1, 2, 0, 3, 4, 5)

"""Convolution as one matrix product per output row, over windows that overlap in memory.

The image is unfolded along its width only (see unfold.py), row by row.  The columns that output row
`oh` needs are then kh neighbouring blocks - a view, not a copy:

    blocks   │ row 0 │ row 1 │ row 2 │ row 3 │ row 4 │ …        each C·KW × (n·OW)
    oh = 0   └────────── B₀ ─────────┘                           y₀ = W · B₀
    oh = 1           └────────── B₁ ─────────┘                   y₁ = W · B₁     W: O × KH·C·KW

so unfolding costs kw copies of the image instead of kh·kw, and the products are as wide as the whole
chunk of the batch.  Both gradients are the same picture:

    weight gradient    W̄ = Σ_oh  ȳ_oh · B_ohᵀ
    input gradient     blocks of W̄ᵀ· (kh neighbouring rows of ȳ), folded back along the width: kw adds

Cost model.  A matrix product of M × K by K × J costs M·K·J multiply-adds, plus packing its K × J
operand into cache order, about PACK multiply-adds an element.  With few output channels (M = 6)
packing dominates; then `r` output rows are made by one product, whose weight is a band matrix:

    ⎡ W0 W1 W2 0  ⎤ · ⎡ rows oh … oh+kh ⎤      (kh+r-1)/kh times the multiply-adds,
    ⎣ 0  W0 W1 W2 ⎦                            1/r times (kh+r-1)/kh the packing

`band_height` takes the r with the smallest sum.  Bytes moved: x once, kw copies written and read in
cache (tiles are cut so that they fit), y once.
"""

from __future__ import annotations

import numpy as np

from .axis import Axis
from .conv_rows_backward import input_gradient, weight_gradient
from .threads import parallel_for
from .tiles import (
    Layout, banded, band_height, bands, columns, cut, gather, product_of, rows_first,
    samples_inside, windows,
)  # fmt: skip
from .workspace import scratch

__all__ = ["forward", "input_gradient", "weight_gradient"]


def forward(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, h: Axis, w: Axis, groups: int
) -> np.ndarray:
    """y (N, O, OH, OW) of x (N, C, H, W) and weight (O, C/G, KH, KW)."""
    n, (o, cg) = len(x), weight.shape[:2]
    og, k, layout = o // groups, cg * w.kernel, Layout.of(h)
    r = band_height(h.kernel, layout.step, og, h.out) if layout.shared else 1
    by_row = weight.reshape(groups, og, cg, h.kernel, w.kernel).transpose(0, 1, 3, 2, 4)
    band = banded(by_row.reshape(groups, og, h.kernel, k), r, layout.step)
    y = np.empty((n, o, h.out, w.out), x.dtype)
    source, target = rows_first(x, groups), rows_first(y, groups)
    row_bytes = (groups * k * layout.step + o) * w.out * x.itemsize
    shift = None if bias is None else bias.reshape(o, 1, 1)
    tiles = cut(n, h.out, w.out, row_bytes, -(-layout.halo // layout.step), o, r)

    def task(i: int) -> None:
        tile = tiles[i]
        n, inside = tile.n1 - tile.n0, samples_inside(tile, w)
        count = (tile.hi - tile.lo) * layout.step + layout.halo
        with scratch() as take:
            blocks = columns(take, (groups, count, cg, w.kernel, n, w.out), x.dtype, inside)
            gather(take, source, h, w, tile, blocks.swapaxes(0, 1))
            for first, products, height in bands(tile.hi - tile.lo, r):
                a = band[:, None, : height * og, : (h.kernel + (height - 1) * layout.step) * k]
                b = windows(
                    blocks, first * layout.step, products, a.shape[-1] // k, height * layout.step
                )
                out = columns(take, (groups, products, height, og, n, w.out), x.dtype, inside)
                np.matmul(a, b, out=product_of(out, height * og))
                rest = target[tile.lo + first :, :, :, tile.n0 : tile.n1]
                store(out, rest)
        if shift is not None:
            part = y[tile.n0 : tile.n1, :, tile.lo : tile.hi]
            np.add(part, shift, out=part)

    parallel_for(task, len(tiles))
    return y


def store(out: np.ndarray, target: np.ndarray) -> None:
    """Write products (G, products, r, M, n, W) to the first rows of target (rows, G, M, n, W)."""
    products, height = out.shape[1:3]
    rows = target[: products * height]
    rows.reshape(products, height, *rows.shape[1:])[...] = out.transpose(1, 2, 0, 3, 4, 5)

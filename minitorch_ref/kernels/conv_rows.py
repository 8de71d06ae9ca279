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
from .tiles import Layout, banded, band_height, bands, cut, gather, rows_first, windows
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
    tiles = cut(n, h.out, w.out, row_bytes, -(-layout.halo // layout.step), o, r)

    def task(i: int) -> None:
        tile = tiles[i]
        rows, j = tile.hi - tile.lo, (tile.n1 - tile.n0) * w.out
        with scratch() as take:
            count = rows * layout.step + layout.halo
            blocks = take((groups, count, cg, w.kernel, tile.n1 - tile.n0, w.out), x.dtype)
            gather(source, h, w, tile, blocks.swapaxes(0, 1))
            blocks = blocks.reshape(groups, count, k, j)
            for first, products, height in bands(rows, r):
                a = band[:, None, : height * og, : (h.kernel + (height - 1) * layout.step) * k]
                b = windows(
                    blocks, first * layout.step, products, a.shape[-1] // k, height * layout.step
                )
                out = take((groups, products, height * og, j), x.dtype)
                np.matmul(a, b, out=out)
                rest = target[tile.lo + first :, :, :, tile.n0 : tile.n1]
                store(out, height, bias, rest)

    parallel_for(task, len(tiles))
    return y


def store(out: np.ndarray, height: int, bias: np.ndarray | None, target: np.ndarray) -> None:
    """Write products (G, products, height·M, n·W) to the first rows of target (rows, G, M, n, W)."""
    groups, products = out.shape[:2]
    m, n, width = target.shape[2:]
    parts = out.reshape(groups, products, height, m, n, width).transpose(1, 2, 0, 3, 4, 5)
    rows = target[: products * height].reshape(products, height, groups, m, n, width)
    if bias is None:
        rows[...] = parts
    else:
        np.add(parts, bias.reshape(groups, m, 1, 1), out=rows)

"""Unfolding: laying the windows of an image out as columns, and its adjoint, folding back.

Two layouts.  `im2col` copies every tap of both kernel dims, kh·kw times the data; it is what
`nn.functional.unfold` returns.  The convolutions use the smaller `unfold_width`, which copies along
the width only, kw times the data:

    buffer[row, c·kw, n·ow]            one block per padded image row:

      row r        ┌ c0 tap0:  x[.., r, 0 1 2 …] ┐      A window of kh rows is kh blocks in sequence.
                   │ c0 tap1:  x[.., r, 1 2 3 …] │      They are contiguous in memory, so the
      row r+1      ├ c0 tap0:  …                 ┤      (kh·c·kw, n·ow) matrix of output row r is just
                   │ c0 tap1:  …                 │      a view that starts at block r - the views of
      row r+2      ├ …                           ┤      neighbouring rows overlap, nothing is copied.

Padding is never materialised in the input: the taps that fall outside leave zeros in the buffer.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .axis import Axis


def unfold_width(x: np.ndarray, w: Axis, out: np.ndarray) -> None:
    """Copy `x` (..., N, W) to `out` (..., KW, N, OW), one tap after the other."""
    for k in range(w.kernel):
        lo, hi, start = w.tap(k)
        column = out[..., k, :, :]
        if lo:
            column[..., :lo] = 0
        if hi < w.out:
            column[..., hi:] = 0
        if hi > lo:
            stop = start + (hi - lo - 1) * w.stride + 1
            column[..., lo:hi] = x[..., start : stop : w.stride]


def fold_width(take: Callable[..., np.ndarray], columns: np.ndarray, w: Axis, out: np.ndarray) -> None:
    """Add `columns` (..., KW, N, OW) up into `out` (..., N, W), whatever was in it.

    NumPy copies rows of any layout quickly but adds slowly unless all is contiguous: so every tap is
    copied to its place in a row of zeros, and whole buffers are added.
    """
    across = columns.strides[-1] > columns.strides[-2] and columns.shape[-2] > 1
    shape = (*out.shape[:-2], out.shape[-1], out.shape[-2]) if across else out.shape
    flat = [take(shape, out.dtype) for _ in range(min(2, w.kernel))]
    for k in range(w.kernel):
        lo, hi, start = w.tap(k)
        buffer = flat[min(k, 1)]
        if (start, hi - lo, w.stride) != (0, w.size, 1):
            buffer[...] = 0
        place = buffer.swapaxes(-1, -2) if across else buffer
        if hi > lo:
            stop = start + (hi - lo - 1) * w.stride + 1
            place[..., start : stop : w.stride] = columns[..., k, :, lo:hi]
        if k:
            np.add(flat[0], buffer, out=flat[0])
    out[...] = flat[0].swapaxes(-1, -2) if across else flat[0]


def inside(start: int, count: int, size: int) -> tuple[int, int]:
    """Of `count` rows from `start` on, the sub-range that lies in 0 … size-1."""
    lo = min(count, max(0, -start))
    return lo, min(count, max(lo, size - start))


def copy_rows(x: np.ndarray, start: int, out: np.ndarray) -> None:
    """Fill `out` with the rows of `x` from `start` on; rows outside of x are zeros."""
    lo, hi = inside(start, len(out), len(x))
    if hi - lo < len(out):
        out[:lo] = 0
        out[hi:] = 0
    out[lo:hi] = x[start + lo : start + hi]


def unfold_rows(x: np.ndarray, start: int, w: Axis, out: np.ndarray) -> None:
    """Fill `out` (rows, ..., KW, N, OW) with the rows of `x` (H, ..., N, W) from `start` on."""
    lo, hi = inside(start, len(out), len(x))
    if hi - lo < len(out):
        out[:lo] = 0
        out[hi:] = 0
    if hi > lo:
        unfold_width(x[start + lo : start + hi], w, out[lo:hi])


def unfold_windows(
    x: np.ndarray, origin: int, h: Axis, w: Axis, first: int, out: np.ndarray
) -> None:
    """Fill `out` (OH, KH, ..., KW, N, OW) with the whole windows of output rows from `first` on.

    For dilated rows and for strides that skip rows, where neighbouring windows share no blocks.
    x: (rows, ..., N, W), the rows of the image from `origin` on.
    """
    last = first + len(out)
    for k in range(h.kernel):
        tap = h.tap(k)
        lo, hi = min(last, max(tap.lo, first)), max(first, min(tap.hi, last))
        rows = out[:, k]
        if hi <= lo:
            rows[...] = 0
            continue
        rows[: lo - first] = 0
        rows[hi - first :] = 0
        start = lo * h.stride + k * h.dilation - h.padding - origin
        stop = start + (hi - lo - 1) * h.stride + 1
        unfold_width(x[start : stop : h.stride], w, rows[lo - first : hi - first])


def im2col(x: np.ndarray, h: Axis, w: Axis) -> np.ndarray:
    """Every window as a column: (..., C, H, W) -> (..., C·KH·KW, OH·OW)."""
    lead, c = x.shape[:-3], x.shape[-3]
    out = np.zeros((*lead, c, h.kernel, w.kernel, h.out, w.out), x.dtype)
    for i in range(h.kernel):
        for j in range(w.kernel):
            out[..., i, j, h.target(i), w.target(j)] = x[..., h.source(i), w.source(j)]
    return out.reshape(*lead, c * h.kernel * w.kernel, h.out * w.out)


def col2im(columns: np.ndarray, h: Axis, w: Axis) -> np.ndarray:
    """The adjoint of im2col: (..., C·KH·KW, OH·OW) -> (..., C, H, W), overlapping windows added."""
    lead, c = columns.shape[:-2], columns.shape[-2] // (h.kernel * w.kernel)
    parts = columns.reshape(*lead, c, h.kernel, w.kernel, h.out, w.out)
    out = np.zeros((*lead, c, h.size, w.size), columns.dtype)
    for i in range(h.kernel):
        for j in range(w.kernel):
            place = out[..., h.source(i), w.source(j)]
            np.add(place, parts[..., i, j, h.target(i), w.target(j)], out=place)
    return out

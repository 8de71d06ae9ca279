"""Products in pieces that BLAS multiplies without packing.

On processors with AVX-512 OpenBLAS has kernels for small matrices, which read both sides where they lie;
above a million multiply-adds it copies both into cache order first, and is slower by a tenth:

    multiply-adds a ns      whole    in pieces           A·B        A·Bᵀ
    64 x 192 x 784          49.4     55.8               ┌──┬──┬──┐  and results of at most 1,200
    128 x 128 x 196         48.9     55.8     16 to 32  ├──┼──┼──┤  elements, which is the other limit
    192 x 784 x 64ᵀ         45.5     56.0               └──┴──┴──┘
    16 x 400 x 120ᵀ         20       51                  some 200

The pieces are views: one call of `np.matmul` over a grid of them writes each into its place.  An element
is the same sum whoever shares the grid.  Elsewhere, and where a side does not divide, nothing is cut.
"""

from __future__ import annotations

import functools

import numpy as np

from .threads import blas_architecture

DIRECT = 1_000_000  # multiply-adds up to which OpenBLAS packs nothing, on processors with AVX-512
DIRECT_TURNED = 1200  # ... and elements of the result, where the right side is a transposed view
LONG = 96  # columns that make a piece of A·B worth it
DEEP = 80  # multiply-adds an element from which on cutting is worth the calls


Views = tuple[np.ndarray, np.ndarray, np.ndarray]


@functools.cache
def unpacked() -> int:
    """Multiply-adds up to which this machine's BLAS multiplies without packing."""
    small = ("SkylakeX", "Cooperlake", "SapphireRapids")
    return DIRECT if blas_architecture() in small else 0


@functools.lru_cache(maxsize=1024)
def grid(m: int, k: int, n: int, turned: bool) -> tuple[int, int]:
    """How many pieces the rows and the columns of a product fall into: (1, 1) to leave it whole."""
    most = unpacked() // max(1, k)  # elements of a piece
    if k < DEEP or m * n <= (min(most, DIRECT_TURNED) if turned else most):
        return 1, 1
    if turned:
        most = min(most, DIRECT_TURNED)
        shapes = [
            (rows, columns)
            for rows in _divisors(m, 64)
            for columns in _divisors(n, 64)
            if rows * columns <= most and min(rows, columns) >= min(16, m, n)
        ]
        shapes = [s for s in shapes if s[0] * s[1] >= 512]
        best = max(shapes, key=lambda s: (s[0] * s[1], min(s)), default=(m, n))
        return m // best[0], n // best[1]
    columns = max((c for c in _divisors(n, 256) if 8 * c <= most), default=0)
    rows = max((r for r in _divisors(m, 32) if r % 8 == 0 and r * columns <= most), default=0)
    return (m // rows, n // columns) if columns >= LONG and rows else (1, 1)


def _divisors(size: int, most: int) -> list[int]:
    return [d for d in range(1, min(size, most) + 1) if size % d == 0]


def cut_up(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> Views | None:
    """Views of the three in which `np.matmul` makes the product in pieces, or None to leave it whole.

    a: (..., M, K), b: (..., K, N); the views begin, behind the batch, with a dim of pieces of M.
    """
    if a.dtype.char != "f" or a.strides[-1] != a.itemsize:
        return None
    (m, k), n = a.shape[-2:], b.shape[-1]
    down, across = grid(m, k, n, b.strides[-1] != b.itemsize)
    if down * across == 1:
        return None
    rows, columns = m // down, n // across
    left = a.reshape(*a.shape[:-2], down, 1, rows, k)
    right = b.reshape(*b.shape[:-2], 1, k, across, columns).swapaxes(-3, -2)
    place = out.reshape(*out.shape[:-2], down, rows, across, columns).swapaxes(-3, -2)
    return left, right, place


def multiply(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> np.ndarray:
    """`np.matmul(a, b, out=out)` of (..., M, K) and (..., K, N), each side of two or more dims."""
    views = cut_up(a, b, out)
    if views is None:
        return np.matmul(a, b, out=out)
    np.matmul(views[0], views[1], out=views[2])
    return out

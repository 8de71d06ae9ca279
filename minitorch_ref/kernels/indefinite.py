"""LDLᵀ: symmetric (or Hermitian) matrices that need not be positive, by Bunch and Kaufman's pivoting.

D has blocks of one and two rows: where a diagonal entry is too small to divide by, a 2×2 block is
used instead.  As LAPACK's sytf2 and hetf2 store it: L below D in one array, row swaps not applied to
the columns already done, pivots[k] = p > 0 for a swap of rows k and p (counted from 1), and a pair
of equal −p for a 2×2 block (source: J. R. Bunch and L. Kaufman, 1977; LAPACK's ?sytf2, ?sytrs).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .factoring import magnitude

ALPHA = (1 + 17**0.5) / 8


def _adjoint(x: np.ndarray, hermitian: bool) -> Any:
    return np.conjugate(x.T) if hermitian else x.T


def factor(a: np.ndarray, hermitian: bool) -> tuple[np.ndarray, np.ndarray, int]:
    """(L and D, pivots, the first zero block counted from 1 or 0) of one matrix's lower triangle."""
    a, n = np.tril(a), len(a)
    pivots, info, k = np.zeros(n, np.int32), 0, 0
    while k < n:
        if hermitian:  # the imaginary part of a diagonal is nothing but rounding
            np.einsum("ii->i", a[k:, k:])[...] = np.diagonal(a[k:, k:]).real
        size, row = _pivot(a, k, hermitian)
        if row < 0:
            info = info or k + 1
            pivots[k] = k + 1
            k += 1
            continue
        last = k + size - 1
        if row != last:
            _swap(a, k, last, row, hermitian)
        block = _block(a, k, size, hermitian)
        below = a[k + size :, k : k + size].copy()
        scaled = np.linalg.solve(block.T, below.T).T if size == 2 else below / block
        a[k + size :, k + size :] -= np.tril(scaled @ _adjoint(below, hermitian))
        a[k + size :, k : k + size] = scaled
        pivots[k : k + size] = row + 1 if size == 1 else -(row + 1)
        k += size
    return a, pivots, info


def _pivot(a: np.ndarray, k: int, hermitian: bool) -> tuple[int, int]:
    """(rows of the next block, the row to swap into its end); row −1 if the column is zero."""
    own = magnitude(a[k : k + 1, k])[0]
    column = magnitude(a[k + 1 :, k])
    largest = float(np.max(column, initial=0))
    if max(own, largest) == 0 or np.isnan(own):
        return 1, -1
    if own >= ALPHA * largest:
        return 1, k
    far = k + 1 + int(np.argmax(column))
    others = np.concatenate([a[far, k:far], a[far + 1 :, far]])
    widest = float(np.max(magnitude(others)))
    if own >= ALPHA * largest * (largest / widest):
        return 1, k
    diagonal = abs(a[far, far].real) if hermitian else magnitude(a[far : far + 1, far])[0]
    return (1, far) if diagonal >= ALPHA * widest else (2, far)


def _swap(a: np.ndarray, k: int, i: int, j: int, hermitian: bool) -> None:
    """Swap rows and columns i < j of the trailing matrix, of which the lower triangle is stored."""
    full = np.tril(a[k:, k:]) + _adjoint(np.tril(a[k:, k:], -1), hermitian)
    order = np.arange(len(full))
    order[[i - k, j - k]] = j - k, i - k
    a[k:, k:] = np.tril(full[np.ix_(order, order)])


def _block(a: np.ndarray, k: int, size: int, hermitian: bool) -> np.ndarray:
    """A block of D as a whole matrix; of a Hermitian one the diagonal is real."""
    low = np.tril(a[k : k + size, k : k + size], -1)
    diagonal = np.diagonal(a)[k : k + size]
    return low + _adjoint(low, hermitian) + np.diag(diagonal.real if hermitian else diagonal)


def solve(ld: np.ndarray, pivots: np.ndarray, b: np.ndarray, hermitian: bool) -> np.ndarray:
    """X with A X = B from the factors of one matrix: down through L and D, up through Lᵀ."""
    x, n, k = b.copy(), len(ld), 0
    starts = []
    while k < n:
        size = 1 if pivots[k] > 0 else 2
        starts.append((k, size))
        last, row = k + size - 1, abs(int(pivots[k])) - 1
        x[[last, row]] = x[[row, last]]
        x[k + size :] -= ld[k + size :, k : k + size] @ x[k : k + size]
        block = _block(ld, k, size, hermitian)
        x[k : k + size] = np.linalg.solve(block, x[k : k + size])
        k += size
    for k, size in reversed(starts):
        x[k : k + size] -= _adjoint(ld[k + size :, k : k + size], hermitian) @ x[k + size :]
        last, row = k + size - 1, abs(int(pivots[k])) - 1
        x[[last, row]] = x[[row, last]]
    return x

"""Factorizations of stacks of matrices that NumPy does not have: LU, failed Cholesky, reflectors.

All loops run over the columns of a matrix and never over the batch: an array (…, m, n) is one stack
of matrices, and each step works on the same column of all of them.  LU goes through the columns in
panels, so that nearly all of its work is one matrix product per panel:

    A = │ A11 A12 │   the panel (A11 A21) is factored column by column, then
        │ A21 A22 │   U12 = L11⁻¹ A12 and A22 ← A22 − L21 U12
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

import numpy as np

PANEL = 32
_FEW = 32  # permutations up to which lists are faster than arrays
LARGE = 24  # columns from which LAPACK, one matrix after the other, is faster than a stack by columns


def magnitude(x: np.ndarray) -> np.ndarray:
    """What LAPACK compares when it looks for a pivot: |x|, or |re| + |im| of complex numbers."""
    return np.abs(x.real) + np.abs(x.imag) if x.dtype.kind == "c" else np.abs(x)


def lu(a: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """L and U packed in one array, row swaps counted from 1, and the first zero pivot (0: none).

    Shapes (…, m, n) → (…, m, n), (…, k), (…) with k = min(m, n).
    """
    m, n = a.shape[-2:]
    k, batch = min(m, n), a.shape[:-2]
    getrf = _getrf(a.dtype.char) if k >= LARGE else None
    if getrf is not None and not np.isnan(a).any():
        return _lu_by_lapack(getrf, a)
    data = np.array(a, order="C").reshape(int(np.prod(batch)), m, n)
    pivots = np.zeros((len(data), k), np.int32)
    info = np.zeros(len(data), np.int32)
    for start in range(0, k, PANEL):
        stop = min(start + PANEL, k)
        for j in range(start, stop):
            _eliminate(data, j, stop, pivots, info)
        if stop < n:
            _substitute_unit(data[:, start:stop, start:stop], data[:, start:stop, stop:])
            data[:, stop:, stop:] -= data[:, stop:, start:stop] @ data[:, start:stop, stop:]
    return data.reshape(a.shape), pivots.reshape(*batch, k), info.reshape(batch)


@functools.cache
def _getrf(kind: str) -> Any:
    """LAPACK's LU, or None without SciPy."""
    try:
        from scipy.linalg import get_lapack_funcs
    except ImportError:
        return None
    return get_lapack_funcs("getrf", dtype=kind)


def _lu_by_lapack(getrf: Any, a: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    batch, k = a.shape[:-2], min(a.shape[-2:])
    data, info = np.empty(a.shape, a.dtype), np.zeros(batch, np.int32)
    pivots = np.empty((*batch, k), np.int32)
    for i in np.ndindex(batch):
        data[i], pivots[i], info[i] = getrf(a[i])
    pivots += 1
    return data, pivots, info


def _eliminate(data: np.ndarray, j: int, stop: int, pivots: np.ndarray, info: np.ndarray) -> None:
    """One column of a panel that ends before column `stop`: pivot, swap, divide, update."""
    size = magnitude(data[:, j:, j])
    if np.isnan(size).any():
        # LAPACK compares with >, so that a NaN on the diagonal stays where it is and others lose
        size[np.isnan(size)] = -1
        size[np.isnan(data[:, j, j]), 0] = np.inf
    best = j + size.argmax(1)
    pivots[:, j] = best + 1
    moved = np.flatnonzero(best != j)
    if moved.size:
        swapped = data[moved, best[moved]]
        data[moved, best[moved]] = data[moved, j]
        data[moved, j] = swapped
    pivot = data[:, j, j, None]
    zero = pivot == 0
    if zero.any():
        info[zero[:, 0] & (info == 0)] = j + 1
        pivot = np.where(zero, 1, pivot)
    data[:, j + 1 :, j] /= pivot
    column, row = data[:, j + 1 :, j, None], data[:, j, None, j + 1 : stop]
    data[:, j + 1 :, j + 1 : stop] -= column * row


def _substitute_unit(lower: np.ndarray, b: np.ndarray) -> None:
    """Overwrite b with L⁻¹b, L unit lower triangular."""
    for i in range(1, lower.shape[-1]):
        b[:, i] -= (lower[:, i, None, :i] @ b[:, :i])[:, 0]


def permutation(pivots: np.ndarray, m: int) -> np.ndarray:
    """Row swaps as a permutation p (…, m): row i of P·X is row p⁻¹(i) of X, (P·X)[p] = X."""
    batch = pivots.shape[:-1]
    flat = pivots.reshape(int(np.prod(batch)), pivots.shape[-1])
    if len(flat) <= _FEW:
        orders = np.array([_permuted(swaps.tolist(), m) for swaps in flat], np.int64)
        return orders.reshape(*batch, m)
    order = np.tile(np.arange(m), (len(flat), 1))
    each = np.arange(len(flat))
    for j in range(flat.shape[-1]):
        other = flat[:, j] - 1
        taken = order[each, other]
        order[each, other] = order[:, j]
        order[:, j] = taken
    return order.reshape(*batch, m)


def _permuted(swaps: list[int], m: int) -> list[int]:
    order = list(range(m))
    for j, other in enumerate(swaps):
        order[j], order[other - 1] = order[other - 1], order[j]
    return order


def permutation_matrix(pivots: np.ndarray, m: int, kind: np.dtype) -> np.ndarray:
    """P of A = P·L·U, from LU's row swaps."""
    order = permutation(pivots, m)
    p = np.zeros((*order.shape, m), kind)
    np.put_along_axis(p, order[..., None, :], 1, axis=-2)
    return p


def cholesky(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The lower factor of one matrix as far as it goes, and the order of the minor that fails.

    The columns from the failure on are left as LAPACK's unblocked routine leaves them: untouched.
    """
    low = np.tril(a)
    for j in range(len(low)):
        row = low[j, :j]
        pivot = (low[j, j] - np.vdot(row, row)).real
        if not pivot > 0:
            low[j, j] = pivot
            return low, np.asarray(j + 1, np.int32)
        low[j, j] = np.sqrt(pivot)
        low[j + 1 :, j] = (low[j + 1 :, j] - low[j + 1 :, :j] @ row.conj()) / low[j, j]
    return low, np.asarray(0, np.int32)


def reflect(v: np.ndarray, tau: np.ndarray, c: np.ndarray, order: Iterable[int]) -> np.ndarray:
    """Multiply c from the left by the reflectors I − τᵢ vᵢ vᵢᴴ, in the order given.

    v (…, m, n): column i is zero above its diagonal and 1 on it, whatever is stored there; tau (…, k)
    may have fewer, then the other columns do not count.
    """
    steps = np.arange(tau.shape[-1])
    v = np.tril(v[..., : len(steps)], -1)
    v[..., steps, steps] = 1
    c = c.copy()
    for i in order:
        column = v[..., i:, i, None]
        c[..., i:, :] -= (tau[..., i, None, None] * column) @ (
            np.conjugate(np.swapaxes(column, -1, -2)) @ c[..., i:, :]
        )
    return c

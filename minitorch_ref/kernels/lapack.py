"""LAPACK on batches of matrices: solving, triangular systems, least squares.

NumPy loops over a batch in C but tells nothing about a matrix that is singular; so it does the work,
and where it fails the batch is gone through once more, one matrix at a time, with SciPy's bindings,
which return LAPACK's `info`.  SciPy is imported when first needed.

    info = 0       solved
    info = i > 0   the i-th diagonal element of U in A = P·L·U is exactly zero
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Array = np.ndarray

_PREFIX = {"f": "s", "d": "d", "F": "c", "D": "z"}


def _routine(name: str, like: Array) -> Callable[..., Any]:
    """LAPACK's routine `name` for the dtype of `like`."""
    from scipy.linalg import lapack

    return getattr(lapack, _PREFIX[like.dtype.char] + name)


def _matrices(*stacks: Array) -> Iterator[tuple[Array, ...]]:
    """The matrices of several equally long batches, side by side."""
    flat = [s.reshape(-1, *s.shape[-2:]) for s in stacks]
    return zip(*flat, strict=True)


def lu(a: Array) -> tuple[Array, Array, Array]:
    """(L\\U in one square matrix, row exchanges counted from 0, info) for (…, n, n)."""
    factors = np.empty(a.shape, a.dtype)
    swaps = np.empty(a.shape[:-1], np.int32)
    info = np.zeros(a.shape[:-2], np.int32)
    if not a.size:
        return factors, swaps, info
    getrf = _routine("getrf", a)
    rows, codes = swaps.reshape(-1, a.shape[-1]), info.reshape(-1)
    for i, (matrix, target) in enumerate(_matrices(a, factors)):
        target[...], rows[i], codes[i] = getrf(matrix)
    return factors, swaps, info


def determinant(a: Array) -> Array:
    """The product of U's diagonal, its sign changed for every exchange of rows."""
    if a.dtype.char in "fF":  # in double precision NumPy's exp(log|det|) is exact enough
        wide = np.float64 if a.dtype.char == "f" else np.complex128
        value = np.asarray(np.linalg.det(a.astype(wide)))
        if value.all():
            return value.astype(a.dtype)
    factors, swaps, _ = lu(a)
    diagonal = np.diagonal(factors, axis1=-2, axis2=-1)
    product = np.asarray(np.multiply.reduce(diagonal, -1) * _parity(swaps), a.dtype)
    if a.dtype.char in "fF":  # NumPy has +0 for singular matrices, the product may be -0
        return np.where(value == 0, product, value).astype(a.dtype)
    return product


def _parity(swaps: Array) -> Array:
    """-1 for an odd number of exchanged rows."""
    return np.where((swaps != np.arange(swaps.shape[-1])).sum(-1) % 2, -1, 1)


def sign_and_log(a: Array) -> tuple[Array, Array]:
    """(the sign or phase of the determinant, the logarithm of its absolute value)."""
    wide = np.complex128 if a.dtype.kind == "c" else np.float64
    sign, logarithm = np.linalg.slogdet(a.astype(wide))
    regular = np.isfinite(logarithm) & (sign != 0)
    if not regular.all():  # NumPy forgets about -0 and nan in U
        factors, swaps, _ = lu(a)
        diagonal = np.diagonal(factors, axis1=-2, axis2=-1)
        signs = np.sign(diagonal)
        if a.dtype.kind == "f":
            signs[np.isnan(signs)] = 0
        sign = np.where(regular, sign, np.multiply.reduce(signs, -1) * _parity(swaps))
        logarithm = np.where(regular, logarithm, np.log(np.abs(diagonal)).sum(-1))
    return np.asarray(sign).astype(a.dtype), np.asarray(logarithm).astype(a.real.dtype)


def solve(a: Array, b: Array) -> tuple[Array, Array]:
    """(X with A·X = B, info) for (…, n, n) and (…, n, k), batches broadcast.

    Where info is not zero, X has the infinities and nans of the divisions by zero.
    """
    try:
        return np.asarray(np.linalg.solve(a, b)), np.zeros(a.shape[:-2], np.int32)
    except np.linalg.LinAlgError:
        factors, swaps, info = lu(a)
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    order = np.broadcast_to(permutation(swaps), (*batch, a.shape[-1]))
    b = np.take_along_axis(np.broadcast_to(b, batch + b.shape[-2:]), order[..., None], -2)
    factors = np.broadcast_to(factors, batch + a.shape[-2:])
    return triangular(factors, triangular(factors, b, False, True), True, False), info


def permutation(swaps: Array) -> Array:
    """The order of the rows after the exchanges: row i with row swaps[i], for i = 0, 1, …"""
    n = swaps.shape[-1]
    flat = swaps.reshape(-1, n)
    order = np.tile(np.arange(n), (len(flat), 1))
    each = np.arange(len(flat))
    for i in range(n):
        other = flat[:, i]
        order[each, i], order[each, other] = order[each, other], order[each, i].copy()
    return order.reshape(swaps.shape)


def triangular(a: Array, b: Array, upper: bool, unit: bool) -> Array:
    """X with A·X = B for one triangle of A (…, n, n), its diagonal taken as ones if `unit`."""
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a, b = np.broadcast_to(a, batch + a.shape[-2:]), np.broadcast_to(b, batch + b.shape[-2:])
    x = np.empty(b.shape, b.dtype)
    if not b.size:
        return x
    from scipy.linalg import blas

    trsm = getattr(blas, _PREFIX[b.dtype.char] + "trsm")
    for matrix, right, target in _matrices(a, b, x):
        target[...] = trsm(1.0, matrix, right, lower=not upper, diag=unit)
    return x


def inverse_of_product(factor: Array, upper: bool) -> tuple[Array, Array]:
    """(the inverse of L·Lᴴ, or of Uᴴ·U if `upper`, info) for Cholesky factors (…, n, n)."""
    inverse = np.empty(factor.shape, factor.dtype)
    info = np.zeros(factor.shape[:-2], np.int32)
    if not factor.size:
        return inverse, info
    potri = _routine("potri", factor)
    codes = info.reshape(-1)
    for i, (matrix, target) in enumerate(_matrices(factor, inverse)):
        half, codes[i] = potri(matrix, lower=not upper)
        half = np.triu(half) if upper else np.tril(half)
        target[...] = half + np.conj(np.triu(half, 1) if upper else np.tril(half, -1)).T
    return inverse, info


def least_squares(
    a: Array, b: Array, rcond: float, driver: str
) -> tuple[Array, Array, Array, Array, Array]:
    """(X, the rows of QᴴB below X, ranks, singular values, info) minimizing ‖A·X − B‖.

    a: (…, m, n), b: (…, m, k); driver: "gels", "gelsy", "gelsd" or "gelss".
    """
    *batch, m, n = a.shape
    k, small = b.shape[-1], min(m, n)
    x = np.zeros((*batch, max(m, n), k), a.dtype)
    ranks, info = np.zeros(batch, np.int64), np.zeros(batch, np.int32)
    values = np.zeros((*batch, small), a.real.dtype)
    if a.size and b.size:
        each = zip(_matrices(a, b, x), range(max(ranks.size, 1)))
        for (matrix, right, target), i in each:
            target[:m] = right
            found = _least_squares(matrix, target, rcond, driver)
            target[...] = found[0]
            values.reshape(-1, small)[i], ranks.reshape(-1)[i], info.reshape(-1)[i] = found[1:]
    else:
        x[..., :m, :] = b
    return x[..., :n, :], x[..., n:m, :], ranks, values, info


@functools.lru_cache(maxsize=64)
def _work_sizes(driver: str, kind: str, m: int, n: int, k: int, rcond: float) -> tuple[int, ...]:
    """How much scratch memory LAPACK asks for."""
    *sizes, _ = _routine(f"{driver}_lwork", np.empty(0, kind))(m, n, k, rcond)
    return tuple([int(np.real(size)) for size in sizes])


def _least_squares(a: Array, b: Array, rcond: float, driver: str) -> tuple[Any, Any, int, int]:
    """(solution over remainder, singular values, rank, info) for one matrix."""
    m, n = a.shape
    k = b.shape[1]
    if driver == "gels":
        _, x, info = _routine("gels", a)(a, b)
        return x, 0, min(m, n), info
    routine = _routine(driver, a)
    sizes = _work_sizes(driver, a.dtype.char, m, n, k, rcond)
    if driver == "gelsy":
        _, x, _, rank, info = routine(a, b, np.zeros((n, 1), np.int32), rcond, *sizes)
        return x, 0, rank, info
    if driver == "gelss":
        _, x, values, rank, _, info = routine(a, b, rcond, *sizes)
        return x, values, rank, info
    x, values, rank, info = routine(a, b, *sizes, rcond)
    return x, values, rank, info

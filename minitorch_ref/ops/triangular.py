"""Triangular systems, and systems solved from given factors of Cholesky and LU.

    A·X = B     dB = A⁻ᴴ·dX     dA = −(dB·Xᴴ), of which a triangular A keeps its triangle

A product of factors is solved with one factor after the other.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import return_types
from ..autograd.graph import record, rename
from ..kernels import lapack
from ..tensor import Tensor, wrap
from .conversion import cast, conj
from .matmul import matmul
from .matrices import castable_out, check_inexact, check_square, failed
from .reducing import reduction
from .registry import op
from .shaping import adjoint
from .solving import NO_INVERSE, broadcast_batches, compatible, refuse_half, same_dtype
from .table import not_implemented
from .writing import exact_out


def require_kernel(x: Tensor, kernel: str) -> None:
    """Raise torch's NotImplementedError for the dtypes that LAPACK does not have."""
    if x._array.dtype.char not in "fdFD":
        raise not_implemented(kernel, x)


# ---- triangular systems --------------------------------------------------------------------------


@op(namespace="linalg", own_out=True)
@exact_out("expected scalar type {own} but found {out}")
def solve_triangular(
    input: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False
) -> Tensor:
    """X with A·X = B (X·A = B unless `left`), looking at one triangle of A only.

    A zero on the diagonal divides: there is no error.
    """
    name = "linalg.solve_triangular"
    check_square(input, name)
    compatible(input, B, left, name)
    if B.dtype is not input.dtype:
        B = cast(B, input.dtype)
    require_kernel(input, "triangular_solve_cpu")
    return _triangular(input, B, upper, left, unitriangular)


def _triangular(a: Tensor, b: Tensor, upper: bool, left: bool, unit: bool) -> Tensor:
    def rule(g: Tensor, a: Tensor, out: Tensor, needs: Any) -> tuple[Tensor | None, Tensor]:
        to_b = _triangular(adjoint(a), g, not upper, left, unit)
        if not needs[0]:
            return None, to_b
        full = matmul(to_b, adjoint(out)) if left else matmul(adjoint(out), to_b)
        return -(full.triu(1 if unit else 0) if upper else full.tril(-1 if unit else 0)), to_b

    data = _solve_triangle(a._array, b._array, upper, left, unit)
    return record("LinalgSolveTriangularBackward0", data, joint=(("a", "b"), rule), a=a, b=b)


def _solve_triangle(
    a: np.ndarray, b: np.ndarray, upper: bool, left: bool, unit: bool
) -> np.ndarray:
    if left:
        return lapack.triangular(a, b, upper, unit)
    transposed = lapack.triangular(a.swapaxes(-2, -1), b.swapaxes(-2, -1), not upper, unit)
    return transposed.swapaxes(-2, -1)


@reduction(out="own")
def triangular_solve(
    input: Tensor, A: Tensor, upper: bool = True, transpose: bool = False,
    unitriangular: bool = False,
) -> Any:  # fmt: skip
    """(X with A·X = b, or Aᵀ·X = b if `transpose`; A, both batches broadcast)."""
    _check_old_style(input, A)
    batch = broadcast_batches(input, A)
    coefficient = np.broadcast_to(A._array, batch + A._array.shape[-2:]).copy()
    wide, low = (A._array.swapaxes(-2, -1), upper) if transpose else (A._array, not upper)
    data = _solve_triangle(wide, input._array, not low, True, unitriangular)

    def rule(g: Any, A: Tensor, out0: Tensor, needs: Any) -> tuple[Any, Any]:
        to_x, to_copy = g
        if to_x is None:
            return None, to_copy
        back = conj(A) if transpose else adjoint(A)
        to_b = _triangular(back, to_x, low, True, unitriangular)
        if not needs[1]:
            return to_b, None
        outer = matmul(conj(out0), to_b.mT) if transpose else matmul(to_b, adjoint(out0))
        full = -(outer.triu(int(unitriangular)) if upper else outer.tril(-int(unitriangular)))
        return to_b, full if to_copy is None else full + to_copy

    return return_types.triangular_solve(
        record(
            "TriangularSolveBackward0", (data, coefficient),
            joint=(("b", "A"), rule), b=input, A=A,
        )  # fmt: skip
    )


def _check_old_style(b: Tensor, a: Tensor) -> None:
    for which, x in (("b", b), ("A", a)):
        if x.ndim < 2:
            raise RuntimeError(
                f"torch.triangular_solve: Expected {which} to have at least 2 dimensions, but it has "
                f"{x.ndim} dimensions instead"
            )
    _check_pair(b, a, "triangular_solve")
    require_kernel(a, "triangular_solve_cpu")


def _check_pair(b: Tensor, a: Tensor, name: str) -> None:
    """What torch's older functions ask of the two sides."""
    if b.dtype is not a.dtype:
        raise RuntimeError(
            f"Expected b and A to have the same dtype, but found b of type {b.dtype.title} and A of "
            f"type {a.dtype.title} instead."
        )
    (m, n), (rows, columns) = a._array.shape[-2:], b._array.shape[-2:]
    if m != n:
        raise RuntimeError(f"A must be batches of square matrices, but they are {m} by {n} matrices")
    if m != rows:
        raise RuntimeError(
            f"Incompatible matrix sizes for {name}: each A matrix is {m} by {m} but each b matrix is "
            f"{rows} by {columns}"
        )


# ---- from Cholesky and LU factors ----------------------------------------------------------------


@op(own_out=True)
@castable_out("cholesky_solve", "result")
def cholesky_solve(input: Tensor, input2: Tensor, upper: bool = False) -> Tensor:
    """X with L·Lᴴ·X = `input` for a lower factor `input2` = L, or Uᴴ·U·X for an upper one."""
    for which, x in (("b", input), ("u", input2)):
        if x.ndim < 2:
            raise RuntimeError(
                f"{which} should have at least 2 dimensions, but has {x.ndim} dimensions instead"
            )
    broadcast_batches(input, input2)
    _check_pair(input, input2, "cholesky_solve")
    require_kernel(input, "cholesky_solve_cpu")
    factor = input2._array
    first, second = (_adjoint(factor), factor) if upper else (factor, _adjoint(factor))
    half = lapack.triangular(first, input._array, False, False)
    data = lapack.triangular(second, half, True, False)

    def rule(g: Tensor, factor: Tensor, out: Tensor, needs: Any) -> tuple[Tensor, Tensor | None]:
        to_b = cholesky_solve(g, factor, upper)
        if not needs[1]:
            return to_b, None
        outer = matmul(to_b, adjoint(out))
        both = outer + adjoint(outer)
        return to_b, -(matmul(factor, both) if upper else matmul(both, factor))

    return record("CholeskySolveBackward0", data, joint=(("b", "factor"), rule), b=input,
        factor=input2)  # fmt: skip


def _adjoint(a: np.ndarray) -> np.ndarray:
    return np.conj(a.swapaxes(-2, -1)) if a.dtype.kind == "c" else a.swapaxes(-2, -1)


@op(own_out=True)
@castable_out("cholesky_inverse", "result")
def cholesky_inverse(input: Tensor, upper: bool = False) -> Tensor:
    """The inverse of L·Lᴴ (of Uᴴ·U if `upper`) from the factor.  Raises LinAlgError if singular."""
    check_square(input, "cholesky_inverse")
    require_kernel(input, "cholesky_inverse_out_cpu")
    data, info = lapack.inverse_of_product(input._array, upper)
    if info.any():
        raise failed("cholesky_inverse", info, NO_INVERSE)

    def rule(g: Tensor, input: Tensor, out: Tensor) -> Tensor:
        both = matmul(out, matmul(g + adjoint(g), out))
        return -(matmul(input, both) if upper else matmul(both, input))

    return record("CholeskyInverseBackward0", data, input=(input, rule))


@op(namespace="linalg", own_out=True)
@exact_out()
def lu_solve(
    LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False
) -> Tensor:
    """X with A·X = B, X·A = B or (`adjoint`) the same for Aᴴ, from `lu_factor`'s P·L·U = A."""
    _check_factors(LU, pivots, B, left)
    if left:
        x = _solve_with(LU, pivots, B, adjoint)
    else:
        x = _mh(_solve_with(LU, pivots, _mh(B), not adjoint))
    return rename(x, "LinalgLuSolveBackward0")


_mh = adjoint  # lu_solve has an argument of that name


def _solve_with(factors: Tensor, pivots: Tensor, b: Tensor, adjoint: bool) -> Tensor:
    """A = P·L·U one factor after the other; for Aᴴ in the opposite order."""
    batch = broadcast_batches(b, factors)
    order = lapack.permutation(pivots._array - 1)
    if adjoint:
        order = np.argsort(order, -1)
        half = _triangular(_mh(factors), b, False, True, False)
        return _rows(_triangular(_mh(factors), half, True, True, True), order, batch)
    half = _triangular(factors, _rows(b, order, batch), False, True, True)
    return _triangular(factors, half, True, True, False)


def _rows(x: Tensor, order: np.ndarray, batch: tuple[int, ...]) -> Tensor:
    """The rows of every matrix in a new order."""
    shape = batch + x._array.shape[-2:]
    index = np.broadcast_to(order[..., None], shape).astype(np.int64)
    return x.expand(*shape).gather(-2, wrap(index))


def _check_factors(LU: Tensor, pivots: Tensor, B: Tensor, left: bool) -> None:
    name = "linalg.lu_solve"
    check_inexact(LU, f"torch.{name}")
    same_dtype(LU, B, name, "LU")
    if pivots.dtype.name != "int32":
        raise RuntimeError(f"{name}: pivots should be a Tensor of scalar type torch.int32")
    check_square(LU, f"torch.{name}")
    compatible(LU, B, left, name)
    if not pivots.ndim or pivots._array.shape[-1] != LU._array.shape[-1]:
        raise RuntimeError(
            f"{name}: Number of pivots per batch should be same as the dimension of the matrix"
        )
    if pivots._array.shape != LU._array.shape[:-1]:
        raise RuntimeError(
            f"{name}: Expected LU.shape[:-1] and pivots.shape to be the same, but got pivots with "
            f"shape {list(pivots.shape)} instead"
        )
    refuse_half(LU, "linalg.lu_solve_cpu")


@op(name="lu_solve", own_out=True)
@exact_out()
def _lu_solve(input: Tensor, LU_data: Tensor, LU_pivots: Tensor) -> Tensor:
    """`linalg.lu_solve` with its arguments in another order."""
    return lu_solve(LU_data, LU_pivots, input)


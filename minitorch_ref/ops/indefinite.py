"""LDLᵀ factors of symmetric and Hermitian matrices, and solving with them.

The kernels of `kernels/indefinite.py` take one matrix; a batch is a loop.  As in torch there are no
gradients: the results say that they have one, and refuse when it is asked for.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import return_types
from ..autograd.graph import record
from ..dtypes import INTEGER
from ..kernels import indefinite
from ..quiet import fp
from ..tensor import Tensor
from .matrices import check_inexact, check_lapack, check_matrix, check_square, columns
from .refusals import never_derived
from .registry import op
from .triangular import _check_pair


def _factor(input: Tensor, hermitian: bool) -> tuple[Tensor, Tensor, Tensor]:
    name = "torch.linalg.ldl_factor_ex"
    check_square(input, name)
    check_inexact(input, name)
    check_lapack(input, "ldl_factor_kernel_cpu")
    a = input._array
    ld = np.empty(a.shape, a.dtype)
    pivots, info = np.empty(a.shape[:-1], np.int32), np.empty(a.shape[:-2], np.int32)
    hermitian = hermitian and a.dtype.kind == "c"
    for i in np.ndindex(a.shape[:-2]):
        ld[i], pivots[i], info[i] = fp.quiet(indefinite.factor, a[i], hermitian)
    rule = never_derived("linalg_ldl_factor_ex")
    return record("NotImplemented", (columns(ld), pivots, info), x=(input, rule))


def _check(name: str, info: Tensor) -> None:
    bad = info._array[info._array > 0]
    if bad.size:
        raise RuntimeError(
            f"{name}: Unknown error code: {bad[0]}. The block of D in row {bad[0]} is zero, and "
            "solving with these factors would divide by zero."
        )


@op(namespace="linalg", out="traced own")
def ldl_factor(input: Tensor, *, hermitian: bool = False) -> Any:
    """(LD, pivots): L below D in one array, reading the lower triangle of (…, n, n).

    A = L·D·Lᵀ, or L·D·Lᴴ if `hermitian`.  Raises RuntimeError if a block of D is zero.
    """
    found = _factor(input, hermitian)
    _check("torch.linalg.ldl_factor", found[2])
    return return_types.linalg_ldl_factor(found[:2])


@op(namespace="linalg", out="traced own")
def ldl_factor_ex(input: Tensor, *, hermitian: bool = False, check_errors: bool = False) -> Any:
    """(LD, pivots, info): `ldl_factor` that reports a zero block of D by its row, from 1."""
    found = _factor(input, hermitian)
    if check_errors:
        _check("torch.linalg.ldl_factor_ex", found[2])
    return return_types.linalg_ldl_factor_ex(found)


@op(namespace="linalg", out="traced own")
def ldl_solve(LD: Tensor, pivots: Tensor, B: Tensor, *, hermitian: bool = False) -> Tensor:
    """X with A·X = B from `ldl_factor`'s results; (…, n, k), batches broadcast."""
    _check_solve(LD, pivots, B)
    ld, rows, b = LD._array, pivots._array, B._array
    batch = np.broadcast_shapes(ld.shape[:-2], b.shape[:-2])
    ld, b = np.broadcast_to(ld, batch + ld.shape[-2:]), np.broadcast_to(b, batch + b.shape[-2:])
    rows = np.broadcast_to(rows, batch + rows.shape[-1:])
    x = np.empty(b.shape, b.dtype)
    hermitian = hermitian and x.dtype.kind == "c"
    for i in np.ndindex(batch):
        x[i] = indefinite.solve(ld[i], rows[i], b[i], hermitian)
    rule = never_derived("linalg_ldl_solve")
    return record("NotImplemented", columns(x), LD=(LD, rule), B=(B, rule))


def _check_solve(LD: Tensor, pivots: Tensor, B: Tensor) -> None:
    name = "torch.linalg.ldl_solve"
    check_matrix(LD, name)
    check_inexact(LD, name)
    if B.ndim < 2:
        raise IndexError("Dimension out of range (expected to be in range of [-1, 0], but got -2)")
    _check_pair(B, LD, name)
    if pivots._array.shape != LD._array.shape[:-1]:
        raise RuntimeError(
            f"{name}: Expected LD.shape[:-1] and pivots.shape to be the same, but got pivots with "
            f"shape {list(pivots.shape)} instead"
        )
    if pivots.dtype.category != INTEGER:
        raise RuntimeError(f"{name}: Expected pivots to be integers. Got {pivots.dtype.title}")
    check_lapack(LD, "ldl_solve_kernel_cpu")

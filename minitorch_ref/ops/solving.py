"""Linear systems: `solve`, inverses, and the same for tensors taken as matrices.

    A·X = B     dB = A⁻ᴴ·dX     dA = −dB·Xᴴ

An inverse is the solution for B = I, so that dA = −A⁻ᴴ·dX·A⁻ᴴ.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import return_types
from ..autograd.graph import record, rename
from ..autograd.modes import state
from ..dtypes import float16
from ..kernels import lapack
from ..quiet import fp
from ..tensor import Tensor, wrap
from .matmul import matmul
from .matrices import check_inexact, check_matrix, check_square, columns, copied_out, failed
from .reducing import reduction
from .registry import op
from .shaping import adjoint
from .table import broadcast_error, not_implemented
from .writing import exact_out

_SINGULAR = "The solver failed because the input matrix is singular."
NO_INVERSE = (
    "The diagonal element {info} is zero, the inversion could not be completed because the input "
    "matrix is singular."
)


def refuse_half(x: Tensor, kernel: str) -> None:
    """Raise torch's NotImplementedError for half precision, which LAPACK does not have."""
    if x.dtype is float16:
        raise not_implemented(kernel, x)


def same_dtype(a: Tensor, b: Tensor, name: str, first: str = "A") -> None:
    if a.dtype is not b.dtype:
        raise RuntimeError(
            f"{name}: Expected {first} and B to have the same dtype, but found {first} of type "
            f"{a.dtype.title} and B of type {b.dtype.title} instead"
        )


def compatible(a: Tensor, b: Tensor, left: bool, name: str) -> None:
    """Raise RuntimeError unless the matrices fit in size and the batches broadcast."""
    check_matrix(b, name, "B")
    (m, n), (rows, columns) = a._array.shape[-2:], b._array.shape[-2:]
    if (m != rows) if left else (n != columns):
        raise RuntimeError(
            f"{name}: Incompatible shapes of A and B for the equation "
            f"{'AX = B' if left else 'XA = B'} ({m}x{n} and {rows}x{columns})"
        )
    broadcast_batches(b, a)


def broadcast_batches(b: Tensor, a: Tensor) -> tuple[int, ...]:
    """The shape to which two batches broadcast."""
    try:
        return np.broadcast_shapes(b._array.shape[:-2], a._array.shape[:-2])
    except ValueError:
        raise broadcast_error(
            np.empty(b._array.shape[:-2], bool), np.empty(a._array.shape[:-2], bool)
        ) from None


# ---- solve ---------------------------------------------------------------------------------------


@op(namespace="linalg", own_out=True)
@exact_out()
def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    """X with A·X = B, or X·A = B unless `left`: (…, n, n), (…, n, k) or a (batch of) vectors.

    Raises LinAlgError if a matrix is singular.
    """
    x, info = solved(A, B, left)
    if info.any():
        raise failed("torch.linalg.solve", info, _SINGULAR)
    return x


@reduction(out="own", namespace="linalg")
def solve_ex(A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False) -> Any:
    """(`solve`, info): no error for singular matrices, but their number in `info`."""
    x, info = solved(A, B, left)
    if check_errors and info.any():
        raise failed("torch.linalg.solve_ex", info, _SINGULAR)
    return return_types.linalg_solve_ex((x, wrap(info)))


def solved(a: Tensor, b: Tensor, left: bool) -> tuple[Tensor, np.ndarray]:
    name = "linalg.solve"
    check_inexact(a, name)
    same_dtype(a, b, name)
    vector = b.ndim == 1 or b._array.shape == a._array.shape[:-1] != ()
    check_square(a, name)
    right = b._array[..., None] if vector else b._array
    compatible(a, wrap(right), left, name)
    if vector and not left:
        raise RuntimeError(
            f"{name}: Vector broadcasting of the left hand side is not supported for left=False. "
            "In this case linalg.solve is equivalent to B / A.squeeze(-1)"
        )
    refuse_half(a, "lu_cpu")
    if left:
        data, info = fp.quiet(lapack.solve, a._array, right)
        data = data if vector else columns(data)
    else:
        data, info = fp.quiet(lapack.solve, a._array.swapaxes(-2, -1), right.swapaxes(-2, -1))
        data = data.swapaxes(-2, -1)

    def rule(g: Tensor, a: Tensor, out: Tensor, needs: Any) -> tuple[Tensor | None, Tensor]:
        to_b = solved_again(adjoint(a), g, left)
        if not needs[0]:
            return None, to_b
        x, y = (out.unsqueeze(-1), to_b.unsqueeze(-1)) if vector else (out, to_b)
        return -(matmul(y, adjoint(x)) if left else matmul(adjoint(x), y)), to_b

    x = record(
        "LinalgSolveExBackward0", data[..., 0] if vector else data,
        joint=(("a", "b"), rule), a=a, b=b,
    )  # fmt: skip
    return x, info


def solved_again(a: Tensor, b: Tensor, left: bool) -> Tensor:
    """The system of a gradient: singular matrices are an error only if it is recorded, as in torch."""
    x, info = solved(a, b, left)
    if state.grad and info.any():
        raise failed("torch.linalg.solve", info, _SINGULAR)
    return x


# ---- inverses ------------------------------------------------------------------------------------


def _inverse(a: Tensor) -> tuple[Tensor, np.ndarray]:
    name = "linalg.inv"
    check_square(a, name)
    check_inexact(a, name, low_precision=False)
    eye = np.eye(a._array.shape[-1], dtype=a._array.dtype)
    data, info = fp.quiet(lapack.solve, a._array, eye)

    def rule(g: Tensor, out: Tensor) -> Tensor:
        back = adjoint(out)
        return -matmul(back, matmul(g, back))

    return record("LinalgInvExBackward0", columns(data), a=(a, rule)), info


@op(namespace="linalg", own_out=True)
@exact_out()
def inv(A: Tensor) -> Tensor:
    """The inverse of (…, n, n).  Raises LinAlgError if a matrix is singular."""
    inverse, info = _inverse(A)
    if info.any():
        raise failed("linalg.inv", info, NO_INVERSE)
    return inverse


@op(own_out=True)
@exact_out()
def inverse(input: Tensor) -> Tensor:
    """`linalg.inv`."""
    return inv(input)


@reduction(out="own", namespace="linalg")
def inv_ex(A: Tensor, *, check_errors: bool = False) -> Any:
    """(the inverse, info): no error for singular matrices, but their number in `info`."""
    inverse, info = _inverse(A)
    if check_errors and info.any():
        raise failed("linalg.inv_ex", info, NO_INVERSE)
    return return_types.linalg_inv_ex((inverse, wrap(info)))


def unfold_square(x: Tensor, split: int, names: str, size: int | None = None) -> Tensor:
    """A tensor as the square matrix of its first `split` dims by the others; RuntimeError if not.

    size: how many rows there should be.
    """
    shape = x._array.shape
    if not 0 <= split <= len(shape):
        raise RuntimeError(f"ArrayRef: invalid slice, N = {split}; size = {len(shape)}")
    rows, columns = math.prod(shape[:split]), math.prod(shape[split:])
    rows = rows if size is None else size
    if rows != columns:
        raise RuntimeError(
            f"Expected self to satisfy the requirement prod(self.shape[{names}:]) == "
            f"prod(self.shape[:{names}]), but got {columns} != {rows}"
        )
    return x.reshape(rows, columns)


@op(namespace="linalg", own_out=True)
@copied_out("tensorinv")
def tensorinv(input: Tensor, ind: int = 2) -> Tensor:
    """The inverse of `tensordot(input, ·, ind)`: (first…, last…) → (last…, first…)."""
    if ind <= 0:
        raise RuntimeError(f"Expected a strictly positive integer for 'ind', but got {ind}")
    shape = input._array.shape
    inverse, info = _inverse(unfold_square(input, ind, "ind"))
    if info.any():
        raise failed("inv", info, NO_INVERSE)
    return rename(inverse.reshape(*shape[ind:], *shape[:ind]), "ReshapeAliasBackward0")


@op(namespace="linalg", own_out=True)
@copied_out("tensorsolve")
def tensorsolve(input: Tensor, other: Tensor, dims: Any = None) -> Tensor:
    """X with `tensordot(input, X, X.ndim) = other`; `dims` of `input` are moved to its end first."""
    if dims is not None:
        input = input.movedim(tuple(dims), tuple(range(input.ndim - len(dims), input.ndim)))
    matrix = unfold_square(input, other.ndim, "other.ndim", other.numel())
    x = solve(matrix, other.flatten() if other.ndim else other.reshape(1))
    return x.reshape(*input._array.shape[other.ndim :])

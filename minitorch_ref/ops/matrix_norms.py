"""Norms of matrices: `matrix_norm`, `linalg.norm`, the condition number, and the older names.

    "fro"   the 2-norm of all elements          1, inf   the largest sum of a column, of a row
    "nuc"   the sum of the singular values      2        the largest of them
    −1, −inf, −2   the smallest instead of the largest
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..autograd.graph import rename
from ..dtypes import FLOATING
from ..dtypes import dtype as DType
from ..tensor import Tensor, wrap
from .common import Dims, is_number, wrap_dim
from .conversion import cast
from .matrices import check_inexact, check_matrix, check_square, copied_out
from .norms import check_dtypes, norm_of_vectors
from .registry import op
from .solving import inv_ex
from .writing import exact_out

Order = bool | int | float | str

_OUT = "linalg.{name} expected out tensor dtype {{own}} but got: {{out}}"


def _unsupported(order: Order) -> RuntimeError:
    text = order if isinstance(order, str) else f"{order:g}"
    return RuntimeError(f"linalg.matrix_norm: Order {text} not supported.")


@op(namespace="linalg", own_out=True)
@exact_out(_OUT.format(name="matrix_norm"), copies=True)
def matrix_norm(
    input: Tensor,
    ord: Order = "fro",  # noqa: A002 - torch's name
    dim: Sequence[int] = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
) -> Tensor:
    """The norm of the matrices that two dims hold; see the table above for `ord`.

    Raises RuntimeError for other orders, and for dims that are not two different ones.
    """
    if isinstance(dim, int) or not (isinstance(ord, str) or is_number(ord)):
        raise TypeError(
            "linalg_matrix_norm() received an invalid combination of arguments - got (Tensor, "
            f"{type(ord).__name__}, {type(dim).__name__})"
        )
    if ord not in ("fro", "nuc", 1, 2, math.inf, -1, -2, -math.inf):
        raise _unsupported(ord)
    rows, columns = _two_dims(input, ord, dim)
    check_dtypes(input, dtype, "matrix_norm")
    if ord == "fro":
        return norm_of_vectors(input, 2, (rows, columns), keepdim, dtype)
    if ord in ("nuc", 2, -2):
        return _from_singular_values(cast(input, dtype or input.dtype), ord, rows, columns, keepdim)
    if abs(ord) == math.inf:  # type: ignore[arg-type]
        rows, columns = columns, rows
    sums = norm_of_vectors(input, 1, rows, keepdim, dtype)
    return _extreme(sums, ord, columns - (not keepdim and rows < columns), keepdim)


def _two_dims(input: Tensor, order: Order, dim: Sequence[int]) -> tuple[int, int]:
    name = "linalg.matrix_norm"
    check_matrix(input, name)
    check_inexact(input, name, low_precision=order not in ("nuc", 2, -2))
    if len(dim) != 2:
        raise RuntimeError(f"{name}: dim must be a 2-tuple. Got {' '.join(map(str, dim))}")
    rows, columns = [wrap_dim(d, input.ndim) for d in dim]
    if rows == columns:
        raise RuntimeError(f"{name}: dims must be different. Got ({dim[0]}, {dim[1]})")
    return rows, columns


def _from_singular_values(
    input: Tensor, order: Order, rows: int, columns: int, keepdim: bool
) -> Tensor:
    from .decompositions import svdvals

    others = [d for d in range(input.ndim) if d not in (rows, columns)]
    values = svdvals(input.permute(*others, rows, columns))
    if order == "nuc":
        norm = values.sum(-1)
    elif values._array.shape[-1]:
        norm = values.amax(-1) if order == 2 else values.amin(-1)
    elif order == 2:
        norm = wrap(np.zeros(values._array.shape[:-1], values._array.dtype))
    else:
        raise IndexError("amin(): Expected reduction dim -1 to have non-zero size.")
    if not keepdim:
        return norm
    back = np.argsort([*others, rows, columns]).tolist()
    return norm.unsqueeze(-1).unsqueeze(-1).permute(*back)


def _extreme(x: Tensor, order: Any, dim: int, keepdim: bool) -> Tensor:
    """The largest along a dim (0 if there is none), or the smallest for a negative order."""
    if order > 0:
        return x.amax(dim, keepdim) if x._array.shape[dim] else x.sum(dim, keepdim)
    return x.amin(dim, keepdim)


@op(namespace="linalg", own_out=True)
@exact_out(_OUT.format(name="norm"), copies=True)
def norm(
    input: Tensor,
    ord: Order | None = None,  # noqa: A002 - torch's name
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
) -> Tensor:
    """A vector norm over one dim or a matrix norm over two; without `ord`, the 2-norm over `dim`.

    Raises RuntimeError for more than two dims, given or (with `ord`) in the input.
    """
    dims = (dim,) if isinstance(dim, (int, np.integer)) else dim
    if dims is not None and len(dims) not in (1, 2):
        raise RuntimeError(
            "linalg.norm: If dim is specified, it must be of length 1 or 2. "
            f"Got {list(dims)}"
        )
    if dims is None and ord is not None and input.ndim not in (1, 2):
        raise RuntimeError(
            "linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. "
            f"Got {input.ndim}D."
        )
    if isinstance(ord, str):
        return matrix_norm(input, ord, (0, 1) if dims is None else dims, keepdim, dtype=dtype)
    if ord is not None and (input.ndim if dims is None else len(dims)) == 2:
        return matrix_norm(input, ord, (0, 1) if dims is None else dims, keepdim, dtype=dtype)
    return norm_of_vectors(input, 2 if ord is None else float(ord), dims, keepdim, dtype)


# ---- older names ---------------------------------------------------------------------------------


@op(method=False, own_out=True)
@exact_out()
def frobenius_norm(input: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """The 2-norm over one or two dims; () means all."""
    dims = (dim,) if isinstance(dim, int) else tuple(dim)
    if len(dims) > 2:
        raise RuntimeError(f"Expected at most 2 dimensions, but got {len(dims)} dimensions instead.")
    if input.dtype.category < FLOATING:
        raise RuntimeError(
            "norm(): input dtype should be either floating point or complex. "
            f"Got {input.dtype.title} instead."
        )
    return norm_of_vectors(input, 2, dims, keepdim, node="NormBackward1")


@op(method=False, own_out=True)
@exact_out(_OUT.format(name="matrix_norm"), copies=True)
def nuclear_norm(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """The sum of the singular values; also called as `nuclear_norm(input, keepdim)`."""
    if isinstance(dim, bool):
        dim, keepdim = None, dim
    return matrix_norm(input, "nuc", (-2, -1) if dim is None else dim, keepdim)


# ---- the condition number ------------------------------------------------------------------------


@op(namespace="linalg", own_out=True)
@copied_out("linalg.cond")
def cond(input: Tensor, p: Order | None = None) -> Tensor:
    """‖A‖ · ‖A⁻¹‖ in the matrix norm `p` (the 2-norm by default); inf for singular matrices."""
    if not isinstance(p, str):
        if input.ndim < 2:
            raise RuntimeError("linalg.cond: The input tensor must have at least 2 dimensions.")
        if p is not None and p not in (1, 2, math.inf, -1, -2, -math.inf):
            raise RuntimeError(f"linalg.cond got an invalid norm type: {p:g}")
    elif p not in ("fro", "nuc"):
        raise RuntimeError(f"linalg.cond got an invalid norm type: {p}")
    if not input._array.size and not isinstance(p, str):
        return wrap(np.zeros(input._array.shape[:-2], input._array.real.dtype))
    if p in (None, 2, -2):
        return _ratio_of_singular_values(input, p == -2)
    check_square(input, f"linalg.cond(ord={p if isinstance(p, str) else format(p, 'g')})")
    if not input._array.size:
        return wrap(np.zeros(input._array.shape[:-2], input._array.real.dtype))
    if p == "nuc":
        from .decompositions import svdvals

        values = svdvals(input)
        return values.sum(-1) * values.reciprocal().sum(-1)
    assert p is not None
    inverse, info = inv_ex(input)
    inverse = inverse.masked_fill((info > 0).unsqueeze(-1).unsqueeze(-1), math.inf)
    product = matrix_norm(input, p) * matrix_norm(inverse, p)
    return product.nan_to_num(math.inf, math.inf, -math.inf)


def _ratio_of_singular_values(input: Tensor, inverted: bool) -> Tensor:
    from .decompositions import svdvals

    values = svdvals(input)
    largest, smallest = values.narrow(-1, 0, 1), values.narrow(-1, values._array.shape[-1] - 1, 1)
    ratio = smallest / largest if inverted else largest / smallest
    return rename(ratio.squeeze(-1), "SqueezeBackward1")

"""Norms of vectors: the p-norms, `norm` with its named forms, `dist`, `renorm`.

    ‖x‖_p = (Σ |x|^p)^(1/p)    p = 0 counts what is not zero, p = ±inf takes the largest, smallest

The gradient is sgn(x) · (|x| / ‖x‖)^(p−1); where the norm is zero torch takes the zero
subgradient.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..autograd.graph import record
from ..dtypes import FLOATING, float16, float32, float64, promote_types, result_type
from ..dtypes import dtype as DType
from ..kernels.sums import PIECE, dots, run_length, shaped, total
from ..quiet import fp
from ..tensor import Tensor, wrap
from .common import Dims, wrap_dim
from .conversion import cast
from .masking import where
from .matrices import check_inexact
from .reducing import reduced_dims, reduction, restore
from .registry import op
from .writing import exact_out

_add: Any = np.add.reduce
LENGTH = 64  # numbers from which a dot product is faster than squares and their sum


def norm_of_vectors(
    input: Tensor, p: float, dim: Dims, keepdim: bool, dtype: DType | None = None,
    node: str = "LinalgVectorNormBackward0",
) -> Tensor:  # fmt: skip
    """‖x‖_p over `dim`.  Raises RuntimeError for dtypes without fractions, for ±inf of nothing."""
    check_inexact(input, "linalg.vector_norm")
    check_dtypes(input, dtype, "vector_norm")
    x = cast(input, dtype or input.dtype)
    dims = reduced_dims("norm", x, dim, keepdim)
    _check_identity(x, p, dims, dim)
    data = fp.quiet(_p_norm, x._array, p, dims, keepdim)
    return record(node, data, x=(x, lambda g, x, out: _gradient(g, x, out, p, dims, keepdim)))


@reduction(out="own", namespace="linalg")
def vector_norm(
    input: Tensor,
    ord: float = 2,  # noqa: A002 - torch's name
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
) -> Tensor:
    """(Σ |x|^ord)^(1/ord) over `dim` (all by default), computed in `dtype`.

    Raises RuntimeError for dtypes without fractions or narrower ones, and for ±inf of nothing.
    """
    return norm_of_vectors(input, float(ord), dim, keepdim, dtype)


def check_dtypes(input: Tensor, dtype: DType | None, name: str) -> None:
    """Raise RuntimeError unless a norm of `input` can be computed in `dtype`."""
    if dtype is None:
        return
    if dtype.category < FLOATING:
        raise RuntimeError(
            f"linalg.{name}: dtype should be floating point or complex, but got {dtype.title}"
        )
    if input.is_complex() != dtype.is_complex:
        kind = "complex" if input.is_complex() else "real"
        raise RuntimeError(
            f"linalg.{name}: dtype should be {kind} for {kind} inputs, but got {dtype.title}"
        )
    if promote_types(input.dtype, dtype) is not dtype:
        raise RuntimeError(
            f"linalg.{name}: the dtype of the input ({input.dtype.title}) should be convertible "
            f"without narrowing to the specified dtype ({dtype.title})"
        )


def _check_identity(x: Tensor, p: float, dims: tuple[int, ...], dim: Dims) -> None:
    """The largest of nothing does not exist."""
    if x._array.size or not (p < 0 or math.isinf(p)):
        return
    order = "inf" if p == math.inf else "-inf" if p == -math.inf else f"{p:g}"
    if dim is None:
        raise RuntimeError(
            f"linalg.vector_norm cannot compute the {order} norm on an empty tensor because the "
            "operation does not have an identity"
        )
    for d in dims:
        if x._array.shape[d] == 0:
            raise RuntimeError(
                f"linalg.vector_norm cannot compute the {order} norm on the dimension {d}"
                "because this dimension is empty and the operation does not have an identity"
            )


def _p_norm(x: np.ndarray, p: float, dims: tuple[int, ...], keepdim: bool) -> np.ndarray:
    kind = x.real.dtype
    if kind.char == "e":
        x = x.astype(np.float32)
    if p == 0:
        return np.asarray(_add(x != 0, axis=dims, keepdims=keepdim, dtype=kind))
    if math.prod([x.shape[d] for d in dims]) == 1:
        return np.asarray(np.abs(x) if keepdim else np.abs(x).squeeze(dims), kind)
    if p == 2:
        if x.dtype.kind == "f" and x.size > PIECE and (n := run_length(x, dims)) > LENGTH:
            rows = x.reshape(-1, n)
            return np.asarray(np.sqrt(shaped(dots(rows, rows), x, dims, keepdim)), kind)
        squares = np.square(x) if x.dtype.kind == "f" else np.square(x.real) + np.square(x.imag)
        s = _add(squares, axis=dims, keepdims=keepdim, dtype=np.float64)
        return np.asarray(np.sqrt(s), kind)
    a = np.abs(x)
    if math.isinf(p):
        extreme: Any = np.maximum if p > 0 else np.minimum
        return np.asarray(extreme.reduce(a, axis=dims, keepdims=keepdim), kind)
    if p == 1:
        return np.asarray(total(a, dims, keepdim), kind)
    s = _add(np.power(a, a.dtype.type(p)), axis=dims, keepdims=keepdim, dtype=np.float64)
    return np.asarray(np.power(s, 1 / p), kind)


def _gradient(
    g: Tensor, x: Tensor, norm: Tensor, p: float, dims: tuple[int, ...], keepdim: bool
) -> Tensor | None:
    """(source: linalg_vector_norm_backward)"""
    if p == 0:
        return None
    g, norm = restore(g, dims, keepdim), restore(norm, dims, keepdim)
    if p == 1:
        return g * x.sgn()
    if p == 2:
        return g * (x / norm).masked_fill(norm == 0, 0)
    if math.isinf(p):
        largest = wrap(np.asarray(_equal(np.abs(x._array), norm._array)))
        return x.sgn() * (g / largest.sum(dims, True) * largest)
    if p < 1:
        return x.sgn() * x.abs().pow(p - 1).masked_fill(x == 0, 0) * g * norm.pow(1 - p)
    scale = (g / norm.pow(p - 1)).masked_fill(norm == 0, 0)
    if p < 2:
        return x.sgn() * x.abs().pow(p - 1) * scale
    return x * x.abs().pow(p - 2) * scale


def _equal(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a == b) | (np.isnan(a) & np.isnan(b))


# ---- torch.norm ----------------------------------------------------------------------------------


@reduction(out="own", aliases=False)
def norm(
    input: Tensor,
    p: float | str | None = "fro",
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
) -> Tensor:
    """The p-norm over `dim` (all by default); "fro" is p = 2, "nuc" the sum of singular values.

    Raises RuntimeError for dtypes without fractions, and for "nuc" of anything but two dims.
    """
    if p == "fro" and isinstance(dim, (tuple, list)) and len(dim) > 2:
        got = " ".join(map(str, dim))
        raise RuntimeError(f"linalg.matrix_norm: dim must be a 2-tuple. Got {got}")
    if p is None or p == "fro":
        return norm_of_vectors(input, 2, dim, keepdim, dtype)
    if p == "nuc":
        return _nuclear(input, dim, keepdim, dtype)
    if isinstance(p, str):
        raise RuntimeError(f"linalg.matrix_norm: Order {p} not supported.")
    return norm_of_vectors(input, float(p), dim, keepdim, dtype)


def _nuclear(input: Tensor, dim: Dims, keepdim: bool, dtype: DType | None) -> Tensor:
    from .matrix_norms import matrix_norm

    dims = (dim,) if isinstance(dim, int) else dim or tuple(range(input.ndim))
    if input.ndim < 2:
        dims = (-2, -1)
    return matrix_norm(input, "nuc", dims, keepdim, dtype=dtype)


# ---- distances and rescaling ---------------------------------------------------------------------


@op
def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """‖input − other‖_p over all elements, broadcast."""
    common = result_type(input, other)
    if common.category < FLOATING:
        raise RuntimeError(
            "norm(): input dtype should be either floating point or complex. "
            f"Got {common.title} instead."
        )
    return norm_of_vectors(input - other, p, None, False, node="DistBackward0")


@op(inplace=True, own_out=True)
@exact_out()
def renorm(input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """Every slice along `dim` scaled down to p-norm `maxnorm` if it is longer.

    Raises RuntimeError for p ≤ 0, a negative `maxnorm`, or fewer than two dims.
    """
    if isinstance(p, complex):
        raise RuntimeError("renorm: p must be real-valued")
    if p <= 0:
        raise RuntimeError("renorm: non-positive-norm not supported")
    if isinstance(maxnorm, complex):
        raise RuntimeError("renorm: maxnorm must be real-valued")
    if maxnorm < 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm:g}")
    if input.ndim < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {input.ndim} dimensions")
    dim = wrap_dim(dim, input.ndim)
    others = tuple([d for d in range(input.ndim) if d != dim])
    single = float32 if input.dtype is float16 else None
    lengths = norm_of_vectors(input.detach(), float(p), others, True, single)
    factor = where(lengths > maxnorm, maxnorm / (lengths + 1e-7), 1.0)
    factors = cast(factor, input.dtype.to_real())._array
    data = fp.quiet(np.multiply, input._array, factors, order="C")

    def rule(g: Tensor, input: Tensor) -> Tensor:
        """(source: renorm_backward)

        In double precision (half: in single) to the end: of the gradient across a slice next to
        nothing is left, 1 − n / (n + 1e-7) of it where one element is the whole norm.
        """
        wide = single or promote_types(input.dtype, float64)
        x, wide_g = cast(input, wide), cast(g, wide)
        n = norm_of_vectors(x, float(p), others, True)
        along = (x.conj() * wide_g).sum(others, True).real
        to_length = _gradient(along, x, n, float(p), others, True)
        inverse = (n + 1e-7).reciprocal()
        change = wide_g if to_length is None else wide_g - inverse * to_length
        return where(n > maxnorm, cast(maxnorm * inverse * change, input.dtype), g)

    return record("RenormBackward0", data, input=(input, rule))


@op(method=False)
def norm_except_dim(v: Tensor, pow: int = 2, dim: int = 0) -> Tensor:  # noqa: A002 - torch's name
    """The norms of the slices along `dim`, shaped to divide `v` (weight_norm); dim = -1: of all."""
    if dim == -1:
        return norm_of_vectors(v, float(pow), None, False)
    kept = wrap_dim(dim, v.ndim)
    others = tuple([d for d in range(v.ndim) if d != kept])
    lengths = norm_of_vectors(v, float(pow), others, False) if others else v.abs()
    return lengths.view([n if d == kept else 1 for d, n in enumerate(v._array.shape)])

"""Norms: the p-norms of vectors, `norm` with its named forms, and `dist`.

    ‖x‖_p = (Σ |x|^p)^(1/p)    p = 0 counts what is not zero, p = ±inf takes the largest, smallest

The gradient is sgn(x) · (|x| / ‖x‖)^(p−1); where the norm is zero torch takes the zero
subgradient.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..autograd.graph import record
from ..dtypes import FLOATING, result_type
from ..dtypes import dtype as DType
from ..kernels.sums import total
from ..quiet import fp
from ..tensor import Tensor, wrap
from .common import Dims
from .conversion import cast
from .reducing import reduced_dims, reduction, restore

_add: Any = np.add.reduce


def vector_norm(
    input: Tensor, p: float, dim: Dims, keepdim: bool, dtype: DType | None = None,
    node: str = "LinalgVectorNormBackward0",
) -> Tensor:  # fmt: skip
    """‖x‖_p over `dim`.  Raises RuntimeError for dtypes without fractions, for ±inf of nothing."""
    _check_dtypes(input, dtype)
    x = cast(input, dtype or input.dtype)
    dims = reduced_dims("norm", x, dim, keepdim)
    _check_identity(x, p, dims, dim)
    data = fp.quiet(_p_norm, x._array, p, dims, keepdim)
    return record(node, data, x=(x, lambda g, x, out: _gradient(g, x, out, p, dims, keepdim)))


def _check_dtypes(input: Tensor, dtype: DType | None) -> None:
    if input.dtype.category < FLOATING:
        raise RuntimeError(
            "linalg.vector_norm: Expected a floating point or complex tensor as input. "
            f"Got {input.dtype.title}"
        )
    if dtype is not None and dtype.category < FLOATING:
        raise RuntimeError(
            f"linalg.vector_norm: dtype should be floating point or complex, but got {dtype.title}"
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
    if p == 2:
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


@reduction(out="own")
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
        raise _not_two(dim)
    if p is None or p == "fro":
        return vector_norm(input, 2, dim, keepdim, dtype)
    if p == "nuc":
        return _nuclear(cast(input, dtype or input.dtype), dim, keepdim)
    if isinstance(p, str):
        raise RuntimeError(f"linalg.matrix_norm: Order {p} not supported.")
    return vector_norm(input, float(p), dim, keepdim, dtype)


def _not_two(dims: Sequence[int]) -> RuntimeError:
    got = " ".join(map(str, dims))
    return RuntimeError(f"linalg.matrix_norm: dim must be a 2-tuple. Got {got}")


def _nuclear(input: Tensor, dim: Any, keepdim: bool) -> Tensor:
    if input.ndim < 2:
        raise RuntimeError(
            "linalg.matrix_norm: The input tensor A must have at least 2 dimensions."
        )
    dims = reduced_dims("norm", input, dim, keepdim)
    if len(dims) != 2:
        raise _not_two(dims)
    s = singular_values(input.movedim(dims, (-2, -1)))
    return restore(s.sum(-1), dims, not keepdim)


def singular_values(matrices: Tensor) -> Tensor:
    """The singular values of the last two dims; dA = U · diag(g) · Vᴴ."""
    x = matrices._array
    wide = x.astype(np.float32) if x.dtype.char == "e" else x
    u, s, vh = np.linalg.svd(wide, full_matrices=False)

    def rule(g: Tensor, matrices: Tensor) -> Tensor:
        return (wrap(u) * g.unsqueeze(-2)).matmul(wrap(vh))

    return record("LinalgSvdBackward0", s.astype(x.real.dtype), matrices=(matrices, rule))


@reduction(out="any")
def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """‖input − other‖_p over all elements, broadcast."""
    common = result_type(input, other)
    if common.category < FLOATING:
        raise RuntimeError(
            "norm(): input dtype should be either floating point or complex. "
            f"Got {common.title} instead."
        )
    return vector_norm(input - other, p, None, False, node="DistBackward0")

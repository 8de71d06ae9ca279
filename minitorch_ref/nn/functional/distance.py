"""Distances and directions: cosine similarity, pairwise distance, normalisation to unit length."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...autograd.graph import rename
from ...autograd.modes import no_grad
from ...dtypes import result_type
from ...ops.joining import broadcast_tensors
from ...ops.numpy_names import with_numpy_names
from ...ops.registry import op
from ...tensor import Tensor, wrap

__all__ = ["cosine_similarity", "normalize", "pairwise_distance", "pdist"]


@op(method=False, name="cosine_similarity")
@with_numpy_names
def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """x1·x2 / (max(|x1|, eps) · max(|x2|, eps)) along `dim` of the broadcast shape.

    Raises RuntimeError for dtypes without fractions.
    """
    common = result_type(x1, x2)
    if not common.is_floating_point:
        raise RuntimeError(
            f"expected common dtype to be floating point, yet common dtype is {common.title}"
        )
    x1, x2 = broadcast_tensors(x1.to(common), x2.to(common))
    return (_unit(x1, dim, eps) * _unit(x2, dim, eps)).sum(dim)


def _unit(x: Tensor, dim: int, eps: float) -> Tensor:
    """x divided by its length, which is held above eps without that showing in the gradient."""
    length = x.norm(2, dim, keepdim=True).clone()
    with no_grad():
        length.clamp_min_(eps)
    return x / length


@op(method=False, name="pairwise_distance")
@with_numpy_names
def pairwise_distance(
    x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Tensor:
    """The p-norm of x1 − x2 + eps along the last dim."""
    difference = x1 - x2 + eps
    return rename(difference.norm(p, difference.ndim - 1, keepdim=keepdim), "NormBackward1")


@op(namespace="nn.functional")
def normalize(
    input: Tensor, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: Tensor | None = None
) -> Tensor:
    """x / max(‖x‖_p, eps) along `dim`, an int or a tuple of ints."""
    length = input.norm(p, dim, keepdim=True).clamp_min(eps).expand_as(input)
    return input / length if out is None else input.div(length, out=out)


@op(method=False)
def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """The p-norm distances between all pairs of rows i < j of an (N, D) tensor, in that order."""
    if input.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.ndim}D")
    if p < 0:
        raise RuntimeError("pdist only supports non-negative p values")
    i, j = np.triu_indices(input.size(0), 1)
    difference = input.index_select(0, wrap(i)) - input.index_select(0, wrap(j))
    return rename(difference.norm(p, 1), "PdistBackward0")

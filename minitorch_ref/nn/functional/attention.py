"""Scaled dot-product attention: softmax(q·kᵀ·scale + mask)·v."""

from __future__ import annotations

import math

import numpy as np

from ...autograd.graph import rename
from ...ops.registry import op
from ...tensor import Tensor, wrap
from .dropout import dropout


@op(namespace="nn.functional")
def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """query (*, L, E), key (*, S, E), value (*, S, V) → (*, L, V); scale defaults to 1/√E.

    A boolean mask says which keys a query may look at, any other mask is added; `is_causal` lets
    query i look at keys 0 … i.  A query that may look at nothing gets zeros.  `enable_gqa` shares
    each key and value head (dim −3) among several query heads.
    Raises RuntimeError for dtypes that differ, and for a mask beside `is_causal`.
    """
    _check(query, key, value, attn_mask, is_causal)
    if enable_gqa:
        key = key.repeat_interleave(query.size(-3) // key.size(-3), -3)
        value = value.repeat_interleave(query.size(-3) // value.size(-3), -3)
    root = math.sqrt(1 / math.sqrt(query.size(-1)) if scale is None else scale)
    scores = (query * root).matmul(key.transpose(-2, -1) * root)
    if is_causal:
        attn_mask = wrap(np.tri(query.size(-2), key.size(-2), dtype=bool))
    if attn_mask is not None:
        if attn_mask._array.dtype.kind == "b":
            scores = scores.masked_fill(~attn_mask, -math.inf)
        else:
            scores = scores + attn_mask
    weights = scores.softmax(-1)
    if attn_mask is not None:
        nothing = np.isneginf(scores._array).all(-1, keepdims=True)
        if nothing.any():
            weights = weights.masked_fill(wrap(nothing), 0.0)
    if dropout_p > 0:
        weights = dropout(weights, dropout_p)
    fused = query.ndim == 4 and dropout_p == 0  # what torch has one kernel for
    result = weights.matmul(value)
    return rename(result, "ScaledDotProductFlashAttentionForCpuBackward0") if fused else result


def _check(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, is_causal: bool) -> None:
    if not q.dtype is k.dtype is v.dtype:
        raise RuntimeError(
            "Expected query, key, and value to have the same dtype, but got query.dtype: "
            f"{q.dtype.title} key.dtype: {k.dtype.title} and value.dtype: {v.dtype.title} instead."
        )
    for x in (q, k, v):
        if x.ndim < 2:
            raise RuntimeError(
                "Expected query, key, and value to all be  at least 2 dimensional, but got "
                f"query.dim: {q.ndim} key.dim: {k.ndim} and value.dim: {v.ndim} instead."
            )
    if is_causal and mask is not None:
        raise RuntimeError(
            "_scaled_dot_product_attention: Explicit attn_mask should not be set when "
            "is_causal=True"
        )

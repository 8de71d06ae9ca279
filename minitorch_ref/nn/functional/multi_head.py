"""Multi-head attention: project query, key and value, attend in every head, project the result.

A head is a slice of the embedding: (L, N, E) is looked at as (N · heads, L, E / heads), and all heads
are one batched product (Vaswani et al. 2017).  Masks are added to the scores, −∞ where nothing may be
seen.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

from ...dtypes import bool_, dtype
from ...ops.creation import zeros_like
from ...ops.joining import cat
from ...ops.registry import op
from ...tensor import Tensor
from .attention import scaled_dot_product_attention
from .dropout import dropout
from .linear import linear
from .padding import pad


def canonical_mask(
    mask: Tensor | None,
    mask_name: str,
    other_type: dtype | None,
    other_name: str,
    target_type: dtype,
    check_other: bool = True,
) -> Tensor | None:
    """A boolean mask (true: not to be seen) as numbers to add; others as they are.

    Raises AssertionError for integers; warns if another mask has another type.
    """
    if mask is None:
        return None
    if mask.dtype is not bool_ and not mask.is_floating_point():
        raise AssertionError(f"only bool and floating types of {mask_name} are supported")
    if check_other and other_type is not None and mask.dtype != other_type:
        warnings.warn(
            f"Support for mismatched {mask_name} and {other_name} is deprecated. "
            "Use same type for both instead.",
            stacklevel=3,
        )
    if mask.is_floating_point():
        return mask
    return zeros_like(mask, dtype=target_type).masked_fill_(mask, -math.inf)


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)


def _check_dims(
    query: Tensor, key: Tensor, value: Tensor,
    padding: Tensor | None, mask: Tensor | None, heads: int,
) -> bool:  # fmt: skip
    """Whether the input has a batch dim.  Raises AssertionError for numbers of dims that differ."""
    n = query.dim()
    _require(
        n in (2, 3),
        f"query should be unbatched 2D or batched 3D tensor but received {n}-D query tensor",
    )
    what = f"For {'batched' if n == 3 else 'unbatched'} ({n}-D) `query`, expected "
    _require(
        key.dim() == n and value.dim() == n,
        f"{what}`key` and `value` to be {n}-D but found {key.dim()}-D and {value.dim()}-D tensors "
        "respectively",
    )
    if padding is not None:
        _require(
            padding.dim() == n - 1,
            f"{what}`key_padding_mask` to be `None` or {n - 1}-D but found {padding.dim()}-D "
            "tensor instead",
        )
    if mask is not None:
        _require(
            mask.dim() in (2, 3),
            f"{what}`attn_mask` to be `None`, 2-D or 3-D but found {mask.dim()}-D tensor instead",
        )
        expected = (heads, query.shape[0], key.shape[0])
        _require(
            n == 3 or mask.dim() == 2 or mask.shape == expected,
            f"Expected `attn_mask` shape to be {expected} but got {mask.shape}",
        )
    return n == 3


def _check_sizes(
    query: Tensor, key: Tensor, value: Tensor, embed_dim: int, heads: int, separate: bool
) -> None:
    """Raise torch's AssertionErrors for sizes that do not fit."""
    size = query.size(-1)
    _require(
        size == embed_dim, f"was expecting embedding dimension of {embed_dim}, but got {size}"
    )
    _require(size % heads == 0, f"embed_dim {size} not divisible by num_heads {heads}")
    if separate:
        _require(
            key.shape[:2] == value.shape[:2],
            f"key's sequence and batch dims {key.shape[:2]} do not match value's {value.shape[:2]}",
        )
    else:
        _require(
            key.shape == value.shape,
            f"key shape {key.shape} does not match value shape {value.shape}",
        )


def _project(
    query: Tensor, key: Tensor, value: Tensor,
    weights: Any, bias: Tensor | None, separate: bool,
) -> tuple[Tensor, ...]:  # fmt: skip
    """The three input projections; one product where the three inputs are one."""
    inputs = query, key, value
    size = query.size(-1)
    if not separate:
        _require(weights is not None, "use_separate_proj_weight is False but in_proj_weight is None")
        if query is key is value:
            return linear(query, weights, bias).chunk(3, -1)
        if key is value:
            both = [w.split([size, 2 * size]) for w in (weights, bias) if w is not None]
            (w_q, w_kv), (b_q, b_kv) = both[0], both[1] if len(both) > 1 else (None, None)
            return linear(query, w_q, b_q), *linear(key, w_kv, b_kv).chunk(2, -1)
        weights = weights.chunk(3)
    biases = (None,) * 3 if bias is None else bias.chunk(3)
    if separate:
        for name, x, w in zip(("query", "key", "value"), inputs, weights):
            letter, shape = name[0], (size, x.size(-1))
            _require(
                w is not None,
                f"use_separate_proj_weight is True but {letter}_proj_weight is None",
            )
            _require(
                w.shape == shape, f"expecting {name} weights shape of {shape}, but got {w.shape}"
            )
    return tuple([linear(x, w, b) for x, w, b in zip(inputs, weights, biases)])


def _checked_mask(mask: Tensor | None, batch: int, heads: int, tgt: int, src: int) -> Any:
    """The mask with a dim for the batch.  Raises RuntimeError for another shape."""
    if mask is None:
        return None
    expected = (tgt, src) if mask.dim() == 2 else (batch * heads, tgt, src)
    if mask.dim() not in (2, 3):
        raise RuntimeError(f"attn_mask's dimension {mask.dim()} is not supported")
    if mask.shape != expected:
        raise RuntimeError(
            f"The shape of the {mask.dim()}D attn_mask is {mask.shape}, but should be {expected}."
        )
    return mask.unsqueeze(0) if mask.dim() == 2 else mask


def _merged(mask: Any, padding: Any, batch: int, heads: int, src: int) -> Any:
    """Both masks as one, (batch · heads or 1, tgt or 1, src)."""
    if padding is None:
        return mask
    for place, size in enumerate((batch, src)):
        _require(
            padding.shape[place] == size,
            f"Expected key_padded_mask.shape[{place}] to be {size}, but got {padding.shape[place]}",
        )
    padding = padding.view(batch, 1, 1, src).expand(-1, heads, -1, -1)
    padding = padding.reshape(batch * heads, 1, src)
    return padding if mask is None else mask + padding


def _heads(x: Tensor, count: int) -> Tensor:
    """(L, N, E) → (N · heads, L, E / heads)."""
    length, batch, size = x.shape
    return x.reshape(length, batch * count, size // count).transpose(0, 1)


def _static(given: Tensor, name: str, rows: int, size: int) -> Tensor:
    """A key or value that the caller has projected.  Raises AssertionError for another shape."""
    for dim, expected in ((0, rows), (2, size)):
        got = given.size(dim)
        _require(got == expected, f"expecting {name}.size({dim}) of {expected}, but got {got}")
    return given


def _attend(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, dropout_p: float
) -> tuple[Tensor, Tensor]:
    """(rows, tgt, size), and the weights, (rows, tgt, src)."""
    scaled = q * math.sqrt(1.0 / q.size(-1))
    scores = scaled.bmm(k.mT) if mask is None else mask.baddbmm(scaled, k.mT)
    weights = scores.softmax(-1)
    if dropout_p > 0.0:
        weights = dropout(weights, dropout_p)
    return weights.bmm(v), weights


def _attend_fused(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, dropout_p: float, causal: bool, batch: int
) -> Tensor:
    """`_attend` without the weights."""
    q, k, v = (x.unflatten(0, (batch, -1)) for x in (q, k, v))
    if mask is not None:
        shared = mask.size(0) == 1 and mask.dim() == 3
        mask = mask.unsqueeze(0) if shared else mask.unflatten(0, (batch, -1))
    return scaled_dot_product_attention(q, k, v, mask, dropout_p, causal).flatten(0, 1)


@op(namespace="nn.functional")
def multi_head_attention_forward(
    query: Tensor, key: Tensor, value: Tensor, embed_dim_to_check: int, num_heads: int,
    in_proj_weight: Tensor | None, in_proj_bias: Tensor | None, bias_k: Tensor | None,
    bias_v: Tensor | None, add_zero_attn: bool, dropout_p: float, out_proj_weight: Tensor,
    out_proj_bias: Tensor | None, training: bool = True, key_padding_mask: Tensor | None = None,
    need_weights: bool = True, attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False, q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None, v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None, static_v: Tensor | None = None,
    average_attn_weights: bool = True, is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:  # fmt: skip
    """query (L, N, E), key and value (S, N, *), or without N → (L, N, E), weights (N, L, S) or None.

    Weights are means over the heads, or (N, heads, L, S).  Raises AssertionError or RuntimeError for
    shapes that do not fit.
    """
    masks = key_padding_mask, attn_mask
    batched = _check_dims(query, key, value, *masks, num_heads)
    if not batched:
        shared = key is value, query is key
        query, key, value = (x.unsqueeze(1) for x in (query, key, value))
        value = key if shared[0] else value
        query = key if all(shared) else query
        masks = None if masks[0] is None else masks[0].unsqueeze(0), masks[1]
    padding, mask, is_causal = _masks(*masks, query.dtype, need_weights, is_causal)
    _check_sizes(query, key, value, embed_dim_to_check, num_heads, use_separate_proj_weight)
    (tgt, batch, _), src = query.shape, key.shape[0]
    separate = (q_proj_weight, k_proj_weight, v_proj_weight)
    weights = separate if use_separate_proj_weight else in_proj_weight
    q, k, v = _project(query, key, value, weights, in_proj_bias, use_separate_proj_weight)
    mask = _checked_mask(mask, batch, num_heads, tgt, src)
    k, v, more = _with_bias(k, v, bias_k, bias_v, static_k, static_v)
    rows, size = batch * num_heads, query.size(-1) // num_heads
    q = _heads(q, num_heads)
    k = _heads(k, num_heads) if static_k is None else _static(static_k, "static_k", rows, size)
    v = _heads(v, num_heads) if static_v is None else _static(static_v, "static_v", rows, size)
    if add_zero_attn:
        k, v = (cat([x, x.new_zeros((rows, 1, size))], 1) for x in (k, v))
        more += 1
    mask, padding = (x if x is None or not more else pad(x, (0, more)) for x in (mask, padding))
    mask = _merged(mask, padding, batch, num_heads, k.size(1))
    drop, found = dropout_p if training else 0.0, None
    if need_weights:
        _require(not is_causal or mask is not None, "is_causal needs a mask to give weights")
        out, found = _attend(q, k, v, mask, drop)
        found = found.unflatten(0, (batch, num_heads))
        found = found.mean(1) if average_attn_weights else found
    else:
        out = _attend_fused(q, k, v, mask, drop, is_causal, batch)
    out = linear(out.transpose(0, 1).reshape(tgt * batch, -1), out_proj_weight, out_proj_bias)
    out = out.view(tgt, batch, -1)
    if batched:
        return out, found
    return out.squeeze(1), None if found is None else found.squeeze(0)


def _masks(
    padding: Tensor | None, mask: Tensor | None, kind: dtype, need_weights: bool, causal: bool
) -> tuple[Tensor | None, Tensor | None, bool]:
    """Both masks as numbers; `causal` remains only where it replaces the mask."""
    padding = canonical_mask(
        padding, "key_padding_mask", None if mask is None else mask.dtype, "attn_mask", kind
    )
    if causal and mask is None:
        raise RuntimeError(
            "Need attn_mask if specifying the is_causal hint. You may use the Transformer module "
            "method `generate_square_subsequent_mask` to create this mask."
        )
    if causal and padding is None and not need_weights:
        return None, None, True
    mask = canonical_mask(mask, "attn_mask", None, "", kind, check_other=False)
    return padding, mask, causal and padding is None


def _with_bias(
    k: Tensor, v: Tensor, bias_k: Tensor | None, bias_v: Tensor | None, static_k: Any, static_v: Any
) -> tuple[Tensor, Tensor, int]:
    """Key and value with a learned row appended, and how many were."""
    if bias_k is None or bias_v is None:
        _require(bias_k is None, "bias_k is set but bias_v is None")
        _require(bias_v is None, "bias_v is set but bias_k is None")
        return k, v, 0
    _require(static_k is None, "bias cannot be added to static key.")
    _require(static_v is None, "bias cannot be added to static value.")
    return *(cat([x, b.repeat(1, x.size(1), 1)]) for x, b in ((k, bias_k), (v, bias_v))), 1  # type: ignore[return-value]

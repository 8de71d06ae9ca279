"""Losses that ask for a margin: they are zero once the right answer leads by enough.

Pairs and triplets are compositions of ops, as in torch.  The two that compare classes are one node
each: the gradient is linear in `violated`, the pairs of classes whose margin is not kept.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...autograd.graph import record
from ...ops.common import cast_array
from ...ops.curves import Curve, chain
from ...ops.registry import op
from ...ops.table import broadcast_error
from ...quiet import fp
from ...tensor import Tensor, wrap
from ._reduction import reduced, reduced_array, reduction_of
from .activation import logsigmoid
from .distance import pairwise_distance

# ---- pairs ---------------------------------------------------------------------------------------


@op(namespace="nn.functional")
def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, −t·(x1 − x2) + margin): t = 1 wants x1 first, t = −1 wants x2 first."""
    reduction = reduction_of(reduction, size_average, reduce)
    if not input1.ndim == input2.ndim == target.ndim:
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            f"input1: {input1.size()}, input2: {input2.size()}, target: {target.size()} "
        )
    return reduced((-target * (input1 - input2) + margin).clamp_min(0), reduction)


@op(namespace="nn.functional")
def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """x where t = 1, max(0, margin − x) where t = −1."""
    reduction = reduction_of(reduction, size_average, reduce)
    zero = input.new_zeros(())
    apart = (margin - input).clamp_min(0).where(target != 1, zero)
    together = input.where(target != -1, zero)
    return reduced(apart + together, reduction)


@op(namespace="nn.functional")
def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """log(1 + exp(−t·x))."""
    reduction = reduction_of(reduction, size_average, reduce)
    x, t = input._array, cast_array(target._array, input.dtype)
    try:
        count = np.broadcast(x, t).size
    except ValueError:
        raise broadcast_error(x, t) from None
    share = 1 / max(count, 1) if reduction == "mean" else 1.0
    return record(
        "SoftMarginLossBackward0",
        fp.quiet(lambda: reduced_array(_SOFT.value(_wide(t * x)), reduction, x.dtype)),
        input=(
            input,
            lambda g, input, target: chain(g * share, input * target, _SOFT, ()) * target,
        ),
        target=target,
    )


def _wide(x: np.ndarray) -> np.ndarray:
    return x.astype(np.float32) if x.itemsize == 2 else np.asarray(x)


def _soft_bend(z: Tensor) -> Tensor:
    return z.sigmoid() * (-z).sigmoid()


_SOFT = Curve(
    "SoftMarginLoss", "soft_margin_loss",
    lambda z: np.log1p(np.exp(-z)),
    lambda z: -1 / (1 + np.exp(z)),
    _soft_bend,
)  # fmt: skip


@op(namespace="nn.functional")
def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """1 − cos(x1, x2) where t = 1, max(0, cos(x1, x2) − margin) where t = −1.

    Inputs (N, D) with target (N), or (D) with ().  Raises RuntimeError for other shapes.
    """
    reduction = reduction_of(reduction, size_average, reduce)
    _check_pairs(input1, input2, target)
    dim = target.ndim
    epsilon = 1e-12
    dot = (input1 * input2).sum(dim)
    squares = ((input1 * input1).sum(dim) + epsilon) * ((input2 * input2).sum(dim) + epsilon)
    cosine = dot / squares.sqrt()
    zero = cosine.new_zeros(())
    together = (1 - cosine).where(target == 1, zero)
    apart = (cosine - margin).clamp_min(0).where(target == -1, zero)
    return reduced(together + apart, reduction)


def _check_pairs(input1: Tensor, input2: Tensor, target: Tensor) -> None:
    if target.ndim > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if input1.ndim != target.ndim + 1 or input2.ndim != target.ndim + 1:
        raise RuntimeError(
            f"{target.ndim}D target tensor expects {target.ndim + 1}D input tensors, but found "
            f"inputs with sizes {list(input1.size())} and {list(input2.size())}."
        )


# ---- triplets ------------------------------------------------------------------------------------


@op(namespace="nn.functional")
def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, |a − p| − |a − n| + margin) by p-norms; `swap` uses |p − n| where it is smaller."""
    reduction = reduction_of(reduction, size_average, reduce)

    def distance(x: Tensor, y: Tensor) -> Tensor:
        return pairwise_distance(x, y, p, eps)

    return _triplet(anchor, positive, negative, distance, margin, swap, reduction)


@op(namespace="nn.functional")
def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """The triplet loss by a distance of one's own."""
    reduction = reduction_of(reduction)
    distance = distance_function or pairwise_distance
    return _triplet(anchor, positive, negative, distance, margin, swap, reduction)


def _triplet(
    a: Tensor, p: Tensor, n: Tensor, distance: Callable[[Tensor, Tensor], Tensor],
    margin: float, swap: bool, reduction: str,
) -> Tensor:  # fmt: skip
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if not a.ndim == p.ndim == n.ndim:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of "
            f"dimensions, but got: anchor {a.ndim}D, positive {p.ndim}D, and negative {n.ndim}D "
            "inputs"
        )
    near, far = distance(a, p), distance(a, n)
    if swap:
        far = far.minimum(distance(p, n))
    return reduced((margin + near - far).clamp_min(0), reduction)


# ---- classes -------------------------------------------------------------------------------------


@op(namespace="nn.functional")
def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Σ_j≠y max(0, margin − x_y + x_j)^p / C, times the weight of class y; p is 1 or 2.

    input (N, C) or (C), target (N) or (): the right classes y.
    Raises ValueError for other p, RuntimeError for sizes that do not fit or classes out of range.
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight.ndim != 1:
        raise ValueError("weight must be one-dimensional")
    x = np.atleast_2d(input._array)
    t = _checked_classes(input, target, weight)
    rows = np.arange(len(t))
    scale = np.full((len(t), 1), 1 / max(x.shape[1], 1), x.dtype)
    if weight is not None:
        scale *= weight._array[t][:, None]
    right = np.zeros(x.shape, bool)
    right[rows, t] = True
    shape = input.shape[:-1] if reduction == "none" else ()
    lead = fp.quiet(lambda: np.maximum(margin - x[rows, t][:, None] + x, 0))
    loss = fp.quiet(lambda: (np.where(right, 0, lead**p) * scale).sum(1, dtype=x.dtype))
    share = 1 / max(len(t), 1) if reduction == "mean" else 1.0

    def rule(g: Tensor, input: Tensor) -> Tensor:
        right_, scale_ = wrap(right), wrap(scale)
        x = input.reshape(right_.shape)
        ahead = margin - (x * right_).sum(1, True) + x
        violated = ((ahead > 0) & ~right_).to(x.dtype)
        pull = violated * scale_ if p == 1 else 2 * ahead * violated * scale_
        grad = pull - right_ * pull.sum(1, True)
        return ((g * share).reshape((-1, 1)) * grad).reshape(input.shape)

    data = reduced_array(loss, reduction, x.dtype).reshape(shape)
    return record("MultiMarginLossBackward0", data, input=(input, rule))


def _checked_classes(input: Tensor, target: Tensor, weight: Tensor | None) -> np.ndarray:
    """The right classes as a flat array.  Raises RuntimeError for what does not fit."""
    x, t = input._array, target._array
    if x.ndim > 2 or x.ndim == 0 or x.shape[-1] == 0:
        raise RuntimeError(
            "Expected non-empty vector or matrix with optional 0-dim batch size, "
            f"but got: {list(x.shape)}"
        )
    n = x.shape[0] if x.ndim == 2 else 1
    if t.ndim > 1 or t.size != n:
        raise RuntimeError(
            "multi_margin_loss: target tensor should be 1-D with size equal to the number of input "
            f"samples (batch size). Expected target size [{n}], but got {list(t.shape)}. "
            f"Input has shape {list(x.shape)}."
        )
    if weight is not None and weight.numel() != x.shape[-1]:
        raise RuntimeError(
            f"inconsistent weight size, expected {x.shape[-1]} but got {list(weight.shape)}"
        )
    _check_long(target)
    if t.size and (t.min() < 0 or t.max() >= x.shape[-1]):
        raise RuntimeError("target out of range")
    return t.reshape(-1)


def _check_long(target: Tensor) -> None:
    if target._array.dtype != np.int64:
        raise RuntimeError(f"expected scalar type Long but found {target.dtype.title}")


@op(namespace="nn.functional")
def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Σ over labels y and other classes j of max(0, 1 − (x_y − x_j)) / C.

    input and target (N, C) or (C); a row of the target lists its labels up to the first −1.
    Raises RuntimeError for sizes that differ or labels out of range.
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if input.shape != target.shape:
        raise RuntimeError(
            f"inconsistent target size: {list(target.shape)} for input of size: {list(input.shape)}"
        )
    _check_long(target)
    x = np.atleast_2d(input._array)
    counts = _label_counts(np.atleast_2d(target._array), x.shape[1])
    is_label = counts > 0
    # pairs[n, y, j]: how often row n compares label y with non-label j
    pairs = (counts[:, :, None] * ~is_label[:, None, :]).astype(x.dtype)
    lead = fp.quiet(lambda: np.maximum(1 - x[:, :, None] + x[:, None, :], 0))
    loss = fp.quiet(lambda: (lead * pairs).sum((1, 2), dtype=_wide(x).dtype) / x.shape[1])
    classes = x.shape[1]
    share = 1 / max(len(x), 1) if reduction == "mean" else 1.0

    def rule(g: Tensor, input: Tensor) -> Tensor:
        x = input.reshape(is_label.shape)
        ahead = 1 - x.unsqueeze(2) + x.unsqueeze(1)
        violated = (ahead > 0) * wrap(pairs)
        grad = (violated.sum(1) - violated.sum(2)) / classes
        return ((g * share).reshape((-1, 1)) * grad).reshape(input.shape)

    shape = input.shape[:-1] if reduction == "none" else ()
    data = reduced_array(loss, reduction, x.dtype).reshape(shape)
    return record("MultilabelMarginLossBackward0", data, input=(input, rule))


def _label_counts(t: np.ndarray, classes: int) -> np.ndarray:
    """How often each class is listed as a label, per row; a list ends at its first −1."""
    if t.size and (t.min() < -1 or t.max() >= classes):
        raise RuntimeError("argument #2 'target' is out of range")
    listed = np.logical_and.accumulate(t >= 0, axis=1)
    counts = np.zeros(t.shape, np.int64)
    rows, places = np.nonzero(listed)
    np.add.at(counts, (rows, t[rows, places]), 1)
    return counts


@op(namespace="nn.functional")
def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Binary cross-entropy with logits, averaged over the classes (last dim)."""
    if size_average is None and reduce is None and reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not valid")
    reduction = reduction_of(reduction, size_average, reduce)
    loss = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    if weight is not None:
        loss = loss * weight
    return reduced(loss.sum(-1) / input.size(-1), reduction)

"""Binary cross-entropy, of probabilities and of logits: one node each, target differentiable too.

A weight that is not given is 1, so that each gradient is written once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...autograd.graph import record, requires_grad
from ...autograd.modes import state
from ...dtypes import result_type
from ...ops import curves
from ...ops.common import cast_array
from ...ops.refusals import broadcast_shape
from ...ops.registry import op
from ...quiet import fp
from ...tensor import Tensor
from ._reduction import reduced_array, reduction_of

_EPSILON = float(np.float32(1e-12))  # a float32 constant in torch, for float64 as well


def _refuse_gradient(name: str, **operands: Tensor | None) -> None:
    """torch differentiates these losses by input and target only."""
    for argument, tensor in operands.items():
        if tensor is not None and state.grad and requires_grad(tensor):
            raise RuntimeError(
                f"The function '{name}' is not differentiable with respect to argument "
                f"'{argument}'. This input cannot have requires_grad True."
            )


@op(namespace="nn.functional")
def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """−(t·log x + (1 − t)·log(1 − x)), the logarithms held above −100 as in torch.

    Raises RuntimeError unless all elements lie in [0, 1], ValueError if the sizes differ.
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if target._array.shape != input._array.shape:
        raise ValueError(
            f"Using a target size ({target.size()}) that is different to the input size "
            f"({input.size()}) is deprecated. Please ensure they have the same size."
        )
    _check_probabilities(input, target)
    _refuse_gradient("binary_cross_entropy", weight=weight)
    weight = _fitting(weight, input)
    share = _divisor(input, reduction)
    return record(
        "BinaryCrossEntropyBackward0",
        fp.quiet(_bce, input._array, target._array, weight._array, reduction),
        input=(
            input,
            lambda g, input, target, weight: _slope(g, input, target) * weight / share,
        ),
        target=(
            target,
            lambda g, input, weight: ((1 - input).log() - input.log()) * g * weight / share,
        ),
        weight=weight,
    )


def _divisor(input: Tensor, reduction: str) -> int:
    """What torch divides the finished gradient by."""
    return max(input.numel(), 1) if reduction == "mean" else 1


def _slope(g: Tensor, input: Tensor, target: Tensor) -> Tensor:
    """g (x − t) / (x·(1 − x)); the quotient's own slope is torch's, which stays finite at 0 and 1."""

    def quotient(g: Any, x: Any, t: Any) -> Any:
        return g * (x - t) / np.maximum((1 - x) * x, x.dtype.type(_EPSILON))

    def bend(gg: Tensor, g: Tensor, input: Tensor, target: Tensor) -> Tensor:
        below = (input + 1e-12).square() * (1 - input + 1e-12).square()
        return gg * g * ((input * input - 2 * input * target + target) / below)

    return record(
        "BinaryCrossEntropyBackwardBackward0",
        fp.quiet(quotient, g._array, input._array, target._array),
        g=(g, lambda gg, input, target: _slope(gg, input, target)),
        input=(input, bend),
        target=(target, lambda gg, g, input: -gg * g / ((1 - input) * input).clamp_min(_EPSILON)),
    )


def _bce(x: np.ndarray, t: np.ndarray, w: np.ndarray, reduction: str) -> np.ndarray:
    kind = x.dtype
    if kind.itemsize == 2:
        x, t, w = x.astype(np.float32), t.astype(np.float32), w.astype(np.float32)
    low = x.dtype.type(-100)
    loss = (t - 1) * np.maximum(np.log1p(-x), low) - t * np.maximum(np.log(x), low)
    return reduced_array(loss * w, reduction, kind)


def _check_probabilities(input: Tensor, target: Tensor) -> None:
    if target.dtype is not input.dtype:
        raise RuntimeError(f"Found dtype {target.dtype.title} but expected {input.dtype.title}")
    for name, x in (("input", input._array), ("target", target._array)):
        if x.size and not (np.minimum.reduce(x, None) >= 0 and np.maximum.reduce(x, None) <= 1):
            raise RuntimeError(f"all elements of {name} should be between 0 and 1")


def _fitting(weight: Tensor | None, input: Tensor, first: bool = False) -> Tensor:
    """The weight, 1 if there is none.  Raises RuntimeError if it does not fit the input.

    `first`: torch's error names the weight's size first.
    """
    if weight is None:
        return input.new_ones(())
    x, w = input._array, weight._array
    shape = broadcast_shape(*((w, x) if first else (x, w)))
    if shape != x.shape:
        raise RuntimeError(
            f"output with shape {list(x.shape)} doesn't match the broadcast shape {list(shape)}"
        )
    return weight


@op(namespace="nn.functional")
def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """(1 − t)·x − (1 + (p − 1)·t)·log σ(x), p the `pos_weight` of the positive class.

    That is binary_cross_entropy(σ(x), t), but it neither overflows nor cancels.
    Raises ValueError if the sizes of input and target differ.
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if target._array.shape != input._array.shape:
        raise ValueError(
            f"Target size ({target.size()}) must be the same as input size ({input.size()})"
        )
    if not target.is_floating_point():
        raise RuntimeError(
            f"result type {input.dtype.title} can't be cast to the desired output type "
            f"{target.dtype.title}"
        )
    _refuse_gradient("binary_cross_entropy_with_logits", weight=weight, pos_weight=pos_weight)
    share = _divisor(input, reduction)
    pos_weight = _fitting(pos_weight, input, first=True)
    weight = _fitting(weight, input)
    common = result_type(input, target, weight, pos_weight)
    arrays = [cast_array(t._array, common) for t in (input, target, weight, pos_weight)]
    return record(
        "BinaryCrossEntropyWithLogitsBackward0",
        fp.quiet(_bce_with_logits, *arrays, reduction),
        input=(
            input,
            lambda g, input, target, weight, pos_weight: (
                input.sigmoid() * (1 + (pos_weight - 1) * target) - pos_weight * target
            )
            * g
            * weight
            / share,
        ),
        target=(
            target,
            lambda g, input, weight, pos_weight: (
                input + (pos_weight - 1) * curves.draw(curves.logsigmoid, input)
            )
            * -g
            * weight
            / share,
        ),
        weight=weight,
        pos_weight=pos_weight,
    )


def _bce_with_logits(x: Any, t: Any, w: Any, p: Any, reduction: str) -> np.ndarray:
    kind = x.dtype
    if kind.itemsize == 2:
        x, t, w, p = (a.astype(np.float32) for a in (x, t, w, p))
    log_sigmoid = curves.logsigmoid.value(x)
    loss = (1 - t) * x - (1 + (p - 1) * t) * log_sigmoid
    return reduced_array(loss * w, reduction, kind)

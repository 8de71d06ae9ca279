"""Losses that compare a prediction with a target, element by element.

Losses of the difference d = input − target (mse, smooth l1, huber) are a curve L(d) with its slope
and bend, so their gradients are ±c L'(d), from the same machinery as the activations; each is one
node, as in torch.  c is 1/n for a mean, else 1; where torch multiplies with it decides the last bit.
The likelihoods below them are compositions of ops, also as in torch.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from ...autograd.graph import record
from ...autograd.modes import no_grad
from ...dtypes import result_type
from ...kernels.layout import arranged, laid_out, preserved
from ...kernels.select import against, select
from ...ops.common import cast_array
from ...ops.curves import Curve, chain
from ...ops.joining import broadcast_tensors
from ...ops.registry import op
from ...quiet import fp
from ...tensor import Tensor
from ._reduction import reduced, reduced_array, reduction_of

# ---- curves of the difference --------------------------------------------------------------------


def _smooth_l1(d: np.ndarray, beta: float) -> np.ndarray:
    a = np.abs(d)
    return select(a < beta, 0.5 * a * a / beta, a - 0.5 * beta, d.dtype)


def _huber(d: np.ndarray, delta: float) -> np.ndarray:
    """c · (|d| − c/2) with c = min(|d|, δ): d²/2 inside, δ (|d| − δ/2) outside, to the same bits."""
    a = np.asarray(np.abs(d))
    c = np.asarray(against(np.minimum, delta, a))
    np.subtract(a, c * d.dtype.type(0.5), out=a)
    return np.multiply(a, c, out=a)


_SQUARE = Curve(
    "MseLoss", "mse_cpu", lambda d: d * d,
    lambda d, c: d * (2 * c),
    lambda d, c: d * 0 + 2 * c,
)  # fmt: skip
_SMOOTH_L1 = Curve(
    "SmoothL1Loss", "smooth_l1_cpu", _smooth_l1,
    lambda d, beta, c: np.clip(d / beta, -1, 1) * c,
    lambda d, beta, c: (d.abs() < beta).to(d.dtype) / beta * c,
)  # fmt: skip
_HUBER = Curve(
    "HuberLoss", "huber_cpu", _huber,
    lambda d, delta, c: np.clip(d, -delta, delta) * c,
    lambda d, delta, c: (d.abs() < delta).to(d.dtype) * c,
)  # fmt: skip


def _of_difference(
    curve: Curve, input: Tensor, target: Tensor, reduction: str, *constants: float
) -> Tensor:
    """L(input − target), reduced: one node."""
    common = result_type(input, target)
    if not common.is_floating_point:
        raise NotImplementedError(f"\"{curve.kernel}\" not implemented for '{common.title}'")
    a, b = cast_array(input._array, common), cast_array(target._array, common)
    data = fp.quiet(_reduced_curve, curve, a, b, reduction, constants)
    n = np.broadcast(a, b).size
    share = 1.0 / n if reduction == "mean" and n else 1.0

    def rule(g: Tensor, input: Tensor, target: Tensor) -> Tensor:
        return chain(g, input - target, curve, (*constants, share))

    return record(
        curve.node + "Backward0",
        data,
        input=(input, rule),
        target=(target, lambda g, input, target: -rule(g, input, target)),
    )


def _reduced_curve(
    curve: Curve, a: np.ndarray, b: np.ndarray, reduction: str, constants: Any
) -> np.ndarray:
    """The loss of two arrays of one type, computed in at least float32."""
    kind = a.dtype
    if kind.itemsize == 2:
        a, b = a.astype(np.float32), b.astype(np.float32)
    losses = curve.value(np.asarray(a - b), *constants)
    if curve is _HUBER:
        losses = laid_out(losses, preserved(a, losses.itemsize))
    else:
        losses = arranged(losses, a, b)
    return reduced_array(losses, reduction, kind)


def _same_size(input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Both, broadcast together; warns if that changes a size."""
    if input._array.shape == target._array.shape:
        return input, target
    warnings.warn(
        f"Using a target size ({target.size()}) that is different to the input size "
        f"({input.size()}). This will likely lead to incorrect results due to broadcasting. "
        "Please ensure they have the same size.",
        stacklevel=3,
    )
    input, target = broadcast_tensors(input, target)
    return input, target


def _weighted(loss: Tensor, weight: Tensor, input: Tensor, reduction: str) -> Tensor:
    """The weighted losses; their mean is taken over the total weight."""
    _check_weight(weight, input)
    if reduction == "mean":
        return (loss * weight).sum() / weight.sum()
    return reduced(loss * weight, reduction)


def _check_weight(weight: Tensor, input: Tensor) -> None:
    if weight.size() != input.size():
        raise ValueError("Weights and input must have the same size.")


@op(namespace="nn.functional")
def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """(input − target)²; a weighted mean is divided by the sum of the weights."""
    reduction = reduction_of(reduction, size_average, reduce)
    input, target = _same_size(input, target)
    if weight is not None:
        return _weighted((input - target) ** 2, weight, input, reduction)
    return _of_difference(_SQUARE, input, target, reduction)


@op(namespace="nn.functional")
def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """|input − target|; a weighted mean is divided by the sum of the weights."""
    reduction = reduction_of(reduction, size_average, reduce)
    input, target = _same_size(input, target)
    loss = (input - target).abs()
    return reduced(loss, reduction) if weight is None else _weighted(loss, weight, input, reduction)


@op(namespace="nn.functional")
def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """d²/(2·beta) where |d| < beta, else |d| − beta/2.  Raises RuntimeError for beta < 0."""
    reduction = reduction_of(reduction, size_average, reduce)
    input, target = _same_size(input, target)
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    if beta == 0:
        return reduced((input - target).abs(), reduction)
    return _of_difference(_SMOOTH_L1, input, target, reduction, beta)


@op(namespace="nn.functional")
def huber_loss(
    input: Tensor,
    target: Tensor,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: Tensor | None = None,
) -> Tensor:
    """d²/2 where |d| ≤ delta, else delta·(|d| − delta/2).  Raises RuntimeError for delta ≤ 0."""
    reduction = reduction_of(reduction)
    input, target = _same_size(input, target)
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    if weight is None:
        return _of_difference(_HUBER, input, target, reduction, delta)
    _check_weight(weight, input)
    return reduced(_of_difference(_HUBER, input, target, "none", delta) * weight, reduction)


# ---- likelihoods ---------------------------------------------------------------------------------


@op(namespace="nn.functional")
def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """t·(log t − input) for log-probabilities `input`; "batchmean" divides the sum by the batch."""
    if size_average is None and reduce is None and reduction == "mean":
        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size."
            "'batchmean' divides only by the batch size, and aligns with the KL div math "
            "definition."
            "'mean' will be changed to behave the same as 'batchmean' in the next major release.",
            stacklevel=2,
        )
    batchmean = reduction == "batchmean"
    how = reduction_of("sum" if batchmean else reduction, size_average, reduce)
    if log_target:
        loss = target.exp() * (target - input)
    else:
        loss = target.xlogy(target) - target * input
    total = reduced(loss, how)
    return total / input.size(0) if batchmean and input.ndim else total


@op(namespace="nn.functional")
def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """e^input − t·input (or input − t·log(input + eps)); `full` adds Stirling's term for log t!."""
    reduction = reduction_of(reduction, size_average, reduce)
    if log_input:
        loss = input.exp() - target * input
    else:
        loss = input - target * (input + eps).log()
    if full:
        stirling = target * target.log() - target + 0.5 * (2 * math.pi * target).log()
        loss = loss + stirling.masked_fill(target <= 1, 0)
    return reduced(loss, reduction)


@op(namespace="nn.functional")
def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """(log var + (input − t)²/var)/2, var held above `eps`; `full` adds log(2π)/2.

    Raises ValueError if a variance is negative or its size fits neither input nor input[..., :1].
    """
    variance = _variance(var, input)
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not valid")
    variance = variance.clone()
    with no_grad():
        variance.clamp_(min=eps)
    loss = 0.5 * (variance.log() + (input - target) ** 2 / variance)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return reduced(loss, reduction)


def _variance(var: Tensor | float, input: Tensor) -> Tensor:
    """The variances, one for each element or for each row of `input`."""
    if isinstance(var, float):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        return input.new_ones(input.shape) * var
    if (var._array < 0).any():
        raise ValueError("var has negative entry/entries")
    if var.shape == input.shape:
        return var
    if input.shape[:-1] == var.shape:
        return var.unsqueeze(-1)
    differing = [v for x, v in zip(input.shape, var.shape) if x != v]
    if input.ndim != var.ndim or sum(differing) != 1:
        raise ValueError("var is of incorrect size")
    return var

"""A convolution over time with time first, and the cross-entropy of a linear map.

    conv_tbc    x (time, batch, in) and w (taps, in, out):   y[t] = bias + Σ_k x[t + k − pad] · w[k]

Each tap is one matrix product of all the places that it meets; places before the start and after the
end are left out, not multiplied by zero.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...autograd.graph import record
from ...ops.conversion import cast
from ...ops.joining import stack
from ...ops.matmul import product
from ...ops.parts import narrow
from ...ops.registry import op
from ...quiet import fp
from ...tensor import Tensor
from .classification import cross_entropy
from .linear import linear

__all__ = ["conv_tbc", "linear_cross_entropy"]


@op(namespace="nn.functional")
@op(method=False, out=True)
def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """(time, batch, in) with (taps, in, out) and (out) → (time + 2·pad − taps + 1, batch, out).

    Raises RuntimeError for other numbers of dims, channels that do not fit, or more taps than time.
    """
    _check(input, weight, bias)
    x, w = input._array, weight._array
    time = x.shape[0] + 2 * pad - w.shape[0] + 1
    if time < 0:
        shape = [time, x.shape[1], w.shape[2]]
        raise RuntimeError(f"Trying to create tensor with negative dimension {time}: {shape}")
    if x.dtype != w.dtype:
        input[:0].reshape(0, x.shape[2]).mm(weight[0])  # raises, in the words of mm
    start = cast(bias, input.dtype)
    data = np.empty((time, x.shape[1], w.shape[2]), x.dtype)
    data[...] = start._array
    for k, first, last, shift in _taps(x.shape[0], time, w.shape[0], pad):
        rows = x[first + shift : last + shift].reshape(-1, x.shape[2])
        part = product(rows, w[k]).reshape(last - first, *data.shape[1:])
        fp.quiet(np.add, data[first:last], part, out=data[first:last])
    return record(
        "ConvTbcBackward0",
        data,
        input=(input, lambda g, weight: _input_gradient(g, weight, pad)),
        weight=(weight, lambda g, input: _weight_gradient(g, input, w.shape[0], pad)),
        bias=(bias, lambda g: g.sum((0, 1))),
    )


def _check(x: Tensor, w: Tensor, b: Tensor) -> None:
    if x.ndim != 3:
        raise RuntimeError("Input must have 3 dims: time, batch, in_channel")
    if w.ndim != 3:
        raise RuntimeError("Weight tensor must have 3 dims: kernel_width, in_channels, out_channels.")
    if b.ndim != 1:
        raise RuntimeError("Bias must be 1-D")
    if x.shape[2] != w.shape[1]:
        raise RuntimeError("Input dim 2 (input channels) is not == dim 1 in the weight tensor")
    if b.shape[0] != w.shape[2]:
        raise RuntimeError("Bias size must equal dim 2 in the weight tensor (output channels).")


def _taps(before: int, after: int, taps: int, pad: int) -> Iterator[tuple[int, int, int, int]]:
    """For each tap: itself, the outputs first … last−1 it reaches, and how far back its inputs lie."""
    for k in range(taps):
        shift = k - pad
        first, last = max(0, -shift), min(after, before - shift)
        if last > first:
            yield k, first, last, shift


def _input_gradient(g: Tensor, w: Tensor, pad: int) -> Tensor:
    """The taps backwards: a convolution of g, with zeros for its bias."""
    back = w.flip([0]).transpose(1, 2)
    return conv_tbc(g, back, g.new_zeros(w.shape[1]), w.shape[0] - 1 - pad)


def _weight_gradient(g: Tensor, x: Tensor, taps: int, pad: int) -> Tensor:
    """For each tap, its inputs' rows times the rows of g."""
    parts: list[Any] = [g.new_zeros(x.shape[2], g.shape[2]) for _ in range(taps)]
    for k, first, last, shift in _taps(x.shape[0], g.shape[0], taps, pad):
        rows = narrow(x, 0, first + shift, last - first).flatten(0, 1)
        parts[k] = rows.t().mm(narrow(g, 0, first, last - first).flatten(0, 1))
    return stack(parts) if parts else g.new_zeros(0, x.shape[2], g.shape[2])


@op(namespace="nn.functional")
def linear_cross_entropy(
    input: Tensor, linear_weight: Tensor, target: Tensor, *, linear_bias: Tensor | None = None,
    weight: Tensor | None = None, reduction: str = "mean", ignore_index: int | None = None,
    label_smoothing: float = 0.0,
) -> Tensor:  # fmt: skip
    """cross_entropy(linear(input, linear_weight), target): input (in) or (N, in), linear_weight
    (classes, *dims, in).

    torch's `options`, which trade time for memory, are not here.  Raises RuntimeError for shapes that
    do not fit, and for an `ignore_index` with probabilities as the target.
    """
    _check_linear(input, linear_weight, linear_bias)
    classes, *dims = linear_weight.shape[:-1]
    shape = (*input.shape[:-1], classes, *dims)
    if tuple(target.shape) == shape and ignore_index is not None:
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities")
    if dims:
        flat = None if linear_bias is None else linear_bias.flatten()
        logits = linear(input, linear_weight.flatten(0, -2), flat).reshape(shape)
    else:
        logits = linear(input, linear_weight, linear_bias)
    ignored = -100 if ignore_index is None else ignore_index
    return cross_entropy(
        logits, target, weight=weight, reduction=reduction, ignore_index=ignored,
        label_smoothing=label_smoothing,
    )  # fmt: skip


def _check_linear(x: Tensor, w: Tensor, b: Tensor | None) -> None:
    if not 1 <= x.ndim <= 2:
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {x.ndim}")
    if w.ndim < 2:
        raise RuntimeError(f"expected linear_weight with dimensionality at least 2, got {w.ndim}")
    if x.shape[-1] != w.shape[-1]:
        raise RuntimeError(
            "expected equal input and linear_weight last dimensions (in_features), "
            f"got {x.shape[-1]} and {w.shape[-1]}, respectively"
        )
    if b is not None and b.shape != w.shape[:-1]:
        raise RuntimeError(f"expected linear_bias shape {tuple(w.shape[:-1])}, got {tuple(b.shape)}")
    if w.ndim > 2 and x.ndim == 1:
        raise RuntimeError(
            f"K-dimensional loss defined by linear_weight shape {tuple(w.shape)} requires "
            f"batched input, (N, {x.shape[0]}), got unbatched input with shape {tuple(x.shape)}"
        )

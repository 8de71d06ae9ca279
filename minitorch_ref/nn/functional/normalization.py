"""Batch, layer, group, instance and rms norm: torch's signatures and checks around one formula.

Each function says over which axes to normalise (a `Layout`) and where the statistics come from; the
formula and its gradient are in `_normalized.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ...autograd.graph import rename
from ...autograd.inplace import bump
from ...kernels.layout import arranged, is_row_major, suggests_channels_last
from ...kernels.normalize import Stats
from ...ops.options import memory_order
from ...ops.registry import op
from ...quiet import fp
from ...tensor import Tensor
from ._normalized import Layout, normalized, wide
from .padding import constant_pad_nd

Array = np.ndarray

# ---- batch and instance --------------------------------------------------------------------------


@op(namespace="nn.functional")
def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Each channel (dim 1) normalised over the batch, or in evaluation by the running statistics.

    Training moves the running statistics towards the batch's, *in place*, by `momentum`.
    Raises ValueError for one value per channel in training, RuntimeError for sizes that do not fit.
    """
    if training:
        _check_several(input.size())
        if eps <= 0:
            raise ValueError(f"batch_norm eps must be positive during training, but got {eps}")
    elif eps < 0:
        raise ValueError(f"batch_norm eps must be non-negative, but got {eps}")
    return batch_norm_of(input, running_mean, running_var, weight, bias, training, momentum, eps)


def _check_several(size: Sequence[int]) -> None:
    if math.prod([size[0], *size[2:]]) == 1:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size {size}"
        )


def batch_norm_of(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None,
    bias: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
) -> Tensor:
    """`batch_norm` without its check of the number of values."""
    x = input._array
    channels = x.shape[1] if x.ndim > 1 else 0
    if not training and (running_mean is None or running_var is None):
        missing = "running_mean" if running_mean is None else "running_var"
        raise RuntimeError(f"{missing} must be defined in evaluation mode")
    _check_channels(channels, running_mean, running_var, weight, bias)
    _check_types(input, "batch_norm", running_mean, running_var, weight, bias)
    affine = (1, channels) + (1,) * (x.ndim - 2)
    axes, five = (0, *range(2, x.ndim)), (x.shape[0], channels, 1, 1, math.prod(x.shape[2:]))
    affine5, given = (1, channels, 1, 1, 1), None
    node = "NativeBatchNormBackward0"
    layout = Layout(node, x.shape, axes, affine, axes, five, affine5, eps, keeps=True)
    kind = np.float32 if x.dtype.itemsize == 2 else x.dtype
    if not training:
        mean = running_mean._array.astype(kind).reshape(affine5)  # type: ignore[union-attr]
        var = running_var._array.astype(np.float64).reshape(affine5)  # type: ignore[union-attr]
        given = Stats(mean, fp.quiet(lambda: 1 / np.sqrt(var + eps)).astype(kind), fixed=True)
    elif not x.size:
        given = Stats(np.zeros(affine5, kind), np.ones(affine5, kind))
    y, stats, spread = normalized(input, weight, bias, layout, given)
    if spread is not None:
        _move(running_mean, running_var, stats, spread, x.size // channels, momentum)
    return y


def _move(
    running_mean: Tensor | None, running_var: Tensor | None, stats: Stats, var: Array, n: int,
    momentum: float,
) -> None:  # fmt: skip
    """running ← (1 − momentum) · running + momentum · batch, with the unbiased variance."""
    unbiased = fp.quiet(lambda: var * (np.float64(n) / (n - 1)))
    for running, batch in ((running_mean, stats.full_mean()), (running_var, unbiased)):
        if running is not None:
            r = running._array
            moved = (1 - momentum) * r.astype(np.float64) + momentum * batch.reshape(-1)
            r[...] = moved  # uncounted: torch does not raise the version of running statistics


def _check_channels(channels: int, *tensors: Tensor | None) -> None:
    names = ("running_mean", "running_var", "weight", "bias")
    for name, t in zip(names, tensors):
        if t is not None and t.numel() != channels:
            raise RuntimeError(f"{name} should contain {channels} elements not {t.numel()}")


def _check_types(input: Tensor, name: str, *tensors: Tensor | None) -> None:
    """Parameters have the input's dtype; those of a float16 input may be float32."""
    own = input._array.dtype
    if own.kind != "f":
        raise NotImplementedError(f"\"{name}\" not implemented for '{input.dtype.title}'")
    given = [t for t in tensors if t is not None]
    if own.itemsize == 2 and all(t._array.dtype == np.float32 for t in given):
        return
    for t in given:
        if t._array.dtype != own:
            if t._array.itemsize > own.itemsize:
                raise RuntimeError(
                    "mixed dtype (CPU): expect parameter to have scalar type of Float"
                )
            raise RuntimeError("mixed dtype (CPU): all inputs must share same datatype.")


@op(namespace="nn.functional")
def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Each channel of each sample normalised on its own; running statistics average over the batch.

    Raises ValueError for a single spatial element, RuntimeError for sizes that do not fit.
    """
    if use_input_stats and math.prod(input.shape[2:]) == 1:
        raise ValueError(
            f"Expected more than 1 spatial element when training, got input size {input.size()}"
        )
    statistics = running_mean, running_var, weight, bias
    return instance_norm_of(input, *statistics, use_input_stats, momentum, eps)


def instance_norm_of(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None,
    bias: Tensor | None,
    use_input_stats: bool,
    momentum: float,
    eps: float,
) -> Tensor:
    """`instance_norm` that also takes a single value per channel."""
    if not use_input_stats and (running_mean is None or running_var is None):
        raise RuntimeError(
            "Expected running_mean and running_var to be defined when use_input_stats is false"
        )
    n, c = input.shape[:2]
    mean, var, w, b = (
        None if t is None else t.repeat(n) for t in (running_mean, running_var, weight, bias)
    )
    x = input.contiguous().view(1, n * c, *input.shape[2:])
    y = batch_norm_of(x, mean, var, w, b, use_input_stats, momentum, eps)
    for running, repeated in ((running_mean, mean), (running_var, var)):
        if running is not None and repeated is not None:
            running._array[...] = repeated._array.reshape(n, c).mean(0)
            bump(running)
    return y.view(input.shape)


# ---- layer, group and rms ------------------------------------------------------------------------


@op(namespace="nn.functional")
def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Normalised over the last dims, which are `normalized_shape`; weight and bias have that shape.

    Raises RuntimeError for shapes that do not fit.
    """
    layout = _last_dims("layer_norm", input, normalized_shape, weight, bias, eps)
    _check_types(input, "LayerNormKernelImpl", weight, bias)
    return normalized(input, weight, bias, layout)[0]


def _last_dims(
    name: str,
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
) -> Layout:
    """The layout of layer and rms norm, after torch's checks."""
    if not isinstance(normalized_shape, (tuple, list)):
        raise TypeError(
            f"{name}(): argument 'normalized_shape' (position 2) must be tuple of ints, "
            f"not {type(normalized_shape).__name__}"
        )
    inner = tuple(normalized_shape)
    if not inner:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one "
            "element, but got normalized_shape = []"
        )
    for what, t in (("weight", weight), ("bias", bias)):
        if t is not None and t._array.shape != inner:
            raise RuntimeError(
                f"Expected {what} to be of same shape as normalized_shape, but got {what} of shape "
                f"{list(t.shape)} and normalized_shape = {list(inner)}"
            )
    shape = input._array.shape
    if shape[len(shape) - len(inner) :] != inner or len(inner) > len(shape):
        star = "*, " if name == "layer_norm" else "*"
        raise RuntimeError(
            f"Given normalized_shape={list(inner)}, expected input with shape "
            f"[{star}{', '.join(map(str, inner))}], but got input of size{list(shape)}"
        )
    outer = len(shape) - len(inner)
    node = "NativeLayerNormBackward0" if name == "layer_norm" else "MulBackward0"
    axes, affine = tuple(range(outer, len(shape))), (1,) * outer + inner
    summed = tuple(range(outer))
    rows, size = math.prod(shape[:outer]), math.prod(inner)
    five, affine5 = (1, rows, 1, 1, size), (1, 1, 1, 1, size)
    centred = name == "layer_norm"
    return Layout(node, shape, axes, affine, summed, five, affine5, eps, centred)


@op(namespace="nn.functional")
def rms_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:
    """x / √(mean(x²) + eps) over the last dims, times `weight`; eps defaults to the dtype's own.

    Raises RuntimeError for shapes that do not fit.
    """
    if input._array.dtype.kind != "f":
        raise NotImplementedError(f"\"rms_norm\" not implemented for '{input.dtype.title}'")
    if eps is None:
        eps = float(np.finfo(wide(input._array[:0] if input.ndim else input._array).dtype).eps)
    layout = _last_dims("rms_norm", input, normalized_shape, weight, None, eps)
    result = normalized(input, weight, None, layout)[0]
    result._array = _as_product(result._array, input._array, len(layout.axes))
    in_order = memory_order(input._array) == tuple(range(input.ndim))
    return result if in_order else rename(result, "CloneBackward0")  # torch's .contiguous()


def _as_product(data: Array, x: Array, dims: int) -> Array:
    """`data` as the product of x and a factor for its last `dims` lies, made contiguous by torch."""
    if is_row_major(x):
        return data
    data = arranged(data, x, np.empty((*x.shape[:-dims], *[1] * dims), bool))
    return data if suggests_channels_last(data) else np.asarray(data, order="C")


@op(namespace="nn.functional")
def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """The channels (dim 1) of each sample normalised in `num_groups` groups.

    Raises RuntimeError for sizes that do not fit, ValueError for groups of one value.
    """
    if input.ndim < 2:
        raise RuntimeError(
            f"Expected at least 2 dimensions for input tensor but received {input.ndim}"
        )
    n, c, *rest = input.shape
    _check_several([n * c // num_groups, num_groups, *rest])
    if c % num_groups:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of "
            f"shape {list(input.shape)} and num_groups={num_groups}"
        )
    for what, t in (("weight", weight), ("bias", bias)):
        if t is not None and t._array.shape != (c,):
            raise RuntimeError(
                f"Expected {what} to be a vector of size equal to the number of channels in input, "
                f"but got {what} of shape {list(t.shape)} and input of shape {list(input.shape)}"
            )
    _check_types(input, "GroupNormKernelImpl", weight, bias)
    affine = (1, c) + (1,) * len(rest)
    grouped = (n, num_groups, math.prod([c // num_groups, *rest]))
    summed = (0, *range(2, input.ndim))
    size = math.prod(rest)
    five, affine5 = (1, n, num_groups, c // num_groups, size), (1, 1, num_groups, c // num_groups, 1)
    node = "NativeGroupNormBackward0"
    layout = Layout(node, grouped, (2,), affine, summed, five, affine5, eps, keeps=True)
    return normalized(input, weight, bias, layout)[0]


@op(namespace="nn.functional")
def local_response_norm(
    input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """x / (k + alpha · mean of x² over `size` neighbouring channels)^beta.

    Raises ValueError for an input of fewer than 3 dims.
    """
    if input.ndim < 3:
        raise ValueError(
            "Expected 3D or higher dimensionality                          "
            f"input (got {input.ndim} dimensions)"
        )
    if input.numel() == 0:
        return input
    if size <= 0:
        raise RuntimeError(f"kernel size should be greater than zero, but got kH: {size} kW: 1")
    # Σ over a window of channels = difference of running sums would cancel; add the shifts instead.
    around = [0, 0] * (input.ndim - 2) + [size // 2, (size - 1) // 2]
    squares = constant_pad_nd(input * input, around)
    c = input.size(1)
    total = squares.narrow(1, 0, c)
    for shift in range(1, size):
        total = total + squares.narrow(1, shift, c)
    return input / (total / size * alpha + k) ** beta

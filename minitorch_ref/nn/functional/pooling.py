"""Pooling over windows: the largest value or the mean, and putting maxima back in place.

A maximum's gradient is a scatter to the place it came from, and the gradient of that a gather from
the same places; a mean's gradient is the adjoint sum.  So each has an op for the way back whose own
gradient is the op for the way there, and any order of derivative works.  (source: derivatives.yaml)

Two dims have kernels of their own (kernels/max_pool.py, kernels/avg_pool.py).  One dim is an image of
height 1.  Three dims are pooled plane by plane and then along the depth: sums of sums, maxima of maxima.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ...autograd.graph import record, requires_grad
from ...autograd.modes import state
from ...kernels import avg_pool, max_pool
from ...kernels.axis import Axis
from ...kernels.layout import in_format, suggests_channels_last
from ...ops.registry import op
from ...quiet import fp
from ...tensor import Tensor, wrap
from ._pool_checks import check_input, key, refuse_types, unpooled_size, window_axes

Sizes = int | Sequence[int]
_LINE = Axis(1, 1, 1)


# ---- maxima --------------------------------------------------------------------------------------


@op(namespace="nn.functional")
def max_pool1d(
    input: Tensor, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0,
    dilation: Sizes = 1, ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    """Maxima over windows of (N, C, L) or (C, L), and their places if `return_indices`."""
    window = (kernel_size, stride, padding, dilation, ceil_mode)
    return _max_pool("max_pool1d", 1, input, window, return_indices)


@op(namespace="nn.functional")
def max_pool2d(
    input: Tensor, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0,
    dilation: Sizes = 1, ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    """Maxima over windows of (N, C, H, W) or (C, H, W), and their places h·W + w if asked for.

    The first of equal values wins, and the last NaN over all.  Raises RuntimeError for an output
    without elements and for padding beyond half a window.
    """
    window = (kernel_size, stride, padding, dilation, ceil_mode)
    return _max_pool("max_pool2d", 2, input, window, return_indices)


@op(namespace="nn.functional")
def max_pool3d(
    input: Tensor, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0,
    dilation: Sizes = 1, ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    """Maxima over windows of (N, C, D, H, W) or (C, D, H, W), and their places if asked for."""
    window = (kernel_size, stride, padding, dilation, ceil_mode)
    return _max_pool("max_pool3d", 3, input, window, return_indices)


def _max_pool(name: str, dims: int, x: Tensor, window: tuple, with_indices: bool) -> Any:
    check_input(name, x, dims)
    refuse_types("max_pool1d_impl" if dims == 1 else name, x, "efdbBhilq")
    kernel, stride, padding, dilation, ceil_mode = window
    axes = window_axes(
        name, dims, x._array.shape, key(kernel), key(stride), key(padding), key(dilation), ceil_mode
    )
    if dims == 1:  # an image of height 1
        y, places = _maxima(x.unsqueeze(-2), (_LINE, *axes), with_indices)
        return (y.squeeze(-2), places.squeeze(-2)) if with_indices else y.squeeze(-2)
    y, places = _maxima(x, axes, with_indices)
    return (y, places) if with_indices else y


def _maxima(x: Tensor, axes: Sequence[Axis], with_places: bool) -> tuple[Tensor, Any]:
    """The maxima of every window of (..., H, W) or (..., D, H, W), and their flat places."""
    if len(axes) == 2 and not with_places:
        return _maxima_alone(x, *axes), None
    pool = max_pool.max_pool2d if len(axes) == 2 else max_pool.max_pool3d
    wanted = with_places or (state.grad and requires_grad(x))
    y, places = fp.quiet(pool, x._array, *axes, wanted)
    last = suggests_channels_last(x._array)
    y = in_format(y, last)
    node = f"MaxPool{len(axes)}DWithIndices"
    if places is None:
        return wrap(y), None
    shape, apart = x._array.shape, max_pool.windows_apart(*axes)
    rule = lambda g, kept: to_places(g, kept, shape, len(axes), apart, node, last)
    kept = wrap(in_format(places, last))  # a tensor: the user may get it, and writes into it must be noticed
    return record(f"{node}Backward0", y, x=(x, rule), kept=kept), kept


def _maxima_alone(x: Tensor, h: Axis, w: Axis) -> Tensor:
    """The maxima for a user who does not ask where they are: their offsets are enough."""
    tracked = state.grad and requires_grad(x)
    y, offsets = fp.quiet(max_pool.maxima, x._array, h, w, tracked)
    last = suggests_channels_last(x._array)
    y = in_format(y, last)
    if offsets is None:
        return wrap(y)
    node, shape = "MaxPool2DWithIndices", x._array.shape

    def rule(g: Tensor, kept: Tensor) -> Tensor:
        if not state.grad:
            data = max_pool.gradient(g._array, kept._array, h, w, shape)
            return wrap(in_format(data, last))
        places = wrap(max_pool.places_of(kept._array, h, w))
        return to_places(g, places, shape, 2, max_pool.windows_apart(h, w), node, last)

    return record(f"{node}Backward0", y, x=(x, rule), kept=wrap(offsets))


def to_places(
    g: Tensor, places: Tensor, shape: tuple[int, ...], dims: int, apart: bool, node: str,
    last: bool = False,
) -> Tensor:  # fmt: skip
    """Add each g at its place in a zero tensor of `shape`; `apart`: no two meet.

    `last`: the result's channels are its fastest dim.
    """
    data = max_pool.to_places(g._array, places._array, shape, dims, apart)
    data = in_format(data, last)
    rule = lambda k, at: from_places(k, at, dims, apart, node)
    return record(f"{node}BackwardBackward0", data, g=(g, rule), at=places)


def from_places(x: Tensor, places: Tensor, dims: int, apart: bool, node: str) -> Tensor:
    """The elements of x at the places: the adjoint of `to_places`."""
    data, shape = max_pool.from_places(x._array, places._array, dims), x._array.shape
    rule = lambda g, at: to_places(g, at, shape, dims, apart, node)
    return record("GatherBackward0", data, x=(x, rule), at=places)


@op(namespace="nn.functional")
def max_unpool1d(
    input: Tensor, indices: Tensor, kernel_size: Sizes, stride: Sizes | None = None,
    padding: Sizes = 0, output_size: Sequence[int] | None = None,
) -> Tensor:  # fmt: skip
    """The partial inverse of `max_pool1d(..., return_indices=True)`."""
    return _unpool("max_unpool1d", 1, input, indices, kernel_size, stride, padding, output_size)


@op(namespace="nn.functional")
def max_unpool2d(
    input: Tensor, indices: Tensor, kernel_size: Sizes, stride: Sizes | None = None,
    padding: Sizes = 0, output_size: Sequence[int] | None = None,
) -> Tensor:  # fmt: skip
    """The partial inverse of `max_pool2d(..., return_indices=True)`: maxima in place, else zeros.

    Raises RuntimeError for indices outside of the output, ValueError for an impossible output size.
    """
    return _unpool("max_unpool2d", 2, input, indices, kernel_size, stride, padding, output_size)


@op(namespace="nn.functional")
def max_unpool3d(
    input: Tensor, indices: Tensor, kernel_size: Sizes, stride: Sizes | None = None,
    padding: Sizes = 0, output_size: Sequence[int] | None = None,
) -> Tensor:  # fmt: skip
    """The partial inverse of `max_pool3d(..., return_indices=True)`."""
    return _unpool("max_unpool3d", 3, input, indices, kernel_size, stride, padding, output_size)


def _unpool(
    name: str, dims: int, x: Tensor, indices: Tensor, kernel_size: Any, stride: Any, padding: Any,
    output_size: Any,
) -> Tensor:  # fmt: skip
    size = unpooled_size(name, dims, x, indices, kernel_size, stride, padding, output_size)
    if dims == 1:
        y = _put_back(x.unsqueeze(-2), indices.unsqueeze(-2), (1, *size))
        return y.squeeze(-2)
    return _put_back(x, indices, size)


def _put_back(x: Tensor, at: Tensor, size: tuple[int, ...]) -> Tensor:
    dims = len(size)
    shape, node = (*x._array.shape[:-dims], *size), f"MaxUnpool{dims}D"
    data = max_pool.to_places(x._array, at._array, shape, dims, True)
    data = in_format(data, dims == 2 and suggests_channels_last(x._array))
    rule = lambda g, at: from_places(g, at, dims, True, node)
    return record(f"{node}Backward0", data, x=(x, rule), at=at)


# ---- means ---------------------------------------------------------------------------------------


@op(namespace="nn.functional")
def avg_pool1d(
    input: Tensor, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0,
    ceil_mode: bool = False, count_include_pad: bool = True,
) -> Tensor:  # fmt: skip
    """Means over windows of (N, C, L) or (C, L)."""
    window = (kernel_size, stride, padding, ceil_mode)
    return _avg_pool("avg_pool1d", 1, input, window, count_include_pad, None)


@op(namespace="nn.functional")
def avg_pool2d(
    input: Tensor, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0,
    ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: int | None = None,
) -> Tensor:  # fmt: skip
    """Means over windows of (N, C, H, W) or (C, H, W).

    The divisor is the window's area with the padding it covers, or without, or `divisor_override`.
    """
    window = (kernel_size, stride, padding, ceil_mode)
    return _avg_pool("avg_pool2d", 2, input, window, count_include_pad, divisor_override)


@op(namespace="nn.functional")
def avg_pool3d(
    input: Tensor, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0,
    ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: int | None = None,
) -> Tensor:  # fmt: skip
    """Means over windows of (N, C, D, H, W) or (C, D, H, W)."""
    window = (kernel_size, stride, padding, ceil_mode)
    return _avg_pool("avg_pool3d", 3, input, window, count_include_pad, divisor_override)


def _avg_pool(
    name: str, dims: int, x: Tensor, window: tuple, count_include_pad: bool, divisor: int | None
) -> Tensor:
    check_input(name, x, dims)
    if divisor == 0:
        raise RuntimeError("divisor must be not zero")
    if dims == 3:
        refuse_types("avg_pool3d_out_frame", x, "fdlq")
    else:
        refuse_types("avg_pool2d", x, "efdlq")
    kernel, stride, padding, ceil_mode = window
    axes = window_axes(
        name, dims, x._array.shape, key(kernel), key(stride), key(padding), 1, ceil_mode
    )
    if dims == 3 and any(a.size < a.kernel for a in axes):
        size = " ".join(f"{n}: {a.size}" for n, a in zip("THW", axes))
        window_size = " ".join(f"k{n}: {a.kernel}" for n, a in zip("THW", axes))
        raise RuntimeError(f"input image ({size}) smaller than kernel size ({window_size})")
    if dims == 1:  # an image of height 1
        return _means(x.unsqueeze(-2), (_LINE, *axes), count_include_pad, None).squeeze(-2)
    return _means(x, axes, count_include_pad, divisor)


def _means(x: Tensor, axes: Sequence[Axis], padded: bool, divisor: int | None) -> Tensor:
    last = suggests_channels_last(x._array)
    data = in_format(fp.quiet(avg_pool.mean, x._array, axes, padded, divisor), last)
    name = f"AvgPool{len(axes)}DBackward0"
    return record(name, data, x=(x, lambda g: _means_back(g, axes, padded, divisor, last)))


def _means_back(
    g: Tensor, axes: Sequence[Axis], padded: bool, divisor: int | None, last: bool
) -> Tensor:
    """Spread every g evenly over its window: the adjoint of `_means`."""
    data = fp.quiet(avg_pool.mean_gradient, g._array, axes, padded, divisor)
    data = in_format(data, last)
    name = f"AvgPool{len(axes)}DBackwardBackward0"
    return record(name, data, g=(g, lambda k: _means(k, axes, padded, divisor)))


@op(namespace="nn.functional")
def lp_pool1d(
    input: Tensor, norm_type: float, kernel_size: int, stride: Sizes | None = None,
    ceil_mode: bool = False,
) -> Tensor:  # fmt: skip
    """(Σ xᵖ)^(1/p) over windows of (N, C, L) or (C, L)."""
    mean = avg_pool1d(input.pow(norm_type), kernel_size, stride, 0, ceil_mode)
    return (mean.sign() * mean.abs().relu()).mul(kernel_size).pow(1.0 / norm_type)


@op(namespace="nn.functional")
def lp_pool3d(
    input: Tensor, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None,
    ceil_mode: bool = False,
) -> Tensor:  # fmt: skip
    """(Σ xᵖ)^(1/p) over windows of (N, C, D, H, W) or (C, D, H, W)."""
    sizes = kernel_size if isinstance(kernel_size, (tuple, list)) else (kernel_size,) * 3
    mean = avg_pool3d(input.pow(norm_type), kernel_size, stride, 0, ceil_mode)
    return (mean.sign() * mean.abs().relu()).mul(math.prod(sizes)).pow(1.0 / norm_type)


@op(namespace="nn.functional")
def lp_pool2d(
    input: Tensor, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None,
    ceil_mode: bool = False,
) -> Tensor:  # fmt: skip
    """(Σ xᵖ)^(1/p) over windows of (N, C, H, W) or (C, H, W)."""
    kh, kw = kernel_size if isinstance(kernel_size, (tuple, list)) else (kernel_size, kernel_size)
    mean = avg_pool2d(input.pow(norm_type), kernel_size, stride, 0, ceil_mode)
    return (mean.sign() * mean.abs().relu()).mul(kw * kh).pow(1.0 / norm_type)


# torch has these in its own namespace as well
for _function in (max_pool1d, max_pool2d, max_pool3d, avg_pool1d):
    op(_function, method=False)

"""Convolutions and transposed convolutions in one, two and three dims.

A convolution is linear in its input and in its weight.  Three ops are enough for all its derivatives,
because each one's gradients are the others (a backward pass that is not recorded makes them at once):

    op                    y from                 gradient for the first      for the second
    _forward (x, w)       y = x * w              _to_input (ȳ, w)            _to_weight (ȳ, x)
    _to_input (g, w)      x̄, or the transposed   _forward (x̄̄, w)             _to_weight (g, x̄̄)
    _to_weight (g, x)     w̄                      _forward (x, w̄̄)             _to_input (g, w̄̄)

so a convolution can be differentiated as often as one likes.  (source: derivatives.yaml, convolution)
The arithmetic is in kernels/conv.py.  Images or weights that come with the channels last make all results
and gradients come so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ...autograd.graph import record
from ...autograd.modes import state
from ...kernels.conv import (
    convolve,
    convolve_bias,
    convolve_both,
    convolve_input,
    convolve_weight,
)  # fmt: skip
from ...kernels.layout import in_format, suggests_channels_last
from ...ops.registry import op
from ...quiet import fp
from ...tensor import Tensor, wrap
from ._conv_checks import check_geometry, check_types, same_padding
from .padding import constant_pad_nd

Gradients = tuple[Tensor | None, ...]
Sizes = int | Sequence[int]
Ints = tuple[int, ...]


class Window(NamedTuple):
    """How the kernel moves: one number per spatial dim, and the number of channel groups."""

    stride: Ints
    padding: Ints
    dilation: Ints
    groups: int


@op(namespace="nn.functional")
def conv1d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Sizes = 1,
    padding: Sizes | str = 0, dilation: Sizes = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """Cross-correlate (N, C, L) or (C, L) with (O, C/groups, K): (N, O, L') or (O, L')."""
    return _conv("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


@op(namespace="nn.functional")
def conv2d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Sizes = 1,
    padding: Sizes | str = 0, dilation: Sizes = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """Cross-correlate (N, C, H, W) or (C, H, W) with (O, C/groups, KH, KW): (N, O, H', W').

    `padding` may be "same" (stride 1 only) or "valid".  Raises RuntimeError where shapes, dtypes or
    geometry do not fit, in torch's words.
    """
    return _conv("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


@op(namespace="nn.functional")
def conv3d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Sizes = 1,
    padding: Sizes | str = 0, dilation: Sizes = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """Cross-correlate (N, C, D, H, W) or (C, D, H, W) with (O, C/groups, KD, KH, KW)."""
    return _conv("conv3d", 3, input, weight, bias, stride, padding, dilation, groups)


def _conv(
    name: str, dims: int, x: Tensor, w: Tensor, b: Tensor | None,
    stride: Sizes, padding: Sizes | str, dilation: Sizes, groups: int,
) -> Tensor:  # fmt: skip
    check_types(name, dims, x, w, b)
    if x.ndim == dims + 1:
        one = _conv(name, dims, x.unsqueeze(0), w, b, stride, padding, dilation, groups)
        return one.squeeze(0)
    if isinstance(padding, str):
        padding, extra = same_padding(padding, dims, w.shape[2:], stride, dilation)
        if any(extra):
            x = constant_pad_nd(x, extra)
    shape = None if b is None else b._array.shape
    window = Window(*check_geometry(
        dims, x._array.shape, w._array.shape, shape, _key(stride), _key(padding), _key(dilation),
        groups,
    )[:4])  # fmt: skip
    return _forward(x, w, b, window, _node(x))


def _node(x: Tensor) -> str:
    """The node's name: torch makes a complex convolution of three real ones, and adds them up."""
    return "AddBackward0" if x._array.dtype.kind == "c" else "ConvolutionBackward0"


def _key(sizes: Sizes) -> int | Ints:
    return sizes if isinstance(sizes, int) else tuple(sizes)


def _conjugate(t: Tensor) -> Tensor:
    return t.conj() if t._array.dtype.kind == "c" else t


def _forward(
    x: Tensor, w: Tensor, b: Tensor | None, window: Window, name: str, out: Ints | None = None,
    last: bool | None = None,
) -> Tensor:  # fmt: skip
    """y of x and w; `out` asks for fewer outputs than would fit.

    `last`: whether the result's channels are its fastest dim; None: as x or w has them.
    """
    bias = None if b is None else b._array
    last = _channels_last(x, w) if last is None else last
    data = in_format(fp.quiet(convolve, x._array, w._array, bias, *window, out), last)

    def rule(g: Tensor, x: Tensor, w: Tensor, needs: tuple[bool, ...]) -> Gradients:
        if state.grad or g._array.dtype.kind == "c":
            size, kernel = x._array.shape[2:], w._array.shape[2:]
            return (
                _to_input(g, _conjugate(w), None, size, window, last=last) if needs[0] else None,
                _to_weight(g, _conjugate(x), kernel, window, last) if needs[1] else None,
                _sum_per_channel(g) if needs[2] else None,
            )
        return fp.quiet(_gradients, g._array, x._array, w._array, window, needs, last)

    return record(name, data, (("x", "w", "bias"), rule), x=x, w=w, bias=b)


def _channels_last(x: Tensor, w: Tensor) -> bool:
    images = x._array.ndim == 4  # torch's small convolutions of volumes return them row-major
    return images and (suggests_channels_last(x._array) or suggests_channels_last(w._array))


def _gradients(
    g: np.ndarray, x: np.ndarray, w: np.ndarray, window: Window, needs: tuple[bool, ...], last: bool
) -> Gradients:
    """All gradients that are wanted, when nothing is recorded: both convolutions at once."""
    to_x, to_w, to_bias = needs
    x_grad = w_grad = None
    if to_x and to_w:
        x_grad, w_grad = convolve_both(g, x, w, *window)
    elif to_w:
        w_grad = convolve_weight(g, x, w.shape[2:], *window)
    elif to_x:
        x_grad = convolve_input(g, w, x.shape[2:], *window)
    images = [None if a is None else wrap(in_format(a, last)) for a in (x_grad, w_grad)]
    return *images, wrap(convolve_bias(g)) if to_bias else None


def _to_input(
    g: Tensor, w: Tensor, b: Tensor | None, size: Ints, window: Window,
    name: str = "ConvolutionBackwardBackward0", last: bool | None = None,
) -> Tensor:  # fmt: skip
    """The input gradient, for an input of spatial size `size`; with a bias, a transposed convolution.

    `last`: whether the result's channels are its fastest dim; None: as g or w has them.
    """
    data = fp.quiet(convolve_input, g._array, w._array, size, *window)
    if b is not None:
        fp.quiet(np.add, data, b._array.reshape(-1, *[1] * len(size)), out=data)
    last = _channels_last(g, w) if last is None else last
    data = in_format(data, last)
    out, kernel = g._array.shape[2:], w._array.shape[2:]
    second = "ConvolutionBackwardBackward0"
    return record(
        name,
        data,
        g=(g, lambda gg, w: _forward(gg, _conjugate(w), None, window, second, out, last)),
        w=(w, lambda gg, g: _to_weight(_conjugate(g), gg, kernel, window, last)),
        bias=(b, _sum_per_channel),
    )


def _to_weight(g: Tensor, x: Tensor, kernel: Ints, window: Window, last: bool) -> Tensor:
    """The weight gradient, for a kernel of spatial size `kernel`."""
    data = in_format(fp.quiet(convolve_weight, g._array, x._array, kernel, *window), last)
    size, out = x._array.shape[2:], g._array.shape[2:]
    name = "ConvolutionBackwardBackward0"
    return record(
        name,
        data,
        g=(g, lambda gg, x: _forward(_conjugate(x), gg, None, window, name, out, last)),
        x=(x, lambda gg, g: _to_input(_conjugate(g), gg, None, size, window, last=last)),
    )


def _sum_per_channel(g: Tensor) -> Tensor:
    return g.sum((0, *range(2, g.ndim)))


@op(namespace="nn.functional")
def conv_transpose1d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Sizes = 1, padding: Sizes = 0,
    output_padding: Sizes = 0, groups: int = 1, dilation: Sizes = 1,
) -> Tensor:  # fmt: skip
    """The transpose (the input gradient) of conv1d; weight (C, O/groups, K)."""
    window = (stride, padding, output_padding, groups, dilation)
    return _transposed("conv_transpose1d", 1, input, weight, bias, *window)


@op(namespace="nn.functional")
def conv_transpose2d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Sizes = 1, padding: Sizes = 0,
    output_padding: Sizes = 0, groups: int = 1, dilation: Sizes = 1,
) -> Tensor:  # fmt: skip
    """The transpose (the input gradient) of conv2d; weight (C, O/groups, KH, KW).

    The output has (H-1)·stride - 2·padding + dilation·(KH-1) + output_padding + 1 rows.
    """
    window = (stride, padding, output_padding, groups, dilation)
    return _transposed("conv_transpose2d", 2, input, weight, bias, *window)


@op(namespace="nn.functional")
def conv_transpose3d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Sizes = 1, padding: Sizes = 0,
    output_padding: Sizes = 0, groups: int = 1, dilation: Sizes = 1,
) -> Tensor:  # fmt: skip
    """The transpose (the input gradient) of conv3d; weight (C, O/groups, KD, KH, KW)."""
    window = (stride, padding, output_padding, groups, dilation)
    return _transposed("conv_transpose3d", 3, input, weight, bias, *window)


def _transposed(
    name: str, dims: int, x: Tensor, w: Tensor, b: Tensor | None,
    stride: Sizes, padding: Sizes, extra: Sizes, groups: int, dilation: Sizes,
) -> Tensor:  # fmt: skip
    check_types(name, dims, x, w, b)
    if x.ndim == dims + 1:
        options = (stride, padding, extra, groups, dilation)
        return _transposed(name, dims, x.unsqueeze(0), w, b, *options).squeeze(0)
    shape = None if b is None else b._array.shape
    *window, size = check_geometry(
        dims, x._array.shape, w._array.shape, shape, _key(stride), _key(padding), _key(dilation),
        groups, _key(extra),
    )  # fmt: skip
    return _to_input(x, w, b, size, Window(*window), _node(x))


for _function in (
    conv1d, conv2d, conv3d, conv_transpose1d, conv_transpose2d, conv_transpose3d,
):  # fmt: skip
    op(_function, method=False)

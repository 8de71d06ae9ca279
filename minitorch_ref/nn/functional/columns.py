"""Windows as columns and back: `unfold` (im2col) and `fold` (col2im), each the other's gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...autograd.graph import record
from ...kernels import conv as kernels
from ...kernels import unfold as windows
from ...ops.registry import op
from ...tensor import Tensor

Sizes = int | Sequence[int]


def _pair(value: Sizes) -> tuple[int, ...]:
    values = (value, value) if isinstance(value, int) else tuple(value)
    return values * 2 if len(values) == 1 else values


def _window_axes(size: Sequence[int], kernel: Any, dilation: Any, padding: Any, stride: Any) -> Any:
    return kernels.axes_of(
        size, _pair(kernel), _pair(stride),
        _pair(padding), _pair(dilation),
    )  # fmt: skip


def _columns(x: Tensor, axes: Any) -> Tensor:
    data = windows.im2col(x._array, *axes)
    return record("Im2ColBackward0", data, x=(x, lambda g: _from_columns(g, axes)))


def _from_columns(columns: Tensor, axes: Any) -> Tensor:
    data = windows.col2im(columns._array, *axes)
    return record("Col2ImBackward0", data, columns=(columns, lambda g: _columns(g, axes)))


@op(namespace="nn.functional")
def unfold(
    input: Tensor, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1
) -> Tensor:
    """Every window of (N, C, H, W) as a column: (N, C·KH·KW, windows)."""
    if input.ndim not in (3, 4):
        raise RuntimeError(
            "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero "
            f"dimensions for input, but got: {list(input.shape)}"
        )
    had_batch = input.ndim == 4
    x = input if had_batch else input.unsqueeze(0)
    axes = _window_axes(x._array.shape[2:], kernel_size, dilation, padding, stride)
    if any(a.out < 1 for a in axes):
        raise RuntimeError(
            f"Given input with spatial size ({x.shape[2]}, {x.shape[3]}), kernel_size={kernel_size}, "
            f"dilation={dilation}, padding={padding}, calculated shape of the array of sliding blocks "
            f"as {tuple(a.out for a in axes)}, but its components must be at least one."
        )
    y = _columns(x, axes)
    return y if had_batch else y.squeeze(0)


@op(namespace="nn.functional")
def fold(
    input: Tensor, output_size: Sizes, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0,
    stride: Sizes = 1,
) -> Tensor:  # fmt: skip
    """The sum of all columns put back to their windows: the adjoint of `unfold`."""
    had_batch = input.ndim == 3
    x = input if had_batch else input.unsqueeze(0)
    axes = _window_axes(_pair(output_size), kernel_size, dilation, padding, stride)
    blocks = axes[0].out * axes[1].out
    if x._array.shape[2] != blocks:
        raise RuntimeError(
            f"Given output_size={output_size}, kernel_size={kernel_size}, dilation={dilation}, "
            f"padding={padding}, stride={stride}, expected size of input's dimension 2 to match the "
            f"calculated number of sliding blocks {axes[0].out} * {axes[1].out} = {blocks}, but got "
            f"input.size(2)={x._array.shape[2]}."
        )
    y = _from_columns(x, axes)
    return y if had_batch else y.squeeze(0)

"""Windows as columns and back: `unfold` (im2col) and `fold` (col2im), each the other's gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...autograd.graph import record
from ...kernels import unfold as windows
from ...kernels.axis import Axis
from ...kernels.conv import axes_of
from ...ops.registry import op
from ...tensor import Tensor
from ._pool_checks import refuse_types

Sizes = int | Sequence[int]
Pair = tuple[int, int]


@op(namespace="nn.functional")
def unfold(
    input: Tensor, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1
) -> Tensor:
    """Every window of (N, C, H, W) or (C, H, W) as a column: (N, C·KH·KW, windows).

    Raises RuntimeError for a window that does not fit.
    """
    kernel, dilation, padding, stride = _checked(kernel_size, dilation, padding, stride)
    shape = input._array.shape
    if input.ndim < 3:
        bounds = f"[{-input.ndim}, {input.ndim - 1}]"
        raise IndexError(
            f"Dimension out of range (expected to be in range of {bounds}, but got {input.ndim})"
        )
    if input.ndim > 4 or 0 in shape[-3:]:
        raise RuntimeError(
            "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero "
            f"dimensions for input, but got: {list(shape)}"
        )
    refuse_types("im2col_out_cpu", input, "efdFD?")
    axes = axes_of(shape[-2:], kernel, stride, padding, dilation)
    if min(a.out for a in axes) < 1:
        fit = zip(shape[-2:], kernel, stride, padding, dilation)
        count = tuple([(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in fit])
        raise RuntimeError(
            f"Given input with spatial size {shape[-2:]}, kernel_size={kernel}, dilation={dilation}, "
            f"padding={padding}, calculated shape of the array of sliding blocks as {count}, but its "
            "components must be at least one."
        )
    return _columns(input, axes)


@op(namespace="nn.functional")
def fold(
    input: Tensor, output_size: Sizes, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0,
    stride: Sizes = 1,
) -> Tensor:  # fmt: skip
    """The sum of all columns put back to their windows: the adjoint of `unfold`.

    (N, C·KH·KW, windows) or without N -> (N, C, *output_size).  Raises RuntimeError for a number of
    columns or rows that does not fit.
    """
    size = _pair("output_size", output_size)
    kernel, dilation, padding, stride = _checked(kernel_size, dilation, padding, stride)
    shape = input._array.shape
    if input.ndim not in (2, 3) or 0 in shape[-2:]:
        raise RuntimeError(
            "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero "
            f"dimensions for input, but got: {list(shape)}"
        )
    if shape[-2] % (kernel[0] * kernel[1]):
        raise RuntimeError(
            "Expected size of input's dimension 1 to be divisible by the product of kernel_size, but "
            f"got input.size(1)={shape[-2]} and kernel_size={kernel}."
        )
    axes = axes_of(size, kernel, stride, padding, dilation)
    high, wide = [a.out for a in axes]
    if shape[-1] != high * wide:
        raise RuntimeError(
            f"Given output_size={size}, kernel_size={kernel}, dilation={dilation}, padding={padding}, "
            f"stride={stride}, expected size of input's dimension 2 to match the calculated number of "
            f"sliding blocks {high} * {wide} = {high * wide}, but got input.size(2)={shape[-1]}."
        )
    refuse_types("col2im_out_cpu", input, "efdFD?")
    return _from_columns(input, axes)


def _columns(x: Tensor, axes: tuple[Axis, ...]) -> Tensor:
    data = windows.im2col(x._array, *axes)
    return record("Im2ColBackward0", data, x=(x, lambda g: _from_columns(g, axes)))


def _from_columns(columns: Tensor, axes: tuple[Axis, ...]) -> Tensor:
    data = windows.col2im(columns._array, *axes)
    return record("Col2ImBackward0", data, columns=(columns, lambda g: _columns(g, axes)))


def _pair(name: str, value: Any) -> Pair:
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    if len(values) not in (1, 2):
        raise RuntimeError(f"It is expected {name} equals to 2, but got size {len(values)}")
    first, last = values[0].__index__(), values[-1].__index__()
    return first, last


def _checked(kernel: Any, dilation: Any, padding: Any, stride: Any) -> tuple[Pair, ...]:
    rows = (
        ("kernel size", "kernel", kernel, 1), ("dilation", "dilation", dilation, 1),
        ("padding", "pad", padding, 0), ("stride", "stride", stride, 1),
    )  # fmt: skip
    pairs = []
    for words, name, value, least in rows:
        height, width = _pair("kernel_size" if name == "kernel" else words, value)
        if min(height, width) < least:
            must = "greater than zero" if least else "non-negative"
            raise RuntimeError(
                f"{words} should be {must}, but got {name}_height: {height} {name}_width: {width}"
            )
        pairs.append((height, width))
    return tuple(pairs)

"""Convolutions over one, two or three spatial dims, and their transposes.

A convolution is linear in its input and in its weight.  So there are three recorded operations, each
the gradient of the others, and derivatives of every order are among them (the kernels are in
`kernels/conv.py`):

    y  = convolve(x, w)            dx = from_input(g, w)       dw = from_weight(g, x)

A transposed convolution is `from_input` used forwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...autograd.graph import record, rename
from ...kernels import conv as kernels
from ...kernels import unfold as windows
from ...ops.registry import op
from ...tensor import Tensor

Sizes = int | Sequence[int]


class Geometry(NamedTuple):
    """Stride, padding and dilation of every spatial dim, and the number of groups."""

    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int


# ---- the three operations --------------------------------------------------------------------------


def _convolve(x: Tensor, weight: Tensor, bias: Tensor | None, how: Geometry) -> Tensor:
    size, kernel = x._array.shape[2:], weight._array.shape[2:]
    b = None if bias is None else bias._array
    return record(
        "ConvolutionBackward0",
        kernels.convolve(x._array, weight._array, b, *how),
        x=(x, lambda g, weight: _from_input(g, weight, size, how)),
        weight=(weight, lambda g, x: _from_weight(g, x, kernel, how)),
        bias=(bias, lambda g: g.sum([0, *range(2, g.ndim)])),
    )


def _from_input(g: Tensor, weight: Tensor, size: Sequence[int], how: Geometry) -> Tensor:
    kernel = weight._array.shape[2:]
    return record(
        "ConvolutionBackward0",
        kernels.convolve_input(g._array, weight._array, size, *how),
        g=(g, lambda h, weight: _convolve(h, weight, None, how)),
        weight=(weight, lambda h, g: _from_weight(g, h, kernel, how)),
    )


def _from_weight(g: Tensor, x: Tensor, kernel: Sequence[int], how: Geometry) -> Tensor:
    size = x._array.shape[2:]
    return record(
        "ConvolutionBackward0",
        kernels.convolve_weight(g._array, x._array, kernel, *how),
        g=(g, lambda h, x: _convolve(x, h, None, how)),
        x=(x, lambda h, g: _from_input(g, h, size, how)),
    )


# ---- arguments -----------------------------------------------------------------------------------------


def spread(name: str, value: Sizes, dims: int) -> tuple[int, ...]:
    """One number for every spatial dim, or one for all of them."""
    values = (value,) if isinstance(value, (int, np.integer)) else tuple(value)
    if len(values) == 1:
        values *= dims
    if len(values) != dims:
        raise RuntimeError(
            f"expected {name} to be a single integer value or a list of {dims} values to match the "
            f"convolution dimensions, but got {name}={list(values)}"
        )
    return tuple([int(v) for v in values])


def _check_types(input: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    if input._array.dtype != weight._array.dtype:
        raise RuntimeError(
            f"Input type ({_c_name(input)}) and weight type ({_c_name(weight)}) should be the same"
        )
    if bias is not None and bias._array.dtype != input._array.dtype:
        raise RuntimeError(
            f"Input type ({_c_name(input)}) and bias type ({_c_name(bias)}) should be the same"
        )


def _c_name(t: Tensor) -> str:
    names = {"float32": "float", "float64": "double", "float16": "c10::Half", "int64": "long int"}
    return names.get(t.dtype.name, t.dtype.name)


def _check(input: Tensor, weight: Tensor, bias: Tensor | None, how: Geometry, channels: int) -> None:
    """torch's complaints about sizes.  `channels`: how many the weight expects of the input."""
    dims = len(how.stride)
    if any(s <= 0 for s in how.stride):
        raise RuntimeError("non-positive stride is not supported")
    if any(d <= 0 for d in how.dilation):
        raise RuntimeError("dilation should be greater than zero")
    if any(n < 0 for n in how.padding):
        raise RuntimeError("negative padding is not supported")
    outputs = weight._array.shape[0]
    if weight.ndim != dims + 2:
        raise RuntimeError(
            f"weight should have {dims + 2} dimensions, but got weight of size {list(weight.shape)}"
        )
    if outputs % how.groups or how.groups <= 0:
        raise RuntimeError(
            f"Given groups={how.groups}, expected weight to be divisible by {how.groups} at "
            f"dimension 0, but got weight of size {list(weight.shape)} instead"
        )
    if input._array.shape[1] != channels:
        raise RuntimeError(
            f"Given groups={how.groups}, weight of size {list(weight.shape)}, expected "
            f"input{list(input.shape)} to have {channels} channels, but got "
            f"{input._array.shape[1]} channels instead"
        )


def _check_bias(weight: Tensor, bias: Tensor | None, how: Geometry, outputs: int) -> None:
    if bias is not None and (bias.ndim != 1 or bias._array.shape[0] != outputs):
        raise RuntimeError(
            f"Given weight of size {list(weight.shape)}, expected bias to be 1-dimensional with "
            f"{outputs} elements, but got bias of size {list(bias.shape)} instead"
        )


def _batched(name: str, input: Tensor, dims: int) -> tuple[Tensor, bool]:
    """The input with a batch dim, and whether it was given one."""
    if input.ndim == dims + 2:
        return input, True
    if input.ndim == dims + 1:
        return input.unsqueeze(0), False
    raise RuntimeError(
        f"Expected {dims + 1}D (unbatched) or {dims + 2}D (batched) input to {name}, but got input "
        f"of size: {list(input.shape)}"
    )


def _check_fits(input: Tensor, weight: Tensor, how: Geometry) -> None:
    padded = [n + 2 * p for n, p in zip(input._array.shape[2:], how.padding)]
    spans = [(k - 1) * d + 1 for k, d in zip(weight._array.shape[2:], how.dilation)]
    if any(n < span for n, span in zip(padded, spans)):
        raise RuntimeError(
            f"Calculated padded input size per channel: ({' x '.join(map(str, padded))}). Kernel "
            f"size: ({' x '.join(map(str, spans))}). Kernel size can't be greater than actual input "
            "size"
        )


# ---- convolutions ------------------------------------------------------------------------------------------


def _conv(
    dims: int, input: Tensor, weight: Tensor, bias: Tensor | None, stride: Sizes,
    padding: Sizes | str, dilation: Sizes, groups: int,
) -> Tensor:  # fmt: skip
    name = f"conv{dims}d"
    steps, apart = spread("stride", stride, dims), spread("dilation", dilation, dims)
    x, had_batch = _batched(name, input, dims)
    if isinstance(padding, str):
        x, margins = _named_padding(padding, x, weight, steps, apart)
    else:
        margins = spread("padding", padding, dims)
    how = Geometry(steps, margins, apart, groups)
    _check_types(x, weight, bias)
    _check(x, weight, bias, how, weight._array.shape[1] * groups)
    _check_bias(weight, bias, how, weight._array.shape[0])
    _check_fits(x, weight, how)
    y = _convolve(x, weight, bias, how)
    return y if had_batch else y.squeeze(0)


def _named_padding(
    padding: str, x: Tensor, weight: Tensor, stride: Sequence[int], dilation: Sequence[int]
) -> tuple[Tensor, tuple[int, ...]]:
    """"valid" is none; "same" keeps the size: an odd total puts the extra one at the end."""
    if padding == "valid":
        return x, (0,) * len(stride)
    if padding != "same":
        raise RuntimeError(f"Invalid padding string: '{padding}'")
    if any(s != 1 for s in stride):
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    totals = [d * (k - 1) for k, d in zip(weight._array.shape[2:], dilation)]
    if any(n % 2 for n in totals):
        from .padding import pad

        x = pad(x, [n for total in reversed(totals) for n in (0, total % 2)])
    return x, tuple([n // 2 for n in totals])


@op(namespace="nn.functional")
def conv1d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Sizes = 1,
    padding: Sizes | str = 0, dilation: Sizes = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """(N, C, L) or (C, L) with kernels (O, C/groups, K), plus bias (O).

    Raises RuntimeError for channels, types or sizes that do not fit; they are named.
    """
    return _conv(1, input, weight, bias, stride, padding, dilation, groups)


@op(namespace="nn.functional")
def conv2d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Sizes = 1,
    padding: Sizes | str = 0, dilation: Sizes = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """(N, C, H, W) or (C, H, W) with kernels (O, C/groups, KH, KW), plus bias (O)."""
    return _conv(2, input, weight, bias, stride, padding, dilation, groups)


@op(namespace="nn.functional")
def conv3d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Sizes = 1,
    padding: Sizes | str = 0, dilation: Sizes = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """(N, C, D, H, W) or (C, D, H, W) with kernels (O, C/groups, KD, KH, KW), plus bias (O)."""
    return _conv(3, input, weight, bias, stride, padding, dilation, groups)


# ---- transposed convolutions ---------------------------------------------------------------------------------


def _conv_transpose(
    dims: int, input: Tensor, weight: Tensor, bias: Tensor | None, stride: Sizes, padding: Sizes,
    output_padding: Sizes, groups: int, dilation: Sizes,
) -> Tensor:  # fmt: skip
    x, had_batch = _batched(f"conv_transpose{dims}d", input, dims)
    how = Geometry(
        spread("stride", stride, dims), spread("padding", padding, dims),
        spread("dilation", dilation, dims), groups,
    )  # fmt: skip
    extra = spread("output_padding", output_padding, dims)
    _check_types(x, weight, bias)
    _check(x, weight, bias, how, weight._array.shape[0])
    _check_bias(weight, bias, how, weight._array.shape[1] * groups)
    size = []
    for n, k, s, p, d, e in zip(
        x._array.shape[2:], weight._array.shape[2:], how.stride, how.padding, how.dilation, extra
    ):
        if e >= max(s, d):
            raise RuntimeError(
                "output padding must be smaller than either stride or dilation, but got "
                f"output_padding: {e}, stride: {s}, dilation: {d}"
            )
        size.append((n - 1) * s - 2 * p + d * (k - 1) + e + 1)
    if any(n <= 0 for n in size):
        raise RuntimeError(
            f"Given input size per channel: {list(x._array.shape[2:])}. Calculated output size per "
            f"channel: {size}. Output size is too small"
        )
    y = _from_input(x, weight, size, how)
    if bias is not None:
        y = rename(y + bias.reshape(-1, *[1] * dims), "ConvolutionBackward0")
    return y if had_batch else y.squeeze(0)


def _transpose(dims: int) -> Any:
    def call(
        input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Sizes = 1,
        padding: Sizes = 0, output_padding: Sizes = 0, groups: int = 1, dilation: Sizes = 1,
    ) -> Tensor:  # fmt: skip
        return _conv_transpose(
            dims, input, weight, bias, stride, padding, output_padding, groups, dilation
        )

    call.__name__ = call.__qualname__ = f"conv_transpose{dims}d"
    call.__doc__ = (
        f"The gradient of a {dims}-d convolution by its input, as an operation: kernels "
        "(C, O/groups, …) spread every input element over a window of the output."
    )
    return op(call, namespace="nn.functional")


conv_transpose1d, conv_transpose2d, conv_transpose3d = _transpose(1), _transpose(2), _transpose(3)

# torch has them in its own namespace as well
for _function in (
    conv1d, conv2d, conv3d, conv_transpose1d, conv_transpose2d, conv_transpose3d,
):  # fmt: skip
    op(_function, method=False)


# ---- windows as columns ------------------------------------------------------------------------------------------


def _window_axes(size: Sequence[int], kernel: Any, dilation: Any, padding: Any, stride: Any) -> Any:
    return kernels.axes_of(
        size, spread("kernel_size", kernel, 2), spread("stride", stride, 2),
        spread("padding", padding, 2), spread("dilation", dilation, 2),
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
    x, had_batch = _batched("unfold", input, 2)
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
    axes = _window_axes(spread("output_size", output_size, 2), kernel_size, dilation, padding, stride)
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

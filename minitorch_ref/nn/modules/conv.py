"""Convolutions and transposed convolutions over one, two or three spatial dims.

The number of dims is a class attribute; everything else is shared.
"""

from __future__ import annotations

import math
from typing import Any

from ...ops.creation import empty
from ...tensor import Tensor
from .. import functional as F
from .. import init
from ..parameter import Parameter
from .module import Module
from .utils import _ntuple

_PADDING_MODES = ("zeros", "reflect", "replicate", "circular")
Sizes = int | tuple[int, ...]


class _ConvNd(Module):
    """What convolutions and transposed convolutions share: arguments, parameters, printing."""

    dims: int  # spatial dims
    transposed = False
    padding: Any

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes,
        padding: Sizes | str,
        dilation: Sizes,
        output_padding: Sizes,
        groups: int,
        bias: bool,
        padding_mode: str,
        options: dict[str, Any],
    ) -> None:
        super().__init__()
        expand = _ntuple(self.dims)
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = expand(kernel_size)
        self.stride = expand(stride)
        self.padding = padding if isinstance(padding, str) else expand(padding)
        self.dilation = expand(dilation)
        self.output_padding = expand(output_padding)
        self.groups = groups
        self.padding_mode = padding_mode
        self._check()
        shape = (out_channels, in_channels // groups)
        if self.transposed:
            shape = (in_channels, out_channels // groups)
        self.weight = Parameter(empty((*shape, *self.kernel_size), **options))
        self.register_parameter("bias", Parameter(empty(out_channels, **options)) if bias else None)
        self.reset_parameters()

    def _check(self) -> None:
        if self.groups <= 0:
            raise ValueError("groups must be a positive integer")
        for name in ("in_channels", "out_channels"):
            if getattr(self, name) % self.groups:
                raise ValueError(f"{name} must be divisible by groups")
        if isinstance(self.padding, str):
            if self.padding not in ("same", "valid"):
                raise ValueError(
                    f"Invalid padding string {self.padding!r}, should be one of {{'same', 'valid'}}"
                )
            if self.padding == "same" and any(step != 1 for step in self.stride):
                raise ValueError("padding='same' is not supported for strided convolutions")
        if self.padding_mode not in _PADDING_MODES:
            raise ValueError(
                f"padding_mode must be one of {_PADDING_MODES}, "
                f"but got padding_mode='{self.padding_mode}'"
            )

    def reset_parameters(self) -> None:
        """Weight and bias uniform in ±1/√fan_in, fan_in = weights that make one output."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = init._fan_in_bound(self.weight)
            init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        """Channels, kernel and stride; the rest where it differs from the default."""
        zeros, ones = (0,) * self.dims, (1,) * self.dims
        parts = [f"{self.in_channels}, {self.out_channels}"]
        parts += [f"kernel_size={self.kernel_size}, stride={self.stride}"]
        # torch compares a padding string with as many zeros as it has letters, so prints it.
        parts += [f"padding={self.padding}"] if self.padding != zeros else []
        parts += [f"dilation={self.dilation}"] if self.dilation != ones else []
        parts += [f"output_padding={self.output_padding}"] if self.output_padding != zeros else []
        parts += [f"groups={self.groups}"] if self.groups != 1 else []
        parts += ["bias=False"] if self.bias is None else []
        parts += [f"padding_mode={self.padding_mode}"] if self.padding_mode != "zeros" else []
        return ", ".join(parts)


class _Conv(_ConvNd):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes | str = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, 0, groups, bias,
            padding_mode, {"device": device, "dtype": dtype},
        )  # fmt: skip

    def _margins(self) -> list[int]:
        """`padding` as F.pad takes it: (before, after) of each dim, last dim first."""
        margins = []
        for dim in reversed(range(self.dims)):
            if isinstance(self.padding, str):
                total = self.dilation[dim] * (self.kernel_size[dim] - 1)
                total = total if self.padding == "same" else 0
                margins += [total // 2, total - total // 2]
            else:
                margins += [self.padding[dim]] * 2
        return margins

    def _arguments(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> tuple:
        """What F.conv takes; a padding other than with zeros is made here."""
        padding = self.padding
        if self.padding_mode != "zeros":
            input, padding = F.pad(input, self._margins(), mode=self.padding_mode), 0
        return input, weight, bias, self.stride, padding, self.dilation, self.groups

    def forward(self, input: Tensor) -> Tensor:
        return self._conv_forward(input, self.weight, self.bias)


class Conv1d(_Conv):
    """Cross-correlation of (N, C, L) or (C, L) with `out_channels` kernels.

    `padding` may be "same" or "valid"; `padding_mode` zeros, reflect, replicate or circular.
    """

    dims = 1

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return F.conv1d(*self._arguments(input, weight, bias))


class Conv2d(_Conv):
    """Cross-correlation of (N, C, H, W) or (C, H, W) with `out_channels` kernels.

    `padding` may be "same" or "valid"; `padding_mode` zeros, reflect, replicate or circular.
    """

    dims = 2

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return F.conv2d(*self._arguments(input, weight, bias))


class Conv3d(_Conv):
    """Cross-correlation of (N, C, D, H, W) or (C, D, H, W) with `out_channels` kernels.

    `padding` may be "same" or "valid"; `padding_mode` zeros, reflect, replicate or circular.
    """

    dims = 3

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return F.conv3d(*self._arguments(input, weight, bias))


class _ConvTransposeNd(_ConvNd):
    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Sizes = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, output_padding,
            groups, bias, padding_mode, {"device": device, "dtype": dtype},
        )  # fmt: skip

    def _output_padding(self, input: Tensor, output_size: Any) -> tuple[int, ...]:
        """How much to add to the smallest output size to get `output_size`.

        With stride s, s output sizes go with one input size; this tells which.
        """
        if output_size is None:
            return self.output_padding
        batched = input.dim() == self.dims + 2
        if len(output_size) == self.dims + (2 if batched else 1):
            output_size = output_size[-self.dims :]
        if len(output_size) != self.dims:
            raise ValueError(
                f"ConvTranspose{self.dims}D: for {input.dim()}D input, output_size must have "
                f"{self.dims} or {input.dim()} elements (got {len(output_size)})"
            )
        shape = input.shape[-self.dims :]
        least = [
            (n - 1) * step - 2 * pad + reach * (kernel - 1) + 1
            for n, step, pad, reach, kernel in zip(
                shape, self.stride, self.padding, self.dilation, self.kernel_size
            )
        ]
        most = [low + step - 1 for low, step in zip(least, self.stride)]
        if any(not low <= n <= high for low, n, high in zip(least, output_size, most)):
            raise ValueError(
                f"requested an output size of {output_size}, but valid sizes range from {least} "
                f"to {most} (for an input of {shape})"
            )
        return tuple(n - low for n, low in zip(output_size, least))

    def _arguments(self, input: Tensor, output_size: Any) -> tuple:
        """What F.conv_transpose takes."""
        if self.padding_mode != "zeros":
            raise ValueError(f"Only `zeros` padding mode is supported for {type(self).__name__}")
        extra = self._output_padding(input, output_size)
        options = (self.stride, self.padding, extra, self.groups, self.dilation)
        return input, self.weight, self.bias, *options


class ConvTranspose1d(_ConvTransposeNd):
    """The transpose (the input gradient) of Conv1d; `output_size` picks among possible sizes."""

    dims = 1

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        return F.conv_transpose1d(*self._arguments(input, output_size))


class ConvTranspose2d(_ConvTransposeNd):
    """The transpose (the input gradient) of Conv2d; `output_size` picks among possible sizes."""

    dims = 2

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        return F.conv_transpose2d(*self._arguments(input, output_size))


class ConvTranspose3d(_ConvTransposeNd):
    """The transpose (the input gradient) of Conv3d; `output_size` picks among possible sizes."""

    dims = 3

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        return F.conv_transpose3d(*self._arguments(input, output_size))

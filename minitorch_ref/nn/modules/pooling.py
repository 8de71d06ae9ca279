"""Pooling: the largest or the mean value of each window, or of each of a given number of bins."""

from __future__ import annotations

from typing import Any

from ...tensor import Tensor
from .. import functional as F
from .layer import describe, layer
from .module import Module
from .utils import _ntuple, _single

Sizes = int | tuple[int, ...]
OptionalSizes = int | None | tuple[int | None, ...]


@layer
class _MaxPoolNd(Module):
    kernel_size: Sizes
    stride: Sizes | None = None  # None: kernel_size, so that windows do not overlap
    padding: Sizes = 0
    dilation: Sizes = 1
    return_indices: bool = False
    ceil_mode: bool = False

    def _after_init(self) -> None:
        if self.stride is None:
            self.stride = self.kernel_size

    def _arguments(self) -> tuple:
        window = (self.kernel_size, self.stride, self.padding, self.dilation)
        return (*window, self.ceil_mode, self.return_indices)

    def extra_repr(self) -> str:
        return describe(self, "kernel_size", "stride", "padding", "dilation", "ceil_mode")


class MaxPool1d(_MaxPoolNd):
    """Maxima over windows of (N, C, L) or (C, L)."""

    def forward(self, input: Tensor) -> Tensor:
        return F.max_pool1d(input, *self._arguments())


class MaxPool2d(_MaxPoolNd):
    """Maxima over windows of (N, C, H, W) or (C, H, W)."""

    def forward(self, input: Tensor) -> Tensor:
        return F.max_pool2d(input, *self._arguments())


class MaxPool3d(_MaxPoolNd):
    """Maxima over windows of (N, C, D, H, W) or (C, D, H, W)."""

    def forward(self, input: Tensor) -> Tensor:
        return F.max_pool3d(input, *self._arguments())


@layer
class _MaxUnpoolNd(Module):
    kernel_size: Any
    stride: Any = None
    padding: Any = 0
    dims = 0  # spatial dims; not a field

    def _after_init(self) -> None:
        if self.stride is None:
            self.stride = self.kernel_size
        for name in ("kernel_size", "stride", "padding"):
            setattr(self, name, _ntuple(self.dims)(getattr(self, name)))

    def extra_repr(self) -> str:
        return describe(self, "kernel_size", "stride", "padding")


class MaxUnpool1d(_MaxUnpoolNd):
    """The maxima of MaxPool1d back in their places (its `indices`), zeros elsewhere."""

    dims = 1

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        window = (self.kernel_size, self.stride, self.padding)
        return F.max_unpool1d(input, indices, *window, output_size)


class MaxUnpool2d(_MaxUnpoolNd):
    """The maxima of MaxPool2d back in their places (its `indices`), zeros elsewhere."""

    dims = 2

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        window = (self.kernel_size, self.stride, self.padding)
        return F.max_unpool2d(input, indices, *window, output_size)


class MaxUnpool3d(_MaxUnpoolNd):
    """The maxima of MaxPool3d back in their places (its `indices`), zeros elsewhere."""

    dims = 3

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        window = (self.kernel_size, self.stride, self.padding)
        return F.max_unpool3d(input, indices, *window, output_size)


class _AvgPoolNd(Module):
    kernel_size: Sizes
    stride: Sizes | None

    def _after_init(self) -> None:
        if self.stride is None:
            self.stride = self.kernel_size

    def _arguments(self) -> tuple:
        window = (self.kernel_size, self.stride, self.padding)
        return (*window, self.ceil_mode, self.count_include_pad)

    def extra_repr(self) -> str:
        return describe(self, "kernel_size", "stride", "padding")


@layer
class AvgPool1d(_AvgPoolNd):
    """Means over windows of (N, C, L) or (C, L)."""

    kernel_size: Sizes
    stride: Sizes | None = None
    padding: Sizes = 0
    ceil_mode: bool = False
    count_include_pad: bool = True

    def _after_init(self) -> None:
        super()._after_init()
        for name in ("kernel_size", "stride", "padding"):
            setattr(self, name, _single(getattr(self, name)))

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool1d(input, *self._arguments())


@layer
class AvgPool2d(_AvgPoolNd):
    """Means over windows of (N, C, H, W) or (C, H, W)."""

    kernel_size: Sizes
    stride: Sizes | None = None
    padding: Sizes = 0
    ceil_mode: bool = False
    count_include_pad: bool = True
    divisor_override: int | None = None

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool2d(input, *self._arguments(), self.divisor_override)


@layer
class AvgPool3d(_AvgPoolNd):
    """Means over windows of (N, C, D, H, W) or (C, D, H, W)."""

    kernel_size: Sizes
    stride: Sizes | None = None
    padding: Sizes = 0
    ceil_mode: bool = False
    count_include_pad: bool = True
    divisor_override: int | None = None

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool3d(input, *self._arguments(), self.divisor_override)


@layer
class _AdaptiveMaxPoolNd(Module):
    output_size: OptionalSizes
    return_indices: bool = False

    def extra_repr(self) -> str:
        return describe(self, "output_size")


class AdaptiveMaxPool1d(_AdaptiveMaxPoolNd):
    """Maxima over `output_size` bins of the last dim."""

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_max_pool1d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool2d(_AdaptiveMaxPoolNd):
    """Maxima over `output_size` bins of the last two dims; None keeps a dim as it is."""

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_max_pool2d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool3d(_AdaptiveMaxPoolNd):
    """Maxima over `output_size` bins of the last three dims; None keeps a dim as it is."""

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_max_pool3d(input, self.output_size, self.return_indices)


@layer
class _AdaptiveAvgPoolNd(Module):
    output_size: OptionalSizes

    def extra_repr(self) -> str:
        return describe(self, "output_size")


class AdaptiveAvgPool1d(_AdaptiveAvgPoolNd):
    """Means over `output_size` bins of the last dim."""

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(_AdaptiveAvgPoolNd):
    """Means over `output_size` bins of the last two dims; None keeps a dim as it is."""

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(input, self.output_size)


class AdaptiveAvgPool3d(_AdaptiveAvgPoolNd):
    """Means over `output_size` bins of the last three dims; None keeps a dim as it is."""

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool3d(input, self.output_size)

"""Sliding windows as columns, and columns summed back into an image."""

from __future__ import annotations

from ...tensor import Tensor
from .. import functional as F
from .layer import describe, layer
from .module import Module

Sizes = int | tuple[int, ...]


@layer
class Fold(Module):
    """(N, C·kernel, L) to (N, C, *output_size): overlapping windows are added up."""

    output_size: Sizes
    kernel_size: Sizes
    dilation: Sizes = 1
    padding: Sizes = 0
    stride: Sizes = 1

    def forward(self, input: Tensor) -> Tensor:
        window = (self.kernel_size, self.dilation, self.padding, self.stride)
        return F.fold(input, self.output_size, *window)

    def extra_repr(self) -> str:
        return describe(self, "output_size", "kernel_size", "dilation", "padding", "stride")


@layer
class Unfold(Module):
    """(N, C, *) to (N, C·kernel, L): one column for each of the L windows."""

    kernel_size: Sizes
    dilation: Sizes = 1
    padding: Sizes = 0
    stride: Sizes = 1

    def forward(self, input: Tensor) -> Tensor:
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return describe(self, "kernel_size", "dilation", "padding", "stride")

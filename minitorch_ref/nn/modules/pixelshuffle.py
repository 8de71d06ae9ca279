"""Moving values between channels and pixels."""

from __future__ import annotations

from ...tensor import Tensor
from .. import functional as F
from .layer import describe, layer
from .module import Module


@layer
class PixelShuffle(Module):
    """(*, C·r², H, W) to (*, C, H·r, W·r): r² channels become an r by r block of pixels."""

    upscale_factor: int

    def forward(self, input: Tensor) -> Tensor:
        return F.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self) -> str:
        return describe(self, "upscale_factor")


@layer
class PixelUnshuffle(Module):
    """(*, C, H·r, W·r) to (*, C·r², H, W): the inverse of PixelShuffle."""

    downscale_factor: int

    def forward(self, input: Tensor) -> Tensor:
        return F.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self) -> str:
        return describe(self, "downscale_factor")


@layer
class ChannelShuffle(Module):
    """(N, C, *): the channels of `groups` groups, taken in turn from each group."""

    groups: int

    def forward(self, input: Tensor) -> Tensor:
        return F.channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:
        return describe(self, "groups")

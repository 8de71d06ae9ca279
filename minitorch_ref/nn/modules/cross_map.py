"""Response normalization across channels as Torch7 had it: over 4-D images, with running sums.

    y_c = x_c · (k + α/size · s_c)^−β,     s_c = Σ x²  over the channels around c

s_c is made from s_{c−1} by adding the square that comes in and taking off the one that goes out, one
channel after the other, so that its cost does not depend on `size`; so are the gradient's sums.  As in
torch the first channel, once in, is never taken off.
"""

from __future__ import annotations

from typing import Any

from ...autograd.function import Function
from ...tensor import Tensor
from .module import Module


class _CrossMap(Function):
    """y and its gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, size: int, alpha: float, beta: float, k: float) -> Tensor:
        if x.dim() != 4:
            raise ValueError(f"CrossMapLRN2d: Expected input to be 4D, got {x.dim()}D instead.")
        squares, scale = x.pow(2), x.new_zeros(x.shape)
        channels, ahead = x.size(1), int((size - 1) / 2 + 1)
        first = scale.select(1, 0)
        for c in range(min(ahead, channels)):
            first.add_(squares.select(1, c))
        for c in range(1, channels):
            here = scale.select(1, c)
            here.copy_(scale.select(1, c - 1))
            if c < channels - ahead + 1:
                here.add_(squares.select(1, c + ahead - 1))
            if c > ahead:
                here.add_(squares.select(1, c - ahead), alpha=-1)
        scale.mul_(alpha / size).add_(k)
        y = scale.pow(-beta).mul_(x)
        ctx.size, ctx.alpha, ctx.beta, ctx.scale = size, alpha, beta, scale
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        x, y = ctx.saved_tensors
        batch, channels, *places = x.shape
        size, center = ctx.size, int(ctx.size - (ctx.size - 1) / 2)
        padded = x.new_zeros(batch, channels + size - 1, *places)
        padded.narrow(1, center, channels).copy_((g * y).div_(ctx.scale))
        grad = ctx.scale.pow(-ctx.beta).mul_(g)
        total = padded.narrow(1, 0, size - 1).sum(1)
        for c in range(channels):
            total.add_(padded.select(1, c + size - 1))
            value = -2 * ctx.alpha * ctx.beta / size
            grad.select(1, c).addcmul_(x.select(1, c), total, value=value)
            total.add_(padded.select(1, c), alpha=-1)
        return grad, None, None, None, None


_CrossMap.__name__ = "CrossMapLRN2d"  # the node is named after it


class CrossMapLRN2d(Module):
    """Each channel of (N, C, H, W) over a power of its neighbours' squares; ValueError for other dims."""

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, input: Tensor) -> Tensor:
        """The normalized images."""
        return _CrossMap.apply(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        """The arguments."""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"

"""A simulated TF32 device: torch on the CPU whose matrix products see inputs of ten mantissa bits.

`open_engine("torch:tf32")`.  A GPU with TF32 rounds the factors of float32 matrix products and
convolutions to 19 bits (8 of exponent, 10 of mantissa) and adds in float32; the gradients' products
likewise.  So everything that has to do with TF32 can be tried, and is tested, without a GPU.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from . import replay
from .engines import Engine

MATMUL = {
    ("torch", n) for n in ("matmul", "mm", "bmm", "addmm", "baddbmm", "addbmm", "chain_matmul")
}
MATMUL |= {("nn.functional", n) for n in ("linear", "bilinear", "scaled_dot_product_attention")}
CONV = {
    (space, name)
    for space in ("torch", "nn.functional")
    for name in ("conv1d", "conv2d", "conv3d")
    + ("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
}


class Tf32(Engine):
    """torch with TF32 for matrix products (`matmul`) and for convolutions (`conv`)."""

    def __init__(self, name: str, torch: Any, matmul: bool = True, conv: bool = True) -> None:
        super().__init__(name, torch, "cpu")
        self.ops = (MATMUL if matmul else set()) | (CONV if conv else set())
        self.rounded = _rounding(torch)

    def find(self, namespace: str, name: str) -> Callable | None:
        function = super().find(namespace, name)
        return self._cut(function) if function and (namespace, name) in self.ops else function

    def find_method(self, name: str) -> Callable | None:
        method = super().find_method(name)
        return self._cut(method) if method and ("torch", name) in self.ops else method

    def replacement(self, name: str, function: Callable) -> Callable:
        chosen = any((space, name) in self.ops for space in ("torch", "nn.functional"))
        return self._cut(function) if chosen else function

    def _cut(self, function: Callable) -> Callable:
        forward, backward = self.rounded

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            found = function(
                *[forward(x) for x in args], **{k: forward(x) for k, x in kwargs.items()}
            )
            return backward(found)

        return call


def _rounding(torch: Any) -> tuple[Callable, Callable]:
    """(x rounded, gradient passing), (x unchanged, gradient rounded); float32 tensors only."""

    def cut(x: Any) -> Any:
        if x.dtype != torch.float32:
            return x
        return torch.from_numpy(replay.cut(np.asarray(x.detach()), 10, nearest=True))

    class Forward(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return cut(x)

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g

    class Backward(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x.view_as(x)

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return Forward.apply(g)

    def only(function: Any) -> Callable:
        def apply(x: Any) -> Any:
            floating = isinstance(x, torch.Tensor) and x.dtype == torch.float32
            return function.apply(x) if floating else x

        return apply

    return only(Forward), only(Backward)

"""Reshaping as a layer."""

from __future__ import annotations

from typing import Any

from ...tensor import Tensor
from .layer import describe, layer
from .module import Module


@layer
class Flatten(Module):
    """Dims from start_dim to end_dim become one: by default all but the batch."""

    start_dim: int = 1
    end_dim: int = -1

    def forward(self, input: Tensor) -> Tensor:
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return describe(self, "start_dim", "end_dim")


@layer
class Unflatten(Module):
    """One dim becomes several, of sizes `unflattened_size` (one of them may be -1)."""

    dim: int
    unflattened_size: Any

    def _after_init(self) -> None:
        sizes = self.unflattened_size
        if not isinstance(sizes, (tuple, list)):
            raise TypeError(
                f"unflattened_size must be a tuple of ints, but found type {type(sizes).__name__}"
            )
        for place, size in enumerate(sizes):
            if not isinstance(size, int):
                raise TypeError(
                    "unflattened_size must be tuple of ints, but found element of type "
                    f"{type(size).__name__} at pos {place}"
                )

    def forward(self, input: Tensor) -> Tensor:
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        return describe(self, "dim", "unflattened_size")

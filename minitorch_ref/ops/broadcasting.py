"""Shapes that fit together: `broadcast_to`, `expand_as`, `broadcast_shapes`, and the way back.

`sum_to_size` undoes an expansion: it is what the engine does to a gradient of a broadcast operand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..autograd.graph import record
from ..tensor import Size, Tensor
from .common import shape_of_args, sum_dtype
from .registry import op
from .shaping import expand


@op
def broadcast_to(input: Tensor, size: Sequence[int]) -> Tensor:
    """`input.expand(size)`."""
    return expand(input, *size)


@op(function=False)
def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """`input.expand(other.shape)`."""
    return expand(input, *other.shape)


@op(function=False)
def sum_to_size(input: Tensor, *size: Any) -> Tensor:
    """The sum over the dims that `expand` to `input`'s shape stretched or added."""
    shape = shape_of_args(size)
    own = input._array.shape
    lead = len(own) - len(shape)
    if lead < 0 or any(n not in (1, own[i + lead]) for i, n in enumerate(shape)):
        raise RuntimeError(
            f"size {{{list(shape)}}} is not expandable to size {{{list(own)}}}."
        )
    stretched = [i + lead for i, n in enumerate(shape) if n == 1 and own[i + lead] != 1]
    dims = tuple(range(lead)) + tuple(stretched)
    if not dims:
        return input
    kind = sum_dtype(input, None).np
    data = np.asarray(np.add.reduce(input._array, axis=dims, dtype=kind)).reshape(shape)
    name = "ViewBackward0" if lead else "SumBackward1"  # torch's last step
    return record(name, data, input=(input, lambda g: expand(g, *own)))


@op(method=False)
def broadcast_shapes(*shapes: Any) -> Size:
    """The shape that tensors of these shapes broadcast to.  Raises RuntimeError if they do not."""
    result: list[int] = []
    for i, given in enumerate(shapes):
        shape = (given,) if isinstance(given, int) else tuple(given)
        result = [1] * (len(shape) - len(result)) + result
        for d in range(-1, -1 - len(shape), -1):
            n = shape[d]
            if n < 0:
                raise RuntimeError(
                    f"Trying to create tensor with negative dimension ({n}): ({n})"
                )
            if n in (1, result[d]):
                continue
            if result[d] != 1:
                raise RuntimeError(
                    f"Attempting to broadcast a dimension of length {n} at {d}! Mismatching "
                    f"argument at index {i} had {shape if isinstance(given, int) else given}; but "
                    f"expected shape should be broadcastable to {result}"
                )
            result[d] = n
    return Size(result)

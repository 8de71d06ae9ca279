"""Changing a tensor itself: its shape (`unsqueeze_`, `resize_`) or all of its elements (`fill_`)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..autograd.graph import record
from ..autograd.inplace import check_writable, write
from ..tensor import Tensor
from .common import convert_number, shape_of_args
from .conversion import zeros
from .registry import op
from .shaping import squeeze, t, transpose, unsqueeze


def _in_place_view(name: str, out_of_place: Any) -> None:
    """`x.unsqueeze_(0)`: the tensor itself takes the view's shape."""

    def method(self: Tensor, *args: Any) -> Tensor:
        if self._requires_grad:
            check_writable(self)
        seen = out_of_place(self, *args)
        root = self._root if self._root is not None else self._array
        self._array, self._root = seen._array, root
        self._node, self._nr = seen._node, seen._nr
        if self._cell is not None:
            self._cell[0] += 1
        return self

    method.__name__, method.__doc__ = name, f"In-place form of `{name[:-1]}`."
    setattr(Tensor, name, method)


for _name, _op in {
    "unsqueeze_": unsqueeze, "squeeze_": squeeze, "t_": t, "transpose_": transpose,
    "swapaxes_": transpose, "swapdims_": transpose,
}.items():  # fmt: skip
    _in_place_view(_name, _op)


@op(function=False)
def resize_(input: Tensor, *size: Any, memory_format: Any = None) -> Tensor:
    """Give `input` another shape; memory that was there is kept, new memory is undefined."""
    shape = shape_of_args(size)
    if input.requires_grad:
        raise RuntimeError("cannot resize variables that require grad")
    count = math.prod(shape)
    storage = input._storage_array()[input.storage_offset() :]
    if count > storage.size:
        grown = np.zeros(count, storage.dtype)
        grown[: storage.size] = storage
        input._array, input._root = grown.reshape(shape), None
    else:
        input._root = input._array if input._root is None else input._root
        input._array = storage[:count].reshape(shape)
    return input


@op(function=False)
def zero_(input: Tensor) -> Tensor:
    """Every element zero, in place."""
    return fill_(input, 0)


@op(function=False)
def fill_(input: Tensor, value: Any) -> Tensor:
    """Every element `value` (a number or a 0-d tensor), in place."""
    if isinstance(value, Tensor):
        if value.ndim:
            raise RuntimeError(
                "fill_ only supports 0-dimension value tensor but got tensor with "
                f"{value.ndim} dimensions."
            )
        return input.copy_(value)
    check_writable(input, overlap=True)
    number = convert_number(value, input.dtype)
    data = np.broadcast_to(number, input._array.shape)
    name = "ZeroBackward0" if value == 0 else "FillBackward0"
    write(input, record(name, data, input=(input, lambda g: zeros(g))))
    return input

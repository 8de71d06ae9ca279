"""Changing a tensor itself: its shape (`unsqueeze_`, `resize_`) or all of its elements (`fill_`)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..autograd.graph import record, rename
from ..autograd.inplace import bump, check_writable, write
from ..kernels.layout import in_order
from ..layout import format_dims, preserve_format
from ..tensor import Tensor
from .common import cast_array, is_number, shape_of_args, strided
from .conversion import zeros
from .options import to_element
from .registry import op
from .shaping import squeeze, t, transpose, unsqueeze


def _in_place_view(name: str, out_of_place: Any, node: str) -> None:
    """`x.unsqueeze_(0)`: the tensor itself takes the view's shape.

    The node is torch's in-place overload: of squeeze's three, the one for what kind of dim is given.
    """

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if self.requires_grad:
            check_writable(self, overlap=True)
        seen = out_of_place(self, *args, **kwargs)
        if node == "SqueezeBackward":
            dim = args[0] if args else kwargs.get("dim")
            kind = 3 if dim is None else 5 if isinstance(dim, (tuple, list)) else 4
            rename(seen, f"{node}{kind}")
        else:
            rename(seen, node)
        root = self._root if self._root is not None else self._array
        self._array, self._root = seen._array, root
        self._node, self._nr = seen._node, seen._nr
        if self._cell is not None:
            self._cell[0] += 1
            if seen._node is not None:
                self._seen = self._cell[0]
        return self

    method.__name__, method.__doc__ = name, f"In-place form of `{name[:-1]}`."
    setattr(Tensor, name, method)


for _name, _op, _node in (
    ("unsqueeze_", unsqueeze, "UnsqueezeBackward1"), ("squeeze_", squeeze, "SqueezeBackward"),
    ("t_", t, "TBackward1"), ("transpose_", transpose, "TransposeBackward1"),
    ("swapaxes_", transpose, "TransposeBackward1"), ("swapdims_", transpose, "TransposeBackward1"),
):  # fmt: skip
    _in_place_view(_name, _op, _node)


@op(function=False)
def resize_(input: Tensor, *size: Any, memory_format: Any = None) -> Tensor:
    """Give `input` another shape; memory that was there is kept, new memory is undefined."""
    shape = shape_of_args(size)
    if input.requires_grad:
        raise RuntimeError("cannot resize variables that require grad")
    if memory_format is preserve_format:
        raise RuntimeError("Unsupported memory formatPreserve")
    if shape == input._array.shape and memory_format is None:
        return input
    count = math.prod(shape)
    storage = input._storage_array()[input.storage_offset() :]
    if count > storage.size:
        grown = np.zeros(count, storage.dtype)
        grown[: storage.size] = storage
        storage, input._root = grown, grown
    elif input._root is None:
        input._root = input._array
    steps = in_order(shape, format_dims(memory_format, len(shape)), storage.itemsize)
    input._array = strided(storage, shape, steps)
    bump(input)
    return input


@op(function=False)
def zero_(input: Tensor) -> Tensor:
    """Every element zero, in place."""
    return _fill(input, 0, "ZeroBackward0")


@op(function=False)
def fill_(input: Tensor, value: Any) -> Tensor:
    """Every element `value` (a number or a 0-d tensor), in place."""
    if isinstance(value, Tensor):
        if value.ndim:
            raise RuntimeError(
                "fill_ only supports 0-dimension value tensor but got tensor with "
                f"{value.ndim} dimensions."
            )
        check_writable(input)
        data = np.broadcast_to(cast_array(value._array, input.dtype), input._array.shape)
        zero = lambda g: zeros(g)  # noqa: E731
        write(input, record("FillBackward3", data, input=(input, zero), value=(value, lambda g: g)))
        return input
    if not is_number(value):
        raise TypeError(
            "fill_() received an invalid combination of arguments - got "
            f"({type(value).__name__}), but expected one of: (Tensor value), (Number value)"
        )
    return _fill(input, value, "FillBackward2")


def _fill(input: Tensor, value: Any, node: str) -> Tensor:
    check_writable(input, overlap=True)
    number = to_element(value, input.dtype)
    data = np.broadcast_to(number, input._array.shape)
    write(input, record(node, data, input=(input, lambda g: zeros(g))))
    return input

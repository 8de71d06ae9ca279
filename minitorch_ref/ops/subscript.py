"""What `x[index]` means: torch's reading of everything that can stand between the brackets.

The idea: an index is read once, into a `Subscript` of two steps.  First a basic NumPy index (ints,
slices, None), whose result is a view; then, if the index holds masks or integer arrays, one
selection by arrays over some dims of that view.  Reading, writing and both gradients use the same
two steps.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ..tensor import Tensor
from .parts import empty_part
from .selection import Places, is_mask, select, select_one

_FULL = slice(None)
_PLAIN = {int, bool, slice, type(None), type(...)}  # what needs no reading; the rest are arrays
_SEQUENCE_WARNING = (
    "Using a non-tuple sequence for multidimensional indexing is deprecated and will be changed in "
    "pytorch 2.9; use x[tuple(seq)] instead of x[seq]. In pytorch 2.9 this will be interpreted as "
    "tensor index, x[torch.tensor(seq)], which will result either in an error or a different result"
)


class Subscript:
    """An index that has been read for one shape.

    `basic`: ints, slices and None, one per dim at most.  `name`: torch's node for its last step.
    `selection`: what masks and integer arrays then select from the basic view, or None.
    """

    __slots__ = ("basic", "name", "selection")

    def __init__(self, basic: tuple[Any, ...], name: str, selection: Any = None) -> None:
        self.basic, self.name, self.selection = basic, name, selection

    @property
    def whole(self) -> bool:
        """Whether the basic step changes nothing."""
        return all(part is _FULL for part in self.basic)


def read(input: Tensor, index: Any) -> tuple[Subscript, np.ndarray]:
    """`index` read for `input`, and the basic view.  Raises IndexError, as torch words it."""
    kind, array = type(index), input._array
    if kind is int and array.ndim:
        checked(index, 0, array.shape[0])
        region = array[index, ...]
        return Subscript((index,), "SelectBackward0"), (
            region if region.size else empty_part(input, (index,))
        )
    if kind is slice and array.ndim:
        part = _within(index, array.shape[0])
        region = array[part]
        if not region.size:
            region = empty_part(input, (part,))
        return Subscript((part,), "SliceBackward0"), region
    if kind is tuple and len(index) <= array.ndim and set(map(type, index)) == {int}:
        for dim, i in enumerate(index):
            checked(i, dim, array.shape[dim])
        region = array[(*index, ...)]
        return Subscript(index, "SelectBackward0"), (
            region if region.size else empty_part(input, index)
        )
    if kind is Tensor and index._array.ndim and _dims_used(index._array) <= array.ndim:
        selection = select_one(array.shape, 0, index._array)
        return Subscript((_FULL,) * array.ndim, "", selection), array
    return _read(input, index)


def _read(input: Tensor, index: Any) -> tuple[Subscript, np.ndarray]:
    """The general case."""
    array = input._array
    parts = _as_parts(index)
    if array.ndim == 0 and not isinstance(index, tuple) and _is_int(parts[0]):
        raise IndexError(
            "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` "
            "in C++ to convert a 0-dim tensor to a number"
        )
    subscript, places = _basic_part(array.shape, parts)
    region = array[(*subscript.basic, ...)]
    if not region.size:
        region = empty_part(input, subscript.basic)
    elif None in subscript.basic:
        region = _with_torch_strides(array, region, subscript.basic)
    if places:
        subscript.selection = select(region.shape, places)
    return subscript, region


# ---- the parts of an index -----------------------------------------------------------------------


def _as_parts(index: Any) -> tuple[Any, ...]:
    if isinstance(index, tuple):
        return index
    # An old habit of NumPy's that torch keeps: a short list with slices or sequences is a tuple.
    if isinstance(index, list) and len(index) < 32:
        kinds = (Tensor, np.ndarray, list, tuple, slice, type(None), type(...))
        if any(isinstance(part, kinds) for part in index):
            warnings.warn(_SEQUENCE_WARNING, UserWarning, stacklevel=5)
            return tuple(index)
    return (index,)


def _is_int(part: Any) -> bool:
    return isinstance(part, (int, np.integer)) and not isinstance(part, bool)


def _as_array(part: Any) -> Any:
    """A tensor, array or sequence as an array to select by.

    NumPy's integers and integer tensors without dims become ints.
    """
    if isinstance(part, Tensor):
        array = part._array
    elif _is_int(part):
        return int(part)
    elif isinstance(part, np.ndarray):
        array = part.astype(np.int64) if part.dtype.kind == "f" else part
    elif isinstance(part, (list, tuple, range)):
        array = _from_sequence(part)
    elif isinstance(part, (str, bytes)):
        raise TypeError(f"new(): invalid data type '{type(part).__name__}'")
    elif isinstance(part, (float, complex, np.generic)) or not hasattr(
        part, "__index__"
    ):
        raise IndexError(
            "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are "
            f"valid indices (got {_type_name(part)})"
        )
    else:
        return part.__index__()
    if array.ndim == 0 and array.dtype.kind in "iu" and array.dtype != np.uint8:
        return int(array)
    return array


def _from_sequence(part: Any) -> np.ndarray:
    items = [int(x) if isinstance(x, Tensor) and x.ndim == 0 else x for x in part]
    array = np.asarray([x._array if isinstance(x, Tensor) else x for x in items])
    if array.dtype.kind not in "iubf":
        raise TypeError(f"an index made of {_type_name(part)} must hold integers or booleans")
    return array if array.dtype.kind == "b" else array.astype(np.int64)


def _type_name(x: Any) -> str:
    kind = type(x)
    return f"numpy.{kind.__name__}" if kind.__module__ == "numpy" else kind.__name__


def _basic_part(shape: tuple[int, ...], parts: tuple[Any, ...]) -> tuple[Subscript, Places]:
    """The basic step, and the arrays to select by, each with the dim of the view it starts at."""
    read_parts = [p if type(p) in _PLAIN else _as_array(p) for p in parts]
    used = sum([_dims_used(p) for p in read_parts])
    if used > len(shape):
        raise IndexError(f"too many indices for tensor of dimension {len(shape)}")
    basic: list[Any] = []
    places: Places = []
    name, dim, out = "AliasBackward0", 0, 0  # dim: of the tensor; out: of the view
    for position, part in enumerate(read_parts):
        if type(part) is int:
            basic.append(checked(part, position, shape[dim]))
            name, dim = "SelectBackward0", dim + 1
        elif part is ...:
            rest = len(shape) - used
            basic += [_FULL] * rest
            dim, out, used = dim + rest, out + rest, len(shape)
        elif part is None or _is_flag(part):
            if part is not None:
                places.append((out, np.zeros(1 if part else 0, np.int64)))
            basic.append(None)
            name, out = "UnsqueezeBackward0", out + 1
        elif type(part) is slice:
            basic.append(_within(part, shape[dim]))
            name = name if basic[-1] is _FULL else "SliceBackward0"
            dim, out = dim + 1, out + 1
        else:
            places.append((out, part))
            basic += [_FULL] * _dims_used(part)
            dim, out = dim + _dims_used(part), out + _dims_used(part)
    return Subscript(tuple(basic), name), places


def _is_flag(part: Any) -> bool:
    """A single truth value: it adds a dim, of size one or zero."""
    return isinstance(part, bool) or (
        isinstance(part, np.ndarray) and part.ndim == 0 and is_mask(part)
    )


def _dims_used(part: Any) -> int:
    if type(part) is int or type(part) is slice:
        return 1
    if part is None or part is ... or _is_flag(part):
        return 0
    return part.ndim if isinstance(part, np.ndarray) and is_mask(part) else 1


def _within(part: slice, size: int) -> slice:
    """`part` with its bounds worked out; `_FULL` itself if it takes everything."""
    if part.step is not None and part.step.__index__() < 0:
        raise ValueError("step must be greater than zero")
    first, last, step = part.indices(size)
    return _FULL if first == 0 and last == size and step == 1 else slice(first, last, step)


def checked(i: int, dim: int, size: int) -> int:
    """`i` if it is an index into `size` elements.  Raises IndexError, naming `dim`."""
    if not -size <= i < size:
        if not -(1 << 63) <= i < 1 << 63:
            raise ValueError("Overflow when unpacking long long")
        raise IndexError(f"index {i} is out of bounds for dimension {dim} with size {size}")
    return i


def _with_torch_strides(
    array: np.ndarray, region: np.ndarray, basic: tuple[Any, ...]
) -> np.ndarray:
    """A new dim of size one gets the stride that would make it the outer loop of what follows."""
    strides, dim, out = list(region.strides), 0, 0
    for part in basic:
        if part is None:
            inner = dim < array.ndim
            strides[out] = array.shape[dim] * array.strides[dim] if inner else array.itemsize
        dim += part is not None
        out += not isinstance(part, int)
    if array.flags.c_contiguous and region.size == array.size:  # the cheap way, where it works
        return np.ndarray(region.shape, array.dtype, array, 0, strides)
    return np.lib.stride_tricks.as_strided(region, region.shape, strides)

"""What `x[index]` means: torch's reading of everything that can stand between the brackets.

The idea: an index is read once, into a `Subscript` of two steps.  First a basic NumPy index (ints,
slices, None), whose result is a view; then, if the index holds masks or integer arrays, one
selection by arrays over some dims of that view.  Reading, writing and both gradients use the same
two steps.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..kernels import scatter as kernels
from ..tensor import Tensor

_FULL = slice(None)
_INDEX_KINDS = ("int64", "int32", "uint8", "bool")
_SEQUENCE_WARNING = (
    "Using a non-tuple sequence for multidimensional indexing is deprecated and will be changed in "
    "pytorch 2.9; use x[tuple(seq)] instead of x[seq]. In pytorch 2.9 this will be interpreted as "
    "tensor index, x[torch.tensor(seq)], which will result either in an error or a different result"
)


@dataclass(slots=True)
class Subscript:
    """An index that has been read for one shape.

    `basic`: ints, slices and None, one per dim at most.  `name`: torch's node for its last step.
    `dims`, `arrays`: the dims of the basic view that integer arrays (broadcast together, checked,
    owned by this object) select from; None for a basic index.
    """

    basic: tuple[Any, ...]
    name: str
    dims: tuple[int, ...] = ()
    arrays: tuple[np.ndarray, ...] | None = None
    mask: np.ndarray | None = None  # the one mask, if that is all the second step is

    def selection(self) -> Subscript:
        """The second step alone, for a tensor that is the basic view already."""
        return Subscript((), "", self.dims, self.arrays, self.mask)

    @property
    def whole(self) -> bool:
        """Whether the basic step changes nothing."""
        return all(part is _FULL for part in self.basic)


def read(array: np.ndarray, index: Any) -> tuple[Subscript, np.ndarray]:
    """`index` read for `array`, and the basic view.  Raises IndexError, as torch words it."""
    parts = _as_parts(index)
    if array.ndim == 0 and not isinstance(index, tuple) and _is_int(parts[0]):
        raise IndexError(
            "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` "
            "in C++ to convert a 0-dim tensor to a number"
        )
    subscript, selections = _basic_part(array.shape, parts)
    if len(parts) == 1 and type(parts[0]) is slice and not isinstance(index, tuple):
        subscript.name = "SliceBackward0"
    region = array[(*subscript.basic, ...)]
    if None in subscript.basic:
        region = _with_torch_strides(array, region, subscript.basic)
    if selections:
        _select(subscript, region.shape, selections)
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
    """A tensor, array or sequence as an array to select by; anything else as it is.

    Integer tensors without dims become ints.
    """
    if isinstance(part, Tensor):
        array = part._array
    elif isinstance(part, np.ndarray):
        array = part.astype(np.int64) if part.dtype.kind == "f" else part
    elif isinstance(part, (list, tuple, range)):
        array = _from_sequence(part)
    elif isinstance(part, (float, complex, str, bytes, np.generic)) or not hasattr(
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


def _basic_part(
    shape: tuple[int, ...], parts: tuple[Any, ...]
) -> tuple[Subscript, list[tuple[int, np.ndarray]]]:
    """The basic step, and the arrays to select by, each with the dim of the view it starts at."""
    read_parts = [p if _is_plain(p) else _as_array(p) for p in parts]
    used = sum(_dims_used(p) for p in read_parts)
    if used > len(shape):
        raise IndexError(f"too many indices for tensor of dimension {len(shape)}")
    basic: list[Any] = []
    selections = []
    name, dim, out = "AliasBackward0", 0, 0  # dim: of the tensor; out: of the view
    for position, part in enumerate(read_parts):
        if part is ...:
            rest = len(shape) - used
            basic += [_FULL] * rest
            dim, out, used = dim + rest, out + rest, len(shape)
        elif part is None or _is_flag(part):
            if part is not None:
                selections.append((out, np.zeros(1 if part else 0, np.int64)))
            basic.append(None)
            name, out = "UnsqueezeBackward0", out + 1
        elif isinstance(part, slice):
            start, stop, step = _bounds(part, shape[dim])
            trivial = start == 0 and stop == shape[dim] and step == 1
            basic.append(_FULL if trivial else slice(start, stop, step))
            name = name if trivial else "SliceBackward0"
            dim, out = dim + 1, out + 1
        elif isinstance(part, np.ndarray):
            selections.append((out, part))
            basic += [_FULL] * _dims_used(part)
            dim, out = dim + _dims_used(part), out + _dims_used(part)
        else:
            basic.append(checked(int(part), position, shape[dim]))
            name, dim = "SelectBackward0", dim + 1
    return Subscript(tuple(basic), name), selections


def _is_plain(part: Any) -> bool:
    return part is None or part is ... or isinstance(part, (slice, bool)) or _is_int(part)


def _is_flag(part: Any) -> bool:
    """A single truth value: it adds a dim, of size one or zero."""
    return isinstance(part, bool) or (isinstance(part, np.ndarray) and part.ndim == 0 and (
        part.dtype.kind == "b" or part.dtype == np.uint8))  # fmt: skip


def _dims_used(part: Any) -> int:
    if part is None or part is ... or _is_flag(part):
        return 0
    if isinstance(part, np.ndarray) and (part.dtype.kind == "b" or part.dtype == np.uint8):
        return part.ndim
    return 1


def _bounds(part: slice, size: int) -> tuple[int, int, int]:
    if part.step is not None and part.step.__index__() < 0:
        raise ValueError("step must be greater than zero")
    return part.indices(size)


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
    return np.lib.stride_tricks.as_strided(region, region.shape, strides)


# ---- selection by arrays -------------------------------------------------------------------------


def _select(
    subscript: Subscript, shape: tuple[int, ...], selections: list[tuple[int, np.ndarray]]
) -> None:
    """Fill in the second step: masks become positions, indices are broadcast and checked."""
    dims: list[int] = []
    arrays: list[np.ndarray] = []
    for dim, array in selections:
        if array.dtype.name not in _INDEX_KINDS:
            raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
        if array.dtype.kind == "b" or array.dtype == np.uint8:
            _check_mask(array, shape, dim)
            dims += range(dim, dim + array.ndim)
            arrays += array.nonzero()
            subscript.mask = array != 0 if len(selections) == 1 else None
        else:
            dims.append(dim)
            arrays.append(array.astype(np.int64))  # a copy: the caller may write to its index
    try:
        together = np.broadcast_shapes(*[a.shape for a in arrays])
    except ValueError:
        shapes = ", ".join(str(list(a.shape)) for a in arrays)
        raise IndexError(
            f"shape mismatch: indexing tensors could not be broadcast together with shapes {shapes}"
        ) from None
    if 0 not in together:
        _check_range(dims, arrays, shape)
    subscript.dims = tuple(dims)
    subscript.arrays = tuple([np.broadcast_to(a, together) for a in arrays])


def _check_mask(mask: np.ndarray, shape: tuple[int, ...], dim: int) -> None:
    if mask.dtype == np.uint8:
        warnings.warn(
            "indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool "
            "instead.",
            UserWarning,
            stacklevel=6,
        )
    for j, n in enumerate(mask.shape):
        if n != shape[dim + j]:
            raise IndexError(
                f"The shape of the mask {list(mask.shape)} at index {j} does not match the shape "
                f"of the indexed tensor {list(shape)} at index {dim + j}"
            )


def _check_range(dims: list[int], arrays: list[np.ndarray], shape: tuple[int, ...]) -> None:
    for i, (dim, array) in enumerate(zip(dims, arrays, strict=True)):
        size = shape[dim]
        outside = kernels.first_outside(array, size, -size)
        if outside is None:
            continue
        if size == 0:
            raise IndexError("index is out of bounds for dimension with size 0")
        raise IndexError(f"index {outside} is out of bounds for dimension {i} with size {size}")


# ---- the second step, on arrays ------------------------------------------------------------------


def _adjacent(dims: tuple[int, ...]) -> bool:
    return all(b == a + 1 for a, b in zip(dims, dims[1:], strict=False))


def _merged(
    shape: tuple[int, ...], subscript: Subscript
) -> tuple[tuple[int, ...], int, np.ndarray]:
    """Adjacent indexed dims seen as one: the shape, that dim, and one index into it."""
    dims, arrays = subscript.dims, subscript.arrays or ()
    flat = kernels.wrapped(arrays[0], shape[dims[0]])
    total = shape[dims[0]]
    for dim, array in zip(dims[1:], arrays[1:], strict=True):
        flat = flat * shape[dim] + kernels.wrapped(array, shape[dim])
        total *= shape[dim]
    return (*shape[: dims[0]], total, *shape[dims[-1] + 1 :]), dims[0], flat


def take(region: np.ndarray, subscript: Subscript) -> np.ndarray:
    """The selected elements of the basic view, as a contiguous copy."""
    mask = subscript.mask
    if mask is not None and mask.shape == region.shape and region.flags.c_contiguous:
        return kernels.masked_take(region, mask)
    if _adjacent(subscript.dims):
        shape, dim, flat = _merged(region.shape, subscript)
        return np.ascontiguousarray(region.reshape(shape).take(flat, axis=dim))
    return np.ascontiguousarray(region[_fancy(subscript)])


def put(region: np.ndarray, subscript: Subscript, values: np.ndarray) -> None:
    """Write `values` (broadcast) over the selected elements of the basic view."""
    mask = subscript.mask
    if mask is not None and mask.shape == region.shape and region.flags.c_contiguous:
        kernels.masked_put(region, mask, values)
    else:
        region[_fancy(subscript)] = values


def add(region: np.ndarray, subscript: Subscript, values: np.ndarray) -> None:
    """Add `values` (broadcast) to the selected elements; repeated ones get every addition."""
    values = np.broadcast_to(values, selected_shape(region.shape, subscript))
    count = len(subscript.dims)
    if not _adjacent(subscript.dims) or not region.flags.c_contiguous:
        rest = [d for d in range(region.ndim) if d not in subscript.dims]
        order = (*subscript.dims, *rest)
        in_front = Subscript((), "", tuple(range(count)), subscript.arrays)
        if _adjacent(subscript.dims):  # the selection's dims stand where its first dim was
            first, wide = subscript.dims[0], len((subscript.arrays or ((),))[0].shape)
            values = np.moveaxis(values, range(first, first + wide), range(wide))
        turned = np.ascontiguousarray(region.transpose(order))
        add(turned, in_front, values)
        region.transpose(order)[...] = turned
        return
    shape, dim, flat = _merged(region.shape, subscript)
    values = values.reshape((*shape[:dim], flat.size, *shape[dim + 1 :]))
    kernels.add_rows(region.reshape(shape), dim, flat.reshape(-1), values)


def selected_shape(shape: tuple[int, ...], subscript: Subscript) -> tuple[int, ...]:
    """The shape of the selection: in the place of the indexed dims, or in front if they part."""
    together = (subscript.arrays or ())[0].shape
    rest = [n for d, n in enumerate(shape) if d not in subscript.dims]
    first = subscript.dims[0] if _adjacent(subscript.dims) else 0
    return (*rest[:first], *together, *rest[first:])


def _fancy(subscript: Subscript) -> tuple[Any, ...]:
    index: list[Any] = [_FULL] * (max(subscript.dims) + 1)
    for dim, array in zip(subscript.dims, subscript.arrays or (), strict=True):
        index[dim] = array
    return tuple(index)

"""`x[index]` and `x[index] = value`, and index_put, which the second becomes for integer arrays.

A basic index (ints, slices, None, ...) gives a view.  An index with masks or integer arrays gives a
copy, whose gradient is scattered back with repeated elements added up.  `subscript.py` says what an
index means.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..autograd.graph import record, view
from ..autograd.inplace import bump
from ..dtypes import BY_CHAR, COMPLEX, dtype
from ..kernels.layout import copied
from ..quiet import fp
from ..tensor import Tensor, wrap
from .common import cast_array, convert_number
from .parts import put_slice
from .registry import op
from .selection import Selection
from .shaping import expand_shape, reshape
from .subscript import Subscript, read
from .table import bad_argument
from .writing import check_target, follows_graph, refuse_overlap, same_memory, written_by

# ---- reading -------------------------------------------------------------------------------------


@op(function=False, name="__getitem__")
def getitem(input: Tensor, index: Any) -> Tensor:
    """`input[index]`: a view for ints, slices, None and `...`; a copy for masks and index arrays.

    Raises IndexError for what is out of bounds or no index, ValueError for a negative step.
    """
    subscript, region = read(input, index)
    if subscript.selection is None:
        return _view(input, subscript, region)
    return _selected(input, subscript.basic, subscript.selection, region)


def _view(input: Tensor, subscript: Subscript, region: np.ndarray) -> Tensor:
    shape, basic = input._array.shape, subscript.basic
    return view(subscript.name, input, region, lambda g: put_slice(g, shape, basic))


def _selected(
    input: Tensor, basic: tuple[Any, ...], selection: Selection, region: np.ndarray
) -> Tensor:
    shape = input._array.shape
    data = selection.take(region)
    return record(
        "IndexBackward0", data, input=(input, lambda g: _spread(g, shape, basic, selection))
    )


def _spread(
    g: Tensor, shape: tuple[int, ...], basic: tuple[Any, ...], selection: Selection
) -> Tensor:
    """Zeros of `shape` with `g` added where the index points: the gradient of reading there."""
    data = np.zeros(shape, g._array.dtype)
    selection.add(data[(*basic, ...)], g._array)
    return record("IndexPutBackward0", data, g=(g, lambda h: _taken(h, basic, selection)))


def _taken(input: Tensor, basic: tuple[Any, ...], selection: Selection) -> Tensor:
    return _selected(input, basic, selection, input._array[(*basic, ...)])


# ---- writing -------------------------------------------------------------------------------------


def setitem(input: Tensor, index: Any, value: Any) -> None:
    """`input[index] = value`, a number or a tensor that broadcasts to `input[index]`.

    Numbers are converted to the tensor's type.  So are tensors where the index is basic; elsewhere
    their types must agree.  Gradients flow to `value`, and to what is not overwritten.
    """
    if index is False:
        return
    subscript, region = read(input, index)
    selection = subscript.selection
    is_number = not isinstance(value, Tensor)
    value = _as_value(input, value)
    if is_number and not follows_graph(input, ()):
        check_target(input, region, "index_put_" if selection is not None else None)
        if selection is None:
            region[...] = value._array
        else:
            selection.put(region, value._array)
        bump(input)
        return
    if selection is None:
        _write_view(input, subscript, region, value)
        return
    if value._array.ndim and value._array.shape[0] == 1:
        value = reshape(value, *_without_leading_ones(value._array.shape, 0))
    _check_put(input.dtype, region.shape, selection, value)
    refuse_overlap(input, (value,))
    if follows_graph(input, (value,)):
        target = input
        if not subscript.whole:
            target = _view(input, subscript, region)
        _index_put.in_place(target, selection, value, False)
        return
    check_target(input, region, "index_put_")
    _put_kernel(region, selection, value, False)
    bump(input)


Tensor.__setitem__ = setitem  # type: ignore


def _as_value(input: Tensor, value: Any) -> Tensor:
    if isinstance(value, Tensor):
        return value
    if isinstance(value, (bool, int, float, complex)):
        return wrap(number_as(value, input.dtype))
    kind = type(value)
    name = f"numpy.{kind.__name__}" if kind.__module__ == "numpy" else kind.__name__
    raise TypeError(f"can't assign a {name} to a {input.type()}")


_C_NAMES = {
    "bool": "bool", "uint8": "uint8_t", "int8": "int8_t", "int16": "int16_t", "int32": "int",
    "int64": "int64_t", "float16": "c10::Half", "float32": "float", "float64": "double",
}  # fmt: skip


def number_as(value: Any, to: dtype) -> np.ndarray:
    """A Python number as a 0-d array.  Raises RuntimeError if the type cannot hold it."""
    try:
        if isinstance(value, complex) and to.category != COMPLEX and value.imag == 0:
            value = value.real
        if not isinstance(value, complex) or to.category == COMPLEX:
            number = fp.quiet(convert_number, value, to)
            if not np.isinf(number) or np.isinf(value):
                return number
    except (ValueError, OverflowError):  # inf or nan as an integer
        pass
    name = _C_NAMES[to.name]
    raise RuntimeError(f"value cannot be converted to type {name} without overflow")


def _write_view(input: Tensor, subscript: Subscript, region: np.ndarray, value: Tensor) -> None:
    """`view.copy_(value)`: the basic case."""
    shape = _without_leading_ones(value._array.shape, region.ndim)
    expand_shape(shape, region.shape)
    if not same_memory(value._array, region):
        refuse_overlap(wrap(region), (value,))
    if follows_graph(input, (value,)):
        target = input
        if not subscript.whole or None in subscript.basic:
            target = _view(input, subscript, region)
        target.copy_(value if shape == value._array.shape else reshape(value, *shape))
        return
    check_target(input, region)
    source = value._array.reshape(shape)
    if source.dtype != region.dtype:
        source = fp.quiet(cast_array, source, BY_CHAR[region.dtype.char])
    region[...] = source
    bump(input)


def _without_leading_ones(shape: tuple[int, ...], ndim: int) -> tuple[int, ...]:
    while len(shape) > ndim and shape[0] == 1:
        shape = shape[1:]
    return shape


# ---- index_put -----------------------------------------------------------------------------------


def _check_put(own: dtype, shape: tuple[int, ...], selection: Selection, value: Tensor) -> None:
    """Raise torch's RuntimeError unless `value` can be written there."""
    wanted = selection.result_shape(shape)
    have = given = value._array.shape
    if selection.one_mask and value._array.size == 1:  # then torch fills
        given = ()
    fits = len(given) <= len(wanted) and all(
        m in (1, n) for m, n in zip(reversed(given), reversed(wanted), strict=False)
    )
    if not fits:
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {list(have)} cannot be broadcast to indexing "
            f"result of shape {list(wanted)}"
        )
    if value.dtype is not own and not (selection.one_mask and value._array.size == 1):
        raise RuntimeError(
            "Index put requires the source and destination dtypes match, got "
            f"{own.title} for the destination and {value.dtype.title} for the source."
        )


def _put_kernel(array: np.ndarray, selection: Selection, value: Tensor, accumulate: bool) -> None:
    source = value._array
    wanted = len(selection.result_shape(array.shape))
    source = source.reshape(_without_leading_ones(source.shape, wanted))
    source = fp.quiet(cast_array, source, BY_CHAR[array.dtype.char])
    (selection.add if accumulate else selection.put)(array, source)


@written_by(_put_kernel, any_layout=True)
def _index_put(input: Tensor, selection: Selection, value: Tensor, accumulate: bool) -> Tensor:
    """`input` with `value` where a selection says."""
    data = copied(input._array)
    _put_kernel(data, selection, value, accumulate)
    zero = wrap(np.zeros((), data.dtype))
    shape = value._array.shape

    def to_value(g: Tensor) -> Tensor:
        part = _taken(g, (), selection)
        return part.sum().reshape(shape) if len(shape) > part.ndim else part

    return record(
        "IndexPutBackward0",
        data,
        input=(input, lambda g: g if accumulate else _index_put(g, selection, zero, False)),
        value=(value, to_value),
    )


def _read_indices(input: Tensor, indices: Sequence[Tensor], values: Tensor) -> Selection:
    """The selection that a sequence of index tensors means, checked with the values."""
    if not isinstance(indices, (tuple, list)):
        raise TypeError(
            "index_put(): argument 'indices' (position 1) must be tuple of Tensors, not "
            f"{type(indices).__name__}"
        )
    for i, index in enumerate(indices):
        if not isinstance(index, Tensor):
            raise TypeError(
                f"expected Tensor as element {i} in argument 1, but got {type(index).__name__}"
            )
    if not isinstance(values, Tensor):
        raise bad_argument("index_put", "values", 2, values)
    if len(indices) > input.ndim:
        raise IndexError(
            f"too many indices for tensor of dimension {input.ndim} (got {len(indices)})"
        )
    if not indices:
        raise RuntimeError("index_put() needs at least one index tensor")
    # A list, since a tensor without dims selects here and does not drop a dim.
    parts = [i._array.reshape(1) if i.ndim == 0 else i._array for i in indices]
    subscript, region = read(input, tuple(parts))
    assert subscript.selection is not None
    _check_put(input.dtype, region.shape, subscript.selection, values)
    return subscript.selection


@op
def index_put(
    input: Tensor, indices: Sequence[Tensor], values: Tensor, accumulate: bool = False
) -> Tensor:
    """`input` with `values` at `input[indices]`; `accumulate` adds instead of overwriting."""
    selection = _read_indices(input, indices, values)
    return _index_put(input, selection, values, accumulate)


@op
def index_put_(
    input: Tensor, indices: Sequence[Tensor], values: Tensor, accumulate: bool = False
) -> Tensor:
    """In-place form of `index_put`."""
    selection = _read_indices(input, indices, values)
    refuse_overlap(input, (*indices, values))
    return _index_put.in_place(input, selection, values, accumulate)

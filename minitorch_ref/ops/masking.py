"""Choosing elements by truth or flat position: where, the masked_ family, nonzero, take, put."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ..autograd.graph import record
from ..dtypes import result_type
from ..kernels import scatter as kernels
from ..kernels.layout import cleared, elementwise, laid_out, preserved, row_major
from ..kernels.select import select
from ..quiet import fp
from ..settings import warn_once
from ..tensor import Tensor, wrap
from .common import as_operand, cast_array, dtype_of, is_number, wrap_dim
from .indexing import number_as
from .registry import op
from .scatter import gather, need_tensor
from .shaping import reshape
from .table import bad_argument, broadcast_error
from .writing import C_TYPES, exact_out, write_exactly, written_by

_BRANCHLESS = 4096  # from this size on, choosing without a branch per element is faster

# ---- where ---------------------------------------------------------------------------------------


@op(method=False, own_out=True)
def where(
    condition: Tensor, input: Any = None, other: Any = None, *, out: Tensor | None = None
) -> Any:
    """`input` where `condition` holds, else `other` (tensors or numbers, broadcast together).

    With the condition alone: `nonzero(condition, as_tuple=True)`.  `out` takes tensors only.
    """
    if out is None:
        return _where(condition, input, other)
    for position, (name, x) in enumerate((("input", input), ("other", other)), start=2):
        need_tensor("where", name, position, x)
    result = _where(condition, input, other)
    return write_exactly(out, result, "where", "Expected out type to be {own} but got {out}")


def _where(condition: Tensor, input: Any, other: Any) -> Any:
    if input is None and other is None and isinstance(condition, Tensor):
        return nonzero(condition, as_tuple=True)
    if not isinstance(condition, Tensor) or not (_is_branch(input) and _is_branch(other)):
        operands = (condition, input, other)
        kinds = ", ".join(type(x).__name__ for x in operands if x is not None)
        raise TypeError(
            f"where() received an invalid combination of arguments - got ({kinds}), but expected "
            "one of: (Tensor condition), (Tensor condition, Tensor input, Tensor other), with a "
            "number in place of either tensor"
        )
    mask = _condition(condition)
    common = result_type(input, other)
    a, b = _as_branch(input, common), _as_branch(other, common)
    try:
        chosen = choose(mask, a, b)
    except ValueError:
        raise _broadcast_error(mask, a, b) from None
    if chosen.ndim > 1:
        chosen = laid_out(chosen, elementwise(chosen.shape, (mask, a, b), chosen.itemsize))
    return record(
        "WhereBackward0",
        chosen,
        condition=condition,
        input=(input, lambda g, condition: where(condition, g, 0)),
        other=(other, lambda g, condition: where(condition, 0, g)),
    )


def _is_branch(x: Any) -> bool:
    return isinstance(x, Tensor) or is_number(x)


def _as_branch(x: Any, common: Any) -> np.ndarray:
    return as_operand(x, common) if isinstance(x, Tensor) else number_as(x, common)


def choose(mask: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """`a` where `mask`, else `b`, for arrays of one type."""
    if max(mask.size, a.size, b.size) < _BRANCHLESS:
        return np.asarray(np.where(mask, a, b))
    return np.asarray(select(mask, a, b, a.dtype))


def _condition(condition: Tensor) -> np.ndarray:
    array = condition._array
    if array.dtype.kind == "b":
        return array
    if array.dtype == np.uint8:
        warnings.warn(
            "where received a uint8 condition tensor. This behavior is deprecated and will be "
            "removed in a future version of PyTorch. Use a boolean condition instead.",
            UserWarning,
            stacklevel=4,
        )
        return array != 0
    raise RuntimeError(
        "where expected condition to be a boolean tensor, but got a tensor with dtype "
        f"{condition.dtype.title}"
    )


def _broadcast_error(*arrays: np.ndarray) -> RuntimeError:
    """torch's words for the first pair of shapes that does not fit."""
    for i, a in enumerate(arrays):
        for b in arrays[i + 1 :]:
            try:
                np.broadcast_shapes(a.shape, b.shape)
            except ValueError:
                return broadcast_error(a, b)
    return RuntimeError("shapes do not broadcast together")


@op(function=False, name="where")
def where_method(input: Tensor, condition: Tensor, other: Any) -> Tensor:
    """`input` where `condition` holds, else `other`."""
    return where(condition, input, other)


# ---- masks ---------------------------------------------------------------------------------------


@op(own_out=True)
@exact_out("masked_select(): self and result must have the same scalar type")
def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements of `input` where `mask` (broadcast together) holds, as one dim."""
    if need_tensor("masked_select", "mask", 1, mask)._array.dtype.kind != "b":
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    array, chosen = _broadcast(input._array, mask._array)
    data = kernels.masked_take(array, chosen)

    def back(g: Tensor, mask: Tensor) -> Tensor:
        zeros = wrap(np.zeros(array.shape, g._array.dtype))
        return masked_scatter(zeros, mask, g)

    return record("MaskedSelectBackward0", data, input=(input, back), mask=mask)


def _broadcast(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if a.shape == b.shape:
        return a, b
    try:
        shape = np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        raise broadcast_error(b, a) from None
    return np.broadcast_to(a, shape), np.broadcast_to(b, shape)


def _fill_kernel(array: np.ndarray, mask: Tensor, value: Any) -> None:
    chosen = _mask_for("masked_fill", array, mask)
    filler = _filler(array, value)
    if array.size < _BRANCHLESS or not array.flags.c_contiguous:
        np.copyto(array, filler, where=chosen)
    else:
        array[...] = choose(chosen, filler, array)


def _mask_for(name: str, array: np.ndarray, mask: Tensor) -> np.ndarray:
    """The mask's array.  Raises RuntimeError if it is no mask, or larger than what is written."""
    chosen = need_tensor(name, "mask", 1, mask)._array
    if chosen.dtype.kind != "b":
        if name == "masked_scatter" and chosen.dtype == np.uint8:
            warn_once(
                "masked_scatter_ received a mask with dtype torch.uint8, this behavior is now deprecated,"
                "please use a mask with dtype torch.bool instead."
            )
        shown = C_TYPES[mask.dtype.name] if name == "masked_fill" else mask.dtype.title
        raise RuntimeError(f"{name}_ only supports boolean masks, but got mask with dtype {shown}")
    _, wide = _broadcast(array, chosen)
    if wide.shape != array.shape:
        raise RuntimeError(
            f"output with shape {list(array.shape)} doesn't match the broadcast shape "
            f"{list(wide.shape)}"
        )
    return chosen


def _filler(array: np.ndarray, value: Any) -> np.ndarray:
    own = dtype_of(array)
    if isinstance(value, Tensor):
        if value.ndim:
            raise RuntimeError(
                "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with "
                f"{value.ndim} dimension(s)."
            )
        return fp.quiet(cast_array, value._array, own)
    if not is_number(value):
        raise bad_argument("masked_fill", "value", 2, value)
    return number_as(value, own)


@op(inplace=True)
@written_by(_fill_kernel, may_alias=True, any_layout=True)
def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """`input` with `value` (a number or a tensor without dims) where `mask` holds."""
    mask_array = need_tensor("masked_fill", "mask", 1, mask)._array
    shape = _broadcast(input._array, mask_array)[0].shape
    if mask_array.dtype.kind == "b" and input._array.size >= _BRANCHLESS:
        data = choose(mask_array, _filler(input._array, value), input._array)
        data = laid_out(data, row_major(data.shape, data.itemsize))
    else:
        data = np.broadcast_to(input._array, shape).copy()
        _fill_kernel(data, mask, value)
    name = "MaskedFillBackward1" if isinstance(value, Tensor) else "MaskedFillBackward0"
    return record(
        name,
        data,
        input=(input, lambda g, mask: masked_fill(g, mask, 0)),
        value=(value, lambda g, mask: where(mask, g, 0).sum()),
        mask=mask,
    )


def _masked_scatter_kernel(array: np.ndarray, mask: Tensor, source: Tensor) -> None:
    chosen = np.broadcast_to(_mask_for("masked_scatter", array, mask), array.shape)
    own = dtype_of(array)
    if need_tensor("masked_scatter", "source", 2, source).dtype is not own:
        raise RuntimeError(
            "masked_scatter: expected self and source to have same dtypes but got"
            f"{own.title} and {source.dtype.title}"
        )
    at = np.flatnonzero(chosen)
    if source._array.size < at.size:
        raise RuntimeError("Number of elements of source < number of ones in mask")
    array.reshape(-1)[at] = source._array.reshape(-1)[: at.size]


@op(inplace=True)
@written_by(_masked_scatter_kernel, may_alias=True)
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """`input` with the first elements of `source`, in order, where `mask` holds."""
    mask_array = need_tensor("masked_scatter", "mask", 1, mask)._array
    data = np.array(_broadcast(input._array, mask_array)[0], order="C")
    _masked_scatter_kernel(data, mask, source)
    shape = source._array.shape

    def back(g: Tensor, mask: Tensor) -> Tensor:
        part = masked_select(g, mask)
        first = wrap(np.arange(part._array.size))
        zeros = wrap(np.zeros(_size(shape), g._array.dtype))
        return reshape(put(zeros, first, part), *shape)

    return record(
        "MaskedScatterBackward0",
        data,
        input=(input, lambda g, mask: masked_fill(g, mask, 0)),
        source=(source, back),
        mask=mask,
    )


def _size(shape: tuple[int, ...]) -> int:
    total = 1
    for n in shape:
        total *= n
    return total


# ---- nonzero -------------------------------------------------------------------------------------


@op(own_out=True)
@exact_out("nonzero: Expected out tensor to have scalar type {own} but got scalar type{out}")
def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """The indices of the nonzero elements: one row each, or (`as_tuple`) one tensor per dim."""
    array = input._array
    if array.ndim == 0 and not as_tuple:
        return wrap(np.empty((int(array != 0), 0), np.int64))
    # One dim after the other in memory, as in torch.
    columns = np.asarray(np.atleast_1d(array).nonzero())
    rows = wrap(laid_out(columns.T, (8, 8 * columns.shape[1])))
    return rows.unbind(1) if as_tuple else rows


@op
def argwhere(input: Tensor) -> Tensor:
    """The indices of the nonzero elements, one row each."""
    return nonzero(input)


# ---- flat positions ------------------------------------------------------------------------------


def _flat_index(name: str, size: int, index: Tensor) -> np.ndarray:
    """Positions in a flattened tensor of `size` elements, from the front."""
    where_ = need_tensor(name, "index", 1, index)._array
    if where_.dtype != np.int64:
        raise RuntimeError(
            f"{name}(): Expected a long tensor for index, but got {index.dtype.title}"
        )
    outside = kernels.first_outside(where_, size, -size)
    if outside is None:
        return kernels.wrapped(where_, size)
    if size == 0 and name == "take":
        raise IndexError("take(): tried to take from an empty tensor")
    raise IndexError(
        f"out of range: tried to access index {outside} on a tensor of {size} elements."
    )


@op(own_out=True)
@exact_out(
    "take(): self and out expected to have the same dtype, but got self.dtype = {own} and out.dtype = "
    "{out}"
)
def take(input: Tensor, index: Tensor) -> Tensor:
    """The elements of the flattened `input` at `index`, in the shape of `index`."""
    array = input._array
    where_ = _flat_index("take", array.size, index)
    data = np.asarray(array.reshape(-1).take(where_))
    shape, strides = array.shape, preserved(array)

    def back(g: Tensor, index: Tensor) -> Tensor:
        return put(wrap(cleared(shape, g._array.dtype, strides)), index, g, True)

    return record("TakeBackward0", data, input=(input, back), index=index)


def _put_kernel(array: np.ndarray, index: Tensor, source: Tensor, accumulate: bool = False) -> None:
    own = dtype_of(array)
    if need_tensor("put", "source", 2, source).dtype is not own:
        raise RuntimeError(
            "put_(): self and source expected to have the same dtype, but got self.dtype = "
            f"{own.title} and source.dtype = {source.dtype.title}"
        )
    if need_tensor("put", "index", 1, index)._array.size != source._array.size:
        raise IndexError(
            "put_(): Expected source and index to have the same number of elements, but got "
            f"source.numel() = {source._array.size}, index.numel() = {index._array.size}"
        )
    at = _flat_index("put_", array.size, index).reshape(-1)
    values = source._array.reshape(-1)
    if accumulate:
        np.add.at(array.reshape(-1), at, values)
    else:
        array.reshape(-1)[at] = values


@written_by(_put_kernel)
def _put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    data = input._array.copy()
    _put_kernel(data, index, source, accumulate)
    data = laid_out(data, preserved(input._array))
    shape = source._array.shape

    def to_input(g: Tensor, index: Tensor) -> Tensor:
        if accumulate:
            return g
        return put(g, index, wrap(np.zeros(index._array.shape, g._array.dtype)))

    return record(
        "PutBackward0",
        data,
        input=(input, to_input),
        source=(source, lambda g, index: reshape(take(g, index), *shape)),
        index=index,
    )


@op
def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """`input` with `source` at the positions `index` of its flattened form, written or added."""
    return _put(input, index, source, accumulate)


@op(function=False)
def put_(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """In-place form of `put`."""
    return _put.in_place(input, index, source, accumulate)


@op(own_out=True)
@exact_out()
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """`gather` with `indices` broadcast against `input` (dim None: both flattened)."""
    index = need_tensor("take_along_dim", "indices", 1, indices)._array
    if index.dtype.name != "int64":
        raise RuntimeError(
            f"torch.take_along_dim(): dtype of indices should be Long but got {indices.dtype.title}"
        )
    if dim is None:
        return gather(input.view(-1), 0, wrap(index.reshape(-1)))
    if input.ndim != index.ndim:
        raise RuntimeError(
            "torch.take_along_dim(): input and indices should have the same number of dimensions, "
            f"but got {input.ndim} dimensions for input, and {index.ndim} dimensions for indices"
        )
    dim = wrap_dim(dim, input.ndim)
    array = input._array
    column = [*array.shape[:dim], 1, *array.shape[dim + 1 :]]
    flat_index = [*index.shape[:dim], 1, *index.shape[dim + 1 :]]
    try:
        rest = list(np.broadcast_shapes(column, flat_index))
    except ValueError:
        raise broadcast_error(np.empty(column), np.empty(flat_index)) from None
    wide = np.broadcast_to(index, [*rest[:dim], index.shape[dim], *rest[dim + 1 :]])
    own = input.expand(*rest[:dim], array.shape[dim], *rest[dim + 1 :])
    return gather(own, dim, wrap(np.remainder(wide, max(array.shape[dim], 1))))

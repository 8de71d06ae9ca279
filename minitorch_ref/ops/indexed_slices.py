"""The index_ family: whole slices along one dim, named by a one-dimensional index.

    index_select   out[k] = input[index[k]]                 (dim 0; a copy)
    index_add      out[index[k]] += alpha * source[k]
    index_copy     out[index[k]] = source[k]
    index_fill     out[index[k]] = value

Selecting and adding are each other's gradients.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd.graph import record
from ..dtypes import FLOATING, dtype
from ..kernels import scatter as kernels
from ..kernels.layout import copied
from ..quiet import fp
from ..tensor import Tensor, wrap
from .common import cast_array, dtype_of, is_number, wrap_dim
from .indexing import number_as
from .registry import op
from .scatter import as_dims, check_bounds, need_tensor
from .table import bad_argument
from .writing import exact_out, written_by

_INTEGERS = ("int64", "int32")


@op(own_out=True)
@exact_out("index_select(): self and result must have the same scalar type")
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices of `input` along `dim` that the 1-d `index` names, as a copy."""
    dim = wrap_dim(dim, input.ndim)
    array = input._array
    where = need_tensor("index_select", "index", 2, index)._array
    if where.ndim > 1:
        raise IndexError("index_select(): Index is supposed to be a vector")
    if where.dtype.name not in _INTEGERS:
        raise RuntimeError("index_select(): Expected dtype int32 or int64 for index")
    if array.ndim == 0 and where.size != 1:
        raise RuntimeError(
            f"index_select(): Index to scalar can have only 1 value, got {where.size} value(s)"
        )
    size = as_dims(array).shape[dim]
    outside = kernels.first_outside(where, size)
    if outside is not None:
        if array.ndim > 1 and size == 0:
            raise RuntimeError("index_select(): self indexing axis dim should be positive")
        if array.ndim < 2 or (dim != 1 and array.size):  # the others have a loop of their own
            raise IndexError("index out of range in self")
        raise RuntimeError(f"INDICES element is out of DATA bounds, id={outside} axis_dim={size}")
    data = kernels.take_rows(as_dims(array), dim, where.reshape(-1))
    data = data.reshape(()) if array.ndim == 0 else data
    shape = array.shape

    def back(g: Tensor, index: Tensor) -> Tensor:
        return index_add(wrap(np.zeros(shape, g._array.dtype)), dim, index, g)

    return record("IndexSelectBackward0", data, input=(input, back), index=index)


def _index_add_kernel(
    array: np.ndarray, dim: int, index: Tensor, source: Tensor, *, alpha: Any = 1
) -> None:
    own = dtype_of(array)
    dim = wrap_dim(dim, array.ndim)
    where = need_tensor("index_add", "index", 2, index)._array
    values = need_tensor("index_add", "source", 3, source)._array
    if where.dtype.name not in _INTEGERS:
        raise RuntimeError(
            f"index_add_(): Expected dtype int32/int64 for index but got: {index.dtype.title}"
        )
    if source.dtype is not own:
        raise RuntimeError(
            f"index_add_(): self ({own.title}) and source ({source.dtype.title}) must have the "
            "same scalar type"
        )
    if where.ndim > 1:
        raise IndexError(
            f"index_add_(): Index is supposed to be a vector, but got dim: {where.ndim} with type: "
            f"{index.dtype.title} and size: {list(where.shape)}"
        )
    if dim and dim >= values.ndim:
        raise RuntimeError(
            f"index_add_(): Indexing dim {dim} is out of bounds of the source tensor with dim "
            f"{values.ndim}"
        )
    length = as_dims(values).shape[dim]
    if where.size != length:
        if not values.ndim:
            raise IndexError("Dimension specified as 0 but tensor has no dimensions")
        raise RuntimeError(
            f"index_add_(): Number of indices ({where.size}) should be equal to source.size(dim): "
            f"({length}), for dim: {dim}"
        )
    same_rest = _without(values.shape, dim) == _without(array.shape, dim)
    if values.ndim != array.ndim or not same_rest:
        raise RuntimeError(
            "source tensor shape must match self tensor shape, excluding the specified dimension. "
            f"Got self.shape = {list(array.shape)} source.shape = {list(values.shape)}"
        )
    check_bounds("", where, as_dims(array).shape[dim], dim)
    if alpha != 1:
        values = fp.quiet(np.multiply, values, number_as(alpha, own))
    kernels.add_rows(as_dims(array), dim, where.reshape(-1), as_dims(np.asarray(values)))


def _without(shape: tuple[int, ...], dim: int) -> tuple[int, ...]:
    return shape[:dim] + shape[dim + 1 :]


@op(inplace=True, own_out=True)
@exact_out()
@written_by(_index_add_kernel)
def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Any = 1) -> Tensor:
    """`input` with `alpha` times the slices of `source` added where the 1-d `index` says."""
    data = input._array.copy()
    _index_add_kernel(data, dim, index, source, alpha=alpha)

    def back(g: Tensor, index: Tensor) -> Tensor:
        part = index_select(g, dim, index)
        return part if alpha == 1 else part * alpha

    return record(
        "IndexAddBackward0", data, input=(input, lambda g: g), source=(source, back), index=index
    )


def _index_copy_kernel(array: np.ndarray, dim: int, index: Tensor, source: Tensor) -> None:
    own = dtype_of(array)
    dim = wrap_dim(dim, array.ndim)
    where = need_tensor("index_copy", "index", 2, index)._array
    values = need_tensor("index_copy", "source", 3, source)._array
    _check_index_copy(own, array, dim, index, source)
    check_bounds("index_copy_(): ", where, as_dims(array).shape[dim], dim, IndexError)
    values = values.reshape((1,) * max(array.ndim, 1)) if values.ndim == 0 else values
    kernels.put_rows(as_dims(array), dim, where.reshape(-1), values)


def _check_index_copy(
    own: dtype, array: np.ndarray, dim: int, index: Tensor, source: Tensor
) -> None:
    where, values = index._array, source._array
    if where.ndim > 1:
        raise IndexError(f"index_copy_(): Index should have dimension 1 or 0 (got {where.ndim})")
    if values.ndim == 0 and where.size != 1:
        raise IndexError(
            "index_copy_(): When source is scalar, index should have one element (got "
            f"{where.size})"
        )
    if values.ndim != array.ndim and values.ndim and array.ndim:
        raise IndexError(
            "index_copy_(): When source and destination are not scalars, their dimensionality must "
            f"match. Source dimensionality ({values.ndim}), destination dimensionality "
            f"({array.ndim})"
        )
    if where.dtype != np.int64:
        raise RuntimeError(
            f"index_copy_(): Expected a long tensor for index, but got {index.dtype.title}"
        )
    if source.dtype is not own:
        raise RuntimeError(
            "index_copy_(): self and source expected to have the same dtype, but got (self) "
            f"{own.title} and (source) {source.dtype.title}"
        )
    mine, theirs = _without(array.shape, dim), _without(values.shape, dim)
    if values.ndim and mine != theirs:
        raise RuntimeError(
            "index_copy_(): Source/destination tensor must have same slice shapes. Destination "
            f"slice shape: {' '.join(map(str, mine))} at dimension {dim} and source slice shape: "
            f"{' '.join(map(str, theirs))} at dimension 0."
        )
    if values.ndim and where.size != values.shape[dim]:
        raise IndexError(
            f"index_copy_(): Number of indices ({where.size}) should be equal to source.size(dim) "
            f"({values.shape[dim]})"
        )


@op(inplace=True, own_out=True)
@exact_out()
@written_by(_index_copy_kernel)
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """`input` with its slices along `dim` that the 1-d `index` names replaced by `source`'s."""
    data = input._array.copy()
    _index_copy_kernel(data, dim, index, source)
    scalar = source.ndim == 0

    def back(g: Tensor, index: Tensor) -> Tensor:
        part = index_select(g, dim, index)
        return part.sum() if scalar else part

    return record(
        "IndexCopyBackward0",
        data,
        input=(input, lambda g, index: index_fill(g, dim, index, 0)),
        source=(source, back),
        index=index,
    )


def _index_fill_kernel(array: np.ndarray, dim: int, index: Tensor, value: Any) -> None:
    own = dtype_of(array)
    dim = wrap_dim(dim, array.ndim)
    where = need_tensor("index_fill", "index", 2, index)._array
    if where.dtype != np.int64:
        raise IndexError("index_fill_(): Expected dtype int64 for index.")
    if where.ndim > 1:
        raise RuntimeError("Index has to be a vector/scalar")
    if isinstance(value, Tensor):
        if value.ndim:
            raise RuntimeError(
                "index_fill_ only supports a 0-dimensional value tensor, but got tensor with "
                f"{value.ndim} dimension(s)."
            )
        filler = fp.quiet(cast_array, value._array, own)
    elif not is_number(value):
        raise bad_argument("index_fill", "value", 3, value)
    else:
        if isinstance(value, complex) and own.category <= FLOATING:
            raise RuntimeError(
                "index_fill_(): Converting complex Scalar to non-complex type is not supported"
            )
        filler = number_as(value, own)
    size = as_dims(array).shape[dim]
    outside = kernels.first_outside(where, size, -size)
    if outside is not None:
        raise IndexError(f"index {outside} is out of bounds for dimension {dim} with size {size}")
    kernels.put_rows(as_dims(array), dim, where.reshape(-1), filler)


@op(inplace=True)
@written_by(_index_fill_kernel, any_layout=True)
def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """`input` with its slices along `dim` that the 1-d `index` names filled with `value`."""
    data = copied(input._array)
    _index_fill_kernel(data, dim, index, value)

    def back(g: Tensor, index: Tensor) -> Tensor:
        size = g._array.shape[dim] if g.ndim else 1
        once = np.unique(kernels.wrapped(index._array, size))
        return index_select(g, dim, wrap(once)).sum()

    name = "IndexFillBackward1" if isinstance(value, Tensor) else "IndexFillBackward0"
    return record(
        name,
        data,
        input=(input, lambda g, index: index_fill(g, dim, index, 0)),
        value=(value, back),
        index=index,
    )

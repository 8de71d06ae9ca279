"""Sorting: `sort`, `argsort`, `msort`, `topk`, `kthvalue`.

torch's order: nan is the largest value, and equal values keep their places when the sort is stable
(ours always is).  topk and kthvalue name, of equal values, the ones that torch names.  The gradient
of a selection goes back to the places the values came from.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import return_types
from ..autograd.graph import record, rename
from ..kernels.introsort import kth_place, top_places
from ..kernels.layout import copied, is_row_major, laid_out, preserved
from ..kernels.ranking import first_places, has_nan, nth_place
from ..kernels.sorting import stable_order
from ..quiet import fp
from ..tensor import Tensor, wrap
from .common import wrap_dim
from .registry import op
from .table import not_implemented
from .writing import exact_out, named_out


def order_of(array: np.ndarray, dim: int, descending: bool) -> np.ndarray:
    """Indices that sort along `dim`, stably."""
    if array.ndim == 0:
        return np.zeros((), np.int64)
    places = fp.quiet(stable_order, array, dim, descending)
    if places is not None:
        return np.ascontiguousarray(places)
    if not descending:
        return np.argsort(array, axis=dim, kind="stable")
    # A stable descending order is the mirrored stable ascending order of the mirrored input.
    n = array.shape[dim]
    mirrored = np.argsort(np.flip(array, dim), axis=dim, kind="stable")
    return n - 1 - np.flip(mirrored, dim)


def _places(array: np.ndarray, dim: int, descending: bool) -> np.ndarray:
    """`order_of`, in memory as torch's clone of `array` lies."""
    places = order_of(array, dim, descending)
    return laid_out(places, preserved(array, places.itemsize))


_EXACT = 1 << 15  # up to so many elements the places of equal values are torch's


def has_ties(x: np.ndarray, dim: int) -> bool:
    """Whether some row along `dim` holds equal values, or more than one NaN."""
    if x.ndim == 0 or x.shape[dim] < 2:
        return False
    ordered = np.moveaxis(np.sort(x, axis=dim), dim, -1)
    same = ordered[..., 1:] == ordered[..., :-1]
    if x.dtype.kind == "f":
        same |= np.isnan(ordered[..., :-1])
    return bool(same.any())


def ranks(row: np.ndarray) -> np.ndarray:
    """Whole numbers in the order of a row's values: equal for equal ones, NaN last."""
    return np.unique(row, return_inverse=True)[1]


def along_rows(place: Any, x: np.ndarray, dim: int) -> np.ndarray:
    """`place(row)`, a place or a list of places, for every row along `dim`."""
    rows = np.moveaxis(x, dim, -1)
    found = np.array([place(row) for row in rows.reshape(-1, x.shape[dim])], np.int64)
    return np.moveaxis(found.reshape(*rows.shape[:-1], -1), -1, dim)


def pick_along(x: Tensor, indices: np.ndarray, dim: int, name: str) -> Tensor:
    """x's elements at `indices` along `dim`; the gradient is put back there."""
    shape = x._array.shape
    if not shape:
        return record(name, x._array.copy(), x=(x, lambda g: g))
    data = np.take_along_axis(x._array, indices, dim)
    if not is_row_major(indices):
        data = copied(data, indices)
    return record(name, data, x=(x, lambda g: _put_back(g, indices, dim, shape)))


def _put_back(g: Tensor, indices: np.ndarray, dim: int, shape: tuple[int, ...]) -> Tensor:
    full = np.zeros(shape, g._array.dtype)
    np.put_along_axis(full, indices, g._array, dim)  # each place is taken at most once
    return record("ValueSelectingReductionBackward0", full,
                  g=(g, lambda h: pick_along(h, indices, dim, "GatherBackward0")))  # fmt: skip


@op(own_out=True)
@named_out()
def sort(
    input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool | None = None
) -> Any:
    """Values in order along `dim`, and the places they came from; always stable, nan last."""
    dim = wrap_dim(dim, input.ndim)
    if input.is_complex():
        raise RuntimeError("Sort does not support complex dtypes on CPU")
    indices = _places(input._array, dim, descending)
    name = "SortBackward0" if stable is None else "SortBackward1"
    return return_types.sort((pick_along(input, indices, dim, name), wrap(indices)))


@op(own_out=True)
@exact_out()
def argsort(
    input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool | None = None
) -> Tensor:
    """The places that sort along `dim`."""
    if input.is_complex():
        raise RuntimeError("Sort does not support complex dtypes on CPU")
    return wrap(_places(input._array, wrap_dim(dim, input.ndim), descending))


@op(own_out=True)
@exact_out()
def msort(input: Tensor) -> Tensor:
    """Sorted along the first dim."""
    return sort(input, 0)[0]


@op(own_out=True)
@named_out()
def topk(
    input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True
) -> Any:
    """The `k` largest (or smallest) values along `dim`, in order, and their places."""
    dim, k = wrap_dim(dim, input.ndim), int(k)
    length = input._array.shape[dim] if input.ndim else 1
    if not 0 <= k <= length:
        raise RuntimeError("selected index k out of range")
    array = input._array
    if array.dtype.kind in "cb":
        kind = "complex" if array.dtype.kind == "c" else "bool"
        raise RuntimeError(f"topk does not support {kind} dtypes on CPU")
    if array.ndim == 0:
        indices = np.zeros((), np.int64)
        return return_types.topk((pick_along(input, indices, dim, "TopkBackward0"), wrap(indices)))
    if k > 0 and 0 < array.size <= _EXACT and (not sorted or has_ties(array, dim)):
        sign = -1 if largest else 1
        indices = along_rows(
            lambda row: top_places((sign * ranks(row)).tolist(), k, sorted), array, dim
        )
    else:
        indices = _first(array, dim, k, descending=largest)
    return return_types.topk((pick_along(input, indices, dim, "TopkBackward0"), wrap(indices)))


def _first(array: np.ndarray, dim: int, k: int, descending: bool) -> np.ndarray:
    """The first `k` places of the order along `dim`, without sorting all where that saves work."""
    n = array.shape[dim]
    if k == 0 or k * 8 > n or array.dtype.kind not in "iuf":
        return order_of(array, dim, descending).take(np.arange(k), axis=dim)
    rows = np.moveaxis(array, dim, -1)
    places = first_places(np.ascontiguousarray(rows).reshape(-1, n), k, descending)
    if places is not None:
        return np.moveaxis(places.reshape(*rows.shape[:-1], k), -1, dim)
    kth = n - k if descending else k - 1
    some = np.argpartition(array, kth, axis=dim)
    some = some.take(np.arange(n - k, n) if descending else np.arange(k), axis=dim)
    some = np.sort(some, axis=dim)
    chosen = np.take_along_axis(array, some, dim)
    return np.take_along_axis(some, order_of(chosen, dim, descending), dim)


@op(own_out=True)
@named_out("output values must be of same type as input")
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    """The `k`-th smallest value along `dim` (from 1), and its place."""
    dim = wrap_dim(dim, input.ndim)
    length = input._array.shape[dim] if input.ndim else 1
    if not 1 <= k <= length:
        raise RuntimeError("kthvalue(): selected number k out of range for dimension " + str(dim))
    if input._array.dtype.kind in "cb":
        raise not_implemented("kthvalue_cpu", input)
    if input.ndim == 0:
        indices = np.zeros((), np.int64)
        return return_types.kthvalue((pick_along(input, indices, dim, "KthvalueBackward0"), wrap(indices)))
    if 0 < input._array.size <= _EXACT and has_ties(input._array, dim):
        indices = along_rows(
            lambda row: [kth_place(ranks(row).tolist(), k - 1)], input._array, dim
        )
    elif has_nan(input._array):
        indices = order_of(input._array, dim, False).take([k - 1], axis=dim)
    else:
        indices = nth_place(input._array, dim, k - 1)
    values = pick_along(input, indices, dim, "KthvalueBackward0")
    places = wrap(indices)
    if keepdim:
        return return_types.kthvalue((values, places))
    values = rename(values.squeeze(dim), "KthvalueBackward0")
    return return_types.kthvalue((values, places.squeeze(dim)))

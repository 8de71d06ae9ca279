"""Sorting and searching: `sort`, `argsort`, `topk`, `kthvalue`, `searchsorted`, `bucketize`.

torch's order: nan is the largest value, and equal values keep their places when the sort is stable
(ours always is).  The gradient of a selection goes back to the places the values came from.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import return_types
from ..autograd.graph import record, rename
from ..dtypes import int32, int64
from ..tensor import Tensor, wrap
from .common import array_as, wrap_dim
from .registry import op


def order_of(array: np.ndarray, dim: int, descending: bool) -> np.ndarray:
    """Indices that sort along `dim`, stably."""
    if array.ndim == 0:
        return np.zeros((), np.int64)
    if not descending:
        return np.argsort(array, axis=dim, kind="stable")
    # A stable descending order is the mirrored stable ascending order of the mirrored input.
    n = array.shape[dim]
    mirrored = np.argsort(np.flip(array, dim), axis=dim, kind="stable")
    return n - 1 - np.flip(mirrored, dim)


def pick_along(x: Tensor, indices: np.ndarray, dim: int, name: str) -> Tensor:
    """x's elements at `indices` along `dim`; the gradient is put back there."""
    shape = x._array.shape
    if not shape:
        return record(name, x._array.copy(), x=(x, lambda g: g))
    data = np.take_along_axis(x._array, indices, dim)
    return record(name, data, x=(x, lambda g: _put_back(g, indices, dim, shape)))


def _put_back(g: Tensor, indices: np.ndarray, dim: int, shape: tuple[int, ...]) -> Tensor:
    full = np.zeros(shape, g._array.dtype)
    np.put_along_axis(full, indices, g._array, dim)  # each place is taken at most once
    return record("ValueSelectingReductionBackward0", full,
                  g=(g, lambda h: pick_along(h, indices, dim, "GatherBackward0")))  # fmt: skip


@op(out=True)
def sort(
    input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool = False
) -> Any:
    """Values in order along `dim`, and the places they came from; always stable, nan last."""
    dim = wrap_dim(dim, input.ndim)
    if input.is_complex():
        raise RuntimeError("Sort does not support complex dtypes on CPU")
    indices = order_of(input._array, dim, descending)
    return return_types.sort((pick_along(input, indices, dim, "SortBackward0"), wrap(indices)))


@op(out=True)
def argsort(
    input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool = False
) -> Tensor:
    """The places that sort along `dim`."""
    return wrap(order_of(input._array, wrap_dim(dim, input.ndim), descending))


@op(out=True)
def msort(input: Tensor) -> Tensor:
    """Sorted along the first dim."""
    return sort(input, 0)[0]


@op(out=True)
def topk(
    input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True
) -> Any:
    """The `k` largest (or smallest) values along `dim`, in order, and their places."""
    dim, k = wrap_dim(dim, input.ndim), int(k)
    length = input._array.shape[dim] if input.ndim else 1
    if not 0 <= k <= length:
        raise RuntimeError("selected index k out of range")
    array = input._array
    if array.ndim == 0:
        indices = np.zeros((), np.int64)
        return return_types.topk((pick_along(input, indices, dim, "TopkBackward0"), wrap(indices)))
    indices = _first(array, dim, k, descending=largest)
    return return_types.topk((pick_along(input, indices, dim, "TopkBackward0"), wrap(indices)))


def _first(array: np.ndarray, dim: int, k: int, descending: bool) -> np.ndarray:
    """The first `k` places of the order along `dim`; a partition first where that saves work."""
    n = array.shape[dim]
    if k * 8 > n or array.dtype.kind not in "iuf":
        return order_of(array, dim, descending).take(np.arange(k), axis=dim)
    kth = n - k if descending else k - 1
    some = np.argpartition(array, kth, axis=dim)
    some = some.take(np.arange(n - k, n) if descending else np.arange(k), axis=dim)
    some = np.sort(some, axis=dim)
    chosen = np.take_along_axis(array, some, dim)
    return np.take_along_axis(some, order_of(chosen, dim, descending), dim)


@op(out=True)
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    """The `k`-th smallest value along `dim` (from 1), and its place."""
    dim = wrap_dim(dim, input.ndim)
    length = input._array.shape[dim] if input.ndim else 1
    if not 1 <= k <= length:
        raise RuntimeError("kthvalue(): selected number k out of range for dimension " + str(dim))
    if input.ndim == 0:
        indices = np.zeros((), np.int64)
        return return_types.kthvalue((pick_along(input, indices, dim, "KthvalueBackward0"), wrap(indices)))
    indices = order_of(input._array, dim, False).take([k - 1], axis=dim)
    values = pick_along(input, indices, dim, "KthvalueBackward0")
    places = wrap(indices)
    if keepdim:
        return return_types.kthvalue((values, places))
    values = rename(values.squeeze(dim), "KthvalueBackward0")
    return return_types.kthvalue((values, places.squeeze(dim)))


@op(out=True, method=False)
def searchsorted(
    sorted_sequence: Tensor,
    input: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
) -> Tensor:
    """Where each value would be inserted to keep the innermost dim of `sorted_sequence` in order.

    `side`: "left" before equal values, "right" after them.  Raises RuntimeError if the leading dims
    of the two differ.
    """
    if side is not None and side not in ("left", "right"):
        raise RuntimeError(
            f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}"
        )
    if side == "left" and right:
        raise RuntimeError(
            "torch.searchsorted(): side and right can't be set to opposites, got side of left while "
            "right was True"
        )
    edges, values = sorted_sequence._array, array_as(input)._array
    if sorter is not None:
        edges = np.take_along_axis(edges, sorter._array, -1)
    if edges.ndim != 1 and (
        values.ndim != edges.ndim or values.shape[:-1] != edges.shape[:-1]
    ):
        raise RuntimeError(
            "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 "
            "dimensions of boundaries tensor and input value tensor must match, but we got boundaries "
            f"tensor {list(edges.shape)} and input value tensor {list(values.shape)}"
        )
    where = "right" if right or side == "right" else "left"
    kind = int32.np if out_int32 else int64.np
    return wrap(np.asarray(_search(edges, values, where), kind))


def _search(edges: np.ndarray, values: np.ndarray, side: Any) -> np.ndarray:
    if edges.ndim == 1:
        return np.asarray(np.searchsorted(edges, values, side))
    rows = edges.reshape(-1, edges.shape[-1])
    wanted = values.reshape(-1, values.shape[-1])
    found = [np.searchsorted(e, v, side) for e, v in zip(rows, wanted)]
    return np.asarray(found, np.int64).reshape(values.shape)


@op(method=False, out=True)
def bucketize(
    input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False
) -> Tensor:
    """The number of the bucket between `boundaries` (one dim, in order) each value falls into."""
    if boundaries.ndim != 1:
        raise RuntimeError(
            f"boundaries tensor must be 1 dimension, but got dim({boundaries.ndim})"
        )
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)



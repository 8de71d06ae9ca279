"""The k-th element, the first k of an order, and rows without ties, of large arrays and without sorting.

The first k: the k-th largest of the maxima of some groups of elements bounds the k-th largest element
from below, so that one comparison leaves little more than k candidates, which are then sorted.

    x          │ ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  · │     GROUPS · k groups at least
    maxima     │    ∘     ∘     ∘     ∘     ∘ │                    the k-th of them: t
    x ≥ t      │ places …  │                                       k or a few more, in order

Cost per element: a maximum, a comparison and the search for places, 0.3 to 0.5 ns; `np.argpartition`
takes 8.  NaN orders itself above all numbers, which no comparison shows: not for arrays with NaN.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray

GROUPS = 4


def has_nan(x: Array) -> bool:
    """Whether some element is NaN."""
    return x.dtype.kind == "f" and bool(x.size) and bool(np.isnan(np.maximum.reduce(x, axis=None)))


def nth_place(x: Array, axis: int, nth: int) -> Array:
    """The place, along `axis`, of the nth smallest: among equals, that of a stable sort.

    Only the value is found by partitioning; its place is then that of the (k+1)-th equal, k the rank
    among the equals.  Not for arrays with NaN.
    """
    value = np.take(np.partition(x, nth, axis=axis), [nth], axis=axis)
    equal = x == value
    rank = nth - np.count_nonzero(x < value, axis=axis, keepdims=True)
    if not rank.any():
        return np.argmax(equal, axis=axis, keepdims=True)
    return np.argmax(np.cumsum(equal, axis=axis, dtype=np.int32) > rank, axis=axis, keepdims=True)


def first_places(x: Array, k: int, descending: bool) -> Array | None:
    """The places of the k largest (or smallest) of every row of a matrix, in a stable order.

    None where that would be no faster than sorting: k is large, too many elements are equal, or
    there is a NaN.
    """
    rows, n = x.shape
    size = min(64, n // (GROUPS * k))
    if size < 2 or has_nan(x):
        return None
    best: Any = np.maximum if descending else np.minimum
    groups = n // size
    bests = best.reduce(x[:, : size * groups].reshape(rows, size, groups), axis=1)
    kth = groups - k if descending else k - 1
    bound = np.partition(bests, kth, axis=1)[:, kth, None]
    places = np.flatnonzero(x >= bound if descending else x <= bound)
    if places.size > max(rows * k, x.size // 8):
        return None
    row, place = np.divmod(places, n)
    starts = np.searchsorted(row, np.arange(rows + 1))
    column = np.arange(len(row)) - starts[row]
    shape = rows, int(np.diff(starts).max())
    values, columns = np.full(shape, _worst(x.dtype, descending)), np.zeros(shape, np.int64)
    values[row, column], columns[row, column] = x.reshape(-1)[places], place
    return np.take_along_axis(columns, _order(values, descending)[:, :k], 1)


def _worst(kind: np.dtype, descending: bool) -> Any:
    if kind.kind == "f":
        return kind.type(-np.inf if descending else np.inf)
    return kind.type(np.iinfo(kind).min if descending else np.iinfo(kind).max)


def _order(x: Array, descending: bool) -> Array:
    """Stable: of equals the first comes first, either way."""
    if not descending:
        return np.argsort(x, axis=1, kind="stable")
    return x.shape[1] - 1 - np.argsort(x[:, ::-1], axis=1, kind="stable")[:, ::-1]


def without_ties(x: Array) -> Array:
    """For every row of a matrix without NaN, whether all its elements differ."""
    ordered = np.sort(x, axis=1)
    return np.asarray((ordered[:, 1:] != ordered[:, :-1]).all(1))

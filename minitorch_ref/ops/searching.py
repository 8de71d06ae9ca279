"""Where a value belongs among sorted ones: `searchsorted`, `bucketize`.

Both halve the range until it is empty, with torch's comparisons: a boundary that is not at least
(right: not greater than) the value has its place to the left of it.  So a NaN belongs at the end,
and boundaries that are not sorted give torch's answer too.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ..dtypes import int32, int64
from ..settings import warn_once
from ..tensor import Tensor, wrap
from .common import array_as, is_number
from .registry import op
from .table import not_implemented
from .writing import write_exactly

_NAME = "torch.searchsorted(): "
_DTYPE = (
    _NAME + "output tensor's dtype is wrong, it can only be Int(int32) or Long(int64) depending on "
    "whether out_int32 flag is True, but we got output tensor's dtype {out} and out_int32 flag is "
)


def _index_out(function: Any) -> Any:
    """`out=` of the index type that `out_int32` asks for."""

    @functools.wraps(function)
    def call(*args: Any, out: Tensor | None = None, **kwargs: Any) -> Tensor:
        if "self" in kwargs:  # torch's name for a value that is a number
            kwargs["input"] = kwargs.pop("self")
        result = function(*args, **kwargs)
        if out is None:
            return result
        asked = str(bool(kwargs.get("out_int32", False)))
        return write_exactly(out, result, function.__name__, _DTYPE + asked)

    return call


@op(own_out=True, method=False)
@_index_out
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

    `side`: "left" before equal values, "right" after them.  `sorter`: the places that sort the
    sequence.  Raises RuntimeError if the leading dims of the two differ.
    """
    if not isinstance(sorted_sequence, Tensor) or not (
        isinstance(input, Tensor) or is_number(input)
    ):
        got = f"{type(sorted_sequence).__name__}, {type(input).__name__}"
        raise TypeError(
            f"searchsorted() received an invalid combination of arguments - got ({got}), but "
            "expected one of: (Tensor sorted_sequence, Tensor input), (Tensor sorted_sequence, "
            "Number self)"
        )
    if side is not None and side not in ("left", "right"):
        raise RuntimeError(f"{_NAME}side can only be 'left' or 'right' but got {side}")
    if side == "left" and right:
        raise RuntimeError(
            f"{_NAME}side and right can't be set to opposites, got side of left while right was True"
        )
    edges, values = sorted_sequence._array, array_as(input)._array
    _advise(values=values, edges=edges, sorter=None if sorter is None else sorter._array)
    if edges.dtype.kind in "cb":
        raise not_implemented("searchsorted_out_cpu", sorted_sequence)
    if sorter is not None:
        edges = _in_order(edges, sorter)
    _check_shapes(edges, values)
    found = _search(edges, values, right or side == "right")
    return wrap(np.asarray(found, int32.np if out_int32 else int64.np))


def _advise(**arrays: np.ndarray | None) -> None:
    """Warn once, as torch does, of an operand that it would copy."""
    for which, array in arrays.items():
        if array is not None and not array.flags.c_contiguous:
            what = {"values": "input value", "edges": "boundary"}.get(which, which)
            warn_once(
                f"{_NAME}{what} tensor is non-contiguous, this will lower the performance due to "
                "extra data copy when converting non-contiguous tensor to contiguous, please use "
                f"contiguous {what} tensor if possible. This message will only appear once per program."
            )


def _in_order(edges: np.ndarray, sorter: Tensor) -> np.ndarray:
    """The sequence that `sorter` sorts."""
    places = sorter._array
    if places.shape != edges.shape:
        raise RuntimeError(
            f"{_NAME}boundary and sorter must have the same size, but got boundary tensor "
            f"{list(edges.shape)}and got sorter tensor {list(places.shape)}"
        )
    if sorter.dtype is not int64:
        raise RuntimeError(
            f"{_NAME}sorter must be a tensor of long dtype but got dtype {sorter.dtype.title}"
        )
    if places.size and not (places.min() >= 0 and places.max() < edges.shape[-1]):
        raise RuntimeError(f"{_NAME}sorter index out of range")
    return np.take_along_axis(edges, places, -1)


def _check_shapes(edges: np.ndarray, values: np.ndarray) -> None:
    if values.ndim == 0 and edges.ndim > 1:
        raise RuntimeError(
            f"{_NAME}input value can be a scalar only when boundaries tensor dimension is 1, but we "
            f"got boundaries tensor dim({edges.ndim}) and input value's dim(0) numel(1)"
        )
    if edges.ndim == 0:
        raise RuntimeError(
            f"{_NAME}boundaries tensor should have positive dimension, but got 0 dimension"
        )
    if edges.ndim != 1 and (
        values.ndim != edges.ndim or values.shape[:-1] != edges.shape[:-1]
    ):
        raise RuntimeError(
            f"{_NAME}boundaries tensor should be 1 dimension or the first N-1 dimensions of "
            "boundaries tensor and input value tensor must match, but we got boundaries tensor "
            f"{list(edges.shape)} and input value tensor {list(values.shape)}"
        )


def _search(edges: np.ndarray, values: np.ndarray, right: bool) -> np.ndarray:
    if edges.ndim == 1:
        if _plain(edges) and not _has_nan(values):
            return np.asarray(np.searchsorted(edges, values, "right" if right else "left"))
        edges = np.broadcast_to(edges, (*values.shape[:-1], edges.size))
        return _halved(edges, values.reshape(-1) if values.ndim == 0 else values, right).reshape(
            values.shape
        )
    return _halved(edges, values, right)


def _plain(edges: np.ndarray) -> bool:
    """Whether the boundaries are in order, and none is NaN."""
    return bool((edges[1:] >= edges[:-1]).all()) and not _has_nan(edges[-1:])


def _has_nan(values: np.ndarray) -> bool:
    return values.dtype.kind == "f" and bool(np.isnan(values).any())


def _halved(edges: np.ndarray, values: np.ndarray, right: bool) -> np.ndarray:
    """The binary search of every value in its row, all rows at once."""
    n = edges.shape[-1]
    low = np.zeros(values.shape, np.int64)
    high = np.full(values.shape, n, np.int64)
    for _ in range(n.bit_length()):
        middle = low + ((high - low) >> 1)
        boundary = np.take_along_axis(edges, np.minimum(middle, n - 1), -1)
        after = ~(boundary > values) if right else ~(boundary >= values)
        open_ = low < high
        low = np.where(open_ & after, middle + 1, low)
        high = np.where(open_ & ~after, middle, high)
    return low


@op(method=False, own_out=True)
@_index_out
def bucketize(
    input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False
) -> Tensor:
    """The number of the bucket between `boundaries` (one dim, in order) each value falls into."""
    if boundaries.ndim != 1:
        raise RuntimeError(
            f"boundaries tensor must be 1 dimension, but got dim({boundaries.ndim})"
        )
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)

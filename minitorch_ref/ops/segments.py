"""Sums, means, products and extremes of segments: consecutive stretches of unequal length.

    data     a b c d e f        lengths 2 0 4   or   offsets 0 2 2 6
    segments [a b] [] [c d e f]

A segment is gone through in order, one element of every segment at a time, so a result has the bits of
the loop that torch runs; `initial` stands before the first element.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..autograd.graph import record
from ..quiet import fp
from ..tensor import Tensor
from .common import wrap_dim
from .refusals import no_kernel
from .registry import op
from .unrecorded import without_derivative

REDUCTIONS = {"sum": "sum", "prod": "prod", "mean": "mean", "max": "amax", "amax": "amax",
              "min": "amin", "amin": "amin"}  # fmt: skip
STARTS = {"sum": 0, "mean": 0, "prod": 1, "amax": -np.inf, "amin": np.inf}
UFUNCS = {"sum": np.add, "mean": np.add, "prod": np.multiply, "amax": np.maximum, "amin": np.minimum}


class Segments(NamedTuple):
    """Where each begins and how long it is, per row of the data's dims before the axis."""

    starts: np.ndarray
    lengths: np.ndarray

    def steps(self) -> Any:
        """For j = 0, 1, …: the rows and segments that have a j-th element, and where it is."""
        for j in range(int(self.lengths.max(initial=0))):
            rows, which = np.nonzero(self.lengths > j)
            yield rows, which, self.starts[rows, which] + j


@op(method=False, out=True)
def segment_reduce(
    data: Tensor, reduce: str, *, lengths: Tensor | None = None, indices: Tensor | None = None,
    offsets: Tensor | None = None, axis: int = 0, unsafe: bool = False, initial: Any = None,
) -> Tensor:  # fmt: skip
    """One value per segment along `axis`, the last dim of `lengths` or `offsets`: (*outer, segments,
    *inner).  reduce: "sum", "mean", "prod", "max" or "min".

    An empty segment gives `initial`, else 0, nan, 1, -inf or inf.  Raises RuntimeError for unknown
    reductions and for lengths that are negative or do not add up to the data's (not if `unsafe`).
    """
    axis = wrap_dim(axis, data.ndim)
    if reduce not in REDUCTIONS:
        raise RuntimeError(
            f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}"
        )
    if indices is not None:
        raise RuntimeError("segment_reduce(): indices based reduction is not supported yet.")
    name, array = REDUCTIONS[reduce], data._array
    segments, shape = _segments(array, axis, lengths, offsets, unsafe)
    if array.dtype.kind != "f":
        raise no_kernel("_segment_reduce_cpu", array.dtype)
    wide = array.reshape(_sizes(array, segments, axis))
    out = _reduced(wide, segments, name, initial)
    return record(
        "SegmentReduceBackward0",
        out.reshape(*array.shape[:axis], shape, *array.shape[axis + 1 :]),
        input=(data, lambda g, input, out: _gradient(g, input, out, segments, axis, name, initial)),
    )


def _segments(
    array: np.ndarray, axis: int, lengths: Tensor | None, offsets: Tensor | None, unsafe: bool
) -> tuple[Segments, int]:
    """The checked segments, and how many there are in a row."""
    given = offsets if offsets is not None else lengths
    if given is None:
        raise RuntimeError("segment_reduce(): Either lengths or offsets must be defined.")
    what = "offsets" if offsets is not None else "lengths"
    if array.ndim < given.ndim:
        raise RuntimeError(f"Expected data.dim() >= {what}_value.dim() to be true, but got false.")
    if axis != given.ndim - 1:
        raise RuntimeError(
            f"segment_reduce(): Expected axis to be the last dimension of {what} but got {axis}."
        )
    values = given._array
    if offsets is None and not unsafe:
        if values.size == 0:
            raise RuntimeError(
                "min(): Expected reduction dim to be specified for input.numel() == 0. "
                "Specify the reduction dim with the 'dim' argument."
            )
        if values.min() < 0:
            raise RuntimeError("lengths contains negative value!")
        if (values.sum(-1) != array.shape[axis]).any():
            raise RuntimeError(
                "segment_reduce(): Expected all rows of lengths along axis to sum to "
                "data.size(lengths.dim()-1) when !unsafe."
            )
    if values.dtype not in (np.int32, np.int64):
        raise no_kernel(f"_segment_reduce_{what}_cpu_kernel1", values.dtype)
    rows = values.reshape(-1, values.shape[-1])
    if offsets is not None:
        return Segments(rows[:, :-1], np.diff(rows)), rows.shape[1] - 1
    return Segments(np.cumsum(rows, axis=1) - rows, rows), rows.shape[1]


def _reduced(data: np.ndarray, segments: Segments, name: str, initial: Any) -> np.ndarray:
    """(rows, places, inner) → (rows, segments, inner)."""
    lengths, (_, _, inner) = segments.lengths, data.shape
    start = STARTS[name] if initial is None else initial
    out = np.full((*lengths.shape, inner), start, data.dtype)
    for rows, which, places in segments.steps():
        out[rows, which] = fp.quiet(UFUNCS[name], out[rows, which], data[rows, places])
    if name == "mean":
        count = lengths[:, :, None].astype(data.dtype)
        empty = np.nan if initial is None else start
        out = np.where(count > 0, fp.quiet(np.divide, out, count), data.dtype.type(empty))
    return out


def _gradient(
    g: Tensor, data: Tensor, out: Tensor, segments: Segments, axis: int, name: str, initial: Any
) -> Tensor:
    """Each element's part of its segment's gradient; torch has no derivative of that."""
    x = data._array.reshape(_sizes(data._array, segments, axis))
    y, up = (t._array.reshape(*segments.lengths.shape, x.shape[2]) for t in (out, g))
    grad = np.zeros(x.shape, x.dtype)
    share = up
    if name == "mean":
        count = np.maximum(segments.lengths, 1)[:, :, None].astype(x.dtype)
        share = fp.quiet(np.divide, up, count)
    elif name in ("amax", "amin"):
        ties = np.maximum(_ties(x, y, segments), 1).astype(x.dtype)
        share = np.where(up > 0, fp.quiet(np.divide, up, ties), up)  # torch divides no negative one
    for row, which, places in segments.steps():
        part, here = share[row, which], x[row, places]
        if name in ("amax", "amin"):
            part = np.where(_is_extreme(here, y[row, which]), part, 0)
        elif name == "prod":
            part = fp.quiet(np.divide, fp.quiet(np.multiply, part, y[row, which]), here)
        grad[row, places] = part
    if name == "prod":
        _others(grad, x, up, segments, 1 if initial is None else initial)
    return without_derivative("_segment_reduce_backward", grad.reshape(data._array.shape), g, data)


def _sizes(array: np.ndarray, segments: Segments, axis: int) -> tuple[int, int, int]:
    """(rows, places, inner)"""
    return len(segments.lengths), array.shape[axis], math.prod(array.shape[axis + 1 :])


def _is_extreme(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x == y) | np.isnan(x)


def _ties(x: np.ndarray, y: np.ndarray, segments: Segments) -> np.ndarray:
    """How many elements of each segment share its gradient."""
    found = np.zeros(y.shape, np.int64)
    for row, which, places in segments.steps():
        found[row, which] += _is_extreme(x[row, places], y[row, which])
    return found


def _others(
    grad: np.ndarray, x: np.ndarray, up: np.ndarray, segments: Segments, initial: Any
) -> None:
    """Where an element is 0 or nan, which says nothing of the rest: the product of the others."""
    for row, place, inner in zip(*np.nonzero((x == 0) | np.isnan(x)), strict=True):
        starts, lengths = segments.starts[row], segments.lengths[row]
        for which in np.nonzero((starts <= place) & (place < starts + lengths))[0]:
            rest = x.dtype.type(initial)
            for other in range(starts[which], starts[which] + lengths[which]):
                if other != place:
                    rest = fp.quiet(np.multiply, rest, x[row, other, inner])
            grad[row, place, inner] = fp.quiet(np.multiply, up[row, which, inner], rest)

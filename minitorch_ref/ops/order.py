"""Order statistics: median, nanmedian, mode, quantile, nanquantile.

The median of an even number of elements is the lower of the two in the middle.  median(dim) and
mode name the place they took their value from, and the gradient goes there; the full median()
shares it among equals, as max() does.  quantile interpolates between sorted elements, so it is a
composition of sort, gather and lerp and has no gradient of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import return_types
from ..autograd.graph import record, rename
from ..kernels.introsort import nth_places, sorted_places
from ..kernels.ranking import has_nan, nth_place, without_ties
from ..tensor import Tensor, wrap
from .common import is_number, wrap_dim
from .extremes import select_along, shared
from .reducing import reduced_dims, reduction, require_nonempty
from .sorting import ranks

Array = np.ndarray

_STABLE = 16  # up to here std::sort is an insertion sort, which is stable
_EXACT = 1 << 15  # beyond, its steps are too many to repeat in Python


# ---- median --------------------------------------------------------------------------------------


def _median(name: str, input: Tensor, dim: Any, keepdim: bool, ignore_nan: bool) -> Any:
    x = input._array
    if x.dtype.kind in "bc":
        kernel = "median_cpu" if dim is None else "median_out"
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{input.dtype.title}'")
    if dim is None:
        return _whole_median(name, input, ignore_nan)
    reduced_dims(name, input, dim, keepdim)
    axis = wrap_dim(dim, x.ndim)
    require_nonempty(name, input, (axis,), given=True)
    where = _middle(x if x.ndim else x.reshape(1), axis, ignore_nan)
    node = name.capitalize() + "Backward1"
    return named_selection(getattr(return_types, name), node, input, where, axis, keepdim)


def named_selection(
    kind: Any, node: str, input: Tensor, where: Array, axis: int, keepdim: bool
) -> Any:
    """(values, indices) for places `where`, in which the reduced axis has length 1."""
    x = input._array
    if not x.ndim:
        data, where = x.copy(), where.reshape(())
    else:
        data = np.take_along_axis(x, where, axis)
        if not keepdim:
            data, where = data.squeeze(axis), where.squeeze(axis)
    values = select_along(node, input, data, wrap(np.asarray(where)), axis, keepdim)
    return kind((values, wrap(np.asarray(where).copy())))


def _middle(x: Array, axis: int, ignore_nan: bool) -> Array:
    """The place of the (lower) median along `axis`, of length 1; of the first NaN if one counts.

    Among equals it is the place that a stable sort puts in the middle.
    """
    n = x.shape[axis]
    nan = np.isnan(x) if x.dtype.kind == "f" else None
    missing = 0 if nan is None else np.count_nonzero(nan, axis=axis, keepdims=True)
    if nan is None or not np.any(missing):
        return nth_place(x, axis, (n - 1) // 2)
    # NaN is the largest value: it stands at the end of a sorted row
    order = np.argsort(x, axis=axis, kind="stable")
    present = np.where(missing == n, n, n - missing) if ignore_nan else n
    nth = np.broadcast_to((present - 1) // 2, np.shape(missing))
    where = np.take_along_axis(order, nth, axis)
    replace = missing == n if ignore_nan else missing > 0
    return np.where(replace, np.argmax(nan, axis=axis, keepdims=True), where)


def _signed_zero(row: Array) -> Array:
    """Which zero is the median of a row whose median is one: `std::nth_element` decides."""
    nth = int(row.size - 1 - np.count_nonzero(np.isnan(row))) // 2
    return np.asarray(row[nth_places(ranks(row).tolist(), nth)[nth]])


def _missing(kind: np.dtype) -> Any:
    return np.nan if kind.kind == "f" else np.iinfo(kind).min


def _whole_median(name: str, input: Tensor, ignore_nan: bool) -> Tensor:
    x = input._array
    flat = x.reshape(-1)
    if x.size:
        data = np.asarray(flat[_middle(flat, 0, ignore_nan)[0]])
    else:  # NaN, as C casts it: through 32 bits to the shorter integers
        small = x.dtype.kind != "f" and x.dtype.itemsize < 4
        data = np.asarray(0 if small else _missing(x.dtype), x.dtype)
    if data == 0 and x.size and x.dtype.kind == "f" and x.size <= _EXACT:
        data = _signed_zero(flat)
    every = tuple(range(x.ndim))
    return record(
        name.capitalize() + "Backward0", data,
        input=(input, lambda g, input, out: shared(g, input, out, every)),
    )  # fmt: skip


@reduction(out="dim")
def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """median(input); or median(input, dim, keepdim) → (values, indices).  NaN if any is NaN."""
    return _median("median", input, dim, keepdim, ignore_nan=False)


@reduction(out="dim")
def nanmedian(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The median of what is not NaN; with a dim, (values, indices)."""
    return _median("nanmedian", input, dim, keepdim, ignore_nan=True)


# ---- mode ----------------------------------------------------------------------------------------


@reduction(out="own")
def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> return_types.mode:
    """(values, indices): the most frequent element along `dim`, the smallest of several.

    The index is the one torch names; for more than 32,768 elements, the last of the equals.
    """
    x = input._array
    if x.dtype.kind == "c":
        raise NotImplementedError(f"\"mode_cpu\" not implemented for '{input.dtype.title}'")
    reduced_dims("mode", input, dim, keepdim)
    axis = wrap_dim(dim, x.ndim)
    if x.ndim and x.shape[axis] == 0:
        raise IndexError(f"mode(): Expected reduction dim {axis} to have non-zero size.")
    moved = np.moveaxis(x, axis, -1) if x.ndim else x.reshape(1)
    where = _modes(moved.reshape(-1, moved.shape[-1])).reshape(moved.shape[:-1])
    if x.ndim:
        where = np.expand_dims(where, axis)
    return named_selection(return_types.mode, "ModeBackward0", input, where, axis, keepdim)


def _modes(rows: Array) -> Array:
    """The place of the mode of every row: that of the smallest element where all differ."""
    if rows.dtype.kind == "b" or has_nan(rows):
        return np.array([_most_frequent(row) for row in rows], np.int64)
    where = np.argmin(rows, axis=1)
    for i in np.flatnonzero(~without_ties(rows)):
        where[i] = _most_frequent(rows[i])
    return where


def _most_frequent(row: Array) -> int:
    """The place that torch's mode names: the end of the first longest run of the sorted row."""
    n = row.size
    if _STABLE < n <= _EXACT:
        order = np.array(sorted_places(row.tolist()))
    else:
        order = _insertion_order(row) if np.isnan(row).any() else np.argsort(row, kind="stable")
    ordered = row[order]
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    return int(order[ends[np.argmax(np.diff(ends, prepend=-1))]])


def _insertion_order(row: Array) -> Array:
    """std::sort's order of a short row with NaN, which compares false with everything."""
    return np.array(sorted_places(row.tolist())) if row.size <= _EXACT else np.argsort(row)


# ---- quantiles -----------------------------------------------------------------------------------

_INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


@reduction(out="quantile")
def quantile(
    input: Tensor,
    q: float | Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    """The q-quantiles along `dim` (of all elements by default): NaN if any is NaN.

    q is a number in [0, 1] or a 1-D tensor of them, whose dim comes first in the result.
    Raises RuntimeError for other q, for an empty input, and for dtypes but float32 and float64.
    """
    return _quantile("quantile", input, q, dim, keepdim, interpolation, ignore_nan=False)


@reduction(out="quantile")
def nanquantile(
    input: Tensor,
    q: float | Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    """The q-quantiles of what is not NaN."""
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation, ignore_nan=True)


def _quantile(
    name: str, input: Tensor, q: Any, dim: int | None, keepdim: bool, how: str, ignore_nan: bool
) -> Tensor:
    q = _checked_q(name, input, q, how)
    axis = 0 if dim is None else wrap_dim(dim, input.ndim)
    whole = dim is None or not input.ndim
    x = input.reshape(-1) if whole else input.movedim(axis, -1)
    ordered = x.sort(-1)[0]
    ranks = _ranks(ordered, q.reshape(-1), ignore_nan)  # (*, number of q)
    result = _interpolated(ordered, ranks, how).movedim(-1, 0)
    if keepdim:
        result = result.reshape(-1, *[1] * input.ndim) if whole else result.unsqueeze(axis + 1)
    return rename(result if q.ndim else result.squeeze(0), "SqueezeBackward4")


def _checked_q(name: str, input: Tensor, q: Any, how: str) -> Tensor:
    """q as a tensor of the input's dtype, after torch's checks."""
    if input._array.dtype.char not in "fd":
        raise RuntimeError(f"{name}() input tensor must be either float or double dtype")
    if not input.numel():
        raise RuntimeError(f"{name}() input tensor must be non-empty")
    if how not in _INTERPOLATIONS:
        raise RuntimeError(
            f"{name}() interpolation must be one of linear, lower, higher, midpoint or nearest, "
            f"but got {how}"
        )
    if not isinstance(q, Tensor):
        if not is_number(q):
            raise TypeError(
                f"{name}() received an invalid combination of arguments - got (Tensor, "
                f"{type(q).__name__}), but expected one of: (Tensor input, Tensor q), (Tensor input, "
                "float q)"
            )
        if not 0 <= q <= 1:
            raise RuntimeError(f"{name}() q must be in the range [0, 1] but got {q:g}")
        return wrap(np.asarray(q, input._array.dtype))
    if q.ndim > 1:
        raise RuntimeError(f"{name}() q must be a scalar or 1D tensor")
    if q._array.dtype != input._array.dtype:
        raise RuntimeError(f"{name}() q tensor must be same dtype as the input tensor")
    if not ((q._array >= 0) & (q._array <= 1)).all():
        raise RuntimeError(f"{name}() q values must be in the range [0, 1]")
    return q


def _ranks(ordered: Tensor, q: Tensor, ignore_nan: bool) -> Tensor:
    """The (fractional) rank of every q in every sorted row; that of a NaN, where NaN counts."""
    n = ordered.size(-1)
    nan = np.isnan(ordered._array)
    if ignore_nan:
        present = n - np.count_nonzero(nan, axis=-1, keepdims=True)
        last = np.maximum(present - 1, 0).astype(q._array.dtype)
        return q * wrap(last)
    ranks = q * (n - 1)
    broken = wrap(nan.any(-1, keepdims=True))
    shape = ordered.shape[:-1] + q.shape
    return ranks.expand(shape).masked_fill(broken, n - 1)


def _interpolated(ordered: Tensor, ranks: Tensor, how: str) -> Tensor:
    """The sorted elements at the ranks, or between them."""
    if how == "lower":
        return ordered.gather(-1, ranks.floor().long())
    if how == "higher":
        return ordered.gather(-1, ranks.ceil().long())
    if how == "nearest":
        return ordered.gather(-1, ranks.round().long())
    below = ranks.floor()
    weight = (ranks - below) if how == "linear" else below.new_full((), 0.5).expand(ranks.shape)
    if how == "midpoint":
        weight = weight * (ranks != below)
    low = ordered.gather(-1, below.long())
    high = ordered.gather(-1, ranks.ceil().long())
    return low.lerp(high, weight)

"""Counting values: histc, histogram, histogramdd, bincount.

A value belongs to the bin whose left edge is the last one not above it; the last bin includes its
right edge; what lies outside, and nan, is not counted.  Equally wide bins are found by division,
in the input's own precision, and histogram corrects the division by looking at the edges nearby.
None of this is differentiable.  (source: ATen/native/Histogram.cpp, cpu/HistogramKernel.cpp)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import return_types
from ..dtypes import BOOL, COMPLEX, FLOATING, float32, float64
from ..quiet import fp
from ..tensor import Tensor, wrap
from .common import convert_number
from .options import wrong_type
from .ranges import linspace
from .registry import op, write_out
from .unrecorded import mark, without_derivative
from .writing import C_TYPES

Edges = list[np.ndarray]


def _c_name(x: Tensor) -> str:
    return C_TYPES[x.dtype.name]


def _check_bins(bins: Sequence[int]) -> None:
    for dim, n in enumerate(bins):
        if n <= 0:
            raise RuntimeError(
                f"torch.histogram(): bins must be > 0, but got {n} for dimension {dim}"
            )


def _even_edges(low: Any, high: Any, count: int, like: Tensor) -> np.ndarray:
    return linspace(float(low), float(high), count + 1, dtype=like.dtype)._array


# ---- which bin -------------------------------------------------------------------------------------


def _by_division(x: np.ndarray, edges: np.ndarray, correct: bool) -> np.ndarray:
    """The bin of every value in equally wide bins; −1 for none."""
    low, high, count = edges[0], edges[-1], edges.size - 1
    inside = (x >= low) & (x <= high)
    safe = np.where(inside, x, low)
    place = ((safe - low) * x.dtype.type(count) / (high - low)).astype(np.int64)
    if correct:  # the division may be off by one: look at the edges around
        first = np.maximum(place - 1, 0)
        best = first
        for step in (1, 2):
            at = np.minimum(first + step, count)
            near = (first + step < np.minimum(place + 2, count + 1)) & (edges[at] <= safe)
            best = np.where(near, at, best)
        place = best
    return np.where(inside, np.minimum(place, count - 1), -1)


def _by_search(x: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The bin of every value between given edges; −1 for none."""
    inside = (x >= edges[0]) & (x <= edges[-1])
    place = np.searchsorted(edges, x, side="right") - 1
    return np.where(inside, np.minimum(place, edges.size - 2), -1)


def _count(places: list[np.ndarray], shape: Sequence[int], kind: Any, weight: Any) -> np.ndarray:
    """How many (or what weight of) points fell into each cell; `places` has a bin per dim."""
    flat = np.zeros(places[0].shape, np.int64)
    inside = np.ones(places[0].shape, bool)
    for place, n in zip(places, shape):
        flat = flat * n + place
        inside &= place >= 0
    cells = int(np.prod(shape))
    if weight is None:
        return np.bincount(flat[inside], minlength=cells).astype(kind).reshape(shape)
    total = np.zeros(cells, kind)
    np.add.at(total, flat[inside], weight[inside])  # in order, as torch adds
    return total.reshape(shape)


# ---- one dim -----------------------------------------------------------------------------------------


@op(own_out=True)
def histc(
    input: Tensor, bins: int = 100, min: Any = 0, max: Any = 0, *, out: Tensor | None = None
) -> Tensor:
    """How many values lie in each of `bins` equal parts of [min, max] (by default their range)."""
    if not isinstance(input, Tensor):
        raise wrong_type("histc", "input", "Tensor", input, 1)
    if not hasattr(bins, "__index__"):
        raise wrong_type("histc", "bins", "int", bins, 2)
    if input.dtype.category in (BOOL, COMPLEX):
        kernel = "linspace_cpu" if input.dtype.category == BOOL else "aminmax_cpu"
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{input.dtype.title}'")
    _check_bins([bins])
    if out is not None and out.dtype is not input.dtype:
        raise RuntimeError(
            "torch.histogram: input tensor and hist tensor should have the same dtype, but got "
            f"input {_c_name(input)} and hist {_c_name(out)}"
        )
    array = input._array.reshape(-1)
    if input.dtype.category < FLOATING:
        for limit in (min, max):
            convert_number(limit, input.dtype)
            if limit < 0 and not input.dtype.is_signed:
                raise RuntimeError("value cannot be converted to type uint8_t without overflow")
    low, high = _histc_range(array, min, max)
    if low < 0 and input.dtype.category < FLOATING and not input.dtype.is_signed:
        raise RuntimeError("value cannot be converted to type uint8_t without overflow")
    if input.dtype.category < FLOATING:
        raise NotImplementedError(f"\"histogram_cpu\" not implemented for '{input.dtype.title}'")
    edges = _even_edges(low, high, bins, input)
    data = _count([fp.quiet(_by_division, array, edges, False)], [bins], array.dtype, None)
    return wrap(data) if out is None else write_out(out, wrap(data), "histc")


def _histc_range(array: np.ndarray, low: Any, high: Any) -> tuple[Any, Any]:
    if low == high and array.size:
        low, high = array.min(), array.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise RuntimeError(f"torch.histc: range of [{low:g}, {high:g}] is not finite")
    if low == high:
        low, high = low - 1, high + 1
    if not low < high:
        raise RuntimeError("torch.histc: max must be larger than min")
    return low, high


@op(own_out=True)
def histogram(
    input: Tensor, bins: Any, *, range: Any = None, weight: Tensor | None = None,
    density: bool = False, out: Any = None,
) -> Any:  # fmt: skip
    """`hist` and `bin_edges` of all values: between given edges, or in `bins` equal parts of `range`.

    `density` divides by the total and the widths, so that the integral over the range is one.
    """
    if not (isinstance(bins, Tensor) or hasattr(bins, "__index__")):
        raise wrong_type("histogram", "bins", "int", bins, 2)
    if isinstance(bins, Tensor) and range is not None:
        raise TypeError("histogram() received bin edges and a range")
    if out is not None and out[0].dtype is not input.dtype:
        raise RuntimeError(
            "torch.histogram: input tensor and hist tensor should have the same dtype, but got "
            f"input {_c_name(input)} and hist {_c_name(out[0])}"
        )
    points = wrap(input._array.reshape(-1, 1))
    weights = None if weight is None else wrap(weight._array.reshape(-1))
    one = bins if isinstance(bins, Tensor) else int(bins)
    hist, edges = _histogramdd(points, [one], range, weights, density)
    edges = [edges[0].copy()]  # not the memory of the given edges
    if out is None:
        pair = [without_derivative("histogram", a, input) for a in (hist, edges[0])]
        return return_types.histogram(pair)
    for target, value in zip(out, (hist, edges[0])):
        mark(write_out(target, wrap(value), "histogram"), "histogram.out", input)
    return return_types.histogram(out)


# ---- several dims ------------------------------------------------------------------------------------


@op(method=False)
def histogramdd(
    input: Tensor, bins: Any, range: Any = None, weight: Tensor | None = None, density: bool = False
) -> Any:
    """`hist` and one tensor of edges per dim: points are the rows of `input` (its last dim).

    `bins`: a number, a number per dim, or a tensor of edges per dim.
    """
    if input.ndim < 2:
        raise RuntimeError("torch.histogramdd: input tensor should have at least 2 dimensions")
    if isinstance(bins, Tensor):
        raise wrong_type("histogramdd", "bins", "tuple of ints", bins, 2)
    dims = input._array.shape[-1]
    given = [int(bins)] * dims if hasattr(bins, "__index__") else list(bins)
    if len(given) != dims and isinstance(given[0], Tensor):
        raise RuntimeError(
            f"torch.histogramdd: expected {dims} sequences of bin edges for a {dims}-dimensional "
            f"histogram but got {len(given)}"
        )
    if len(given) != dims:
        raise RuntimeError(
            "histogramdd: The size of bins must be equal to the innermost dimension of the input."
        )
    points = wrap(input._array.reshape(-1, dims))
    if weight is not None:
        _check_weight(input, weight)
        weight = wrap(weight._array.reshape(-1))
    hist, edges = _histogramdd(points, given, range, weight, density)
    if isinstance(given[0], Tensor):
        kept = tuple(given)
    else:
        kept = tuple([without_derivative("_histogramdd_bin_edges", e, input) for e in edges])
    source = "tensors" if isinstance(given[0], Tensor) else "cts"
    counted = without_derivative(f"_histogramdd_from_bin_{source}", hist, input)
    return return_types.histogramdd((counted, kept))


def _histogramdd(
    points: Tensor, bins: list[Any], limits: Any, weight: Tensor | None, density: bool
) -> tuple[np.ndarray, Edges]:
    """The histogram of [points, dims], and the edges along each dim."""
    array, by_edges = points._array, isinstance(bins[0], Tensor)
    edges = _given_edges(points, bins) if by_edges else []
    if weight is not None:
        _check_weight(points, weight)
    if not by_edges:
        _check_bins(bins)
        lows, highs = _limits(array, limits)
        edges = [_even_edges(a, b, n, points) for a, b, n in zip(lows, highs, bins)]
    if points.dtype not in (float32, float64):
        raise NotImplementedError(f"\"histogramdd\" not implemented for '{points.dtype.title}'")
    columns = [np.ascontiguousarray(array[:, d]) for d in range(array.shape[1])]
    if by_edges:
        places = [_by_search(x, e) for x, e in zip(columns, edges)]
    else:
        places = [fp.quiet(_by_division, x, e, True) for x, e in zip(columns, edges)]
    shape = [e.size - 1 for e in edges]
    hist = _count(places, shape, array.dtype, None if weight is None else weight._array)
    if density:
        hist = fp.quiet(np.true_divide, hist, hist.sum())
        for dim, e in enumerate(edges):
            lengths = np.diff(e).reshape([-1 if d == dim else 1 for d in range(len(edges))])
            hist = fp.quiet(np.true_divide, hist, lengths)
    return hist, edges


def _given_edges(points: Tensor, bins: list[Tensor]) -> Edges:
    for dim, b in enumerate(bins):
        if b.dtype is not points.dtype:
            raise RuntimeError(
                "torch.histogramdd: input tensor and bins tensors should have the same dtype, but "
                f"got input with dtype {_c_name(points)} and bins for dimension {dim} with dtype "
                f"{_c_name(b)}"
            )
        if b.ndim != 1:
            raise RuntimeError(
                "torch.histogramdd: bins tensor should have one dimension, but got "
                f"{b.ndim} dimensions in the bins tensor for dimension {dim}"
            )
        if b.numel() == 0:
            raise RuntimeError(
                "torch.histogramdd: bins tensor should have at least 1 element, but got 0 elements "
                f"in the bins tensor for dimension {dim}"
            )
    _check_bins([b.numel() - 1 for b in bins])
    return [b._array for b in bins]


def _check_weight(points: Tensor, weight: Tensor) -> None:
    if weight.dtype is not points.dtype:
        raise RuntimeError(
            "torch.histogramdd: if weight tensor is provided, input tensor and weight tensor should "
            f"have the same dtype, but got input({_c_name(points)}), and weight({_c_name(weight)})"
        )
    if weight.shape != points.shape[:-1]:
        raise RuntimeError(
            "torch.histogramdd: if weight tensor is provided it should have the same shape as the "
            "input tensor excluding its innermost dimension, but got input with shape "
            f"{list(points.shape)} and weight with shape {list(weight.shape)}"
        )


def _limits(array: np.ndarray, limits: Any) -> tuple[list[Any], list[Any]]:
    """The range of every dim: as asked for, or of the data; widened where it is a point."""
    dims = array.shape[1]
    if limits is not None:
        if len(limits) != 2 * dims:
            raise RuntimeError(
                f"torch.histogramdd: for a {dims}-dimensional histogram range should have "
                f"{2 * dims} elements, but got {len(limits)}"
            )
        lows, highs = list(limits[::2]), list(limits[1::2])
    elif array.size == 0:
        lows, highs = [0.0] * dims, [1.0] * dims
    elif array.dtype.kind == "c":
        raise NotImplementedError("\"histogramdd\" not implemented for 'ComplexFloat'")
    else:
        lows, highs = list(array.min(axis=0)), list(array.max(axis=0))
    for dim, (a, b) in enumerate(zip(lows, highs)):
        if not (np.isfinite(a) and np.isfinite(b)):
            raise RuntimeError(
                f"torch.histogramdd: dimension {dim}'s range [{a:g}, {b:g}] is not finite"
            )
        if a > b:
            raise RuntimeError(
                f"torch.histogramdd: min should not exceed max, but got min {a:g} max {b:g} for "
                f"dimension {dim}"
            )
        if a == b:
            lows[dim], highs[dim] = float(a) - 0.5, float(b) + 0.5
    return lows, highs


# ---- integers ----------------------------------------------------------------------------------------


@op
def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each of 0, 1, 2, … occurs (int64), or the sum of the weights where it does."""
    kind = input.dtype
    if minlength < 0:
        raise RuntimeError("minlength should be >= 0")
    if kind.category >= FLOATING or kind.category == BOOL:
        raise NotImplementedError(f"\"bincount_cpu\" not implemented for '{kind.title}'")
    values = input._array
    if values.ndim == 1 and values.size == 0:
        return wrap(np.zeros(minlength, np.int64))
    if values.ndim != 1 or values.min() < 0:
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    places = values.astype(np.int64)
    if weights is None:
        return wrap(np.bincount(places, minlength=minlength).astype(np.int64))
    if weights.shape != input.shape:
        raise RuntimeError("weights should be 1-d and have the same length as input")
    given = weights._array.real
    total = np.zeros(max(int(places.max()) + 1, minlength), np.float64)
    total = total.astype(np.float32) if weights.dtype is float32 else total
    np.add.at(total, places, given.astype(total.dtype))
    return without_derivative("bincount", total, weights)



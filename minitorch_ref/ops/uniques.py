"""Distinct elements: unique, and unique_consecutive.

NaN differs from itself, so every NaN is distinct; −0 and 0 are equal, and the first one is kept.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..autograd.graph import record
from ..tensor import Tensor, wrap
from .common import wrap_dim
from .refusals import no_derivative
from .registry import op

Array = np.ndarray


def _check(input: Tensor) -> None:
    if input._array.dtype.kind == "c":
        raise NotImplementedError(f"\"unique\" not implemented for '{input.dtype.title}'")


def _runs(rows: Array) -> Array:
    """Where a row differs from the one before it (the first always does)."""
    changed = (rows[1:] != rows[:-1]).any(axis=tuple(range(1, rows.ndim)))
    return np.concatenate((np.ones(min(len(rows), 1), bool), changed))


ATEN_NAMES = {
    "Unique2": "_unique2", "UniqueDim": "unique_dim", "UniqueConsecutive": "unique_consecutive",
}  # fmt: skip


def _answer(
    input: Tensor, node: str, kept: Array, inverse: Array | None, counts: Array | None
) -> Any:
    """The distinct elements alone, or a tuple with what else was asked for."""
    found = record(f"{node}Backward0", kept, input=(input, no_derivative(ATEN_NAMES[node])))
    extra = [wrap(a.astype(np.int64)) for a in (inverse, counts) if a is not None]
    return (found, *extra) if extra else found


@op
def unique(
    input: Tensor,
    sorted: bool = True,  # noqa: A002 - torch's name
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The distinct elements (slices along `dim`), sorted; with inverse and counts on demand.

    The result is sorted in any case, as on torch's CPU.
    Raises NotImplementedError for complex numbers.
    """
    _check(input)
    rows = _as_rows(input, dim, "unique")
    order = _row_order(rows)
    ordered = rows[order]
    first = _runs(ordered)
    inverse = counts = None  # type: Any
    if return_inverse:
        inverse = np.empty(len(rows), np.int64)
        inverse[order] = np.cumsum(first) - 1
        inverse = inverse.reshape(input.shape) if dim is None else inverse
    if return_counts:
        counts = np.diff(np.append(np.flatnonzero(first), len(rows)))
    node = "Unique2" if dim is None else "UniqueDim"
    return _answer(input, node, _from_rows(ordered[first], input, dim), inverse, counts)


def _row_order(rows: Array) -> Array:
    """The stable lexicographic order of the rows."""
    if rows.ndim == 1:
        return np.argsort(rows, kind="stable")
    flat = rows.reshape(len(rows), math.prod(rows.shape[1:]))
    return np.lexsort(flat.T[::-1]) if flat.shape[1] else np.arange(len(rows))


def _as_rows(input: Tensor, dim: int | None, name: str) -> Array:
    """The elements in one row, or the slices along `dim` as rows."""
    x = input._array
    if dim is None:
        return x.reshape(-1)
    axis = wrap_dim(dim, x.ndim)
    if not x.ndim:
        return x.reshape(1)
    if x.size == 0 and 0 in x.shape[:axis] + x.shape[axis + 1 :]:
        why = "There are 0 sized dimensions, and they aren't selected"
        if x.shape[axis] == 0:
            why = "Number of zero sized dimensions is more than one"
        raise RuntimeError(f"{why}, so {name} cannot be applied")
    return np.moveaxis(x, axis, 0)


def _from_rows(rows: Array, input: Tensor, dim: int | None) -> Array:
    if dim is None or not input.ndim:
        return rows
    return np.moveaxis(rows, 0, wrap_dim(dim, input.ndim))


@op
def unique_consecutive(
    input: Tensor,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The input without repetitions of the element (slice along `dim`) just before."""
    _check(input)
    rows = _as_rows(input, dim, "unique_consecutive")
    first = _runs(rows)
    inverse = np.cumsum(first) - 1 if return_inverse else None
    if inverse is not None and dim is None:
        inverse = inverse.reshape(input.shape)
    counts = np.diff(np.append(np.flatnonzero(first), len(rows))) if return_counts else None
    node = "UniqueConsecutive"
    return _answer(input, node, _from_rows(rows[first], input, dim), inverse, counts)

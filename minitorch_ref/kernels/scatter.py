"""Reading and writing arrays by index: what gather, scatter, index_add and `x[index]` come down to.

The one idea: an index along one dim is turned into positions in the flat array, because one flat
index array is what NumPy is fast at.  Measured against the obvious calls (float32, one thread):

    gather   np.take of flat positions        2x   np.take_along_axis
    rows     np.take along the axis           2-4x array[index]
    scatter  flat[positions] = values         2x   np.put_along_axis
    add      np.add.at on flat arrays         5x   np.add.at with rows, 2-3x sort + reduceat
             ... on pairs of floats, which np.add.at adds as complex numbers: another 1.5x
             wide rows by rank, first all first values, then all second ones: another 2x

Where several values meet in one place they are added in the order of the index, as torch adds them.
NumPy lets go of the interpreter lock while it takes and puts, not while it adds: two threads gather in
half the time, and of an addition only the positions.
Functions that write do so in place, in a contiguous array, with indices that were checked before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import heap
from .threads import parallel_for

_LONG_ROW = 1024  # from here on, one addition per row is faster than one index per element
_CHUNK = 1 << 14  # indices made at a time, so that they stay in the cache
_CACHEFUL = 1 << 18  # positions made at a time: a call lasts 100 us, and threads seldom wait
_WIDE = 48  # columns from which on whole rows are added by rank ...
_ROUND = 4000  # ... if a round, on average, adds this many elements (the price of its calls)
_BLOCK = 1024  # target rows at a time
_PAIRS: dict[np.dtype, np.dtype] = {np.dtype("f4"): np.dtype("c8"), np.dtype("f8"): np.dtype("c16")}
_HALF, _SINGLE = np.dtype("f2"), np.dtype("f4")


def first_outside(index: np.ndarray, size: int, low: int = 0) -> int | None:
    """The first index that is not in [low, size), or None.  `low` is 0, or -size."""
    if index.size == 0:
        return None
    # Seen as unsigned, a negative number is huge: one pass finds both kinds of offenders.
    shifted = index.astype(np.int64, copy=False)
    shifted = shifted - low if low else shifted
    if np.maximum.reduce(shifted.view(np.uint64), axis=None) < size - low:
        return None
    flat = index.reshape(-1)
    return int(flat[np.argmax((flat < low) | (flat >= size))])


def wrapped(index: np.ndarray, size: int) -> np.ndarray:
    """Indices counted from the end made to count from the front (itself if there are none)."""
    if index.size == 0 or np.minimum.reduce(index, axis=None) >= 0:
        return index
    return np.where(index < 0, index + size, index)


def positions(shape: tuple[int, ...], dim: int, index: np.ndarray) -> np.ndarray:
    """Where each element of `index`, pointing along `dim`, lies in a flat array of `shape`."""
    flat: Any = None
    step = 1
    for d in reversed(range(len(shape))):
        if d == dim:
            along = index.astype(np.intp, copy=False)
            along = along * step if step != 1 else along
            flat = along if flat is None else np.add(flat, along)
        elif index.shape[d] > 1:
            column = [1] * len(shape)
            column[d] = -1
            places = (np.arange(index.shape[d]) * step).reshape(column)
            flat = places if flat is None else np.add(flat, places)
        step *= shape[d]
    if flat is None:
        return np.zeros(index.shape, np.intp)
    return flat if flat.shape == index.shape else np.broadcast_to(flat, index.shape)


def _over_blocks(
    array: np.ndarray, dim: int, index: np.ndarray, task: Callable[[Any, Any, Any], None],
    writes: bool = True,
) -> None:  # fmt: skip
    """`task(flat array, positions in it, rows of `index` they are for)`, a block of rows at a time.

    Along any dim but the first, a block of rows of the index meets only the same rows of the array,
    so that threads can take a block each.  Along the first they may if nothing is written.
    """
    if index.size <= _CACHEFUL:
        task(array.reshape(-1), positions(array.shape, dim, index), ...)
        return
    heap.keep()
    blocks = min(len(index), -(-index.size // _CACHEFUL))
    step = -(-len(index) // blocks)
    count = -(-len(index) // step)

    def block(i: int) -> None:
        rows = slice(i * step, (i + 1) * step)
        part = array if dim == 0 else array[rows]
        task(part.reshape(-1), positions(part.shape, dim, index[rows]), rows)

    if dim == 0 and writes:
        for i in range(count):
            block(i)
    else:
        parallel_for(block, count)


def gather(array: np.ndarray, dim: int, index: np.ndarray) -> np.ndarray:
    """out[i, j] = array[index[i, j], j] for dim 0, and so on."""
    out = np.empty(index.shape, array.dtype)

    def task(flat: np.ndarray, where: np.ndarray, rows: Any) -> None:
        flat.take(where, out=out[rows], mode="wrap")  # checked before: nothing is wrapped

    _over_blocks(array, dim, index, task, writes=False)
    return out


def take_rows(array: np.ndarray, dim: int, index: np.ndarray) -> np.ndarray:
    """The slices of `array` along `dim` that the 1-d `index` names."""
    return np.asarray(array.take(index, axis=dim))


def scatter(array: np.ndarray, dim: int, index: np.ndarray, source: np.ndarray) -> None:
    """array[index[i, j], j] = source[i, j] for dim 0, and so on; the last writer wins."""

    def task(flat: np.ndarray, where: np.ndarray, rows: Any) -> None:
        flat[where.reshape(-1)] = source[rows].reshape(-1)

    _over_blocks(array, dim, index, task)


def scatter_with(
    ufunc: np.ufunc, array: np.ndarray, dim: int, index: np.ndarray, source: np.ndarray
) -> None:
    """array[index[i, j], j] = ufunc(array[index[i, j], j], source[i, j]), one after the other."""

    def task(flat: np.ndarray, where: np.ndarray, rows: Any) -> None:
        at(ufunc, flat, where.reshape(-1), source[rows].reshape(-1))

    _over_blocks(array, dim, index, task)


def at(ufunc: np.ufunc, flat: np.ndarray, index: np.ndarray, source: np.ndarray) -> None:
    """`ufunc.at` on 1-d arrays; float16 in float32, rounded once."""
    if flat.dtype == _HALF and ufunc in (np.add, np.multiply):
        _in_single(lambda wide: ufunc.at(wide, index, source.astype(_SINGLE)), flat)
    else:
        ufunc.at(flat, index, source)


def _in_single(kernel: Callable[[np.ndarray], None], half: np.ndarray) -> None:
    wide = half.astype(_SINGLE)
    kernel(wide)
    with np.errstate(over="ignore"):
        half[...] = wide


def add_rows(array: np.ndarray, dim: int, index: np.ndarray, source: np.ndarray) -> None:
    """array[index[i]] += source[i] for dim 0, and so on: index_add, and an embedding's gradient.

    `source` has the shape of `array` but for `dim`, where it is as long as the 1-d `index`.
    """
    if array.size == 0 or index.size == 0:
        return
    if array.dtype == _HALF:  # torch rounds after every addition here
        with np.errstate(over="ignore"):
            np.add.at(np.moveaxis(array, dim, 0), index, np.moveaxis(source, dim, 0))
        return
    rows, row_index, columns = as_rows(array.shape, dim, index)
    source = np.ascontiguousarray(source).reshape(len(row_index), columns)
    _add_rows(array.reshape(rows, columns), row_index, source)


def as_rows(shape: tuple[int, ...], dim: int, index: np.ndarray) -> tuple[int, np.ndarray, int]:
    """An index along any dim as one along dim 0 of a matrix: (rows, index of rows, columns)."""
    outer, size, inner = _product(shape[:dim]), shape[dim], _product(shape[dim + 1 :])
    index = index.astype(np.intp, copy=False)
    if outer > 1:
        index = (np.arange(outer)[:, None] * size + index).reshape(-1)
    return outer * size, index, inner


def _product(numbers: tuple[int, ...]) -> int:
    total = 1
    for n in numbers:
        total *= n
    return total


def _add_rows(array: np.ndarray, index: np.ndarray, source: np.ndarray) -> None:
    """array[index[i]] += source[i] for contiguous matrices."""
    columns = array.shape[1]
    if columns >= _WIDE and source.size >= 1 << 15 and len(array) < 1 << 31:
        meetings = np.bincount(index)
        if int(meetings.max()) * _ROUND <= source.size:
            _add_by_rank(array, index, source, meetings)
            return
    if columns >= _LONG_ROW:
        for row, values in zip(index.tolist(), source, strict=True):
            array[row] += values
        return
    pair: Any = _PAIRS.get(array.dtype)
    if pair is not None and columns % 2 == 0 and source.dtype == array.dtype:
        array, source, columns = array.view(pair), source.view(pair), columns // 2
    flat = array.reshape(-1)
    if columns == 1:
        np.add.at(flat, index, source.reshape(-1))
        return
    start, column = index * columns, np.arange(columns)
    step = max(1, _CHUNK // columns)
    for i in range(0, len(index), step):
        where = (start[i : i + step, None] + column).reshape(-1)
        np.add.at(flat, where, source[i : i + step].reshape(-1))


def _add_by_rank(
    array: np.ndarray, index: np.ndarray, source: np.ndarray, meetings: np.ndarray
) -> None:
    """First the first value for each row, then the second values, ...: plain additions of rows.

    With the target rows sorted by how many values meet there, the rows that a round still concerns
    are the first ones, so that each round adds to a slice.
    """
    narrow = np.uint16 if len(array) < 1 << 16 else np.uint32  # NumPy sorts 16 bits by radix
    order = np.argsort(index.astype(narrow), kind="stable")
    targets = np.argsort(-meetings, kind="stable")[: np.count_nonzero(meetings)]
    first = (np.cumsum(meetings) - meetings)[targets]  # where a target's values begin in `order`
    fewer = -meetings[targets]
    for i in range(0, len(targets), _BLOCK):
        begin, rest, rows = first[i : i + _BLOCK], fewer[i : i + _BLOCK], targets[i : i + _BLOCK]
        total = array.take(rows, axis=0)
        for rank in range(-int(rest[0])):
            live = int(np.searchsorted(rest, -rank))  # targets with more than `rank` values
            total[:live] += source.take(order[begin[:live] + rank], axis=0)
        array[rows] = total


def put_rows(array: np.ndarray, dim: int, index: np.ndarray, source: np.ndarray) -> None:
    """array[index[i]] = source[i] for dim 0, and so on; `source` broadcasts."""
    array[(slice(None),) * dim + (index,)] = source


def counts(shape: tuple[int, ...], dim: int, index: np.ndarray) -> np.ndarray:
    """How many elements of `index` point at each place of an array of `shape`."""
    size = _product(shape)
    where = positions(shape, dim, index).reshape(-1)
    return np.bincount(where, minlength=size)[:size].reshape(shape)


def masked_take(array: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """array[mask], for a mask of the array's own shape: 5x the speed of NumPy's own."""
    return np.asarray(array.reshape(-1).take(np.flatnonzero(mask)))

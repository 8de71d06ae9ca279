"""Views of parts of a tensor: slices, rows, diagonals, windows, and storage seen with any strides.

The gradient of taking a part is zeros with the gradient put where the part was.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..autograd.graph import record, view
from ..kernels.layout import nothing
from ..tensor import Tensor, settled
from .common import strided, wrap_dim
from .registry import op


@op
def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """`length` entries of dim `dim` from `start` on; a view."""
    if input.ndim == 0:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    dim, start = wrap_dim(dim, input.ndim), int(start)
    size = input._array.shape[dim]
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    if not -size <= start <= size:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-size}, {size}], but got {start})"
        )
    start += size if start < 0 else 0
    if start + length > size:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({size}).")
    return slice_view(input, dim, slice(start, start + length))


def slice_view(input: Tensor, dim: int, part: slice) -> Tensor:
    """`input[..., part, ...]` at one dim; a view."""
    index = (slice(None),) * dim + (part,)
    shape, region = input._array.shape, input._array[index]
    if not region.size:
        region = empty_part(input, index)
    return view("SliceBackward0", input, region, lambda g: put_slice(g, shape, index))


def empty_part(input: Tensor, basic: Sequence[Any]) -> np.ndarray:
    """`input[basic]` where that has no elements: NumPy forgets where such a part would begin.

    `basic`: ints, slices, None and, as the last, `...`.
    """
    array = input._array if input._array.size else settled(input)
    size, steps = array.itemsize, array.strides
    start, dim = 0, 0
    shape, strides = [], []
    for part in (*basic, *[slice(None)] * array.ndim):
        if part is None:
            inner = dim < array.ndim
            shape.append(1)
            strides.append(array.shape[dim] * steps[dim] if inner else size)
        elif dim < array.ndim and part is not ...:
            length, step = array.shape[dim], steps[dim]
            if isinstance(part, slice):
                first, last, every = part.indices(length)
                shape.append(max(0, -((first - last) // every)))
                strides.append(step * every)
            else:
                first = part % length
            start += first * step
            dim += 1
    return nothing(array, start, shape, strides)


def put_slice(g: Tensor, shape: tuple[int, ...], index: Any) -> Tensor:
    """Zeros of `shape` with `g` at a basic `index`: the gradient of taking a part."""
    data = np.zeros(shape, g._array.dtype)
    data[index] = g._array
    return record("SliceScatterBackward0", data, g=(g, lambda h: take_basic(h, index)))


def take_basic(input: Tensor, index: tuple[Any, ...]) -> Tensor:
    """`input[index]` for an index of ints and slices; a view."""
    shape = input._array.shape
    data = input._array[index if ... in index else (*index, ...)]
    if not data.size:
        data = empty_part(input, index)
    return view("SliceBackward0", input, data, lambda g: put_slice(g, shape, index))


@op
def select(input: Tensor, dim: int, index: Any) -> Tensor:
    """Entry `index` of dim `dim`, which disappears; a view."""
    if input.ndim == 0:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim, i = wrap_dim(dim, input.ndim), int(index)
    size = input._array.shape[dim]
    if not -size <= i < size:
        raise IndexError(
            f"select(): index {i} out of range for tensor of size {list(input.shape)} at dimension {dim}"
        )
    place: Any = (slice(None),) * dim + (i, ...)
    shape = input._array.shape
    data = input._array[place]
    if not data.size:
        data = empty_part(input, place)
    return view("SelectBackward0", input, data, lambda g: put_slice(g, shape, place))


@op
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The diagonal of dims `dim1`, `dim2`, as the last dim; a view."""
    a, b = wrap_dim(dim1, input.ndim), wrap_dim(dim2, input.ndim)
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    shape = input._array.shape
    data = _diagonal_of(input._array if input._array.size else settled(input), offset, a, b)

    def rule(g: Tensor) -> Tensor:
        full = np.zeros(shape, g._array.dtype)
        _diagonal_of(full, offset, a, b)[...] = g._array
        return record(
            "DiagonalBackward0", full, g=(g, lambda h: diagonal(h, offset, a, b))
        )

    return view("DiagonalBackward0", input, data, rule)


def _diagonal_of(array: np.ndarray, offset: int, a: int, b: int) -> np.ndarray:
    """A writable view of a diagonal."""
    rows, columns = array.shape[a], array.shape[b]
    length = max(min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns), 0)
    start = [slice(None)] * array.ndim
    start[a], start[b] = slice(max(-offset, 0), None), slice(max(offset, 0), None)
    corner = array[tuple(start)] if length else array
    rest = [d for d in range(array.ndim) if d not in (a, b)]
    return strided(
        corner,
        [*(array.shape[d] for d in rest), length],
        [*(array.strides[d] for d in rest), array.strides[a] + array.strides[b]],
    )


@op(function=False)
def unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """Windows of `size` entries of a dim, `step` apart, in a new last dim; a view."""
    array = input._array if input._array.size else settled(input)
    dim = wrap_dim(dimension, array.ndim)
    length = array.shape[dim] if array.ndim else 1
    if size < 0 or size > length:
        raise RuntimeError(
            f"maximum size for tensor at dimension {dim} is {length} but size is {size}"
        )
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    if array.ndim == 0:
        shape: tuple[int, ...] = (size,)
        steps: tuple[int, ...] = (array.itemsize,)
    else:
        count = (length - size) // step + 1
        shape = (*array.shape[:dim], count, *array.shape[dim + 1 :], size)
        s = array.strides
        steps = (*s[:dim], s[dim] * step, *s[dim + 1 :], s[dim])
    data = strided(array, shape, steps)
    return view("UnfoldBackward0", input, data, lambda g: _unfold_gradient(g, array.shape, dim, step))


def _unfold_gradient(g: Tensor, shape: tuple[int, ...], dim: int, step: int) -> Tensor:
    size = g._array.shape[-1]
    total = np.zeros(shape, g._array.dtype)
    if not shape:
        total[...] = g._array.sum()  # one window of one element, or of none
    else:
        count = g._array.shape[dim]
        for i in range(size):  # windows overlap: add them one offset at a time
            part = slice(i, i + (count - 1) * step + 1, step)
            total[(slice(None),) * dim + (part,)] += g._array[..., i]
    return record("UnfoldBackward0", total, g=(g, lambda h: unfold(h, dim, size, step)))


# ---- any strides --------------------------------------------------------------------------------


@op
def as_strided(
    input: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
) -> Tensor:
    """`input`'s storage seen with any sizes and strides (in elements); a view.

    Raises RuntimeError if they would reach outside the storage.
    """
    size, stride = tuple(size), tuple(stride)
    offset = input.storage_offset() if storage_offset is None else int(storage_offset)
    storage = input._storage_array()
    if len(size) != len(stride):
        raise RuntimeError("mismatch in length of strides and shape")
    if any(s < 0 for s in stride) or offset < 0:
        raise RuntimeError(
            "as_strided: Negative strides are not supported at the moment, got strides: "
            f"{list(stride)}"
        )
    needed = 0 if 0 in size else offset + 1 + sum((n - 1) * s for n, s in zip(size, stride))
    if needed > storage.size:
        item = storage.itemsize
        raise RuntimeError(
            f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {offset}, and "
            f"itemsize {item} requiring a storage size of {needed * item} are out of bounds for "
            f"storage of size {storage.size * item}"
        )
    steps = [s * storage.itemsize for s in stride]
    if needed:
        data = strided(storage[offset:], size, steps)
    else:
        data = nothing(storage, offset * storage.itemsize, size, steps)
    own = (input._array.shape, input.stride(), input.storage_offset())
    return view(
        "AsStridedBackward0", input, data,
        lambda g: _as_strided_gradient(g, own, (size, stride, offset)),
    )  # fmt: skip


_Geometry = tuple[Sequence[int], Sequence[int], int]


def _as_strided_gradient(g: Tensor, own: _Geometry, seen: _Geometry) -> Tensor:
    """Add every gradient element to the storage cell it came from, then read the input's cells."""
    offset = min(own[2], seen[2])
    span = max(_end(own), _end(seen)) - offset
    cells = np.zeros(span, g._array.dtype)
    places = _cells(seen, offset)
    if places.size == np.unique(places).size:
        cells[places] = g._array
    else:
        np.add.at(cells, places, g._array)
    mine = _cells(own, offset)
    counts = np.bincount(mine.ravel(), minlength=span)[mine]  # cells that overlap share
    data = cells[mine]
    if counts.size and counts.max() > 1:
        data = data / counts.astype(data.dtype)
    rule = lambda h: _as_strided_again(h, own, seen)  # noqa: E731
    return record("AsStridedBackward0", np.asarray(data, g._array.dtype), g=(g, rule))


def _as_strided_again(h: Tensor, own: _Geometry, seen: _Geometry) -> Tensor:
    """The transpose of the above: spread `h` over the input's cells, read the cells seen."""
    offset = min(own[2], seen[2])
    cells = np.zeros(max(_end(own), _end(seen)) - offset, h._array.dtype)
    mine = _cells(own, offset)
    counts = np.bincount(mine.ravel(), minlength=cells.size)
    np.add.at(cells, mine, h._array)
    data = np.where(counts > 1, cells / np.maximum(counts, 1), cells).astype(cells.dtype)
    rule = lambda g: _as_strided_gradient(g, own, seen)  # noqa: E731
    return record("AsStridedBackward0", data[_cells(seen, offset)], h=(h, rule))


def _cells(geometry: _Geometry, offset: int) -> np.ndarray:
    size, stride, start = geometry
    where = np.array(start - offset)
    for n, s in zip(size, stride):
        where = where[..., None] + np.arange(n) * s
    return where


def _end(geometry: _Geometry) -> int:
    size, stride, start = geometry
    return start + (1 + sum((n - 1) * s for n, s in zip(size, stride)) if 0 not in size else 0)

"""Selection by masks and integer arrays: the second step of an index, on arrays.

The idea: indexed dims that stand side by side are seen as one dim, and all their arrays as one
flat index into it.  Then reading is `np.take`, and adding up is adding rows.  Only where the indexed
dims are parted by others (`x[i, :, j]`) does NumPy's general indexing have to do it.

What is read lies in memory as torch's lies: its iterator sees the array, standing still along the
index's dims, and the index arrays, standing still along all others, and orders the result's dims by
their strides (`kernels/layout.py`).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..kernels import scatter as kernels
from ..kernels.layout import in_order, is_dense, is_row_major, laid_out, memory_order, row_major
from ..tensor import wrap
from .shaping import expand, view_strides

_FULL = slice(None)
_INTEGERS = "lqi"  # characters of the types that torch takes as indices: int64, int32
Places = list[tuple[int, np.ndarray]]  # (dim where it starts, index array or mask)


class Selection:
    """Which elements of an array of one shape are meant, checked and owned by this object.

    `dims`: the indexed dims, of sizes `sizes`.  `together`: the shape of the index.
    `flat`: the one index into the merged dims; None if the dims are not adjacent.
    `one_mask`: whether it was made from a single mask.
    `found`: the index arrays as they were given, where they differ in shape or are not `regular`.
    """

    __slots__ = ("dims", "sizes", "together", "flat", "_arrays", "one_mask", "found", "regular")

    def __init__(
        self,
        dims: tuple[int, ...],
        sizes: tuple[int, ...],
        flat: np.ndarray | None,
        arrays: list[np.ndarray] | None = None,
        together: tuple[int, ...] = (),
        one_mask: bool = False,
        found: list[np.ndarray] | None = None,
        regular: bool = True,
    ) -> None:
        self.dims, self.sizes, self.one_mask = dims, sizes, one_mask
        self.flat, self._arrays, self.found, self.regular = flat, arrays, found, regular
        self.together = together if flat is None else flat.shape

    @property
    def first(self) -> int:
        """The dim of the result where the index's dims stand: in front if the dims are parted."""
        return 0 if self.flat is None else self.dims[0]

    def merged(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """`shape` with the indexed dims as one."""
        if len(self.dims) == 1:
            return shape
        total = 1
        for n in self.sizes:
            total *= n
        return (*shape[: self.dims[0]], total, *shape[self.dims[-1] + 1 :])

    def result_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of what is selected from an array of `shape`."""
        rest = [n for d, n in enumerate(shape) if d not in self.dims]
        return (*rest[: self.first], *self.together, *rest[self.first :])

    def take(self, region: np.ndarray) -> np.ndarray:
        """The selected elements: a copy, whose memory is ordered as torch orders it."""
        flat = self.flat
        if flat is None or not self.regular or not is_row_major(region):
            return self._take_in_order(region)
        if len(self.dims) > 1:
            region = region.reshape(self.merged(region.shape))
        return region.take(flat, self.dims[0])

    def _take_in_order(self, region: np.ndarray) -> np.ndarray:
        shape = self.result_shape(region.shape)
        order = self._order(region, shape)
        data = None if self.flat is None else self._take_turned(region, order, self.flat)
        if data is None:
            data = np.asarray(region[self._fancy()])
        return laid_out(data, in_order(shape, order, region.itemsize))

    def _take_turned(
        self, region: np.ndarray, order: list[int], flat: np.ndarray
    ) -> np.ndarray | None:
        """`np.take` from the region with its dims in the result's order; None where it does not pay.

        It copies a region that is not contiguous then: only if no less is read than that.
        """
        first, length, dropped = self.dims[0], flat.ndim, len(self.dims)
        at = order.index(first)
        if order[at : at + length] != list(range(first, first + length)):
            return None  # the index's dims are out of order, or others lie between them
        rest = [d if d < first else d - length + dropped for d in order]
        turned = region.transpose((*rest[:at], *self.dims, *rest[at + length :]))
        if not turned.flags.c_contiguous and flat.size < math.prod(self.sizes):
            return None
        there = Selection(tuple(range(at, at + dropped)), self.sizes, flat)
        data = turned.reshape(there.merged(turned.shape)).take(flat, at)
        return data.transpose(np.argsort(order))

    def _order(self, region: np.ndarray, shape: tuple[int, ...]) -> list[int]:
        """The dims of the result, from the slowest to the fastest."""
        first, length = self.first, len(self.together)
        rest = [s for d, s in enumerate(region.strides) if d not in self.dims]
        own = [*rest[:first], *[0] * length, *rest[first:]]
        around = (*[1] * first, *self.together, *[1] * (len(rest) - first))
        if self.found is None:
            steps = [row_major(around, 1)]
        else:
            steps = [_index_strides(array, self.together, around) for array in self.found]
        inside = range(first, first + length)
        seen = [
            [s if d in inside or shape[d] == 1 else 0 for d, s in enumerate(index)]
            for index in steps
        ]
        return memory_order(shape, [own, *seen])

    def put(self, region: np.ndarray, values: np.ndarray) -> None:
        """Write `values` (broadcast) over the selected elements."""
        if self.flat is not None and (len(self.dims) == 1 or region.flags.c_contiguous):
            merged = region.reshape(self.merged(region.shape))
            merged[(_FULL,) * self.first + (self.flat,)] = values
        else:
            region[self._fancy()] = values

    def add(self, region: np.ndarray, values: np.ndarray) -> None:
        """Add `values` (broadcast) to the selected elements; repeated ones get every addition."""
        values = np.broadcast_to(values, self.result_shape(region.shape))
        if self.flat is None:
            self._add_parted(region, values)
            return
        merged = self.merged(region.shape)
        target = np.ascontiguousarray(region).reshape(merged)
        first, flat = self.first, self.flat.reshape(-1)
        values = values.reshape((*merged[:first], flat.size, *merged[first + 1 :]))
        kernels.add_rows(target, first, flat, values)
        if not region.flags.c_contiguous:
            region[...] = target.reshape(region.shape)

    def _add_parted(self, region: np.ndarray, values: np.ndarray) -> None:
        """With the indexed dims moved to the front they are adjacent."""
        rest = [d for d in range(region.ndim) if d not in self.dims]
        in_front = region.transpose((*self.dims, *rest))
        count = tuple(range(len(self.dims)))
        Selection(count, self.sizes, _flattened(self.arrays(), self.sizes)).add(in_front, values)

    def arrays(self) -> Sequence[np.ndarray]:
        """One index array per indexed dim; they broadcast together."""
        if self._arrays is not None:
            return self._arrays
        assert self.flat is not None
        return np.unravel_index(self.flat, self.sizes)

    def _fancy(self) -> tuple[Any, ...]:
        index: list[Any] = [_FULL] * (max(self.dims) + 1)
        for dim, array in zip(self.dims, self.arrays(), strict=True):
            index[dim] = array
        return tuple(index)


def _flattened(arrays: Sequence[np.ndarray], sizes: tuple[int, ...]) -> np.ndarray:
    flat = arrays[0]
    for array, size in zip(arrays[1:], sizes[1:], strict=True):
        flat = flat * size + array
    return flat


# ---- making one ----------------------------------------------------------------------------------


def is_mask(array: np.ndarray) -> bool:
    """Whether an index array tells by truth: bool, or torch's deprecated uint8."""
    return array.dtype.char in "?B"


def select(shape: tuple[int, ...], places: Places) -> Selection:
    """The selection that index arrays and masks make in an array of `shape`.

    Raises IndexError for arrays of other types, masks of the wrong shape, indices out of bounds,
    and arrays that do not broadcast together.
    """
    if len(places) == 1:
        return select_one(shape, *places[0])
    dims: list[int] = []
    arrays: list[np.ndarray] = []
    found: list[np.ndarray] = []  # the same as they were given, with their strides
    for dim, array in places:
        if is_mask(array):
            _check_mask(array, shape, dim)
            dims += range(dim, dim + array.ndim)
            arrays += array.nonzero()
            found += arrays[len(found) :]
        else:
            dims.append(dim)
            arrays.append(_checked_type(array))
            found.append(array)
    together = _broadcast(arrays)
    sizes = tuple([shape[d] for d in dims])
    if 0 in together or 0 in shape:
        arrays = _unused(sizes, together, len(arrays))
    ready = [_in_range(a, n, i) for i, (a, n) in enumerate(zip(arrays, sizes))]
    adjacent = all(b == a + 1 for a, b in zip(dims, dims[1:]))
    flat = _flattened(ready, sizes) if adjacent else None
    regular = all(map(_is_regular, found))
    alike = regular and all(a.shape == together for a in found)
    return Selection(
        tuple(dims), sizes, flat, ready, together,
        found=None if alike else found, regular=regular,
    )  # fmt: skip


def select_one(shape: tuple[int, ...], dim: int, array: np.ndarray) -> Selection:
    """`select` for a single index array or mask."""
    if not is_mask(array):
        size, flat = shape[dim], _checked_type(array)
        if 0 in shape:
            flat = _unused((size,), array.shape, 1)[0]
        flat = _in_range(flat, size, 0)
        if _is_regular(array):
            return Selection((dim,), (size,), flat)
        return Selection((dim,), (size,), flat, found=[array], regular=False)
    _check_mask(array, shape, dim)
    dims = tuple(range(dim, dim + array.ndim))
    return Selection(dims, array.shape, np.flatnonzero(array), one_mask=True)


def _unused(sizes: tuple[int, ...], together: tuple[int, ...], count: int) -> list[np.ndarray]:
    """Stand-ins for index arrays that select nothing, which torch does not check for their range.

    Raises IndexError if a dim without entries is indexed.
    """
    if 0 in sizes and 0 not in together:
        raise IndexError("index is out of bounds for dimension with size 0")
    return [np.zeros(together, np.int64)] * count


def _is_regular(array: np.ndarray) -> bool:
    """Whether an index array leaves the order of the dims to what it is an index into."""
    return array.strides[0] != 0 if array.ndim == 1 else is_row_major(array)


def _index_strides(
    array: np.ndarray, together: tuple[int, ...], around: tuple[int, ...]
) -> tuple[int, ...]:
    """The strides of an index array broadcast to `together` and seen as `around`, in elements."""
    wide = expand(wrap(array), *together)._array
    if array.dtype.char == "i" and not is_dense(wide):  # torch makes it int64: a dense copy
        wide = np.empty(together, np.int64)
    steps = view_strides(wide, around)
    assert steps is not None
    return tuple([s // wide.itemsize for s in steps])


def _checked_type(array: np.ndarray) -> np.ndarray:
    if array.dtype.char not in _INTEGERS:
        raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
    return array.astype(np.int64)  # a copy: the caller may write to its index later


def _broadcast(arrays: list[np.ndarray]) -> tuple[int, ...]:
    try:
        return np.broadcast(*arrays).shape
    except ValueError:
        shapes = ", ".join(str(list(a.shape)) for a in arrays)
        raise IndexError(
            f"shape mismatch: indexing tensors could not be broadcast together with shapes {shapes}"
        ) from None


def _in_range(index: np.ndarray, size: int, position: int) -> np.ndarray:
    """Indices counted from the front.  Raises IndexError unless all are in [-size, size)."""
    if index.size == 0:
        return index
    low = int(np.minimum.reduce(index, axis=None))
    if low >= 0 and int(np.maximum.reduce(index, axis=None)) < size:
        return index
    outside = kernels.first_outside(index, size, -size)
    if outside is None:
        return kernels.wrapped(index, size)
    raise IndexError(f"index {outside} is out of bounds for dimension {position} with size {size}")


def _check_mask(mask: np.ndarray, shape: tuple[int, ...], dim: int) -> None:
    if mask.dtype == np.uint8:
        warnings.warn(
            "indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool "
            "instead.",
            UserWarning,
            stacklevel=6,
        )
    for j, n in enumerate(mask.shape):
        if n != shape[dim + j]:
            raise IndexError(
                f"The shape of the mask {list(mask.shape)} at index {j} does not match the shape "
                f"of the indexed tensor {list(shape)} at index {dim + j}"
            )

"""Selection by masks and integer arrays: the second step of an index, on arrays.

The idea: indexed dims that stand side by side are seen as one dim, and all their arrays as one
flat index into it.  Then reading is `np.take`, and adding up is adding rows.  Only where the indexed
dims are parted by others (`x[i, :, j]`) does NumPy's general indexing have to do it.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ..kernels import scatter as kernels

_FULL = slice(None)
_INTEGERS = "lqi"  # characters of the types that torch takes as indices: int64, int32
Places = list[tuple[int, np.ndarray]]  # (dim where it starts, index array or mask)


class Selection:
    """Which elements of an array of one shape are meant, checked and owned by this object.

    `dims`: the indexed dims, of sizes `sizes`.  `together`: the shape of the index.
    `flat`: the one index into the merged dims; None if the dims are not adjacent.
    `one_mask`: whether it was made from a single mask.
    """

    __slots__ = ("dims", "sizes", "together", "flat", "_arrays", "one_mask")

    def __init__(
        self,
        dims: tuple[int, ...],
        sizes: tuple[int, ...],
        flat: np.ndarray | None,
        arrays: tuple[np.ndarray, ...] | None = None,
        one_mask: bool = False,
    ) -> None:
        self.dims, self.sizes, self.one_mask = dims, sizes, one_mask
        self.flat, self._arrays = flat, arrays
        self.together: tuple[int, ...] = (arrays[0] if flat is None else flat).shape  # type: ignore

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
        """The selected elements, as a contiguous copy."""
        if self.flat is None:
            return np.ascontiguousarray(region[self._fancy()])
        return np.asarray(region.reshape(self.merged(region.shape)).take(self.flat, self.first))

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

    def arrays(self) -> tuple[np.ndarray, ...]:
        """One index array per indexed dim."""
        if self._arrays is not None:
            return self._arrays
        assert self.flat is not None
        return np.unravel_index(self.flat, self.sizes)

    def _fancy(self) -> tuple[Any, ...]:
        index: list[Any] = [_FULL] * (max(self.dims) + 1)
        for dim, array in zip(self.dims, self.arrays(), strict=True):
            index[dim] = array
        return tuple(index)


def _flattened(arrays: tuple[np.ndarray, ...], sizes: tuple[int, ...]) -> np.ndarray:
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
        return _select_one(shape, *places[0])
    dims: list[int] = []
    arrays: list[np.ndarray] = []
    for dim, array in places:
        if is_mask(array):
            _check_mask(array, shape, dim)
            dims += range(dim, dim + array.ndim)
            arrays += array.nonzero()
        else:
            dims.append(dim)
            arrays.append(_checked_type(array))
    together = _broadcast(arrays)
    sizes = tuple([shape[d] for d in dims])
    ready = tuple([
        np.broadcast_to(_in_range(a, n, i, 0 not in together), together)
        for i, (a, n) in enumerate(zip(arrays, sizes, strict=True))
    ])  # fmt: skip
    adjacent = all(b == a + 1 for a, b in zip(dims, dims[1:], strict=False))
    return Selection(tuple(dims), sizes, _flattened(ready, sizes) if adjacent else None, ready)


def _select_one(shape: tuple[int, ...], dim: int, array: np.ndarray) -> Selection:
    if not is_mask(array):
        size = shape[dim]
        return Selection((dim,), (size,), _in_range(_checked_type(array), size, 0))
    _check_mask(array, shape, dim)
    dims = tuple(range(dim, dim + array.ndim))
    return Selection(dims, array.shape, np.flatnonzero(array), one_mask=True)


def _checked_type(array: np.ndarray) -> np.ndarray:
    if array.dtype.char not in _INTEGERS:
        raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
    return array.astype(np.int64)  # a copy: the caller may write to its index later


def _broadcast(arrays: list[np.ndarray]) -> tuple[int, ...]:
    try:
        return np.broadcast_shapes(*[a.shape for a in arrays])
    except ValueError:
        shapes = ", ".join(str(list(a.shape)) for a in arrays)
        raise IndexError(
            f"shape mismatch: indexing tensors could not be broadcast together with shapes {shapes}"
        ) from None


def _in_range(index: np.ndarray, size: int, position: int, used: bool = True) -> np.ndarray:
    """Indices counted from the front.  Raises IndexError unless all are in [-size, size)."""
    if index.size == 0 or not used:
        return index
    low = int(np.minimum.reduce(index, axis=None))
    if low >= 0 and int(np.maximum.reduce(index, axis=None)) < size:
        return index
    outside = kernels.first_outside(index, size, -size)
    if outside is None:
        return kernels.wrapped(index, size)
    if size == 0:
        raise IndexError("index is out of bounds for dimension with size 0")
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

"""Storages: the flat memory behind tensors, as `x.storage()` and `x.untyped_storage()` show it.

A storage here is a view of NumPy memory that its tensors share: writing to it writes to them.
`UntypedStorage` counts bytes, `TypedStorage` elements.  Like torch's storages over NumPy memory,
they cannot be resized.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .device import CPU, device
from .dtypes import ALL, BY_CHAR
from .dtypes import dtype as DType
from .settings import warn_once
from .shared import memory_of
from .tensor import Tensor, address

__all__ = ["TypedStorage", "UntypedStorage"]


class _Storage:
    """What both kinds share: `_array` is the memory, flat."""

    _array: np.ndarray
    is_cuda = is_sparse = is_hpu = False

    @property
    def device(self) -> device:
        return CPU

    def size(self) -> int:
        return self._array.size

    def __len__(self) -> int:
        return self._array.size

    def nbytes(self) -> int:
        return self._array.nbytes

    def element_size(self) -> int:
        return self._array.itemsize

    def data_ptr(self) -> int:
        """The address of the first byte; 0 for empty memory."""
        return address(self._array) if self._array.size else 0

    def tolist(self) -> list[Any]:
        return self._array.tolist()

    def __iter__(self) -> Any:
        return iter(self.tolist())

    def _at(self, index: int) -> int:
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} out of range for storage of size {len(self)}")
        return index

    def fill_(self, value: Any) -> Any:
        self._array[...] = value
        return self

    def copy_(self, source: Any, non_blocking: bool = False) -> Any:
        """Copy the memory of a storage that is no longer than this one."""
        count = min(len(source), len(self))
        self._array[:count] = source._array[:count]
        return self

    def clone(self) -> Any:
        return type(self)._of(self._array.copy())

    @classmethod
    def _of(cls, array: np.ndarray) -> Any:
        new = object.__new__(cls)
        new._array = array
        return new

    def cpu(self) -> Any:
        return self

    def is_shared(self) -> bool:
        return memory_of(self._array) is not None

    def is_pinned(self, device: Any = None) -> bool:
        return False

    def resizable(self) -> bool:
        return False

    def resize_(self, size: int) -> Any:
        """Only to the size it has: raises RuntimeError for any other."""
        if size != len(self):
            raise RuntimeError("Trying to resize storage that is not resizable")
        return self

    def get_device(self) -> int:
        return -1

    def _shown(self, last: str) -> str:
        lines = [f" {value}" for value in self.tolist()]
        return "\n".join([*lines, last])

    __hash__ = object.__hash__


class UntypedStorage(_Storage):
    """Bytes: `UntypedStorage(8)` makes new memory, `x.untyped_storage()` shows a tensor's."""

    def __init__(self, size: int = 0) -> None:
        self._array = np.zeros(size, np.uint8)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return UntypedStorage._of(self._array[index])
        return int(self._array[self._at(index)])

    def __setitem__(self, index: Any, value: Any) -> None:
        self._array[index if isinstance(index, slice) else self._at(index)] = value

    def untyped(self) -> UntypedStorage:
        return self

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, UntypedStorage) and self.data_ptr() == other.data_ptr()

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        last = f"[torch.storage.UntypedStorage(device=cpu) of size {len(self)}]"
        return self._shown(last)


class TypedStorage(_Storage):
    """Elements of one dtype, as `x.storage()` shows a tensor's memory."""

    def __init__(self, *, wrap_storage: UntypedStorage, dtype: DType) -> None:
        self._array = wrap_storage._array.view(dtype.np)

    @property
    def dtype(self) -> DType:
        return BY_CHAR[self._array.dtype.char]

    def untyped(self) -> UntypedStorage:
        return UntypedStorage._of(self._array.view(np.uint8))

    def type(self) -> str:
        """The legacy name of the kind of storage: torch.FloatStorage."""
        return f"torch.{self.dtype.legacy.replace('Tensor', 'Storage')}"

    pickle_storage_type = type

    def __getitem__(self, index: Any) -> Any:
        self._refuse(index)
        return self._array[self._at(index)].item()

    def __setitem__(self, index: Any, value: Any) -> None:
        if not isinstance(index, slice):
            self._refuse(index)
            self._at(index)
        self._array[index] = value

    def _refuse(self, index: Any) -> None:
        if isinstance(index, slice):
            raise RuntimeError("slices are only supported in UntypedStorage.__getitem__")
        if not hasattr(index, "__index__"):
            raise RuntimeError(f"can't index a <class 'torch.storage.TypedStorage'> with {type(index)}")

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, TypedStorage) and self.untyped() == other.untyped()

    __hash__ = object.__hash__

    def _to(self, kind: DType) -> TypedStorage:
        return self if kind is self.dtype else TypedStorage._of(self._array.astype(kind.np))

    def __repr__(self) -> str:
        last = f"[torch.storage.TypedStorage(dtype={self.dtype!r}, device=cpu) of size {len(self)}]"
        return self._shown(last)


# `s.float()`, `s.long()`, …: the storage's elements in another type.
for _kind in ALL:
    _word = _kind.legacy.removesuffix("Tensor").lower()
    _method = {"complexfloat": "complex_float", "complexdouble": "complex_double"}.get(_word, _word)
    setattr(TypedStorage, _method, lambda self, kind=_kind: self._to(kind))


# ---- a tensor's own ------------------------------------------------------------------------------


_ONE_CLASS = (
    "TypedStorage is deprecated. It will be removed in the future and UntypedStorage will be the only "
    "storage class. This should only matter to you if you are using storages directly.  To access "
    "UntypedStorage directly, use tensor.untyped_storage() instead of tensor.storage()"
)


def storage(self: Tensor) -> TypedStorage:
    """The memory this tensor looks into, all of it, in elements of its dtype."""
    warn_once(_ONE_CLASS)
    return TypedStorage._of(self._storage_array())


def untyped_storage(self: Tensor) -> UntypedStorage:
    """The memory this tensor looks into, all of it, as bytes."""
    return TypedStorage._of(self._storage_array()).untyped()


for _function in (storage, untyped_storage):
    setattr(Tensor, _function.__name__, _function)
Tensor._typed_storage = storage  # type: ignore[attr-defined]

"""Storages: the flat memory that tensors are windows into, as files name and hold it.

The idea: a file stores each storage once, whole, and every tensor as (storage, offset, size,
stride).  `StorageBook` numbers the storages while a file is written; `window` turns the four
numbers back into a view, and is the one place that decides whether they stay inside the storage.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np

from .. import dtypes
from ..tensor import Tensor, address, wrap
from .function import Call, Name
from .writer import REBUILD_PARAMETER, REBUILD_TENSOR, PersistentId

# torch names storages by C types: FloatStorage holds float32, ...
STORAGE_NAMES = {d.legacy.replace("Tensor", "Storage"): d for d in dtypes.ALL}
_STORAGE_TYPES = {d.name: Name("torch", name) for name, d in STORAGE_NAMES.items()}
_STORAGE, _CPU = "storage", "cpu"


class Storage:
    """A storage read from a file: `array` is its memory, flat; `dtype` as the file declares it.

    This is also what a `map_location` function is given, and may return.
    """

    def __init__(self, array: np.ndarray, dtype: dtypes.dtype) -> None:
        self.array, self.dtype = array, dtype

    def nbytes(self) -> int:
        return self.array.nbytes

    def size(self) -> int:
        return self.array.size

    __len__ = size

    def cpu(self) -> Storage:
        return self

    def cuda(self, device: Any = None, non_blocking: bool = False) -> Storage:
        """There is no CUDA: raises RuntimeError."""
        raise RuntimeError(NO_CUDA)


NO_CUDA = (
    "Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False. "
    "If you are running on a CPU-only machine, please use torch.load with "
    "map_location=torch.device('cpu') to map your storages to the CPU."
)


def window(
    storage: np.ndarray, storage_offset: int, size: tuple[int, ...], stride: tuple[int, ...]
) -> np.ndarray:
    """The view of a flat array that begins at `storage_offset`; all numbers count elements.

    Raises ValueError unless every index in `size` stays inside the storage.
    """
    numbers = (storage_offset, *size, *stride)
    if any(type(n) is not int or n < 0 for n in numbers) or len(size) != len(stride):
        raise ValueError(
            f"setStorage: sizes {size}, strides {stride} and storage offset {storage_offset} "
            "must be non-negative integers, as many strides as sizes"
        )
    last = storage_offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
    if 0 in size:
        return storage[storage_offset:][:0].reshape(size)
    if last >= storage.size:
        raise ValueError(
            f"setStorage: sizes {size}, strides {stride}, storage offset {storage_offset} require "
            f"{last + 1} elements, which are out of bounds for storage of {storage.size}"
        )
    item = storage.itemsize
    steps = tuple([s * item for s in stride])
    return np.ndarray(size, storage.dtype, storage, storage_offset * item, steps)


def rebuilt(
    storage: Storage, storage_offset: int, size: tuple[int, ...], stride: tuple[int, ...]
) -> Tensor:
    """A tensor that looks into `storage`."""
    tensor = wrap(window(storage.array, storage_offset, size, stride))
    tensor._root = storage.array
    return tensor


class StorageBook:
    """The storages met while one object is written, numbered in the order of their first use."""

    def __init__(self) -> None:
        self.arrays: dict[str, np.ndarray] = {}
        self._keys: dict[tuple[int, int], str] = {}
        self._dtypes: dict[int, np.dtype] = {}

    def tensor_call(self, tensor: Tensor) -> Call:
        """How a tensor is written: a call of torch's rebuild function."""
        if not _is_parameter(tensor):
            return self._plain_call(tensor)
        return Call(
            REBUILD_PARAMETER,
            (self._plain_call(tensor, False), tensor.requires_grad, OrderedDict()),
        )

    def _plain_call(self, tensor: Tensor, requires_grad: bool | None = None) -> Call:
        if requires_grad is None:
            requires_grad = tensor.requires_grad
        size, stride = tuple(tensor.shape), tuple(tensor.stride())
        where = self._locate(tensor)
        offset = tensor.storage_offset()
        return Call(REBUILD_TENSOR, (where, offset, size, stride, requires_grad, OrderedDict()))

    def _locate(self, tensor: Tensor) -> PersistentId:
        """The persistent id of a tensor's storage, entered in the book if it is new."""
        array = tensor._storage_array()
        start = address(array) if array.nbytes else id(array)
        if array.nbytes and self._dtypes.setdefault(start, array.dtype) != array.dtype:
            raise RuntimeError(
                "Cannot save multiple tensors or storages that view the same data as "
                "different types"
            )
        key = self._keys.setdefault((start, array.nbytes), str(len(self._keys)))
        self.arrays[key] = array
        kind = _STORAGE_TYPES[dtypes.of_array(array).name]
        return PersistentId((_STORAGE, kind, key, _CPU, array.size))


def _is_parameter(tensor: Tensor) -> bool:
    from ..nn.parameter import Parameter

    return isinstance(tensor, Parameter)

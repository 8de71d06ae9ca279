"""Memory that several processes see: `share_memory_`, and tensors that travel without a copy.

The idea: shared memory is a file that has no name, mapped by everyone who holds its descriptor.
`share_memory_` moves a tensor's storage into one; what is sent to another process is the
descriptor and where in the file the tensor lies.  The last process that lets go frees it.
"""

from __future__ import annotations

import mmap
import os
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

import numpy as np

from .tensor import Tensor, blank


class SharedMemory(mmap.mmap):
    """A mapped file without a name; `descriptor` stays open as long as the mapping."""

    descriptor: int
    arrived: WeakValueDictionary[tuple[int, int], SharedMemory] = WeakValueDictionary()

    @classmethod
    def of_size(cls, nbytes: int) -> SharedMemory:
        """New memory, all zeros."""
        if hasattr(os, "memfd_create"):
            descriptor = os.memfd_create("minitorch_ref", os.MFD_CLOEXEC)
        else:
            import tempfile

            descriptor, name = tempfile.mkstemp(prefix="minitorch_ref-")
            os.unlink(name)
        os.ftruncate(descriptor, max(nbytes, 1))
        return cls.at(descriptor, nbytes)

    @classmethod
    def at(cls, descriptor: int, nbytes: int) -> SharedMemory:
        """The memory behind `descriptor`, which this object closes in the end."""
        memory = cls(descriptor, max(nbytes, 1))
        memory.descriptor = descriptor
        return memory

    @classmethod
    def from_elsewhere(cls, descriptor: int, nbytes: int) -> SharedMemory:
        """`at`, but what has come before is the same object: two tensors may look into one memory.

        They may bring the same descriptor, too, which must be closed once.
        """
        file = os.fstat(descriptor)
        key = file.st_dev, file.st_ino
        memory = cls.arrived.get(key)
        if memory is None:
            memory = cls.arrived[key] = cls.at(descriptor, nbytes)
        elif descriptor != memory.descriptor:
            os.close(descriptor)
        return memory

    def __del__(self) -> None:
        if (descriptor := vars(self).pop("descriptor", None)) is not None:
            os.close(descriptor)


def memory_of(array: np.ndarray) -> SharedMemory | None:
    """The shared memory that `array` looks into, or None."""
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    base = base.obj if isinstance(base, memoryview) else base
    return base if isinstance(base, SharedMemory) else None


def share_memory_(self: Tensor) -> Tensor:
    """Move the tensor's storage into shared memory, unless it is there; the tensor itself.

    Differs from torch: other tensors that look into the old storage stay there, so a view raises
    RuntimeError; share what it is a view of, before making views.
    """
    if memory_of(self._array) is not None:
        return self
    if self._base is not None:
        raise RuntimeError("share_memory_ cannot move a view alone; call it on the tensor it views")
    old, offset = self._storage_array(), self.storage_offset()
    flat = np.frombuffer(SharedMemory.of_size(old.nbytes), old.dtype, old.size)
    flat[...] = old
    self._array, self._root = _window(flat, offset, self._array.shape, self._array.strides), flat
    return self


def _window(flat: np.ndarray, offset: int, shape: Any, strides: Any) -> np.ndarray:
    if not flat.size:
        return flat.reshape(shape)
    return np.ndarray(shape, flat.dtype, flat, offset * flat.itemsize, strides)  # type: ignore[arg-type]


def is_shared(self: Tensor) -> bool:
    """Whether the tensor lies in shared memory."""
    return memory_of(self._array) is not None


# ---- travelling ----------------------------------------------------------------------------------


def reduce_tensor(tensor: Tensor) -> Any:
    """How a pickler for another process takes a tensor apart: shared memory goes as a descriptor."""
    copied: Any = tensor.__reduce_ex__(2)
    memory = memory_of(tensor._array)
    if memory is None:
        return copied
    kind, _, requires_grad, own = copied[1]
    flat = tensor._storage_array()
    place = (flat.dtype.str, flat.size, tensor.storage_offset(), tensor._array.shape,
             tensor._array.strides)  # fmt: skip
    return _arrived, (_handle(memory.descriptor), place, kind, requires_grad, own)


_inherited: WeakKeyDictionary[Any, dict[int, Any]] = WeakKeyDictionary()


def _handle(descriptor: int) -> Any:
    """What a descriptor travels as; a process that is being started inherits each only once."""
    from multiprocessing.context import get_spawning_popen
    from multiprocessing.reduction import DupFd

    starting = get_spawning_popen()
    if starting is None:
        return DupFd(descriptor)
    handles = _inherited.setdefault(starting, {})
    if descriptor not in handles:
        handles[descriptor] = DupFd(descriptor)
    return handles[descriptor]


def _arrived(handle: Any, place: tuple, kind: type, requires_grad: bool, own: dict) -> Tensor:
    """The tensor in this process, over the same memory."""
    dtype, size, offset, shape, strides = place
    nbytes = np.dtype(dtype).itemsize * size
    flat = np.frombuffer(SharedMemory.from_elsewhere(handle.detach(), nbytes), dtype, size)
    tensor = blank(kind)
    tensor._array, tensor._root = _window(flat, offset, shape, strides), flat
    tensor._requires_grad = requires_grad
    tensor.__dict__.update(own)
    return tensor


Tensor.share_memory_ = share_memory_  # type: ignore[attr-defined]

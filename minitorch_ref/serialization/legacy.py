"""Torch's file format before version 1.6 (and `_use_new_zipfile_serialization=False`): read only.

The file is a row of pickles - a magic number, the protocol, facts about the machine, the object,
the keys of its storages - and after them the storages' bytes.  So tensors are built before their
memory is filled: `LegacyStorages` hands out empty arrays first, never more than the file can fill.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np

from .names import StorageType
from .reader import Reader
from .storage import Storage

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL_VERSION = 1001


class LegacyStorages:
    """The storages that the object's pickle names, and the views into them."""

    def __init__(self, room: int, restore: Any) -> None:
        self._room = room  # bytes the file could still hold
        self._restore = restore
        self.storages: dict[Any, Storage] = {}
        self._views: dict[Any, Storage] = {}

    def load(self, key: tuple) -> Storage:
        """The storage for ('storage', type, key, location, numel, view)."""
        _, kind, root, location, numel, view = key
        if not isinstance(kind, StorageType) or type(numel) is not int or numel < 0:
            raise pickle.UnpicklingError(f"malformed storage {root!r}")
        if root not in self.storages:
            self._room -= numel * kind.dtype.itemsize
            if self._room < 0:
                raise pickle.UnpicklingError(f"storage {root!r} is larger than the file")
            array = np.zeros(numel, kind.dtype.np)
            self.storages[root] = self._restore(Storage(array, kind.dtype), location)
        storage = self.storages[root]
        return storage if view is None else self._view(storage, *view)

    def _view(self, storage: Storage, key: Any, offset: int, size: int) -> Storage:
        if not 0 <= offset <= offset + size <= storage.size():
            raise pickle.UnpicklingError(f"view {key!r} lies outside its storage")
        if key not in self._views:
            self._views[key] = Storage(storage.array[offset : offset + size], storage.dtype)
        return self._views[key]


def load_legacy(data: bytes, source: str, restore: Any, reader: Callable[..., Reader]) -> Any:
    """The object in a legacy file.  Raises UnpicklingError or RuntimeError for a damaged one."""
    stream = io.BytesIO(data)

    def no_storage(key: tuple) -> Any:
        raise pickle.UnpicklingError("a storage outside the object")

    def plain() -> Any:
        return reader(stream, no_storage).load()

    if not data:
        raise EOFError(f"Ran out of input: {source} is empty")
    if _safe(plain) != MAGIC_NUMBER:
        raise RuntimeError(f"Invalid magic number; corrupt file? {source} is no torch checkpoint")
    version = plain()
    if version != PROTOCOL_VERSION:
        raise RuntimeError(f"Invalid protocol version: {version} in {source}")
    facts = plain()
    little = facts.get("little_endian", True) if isinstance(facts, dict) else True
    storages = LegacyStorages(len(data) - stream.tell(), restore)
    result = reader(stream, storages.load).load()
    keys = plain()
    if not isinstance(keys, list) or set(keys) != set(storages.storages):
        raise pickle.UnpicklingError("the list of storages does not match the object")
    for key in keys:
        _fill(stream, storages.storages[key], "<" if little else ">", source)
    return result


def _safe(read: Any) -> Any:
    """The first pickle of what may be no pickle at all."""
    try:
        return read()
    except pickle.UnpicklingError:
        return None


def _fill(stream: io.BytesIO, storage: Storage, order: str, source: str) -> None:
    """Read one storage: its length in elements, then its bytes."""
    array = storage.array
    head = stream.read(8)
    data = stream.read(array.nbytes)
    if len(head) != 8 or len(data) != array.nbytes:
        raise RuntimeError(f"unexpected EOF: the file {source} might be corrupted")
    if int.from_bytes(head, "little" if order == "<" else "big") != array.size:
        raise RuntimeError(f"a storage in {source} has not the length that the object declares")
    array[:] = np.frombuffer(data, array.dtype.newbyteorder(order))  # type: ignore[arg-type]

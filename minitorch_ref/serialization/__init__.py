"""`save` and `load`: torch's `.pt` files, both ways, without torch.

A file is a zip archive (`archive.py`) of one pickle (`writer.py`, `reader.py`) and one record for
each storage (`storage.py`); files from before 2020 have another container (`legacy.py`).  The idea:
a file is data.  Saving refuses what could not be loaded again without running code, and loading
runs none but what the program has approved (`approved.py`).
"""

from __future__ import annotations

import io
import os
import pickle
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import IO, Any

import numpy as np

from ..device import device
from .approved import add_safe_globals, clear_safe_globals, get_safe_globals, safe_globals
from .archive import ALIGNMENT, ArchiveReader, ArchiveWriter, is_archive
from .legacy import load_legacy
from .names import StorageType
from .reader import Reader
from .storage import NO_CUDA, Storage, StorageBook
from .writer import Writer

__all__ = [
    "add_safe_globals", "clear_safe_globals", "get_safe_globals", "load", "safe_globals", "save",
]  # fmt: skip

# ---- saving ------------------------------------------------------------------------------------


def save(obj: Any, f: str | os.PathLike | IO[bytes]) -> None:
    """Write `obj` to a path, or to a file object open for writing, as `torch.save` writes it.

    A path gets its new contents whole or not at all.  Raises PicklingError for anything but tensors,
    plain data and modules, RuntimeError if one memory is saved under two dtypes or the folder is missing.
    """
    if isinstance(f, (str, os.PathLike)):
        contents = _pickled(obj)  # first: what cannot be saved must not touch the file
        path = os.fspath(f)
        with _replacing(path) as stream:
            _write_archive(stream, _archive_name(path), *contents)
    elif callable(getattr(f, "write", None)):
        _write_archive(f, "archive", *_pickled(obj))
        if hasattr(f, "flush"):
            f.flush()
    else:
        raise AttributeError(
            "expected 'f' to be string, path, or a file-like object with a 'write' attribute"
        )


def _pickled(obj: Any) -> tuple[bytes, dict[str, np.ndarray]]:
    book = StorageBook()
    return Writer(book.tensor_call).dump(obj), book.arrays


def _write_archive(
    stream: IO[bytes], name: str, data: bytes, storages: dict[str, np.ndarray]
) -> None:
    archive = ArchiveWriter(stream, name)
    archive.write("data.pkl", data)
    archive.write(".format_version", b"1")
    archive.write(".storage_alignment", str(ALIGNMENT).encode())
    archive.write("byteorder", sys.byteorder.encode())
    for key, array in storages.items():
        archive.write(f"data/{key}", memoryview(array.view(np.uint8)))  # type: ignore[arg-type]
    archive.close()


def _archive_name(path: str) -> str:
    """torch names the archive after the file, up to its last dot."""
    stem = os.path.basename(path).rpartition(".")[0] or os.path.basename(path)
    return stem if stem.isascii() and not stem.startswith(".") else "archive"


@contextmanager
def _replacing(path: str) -> Iterator[IO[bytes]]:
    """A stream whose contents take the place of `path` in one step, once they are complete."""
    path = os.path.realpath(path)
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        raise RuntimeError(f"Parent directory {folder} does not exist.")
    if os.path.exists(path) and not os.path.isfile(path):  # a pipe or a device
        with open(path, "wb") as stream:
            yield stream
        return
    temporary = f"{path}.{os.urandom(4).hex()}.tmp"
    try:
        with open(temporary, "xb") as stream:
            yield stream
        if os.path.exists(path):
            shutil.copymode(path, temporary)
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise


# ---- loading -----------------------------------------------------------------------------------


def load(
    f: str | os.PathLike | IO[bytes],
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """The object in a file written by `save` or by torch (zip or legacy format).

    Never runs code from the file: `weights_only=False` adds NumPy's arrays and numbers to what may
    be in it, and modules whose classes the program has imported; `mmap` changes nothing.  Storages
    saved on a GPU need `map_location="cpu"`.  Raises UnpicklingError for contents that are not plain
    data, RuntimeError or EOFError for a damaged file, each naming the file.
    """
    if pickle_module is not None and weights_only is not False:
        raise RuntimeError("Can not safely load weights when explicit pickle_module is specified")
    restore = _restorer(map_location)
    encoding = pickle_load_args.get("encoding", "utf-8")
    reader = partial(Reader, encoding=encoding, more=weights_only is False)
    if isinstance(f, (str, os.PathLike)):
        with open(f, "rb") as stream:
            return _load(stream, repr(os.fspath(f)), restore, reader)
    _check_seekable(f)
    return _load(f, repr(getattr(f, "name", f)), restore, reader)


def _load(stream: IO[bytes], source: str, restore: Callable, reader: Callable[..., Reader]) -> Any:
    try:
        if not is_archive(stream):
            return load_legacy(stream.read(), source, restore, reader)
        if stream.tell():
            stream = io.BytesIO(stream.read())  # an archive's offsets count from its own start
        archive = ArchiveReader(stream, source)
        if "constants.pkl" in archive:
            raise RuntimeError(f"{source} is a TorchScript archive, which holds code: not loaded")
        return _load_archive(archive, restore, reader)
    except pickle.UnpicklingError as error:
        raise pickle.UnpicklingError(
            f"Weights only load failed for {source}. {error}\nOnly tensors and plain data are ever "
            "loaded, and with `weights_only=False` NumPy's arrays and modules of imported classes: this "
            "engine never runs code from a file."
        ) from None


def _load_archive(archive: ArchiveReader, restore: Callable, reader: Callable[..., Reader]) -> Any:
    order = archive.read("byteorder") if "byteorder" in archive else b"little"
    if order not in (b"little", b"big"):
        raise ValueError(f"Unknown endianness type: {order!r}")
    swap = order.decode() != sys.byteorder
    loaded: dict[Any, Storage] = {}

    def storage(key: tuple) -> Storage:
        _, kind, name, location, numel = key
        if not isinstance(kind, StorageType) or type(numel) is not int or not isinstance(name, str):
            raise pickle.UnpicklingError(f"malformed storage {name!r}")
        if name not in loaded:
            array = _storage_array(archive, name, kind, numel)
            array = array.byteswap() if swap else array
            loaded[name] = restore(Storage(array, kind.dtype), location)
        if loaded[name].dtype is not kind.dtype:
            raise pickle.UnpicklingError(f"storage {name!r} is used with two dtypes")
        return loaded[name]

    return reader(io.BytesIO(archive.read("data.pkl")), storage).load()


def _storage_array(archive: ArchiveReader, name: str, kind: StorageType, numel: int) -> np.ndarray:
    """A storage's record, as long as the pickle declares (a remainder of an element may follow)."""
    dtype, record = kind.dtype, f"data/{name}"
    declared, size = numel * dtype.itemsize, archive.size(record)
    if not 0 <= size - declared < dtype.itemsize or numel < 0:
        raise RuntimeError(
            f"record size ({size} bytes) does not match expected size ({declared} bytes = {numel} "
            f"elements * {dtype.itemsize} bytes/element) for storage {name!r} of dtype {dtype!r}"
        )
    try:
        return archive.read_array(record)[:declared].view(dtype.np)
    except TypeError as error:  # bfloat16
        raise pickle.UnpicklingError(str(error)) from None


def _restorer(map_location: Any) -> Callable[[Storage, Any], Storage]:
    """What decides where a storage goes, as a function of the storage and its saved location."""
    if map_location is None:
        return _restore
    if isinstance(map_location, dict):
        return lambda storage, tag: _restore(storage, map_location.get(tag, tag))
    if isinstance(map_location, (str, bytes, device)):
        return lambda storage, tag: _restore(storage, map_location)
    if not callable(map_location):
        raise TypeError(f"'{type(map_location).__name__}' object is not callable")

    def chosen(storage: Storage, tag: Any) -> Storage:
        result = map_location(storage, tag)
        return _restore(storage, tag) if result is None else result

    return chosen


def _restore(storage: Storage, location: Any) -> Storage:
    tag = location.decode("ascii", "replace") if isinstance(location, bytes) else str(location)
    if tag == "cpu":
        return storage
    if tag.startswith("cuda"):
        raise RuntimeError(NO_CUDA)
    raise RuntimeError(f"don't know how to restore data location of a storage (tagged with {tag})")


def _check_seekable(f: Any) -> None:
    """Raises what torch raises for something that is no file, or a stream that cannot go back."""
    advice = (
        ". You can only torch.load from a file that is seekable. Please pre-load the data into a "
        "buffer like io.BytesIO and try to load from it instead."
    )
    for name in ("seek", "tell", "read"):
        if not hasattr(f, name):
            raise AttributeError(f"'{type(f).__name__}' object has no attribute '{name}'{advice}")
    try:
        f.seek(f.tell())
    except io.UnsupportedOperation as error:
        raise io.UnsupportedOperation(f"{error}{advice}") from None

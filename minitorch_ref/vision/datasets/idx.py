"""IDX files, the format of MNIST and its kin: numbers in an array of known shape, nothing else.

    0 0 T D      T the type of a number, D how many dimensions
    n1 … nD      their sizes, 4 bytes each, most significant byte first
    numbers      as many as the sizes say, most significant byte first

A file that says one thing and holds another is refused before any memory is asked for.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import math
import os
import shutil
import struct
from pathlib import Path
from typing import IO, Any

import numpy as np

from ...tensor import Tensor, wrap

_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
_UNPACKERS: dict[str, Any] = {".gz": gzip.open, ".xz": lzma.open, ".bz2": bz2.open}


def read_idx(path: str | os.PathLike[str]) -> np.ndarray:
    """The array in the IDX file `path`, in this machine's byte order.

    RuntimeError if it is no IDX file of one to three dimensions, or longer or shorter than its
    sizes say.
    """
    with open(path, "rb") as f:
        length = os.fstat(f.fileno()).st_size
        head = f.read(4)
        if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in _TYPES or not 1 <= head[3] <= 3:
            raise _malformed(path, "it does not start as an IDX file of 1 to 3 dimensions does")
        kind, rank = np.dtype(_TYPES[head[2]]), head[3]
        sizes = f.read(4 * rank)
        if len(sizes) < 4 * rank:
            raise _malformed(path, "it ends among its sizes")
        shape = struct.unpack(f">{rank}I", sizes)
        expected, held = math.prod(shape) * kind.itemsize, length - 4 - 4 * rank
        if held != expected:
            raise _malformed(path, f"sizes {shape} need {expected} bytes, it holds {held}")
        numbers = np.fromfile(f, kind, math.prod(shape))
    return numbers.astype(kind.newbyteorder("="), copy=False).reshape(shape)


def _malformed(path: str | os.PathLike[str], problem: str) -> RuntimeError:
    return RuntimeError(f"Dataset not found or corrupted: {os.fspath(path)}: {problem}")


def read_images(path: str | os.PathLike[str]) -> Tensor:
    """uint8 images (N, H, W); TypeError for other numbers, ValueError for another rank."""
    return wrap(_bytes_of(path, 3))


def read_labels(path: str | os.PathLike[str]) -> Tensor:
    """int64 labels (N,) from bytes; TypeError for other numbers, ValueError for another rank."""
    return wrap(_bytes_of(path, 1).astype(np.int64))


def _bytes_of(path: str | os.PathLike[str], rank: int) -> np.ndarray:
    array = read_idx(path)
    if array.dtype != np.uint8:
        raise TypeError(f"x should be of dtype torch.uint8 instead of torch.{array.dtype}")
    if array.ndim != rank:
        raise ValueError(f"x should have {rank} dimension instead of {array.ndim}")
    return array


def unpack(packed: str | os.PathLike[str], target: Path) -> None:
    """The compressed file `packed` (.gz, .xz or .bz2) as `target`, whole or not at all."""
    with _UNPACKERS[Path(packed).suffix](packed, "rb") as source:
        write_whole(source, target)


def write_whole(source: IO[bytes], target: Path) -> None:
    """What `source` holds as the file `target`; a broken source leaves nothing behind."""
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        with open(part, "wb") as f:
            shutil.copyfileobj(source, f)
        os.replace(part, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            part.unlink()
        raise

"""Reading CIFAR's pickle files without letting a pickle do anything.

A pickle is a program: it may name any callable and call it.  The files hold only dicts, lists,
ints, Python-2 strings and one uint8 matrix, so the reader knows four names and gives each a
stand-in that merely writes down what the file says.  Not even NumPy's own unpickling runs (a
forged dtype state can make it read bytes as pointers); the matrix is rebuilt from its bytes after
its description has been checked.
"""

from __future__ import annotations

import math
import pickle
from typing import IO, Any

import numpy as np


class _Dtype:
    """Stands in for numpy.dtype: remembers the type code and the byte order of its state."""

    def __init__(self, code: Any = None, *flags: Any):
        self.code = code

    def __setstate__(self, state: Any) -> None:
        pass  # byte order and fields: meaningless for one-byte integers


class _Array:
    """Stands in for numpy.ndarray: remembers (version, shape, dtype, is_fortran, bytes)."""

    state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def rebuild(self) -> np.ndarray:
        """The array, if the state describes uint8 values and has exactly the bytes for them."""
        try:
            _, shape, kind, fortran, raw = self.state
            raw = raw.encode("latin1") if isinstance(raw, str) else raw
            sane = (
                isinstance(kind, _Dtype)
                and _text(kind.code) in ("u1", "|u1")
                and isinstance(raw, bytes)
                and isinstance(shape, tuple)
                and all(type(n) is int and n >= 0 for n in shape)
                and math.prod(shape) == len(raw)
            )
        except (TypeError, ValueError) as error:
            raise pickle.UnpicklingError(f"malformed array in the pickle: {error}") from error
        if not sane:
            raise pickle.UnpicklingError("the pickle holds an array that is not plain uint8")
        return np.frombuffer(raw, np.uint8).reshape(shape, order="F" if fortran else "C")


def _reconstruct(*args: Any) -> _Array:
    return _Array()


def _encode(text: Any, encoding: Any = None, *rest: Any) -> bytes:
    # Python 3 writes bytes into a protocol-2 pickle as a call of _codecs.encode(text, "latin1").
    if not isinstance(text, str) or _text(encoding) not in ("latin1", "latin-1") or rest:
        raise pickle.UnpicklingError("the pickle encodes text other than as latin1 bytes")
    return text.encode("latin1")


_KNOWN: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _encode,
}


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _KNOWN[module, name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"the file asks for {module}.{name}, which no data file needs; it was not loaded"
            ) from None

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError("the file refers to objects outside itself")


def _text(value: Any) -> Any:
    """Python-2 strings come as bytes; keys, names and labels are text."""
    return value.decode("latin1") if isinstance(value, bytes) else value


def _plain(value: Any) -> Any:
    if isinstance(value, _Array):
        return value.rebuild()
    if isinstance(value, list):
        return [_text(item) for item in value]
    return _text(value)


def load(file: IO[bytes]) -> dict[str, Any]:
    """The dict in a CIFAR batch or meta file, keys and strings as `str`.

    pickle.UnpicklingError for anything else: other classes, truncation, no dict at the top.
    """
    try:
        content = _Reader(file, encoding="bytes").load()
        if not isinstance(content, dict):
            raise pickle.UnpicklingError(f"expected a dict, found {type(content).__name__}")
        return {_text(key): _plain(value) for key, value in content.items()}
    except pickle.UnpicklingError:
        raise
    except (EOFError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise pickle.UnpicklingError(f"truncated or malformed pickle: {error}") from error
    except (MemoryError, OverflowError, RecursionError, UnicodeError) as error:
        raise pickle.UnpicklingError(f"malformed pickle: {error}") from error

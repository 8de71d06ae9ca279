"""NumPy's arrays, numbers and dtypes in files: their names, read and written.

A file describes an array by (shape, dtype, order, bytes).  NumPy's own unpickling believes such a
description, so it is checked here first: plain numbers or text only, and exactly the bytes that
they take.
"""

from __future__ import annotations

import math
import re
import sys
from typing import Any

import numpy as np

from .function import Call, Function, Name, expect

_NATIVE = "<" if sys.byteorder == "little" else ">"
_PLAIN = re.compile(r"[<>|=]?(b1|[iu][1248]|f[248]|c(8|16)|[SU][0-9]{1,9})\Z")


# ---- reading -------------------------------------------------------------------------------------


def _dtype(code: Any, align: Any = False, copy: Any = True) -> np.dtype:
    code = code.decode("latin1") if isinstance(code, bytes) else code
    plain = isinstance(code, str) and _PLAIN.match(code)
    expect(bool(plain), "NumPy dtype: neither plain numbers nor text")
    return np.dtype(code, copy=True)  # type: ignore[call-overload]


def set_byte_order(dtype: np.dtype, state: Any) -> None:
    """A dtype's own memory of its byte order, size and fields; only the first says anything new."""
    wide = dtype.kind == "U"
    sizes = (dtype.itemsize, 4 if wide else 1) if dtype.kind in "SU" else (-1, -1)
    expect(type(state) is tuple and len(state) == 8, "NumPy dtype")
    version, order, *nothing, size, alignment, flags = state
    order = order.decode("latin1") if isinstance(order, bytes) else order
    expect(
        version in (3, 4)
        and order in ("<", ">", "|", "=")
        and nothing == [None, None, None]
        and (size, alignment) == sizes
        and flags in (0, 8),
        "NumPy dtype: it has fields, or another size",
    )
    if order in "<>" and order != _NATIVE and dtype.byteorder != "|":
        dtype.__setstate__((3, order, None, None, None, *sizes, 8 if wide else 0))  # type: ignore[attr-defined]


def _values(data: Any, dtype: Any, count: int) -> np.ndarray:
    """`count` values of a plain dtype out of exactly their bytes."""
    expect(isinstance(dtype, np.dtype), "NumPy array: it has no dtype")
    data = data.encode("latin1") if isinstance(data, str) else data
    expect(isinstance(data, (bytes, bytearray)), "NumPy array: its values are no bytes")
    expect(len(data) == count * dtype.itemsize, "NumPy array: not the bytes its shape needs")
    expect(dtype.kind != "b" or not data or max(data) <= 1, "NumPy array: truth values beyond 1")
    if not count or not dtype.itemsize:
        return np.zeros(count, np.dtype(dtype.str))
    return np.frombuffer(data, np.dtype(dtype.str), count)


def _count(shape: Any) -> int:
    sound = isinstance(shape, tuple) and all(type(n) is int and n >= 0 for n in shape)
    expect(sound and len(shape) <= 32, "NumPy array: its shape")
    # Also what has no elements must have a shape that memory could have.
    expect(math.prod(n for n in shape if n) <= 1 << 60, "NumPy array: its shape")
    return math.prod(shape)


def _scalar(dtype: Any, data: Any) -> np.generic:
    return _values(data, dtype, 1)[0]


def _reconstruct(kind: Any, shape: Any, code: Any) -> np.ndarray:
    expect(kind is NUMPY["numpy.ndarray"], "NumPy array: of another class")
    return np.empty(0, np.int8)


def fill_array(array: np.ndarray, state: Any) -> None:
    """Make the empty `array` what `state` = (version, shape, dtype, by columns, bytes) describes."""
    expect(type(state) is tuple and len(state) == 5, "NumPy array")
    _, shape, dtype, by_columns, data = state
    expect(type(by_columns) is bool, "NumPy array")
    values = _values(data, dtype, _count(shape))
    array.__setstate__((1, shape, values.dtype, by_columns, values.tobytes()))


def _frombuffer(data: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    expect(order in ("C", "F"), "NumPy array: its order")
    values = _values(data, dtype, _count(shape))
    return (values if isinstance(data, bytes) else values.copy()).reshape(shape, order=order)


def _no_call(*arguments: Any) -> Any:
    expect(False, "NumPy array: a class is called")


_CALLS: dict[str, Any] = {"numpy.dtype": _dtype, "numpy.ndarray": _no_call}
for _core in ("numpy._core", "numpy.core"):
    _CALLS[f"{_core}.multiarray._reconstruct"] = _reconstruct
    _CALLS[f"{_core}.multiarray.scalar"] = _scalar
    _CALLS[f"{_core}.numeric._frombuffer"] = _frombuffer
NUMPY: dict[str, Function] = {name: Function(name, build) for name, build in _CALLS.items()}


# ---- writing -------------------------------------------------------------------------------------

_NAMES: dict[Any, Name] = {}


def _named(part: Any) -> Any:
    """NumPy's functions and classes as names, each always the same one; the rest as it is."""
    if not callable(part) or isinstance(part, np.generic):
        return part
    if part not in _NAMES:
        _NAMES[part] = Name(part.__module__, part.__qualname__)
    return _NAMES[part]


def is_plain(obj: Any) -> bool:
    """Whether `obj` is an array, a number or a dtype that a file may hold."""
    if type(obj) is not np.ndarray and not isinstance(obj, (np.generic, np.dtype)):
        return False
    dtype = obj if isinstance(obj, np.dtype) else obj.dtype
    return dtype.names is None and bool(_PLAIN.match(dtype.str)) and dtype.metadata is None


def as_call(obj: Any) -> tuple[Call, Any]:
    """How NumPy spells a plain object: a call, and a state for its result, or None."""
    function, arguments, *state = obj.__reduce__()
    call = Call(_named(function), tuple(_named(part) for part in arguments))
    return call, state[0] if state else None

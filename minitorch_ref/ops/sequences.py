"""Nested sequences of numbers as arrays, with torch's rules for shape and dtype.

torch looks twice: once along the first elements for the shape, and once at every element for the
dtype, which is what all their types promote to.  Ragged sequences fail when they are flattened.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import dtypes
from ..dtypes import COMPLEX, INTEGER, dtype
from ..quiet import fp
from ..settings import warn_once
from ..tensor import Tensor


def is_sequence(x: Any) -> bool:
    if isinstance(x, (list, tuple)):
        return True
    if isinstance(x, (Tensor, np.generic, str, bytes, dict, set)):
        return False
    return hasattr(x, "__getitem__") and hasattr(x, "__len__")


def _shape_of(data: Any) -> tuple[int, ...]:
    """The shape that the first elements show."""
    shape = []
    while is_sequence(data):
        shape.append(len(data))
        if not shape[-1]:
            break
        if len(shape) > 128:
            raise ValueError(f"too many dimensions '{type(data).__name__}'")
        data = data[0]
    if isinstance(data, str) and shape:
        raise ValueError("too many dimensions 'str'")
    return tuple(shape)


def from_sequence(data: Any, wanted: dtype | None) -> np.ndarray:
    if isinstance(data, (str, bytes)):
        raise invalid_type(data)
    shape = _shape_of(data)
    leaves = _Leaves()
    if wanted is None:
        leaves.look(data)
    kind = wanted or leaves.kind or dtypes.get_default_dtype()
    flat: list[Any] = []
    if 0 not in shape:
        _flatten(data, shape, 0, flat, kind)
    return _to_kind(flat, kind).reshape(shape)


def invalid_type(data: Any) -> TypeError:
    return TypeError(f"new(): invalid data type '{type(data).__name__}'")


class _Leaves:
    """The dtype that all elements of nested sequences promote to."""

    def __init__(self) -> None:
        self.kind: dtype | None = None

    def look(self, data: Any) -> None:
        if isinstance(data, (list, tuple)):
            if not data:
                self.add(dtypes.get_default_dtype())
            # one look per type: most lists have a single type of number in them
            for example in {type(x): x for x in data}.values():
                if type(example) in _NUMBERS:
                    self.add(_NUMBERS[type(example)]())
                else:
                    for x in data:
                        if type(x) is type(example):
                            self.look(x)
        elif isinstance(data, (str, bytes)):
            raise invalid_type(data)
        elif isinstance(data, (Tensor, np.ndarray, np.generic)):
            array = data._array if isinstance(data, Tensor) else np.asarray(data)
            self.add(dtypes.of_array(array))
        elif is_sequence(data):
            self.look([data[i] for i in range(len(data))])
        else:
            self.add(self.number(data))

    def add(self, kind: dtype) -> None:
        self.kind = kind if self.kind is None else dtypes.promote_types(self.kind, kind)

    @staticmethod
    def number(x: Any) -> dtype:
        for base, kind in _NUMBERS.items():
            if isinstance(x, base):
                return kind()
        raise RuntimeError(f"Could not infer dtype of {type(x).__name__}")


_NUMBERS: dict[type, Callable[[], dtype]] = {
    bool: lambda: dtypes.bool_,
    int: lambda: dtypes.int64,
    float: dtypes.get_default_dtype,
    complex: lambda: dtypes.get_default_dtype().to_complex(),
}


def _flatten(data: Any, shape: tuple[int, ...], dim: int, flat: list[Any], kind: dtype) -> None:
    """Append all elements of `data`, which must have `shape` from `dim` on, to `flat`."""
    if dim == len(shape):
        flat.append(_number(data, kind))
        return
    if not is_sequence(data):
        raise TypeError("not a sequence")
    if len(data) != shape[dim]:
        raise ValueError(
            f"expected sequence of length {shape[dim]} at dim {dim} (got {len(data)})"
        )
    if dim < len(shape) - 1:
        for item in data:
            _flatten(item, shape, dim + 1, flat, kind)
    elif isinstance(data, np.ndarray):
        warn_once(_SLOW)
        flat.extend(data.tolist())
    elif set(map(type, data)) <= _PLAIN:
        flat.extend(data)
    else:
        flat.extend([_number(x, kind) for x in data])


_PLAIN = {bool, int, float}
_SLOW = (
    "Creating a tensor from a list of numpy.ndarrays is extremely slow. Please consider converting "
    "the list to a single numpy.ndarray with numpy.array() before converting to a tensor."
)


def _number(x: Any, kind: dtype) -> Any:
    """One element as a Python number that `kind` can be made from."""
    if isinstance(x, Tensor):
        if kind.category == INTEGER:
            return x.__index__()
        if x.numel() != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        x = x.item()
    if isinstance(x, np.generic):
        x = x.item()
    if type(x) in _PLAIN:
        return x
    if kind.category == COMPLEX and not isinstance(x, (str, bytes)):
        return complex(x)
    if kind.category == INTEGER and not isinstance(x, float):
        if not hasattr(x, "__index__"):
            raise TypeError(f"'{type(x).__name__}' object cannot be interpreted as an integer")
        return x.__index__()
    if not (hasattr(x, "__float__") or hasattr(x, "__index__")):
        raise TypeError(f"must be real number, not {type(x).__name__}")
    return float(x)


def _to_kind(flat: list[Any], kind: dtype) -> np.ndarray:
    """Python numbers as an array.  Raises RuntimeError or ValueError for one that does not fit."""
    if kind.category == INTEGER:
        return _to_integers(flat, kind)
    if kind is dtypes.float16:  # by way of float32, as in C++
        return fp.quiet(lambda: np.array(flat, np.float64).astype(np.float32).astype(np.float16))
    if kind is dtypes.float32:
        return fp.quiet(np.array(flat, np.float64).astype, np.float32)
    return fp.quiet(np.array, flat, kind.np)


def _to_integers(flat: list[Any], kind: dtype) -> np.ndarray:
    info = np.iinfo(kind.np)
    if any(type(x) is float for x in flat):
        low = info.min
        if not all(low <= x <= info.max for x in flat):
            raise _overflow(kind)
        return np.array([int(x) for x in flat], kind.np)
    try:
        wide = np.array(flat, np.int64)
    except OverflowError:
        raise ValueError("Overflow when unpacking long long") from None
    if kind.itemsize < 8 and wide.size:
        # torch lets a negative number stand for its two's complement in an unsigned type
        low = info.min if kind.is_signed else -info.max
        if wide.min() < low or wide.max() > info.max:
            raise _overflow(kind)
    return wide.astype(kind.np)


def _overflow(kind: dtype) -> RuntimeError:
    return RuntimeError(f"value cannot be converted to type {kind.name} without overflow")

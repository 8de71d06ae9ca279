"""What the definitions of ops share: dims, operand types, and casting."""

from __future__ import annotations

import numbers
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..dtypes import BOOL, BY_CHAR, COMPLEX, FLOATING, INTEGER, dtype, int64, result_type
from ..kernels.layout import converted, copy_order, nothing, unexpanded
from ..quiet import fp
from ..tensor import Tensor, wrap, wrap_dim

__all__ = [
    "Dims", "Number", "array_as", "as_operand", "cast_array", "convert_number", "copy_order",
    "is_number", "result_type", "shape_of_args", "strided", "sum_dtype", "unexpanded", "wrap",
    "wrap_dim", "wrap_dims",
]  # fmt: skip

Number = bool | int | float | complex
Dims = int | Sequence[int] | None


def is_number(x: Any) -> bool:
    """Whether `x` is a Python or NumPy number."""
    return isinstance(x, (numbers.Number, np.generic))


def wrap_dims(dim: Dims, ndim: int) -> tuple[int, ...]:
    """`dim` as a tuple of dims counted from the front; None and () stand for all of them.

    Raises IndexError for a dim out of range, RuntimeError for one that appears twice.
    """
    if dim is None:
        return tuple(range(ndim))
    if isinstance(dim, (int, np.integer)):
        return (wrap_dim(dim, ndim),) if ndim else tuple(range(0 * wrap_dim(dim, ndim)))
    dims = tuple([wrap_dim(d, ndim) for d in dim])
    if len(set(dims)) != len(dims):
        twice = next(d for d in dims if dims.count(d) > 1)
        raise RuntimeError(f"dim {twice} appears multiple times in the list of dims")
    return (dims if ndim else ()) or tuple(range(ndim))


def shape_of_args(args: tuple[Any, ...]) -> tuple[int, ...]:
    """The shape meant by `f(2, 3)`, `f((2, 3))`, `f(torch.Size([2, 3]))`."""
    if len(args) == 1 and isinstance(args[0], (tuple, list)):
        args = tuple(args[0])
    return tuple(map(operator.index, args))


def strided(array: np.ndarray, shape: Sequence[int], strides: Sequence[int]) -> np.ndarray:
    """`array`'s memory, from its first element on, under any shape and strides (in bytes).

    NumPy's `as_strided` costs 4 µs; ndarray itself, which asks for contiguous memory, 0.3 µs.
    """
    if array.flags.c_contiguous:
        if 0 in shape:
            return nothing(array, 0, shape, strides)
        return np.ndarray(shape, array.dtype, array, 0, strides)
    return np.lib.stride_tricks.as_strided(array, shape, strides)


def sum_dtype(input: Tensor, wanted: dtype | None) -> dtype:
    """The type that sums and products come in: integers and booleans accumulate in int64."""
    if wanted is not None:
        return wanted
    own = input.dtype
    return int64 if own.category < FLOATING else own


def cast_array(array: np.ndarray, to: dtype) -> np.ndarray:
    """`array` in another type (itself if it has that type already)."""
    if array.dtype == to.np:
        return array
    if array.dtype.kind == "c" and to.category < COMPLEX and to.category != BOOL:
        if to.category != INTEGER:
            return fp.quiet(converted, array.real, to.np, array)
        array = array.real
    if array.dtype.kind == "f" and to.category == INTEGER:
        return _float_to_integer(array, to)
    return fp.quiet(converted, array, to.np)


def _float_to_integer(array: np.ndarray, to: dtype) -> np.ndarray:
    """Truncate; values that do not fit wrap the way torch's C++ casts do (through int64)."""
    with np.errstate(all="ignore"):  # not fp.quiet: callers may be inside it already
        if to.itemsize < 4:
            array = converted(array, np.dtype(np.int32))
        return converted(array, to.np)


def convert_number(value: Any, to: dtype) -> np.ndarray:
    """A Python number as a 0-d array of a type.  Raises RuntimeError if it does not fit."""
    if to.category == INTEGER:
        info = np.iinfo(to.np)
        whole = int(value.real if isinstance(value, complex) else value)
        # torch lets a negative number stand for its two's complement in an unsigned type
        if not (info.min if to.is_signed else -info.max) <= whole <= info.max:
            raise RuntimeError(
                f"value cannot be converted to type {_C_NAMES[to.name]} without overflow"
            )
        return np.asarray(np.int64(whole)).astype(to.np)
    if to.category == FLOATING and isinstance(value, complex):
        raise RuntimeError(f"value cannot be converted to type {to.name} without overflow")
    return np.asarray(value, dtype=to.np)


_C_NAMES = {"uint8": "uint8_t", "int8": "int8_t", "int16": "int16_t", "int32": "int", "int64": "int64_t"}


def as_operand(x: Any, to: dtype) -> np.ndarray:
    """A tensor's or number's array in the type an op computes in."""
    if isinstance(x, Tensor):
        return cast_array(x._array, to)
    return convert_number(x, to)


def array_as(x: Any) -> Tensor:
    """A tensor from an operand that may be a NumPy array or a number."""
    if isinstance(x, Tensor):
        return x
    if isinstance(x, np.ndarray):
        return wrap(x)
    number_type = result_type(x)
    return wrap(np.asarray(x, dtype=number_type.np))


def dtype_of(array: np.ndarray) -> dtype:
    """The dtype of an array that is known to have one of torch's types."""
    return BY_CHAR[array.dtype.char]

"""The short way through a binary op: small tensors of one floating type, or one and a number.

Programs of small tensors spend their time here, so the calls are written out: NumPy's own 0.3 µs is
half of the whole.  Whatever does not fit goes the general way, which knows all types and all errors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..autograd.modes import inferring, state
from ..kernels.blocks import LARGE, spread
from ..kernels.layout import arranged, turned
from ..quiet import fp, hushed
from ..tensor import Tensor, wrap

_new, _ndarray = object.__new__, np.ndarray
_F32, _F64 = np.dtype(np.float32), np.dtype(np.float64)
EXACT = 1 << 53  # whole numbers up to here are exact as Python floats


class _Constants(dict[float, Any]):
    """The numbers a program meets, as arrays of one type: NumPy converts a number in 0.25 µs.

    They are operands only: no result looks into one's memory.
    """

    ROOM = 256

    def __init__(self, dtype: np.dtype) -> None:
        super().__init__()
        self.dtype = dtype

    def __missing__(self, number: float) -> np.ndarray:
        array: np.ndarray = fp.quiet(np.array, number, self.dtype)
        if number and number == number:  # 0.0 and -0.0 are one key, and NaN is none
            if len(self) == self.ROOM:
                self.clear()
            self[number] = array
        return array


_OF_F32, _OF_F64 = _Constants(_F32), _Constants(_F64)


def is_view(operand: Any) -> bool:
    """Whether an operand is a tensor that looks into another's memory; it may lie there in any order."""
    return isinstance(operand, Tensor) and operand._base is not None


def short_way(
    kernel: Any, rows: tuple[Any, Any, Any], general: Any, numbers: bool, lefts: bool
) -> Callable[..., Any]:
    """`general`, with the short way in front of it.

    `rows`: what records two tensors, a tensor and a number, a number and a tensor; or None.
    `numbers`, `lefts`: a number may be the second operand, or the first.
    """
    row, number_row, left_row = rows
    known = isinstance(kernel, np.ufunc)  # others may ask whether an operand is a number

    def with_number(input: Any, other: Any) -> Any:
        """A number and a tensor, in this order, if that is what they are."""
        b = other._array if isinstance(other, Tensor) else None
        if b is None or (b.dtype is not _F32 and b.dtype is not _F64):
            return general(input, other)
        if type(input) is not float and (type(input) is not int or not -EXACT <= input <= EXACT):
            return general(input, other)
        a = (_OF_F32 if b.dtype is _F32 else _OF_F64)[input]
        data = fp.quiet(kernel, a, b)
        if other._base is not None or turned:
            data = arranged(data, input, b)
        if (other._requires_grad or other._base is not None) and left_row and state.grad:
            return left_row.record(data, input, other)
        return wrap(data)

    def call(input: Any, other: Any, *, out: Tensor | None = None) -> Any:
        if out is not None:
            return general(input, other, out=out)
        if type(input) is not Tensor and not isinstance(input, Tensor):  # asking its type is faster
            return with_number(input, other) if lefts else general(input, other)
        a: Any = input._array
        b: Any
        dtype = a.dtype
        if dtype is not _F32 and dtype is not _F64:
            return general(input, other)
        small = a.size < LARGE
        if type(other) is Tensor or isinstance(other, Tensor):
            b, recorder = other._array, row
            if dtype is not b.dtype:
                return general(input, other)
            viewed = other._base is not None
            tracked = viewed or other._requires_grad
        elif numbers and (type(other) is float or type(other) is int and -EXACT <= other <= EXACT):
            recorder, tracked, viewed = number_row, False, False
            if small and known:
                b = (_OF_F32 if dtype is _F32 else _OF_F64)[other]
            else:
                b = float(other)
        else:
            return general(input, other)
        try:
            data = hushed(kernel, a, b) if small else fp.quiet(spread, kernel, a, b)
        except (TypeError, ValueError, RuntimeError):  # let the general way say what is wrong
            return general(input, other)
        tracked = tracked or input._requires_grad or input._base is not None
        if tracked or turned:
            if (turned or viewed or input._base is not None) and data.ndim > 1:
                data = arranged(data, a, b)
            if tracked and recorder and state.grad:
                return recorder.record(data, input, other)
        if type(data) is not _ndarray or inferring:
            return wrap(data)
        result: Tensor = _new(Tensor)  # `wrap`, written out
        result._array = data
        result._requires_grad = False
        result._node = None
        result._nr = 0
        result._cell = None
        result._base = None
        return result

    return call

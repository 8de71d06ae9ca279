"""Comparing whole tensors, and asking what a tensor is.

The elementwise comparisons (`eq`, `lt`, ...) are rows of the table in `pointwise.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import COMPLEX, FLOATING
from ..quiet import fp
from ..storage import TypedStorage, UntypedStorage
from ..tensor import Tensor, wrap
from .common import array_as, is_number
from .registry import op
from .table import broadcast_error


@op
def isclose(
    input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """Elementwise |input − other| ≤ atol + rtol · |other|; infinities only equal themselves.

    Raises RuntimeError for operands of different types, or negative tolerances.
    """
    if input._array.dtype != other._array.dtype:
        raise RuntimeError(
            f"{input.dtype.title} did not match {other.dtype.title}"
        )
    if rtol < 0 or atol < 0:
        name, value = ("rtol", rtol) if rtol < 0 else ("atol", atol)
        raise RuntimeError(f"{name} must be greater than or equal to zero, but got {value:g}")
    try:
        return wrap(fp.quiet(_close, input._array, other._array, rtol, atol, equal_nan))
    except ValueError:
        raise broadcast_error(input._array, other._array) from None


def _close(a: np.ndarray, b: np.ndarray, rtol: float, atol: float, equal_nan: bool) -> Any:
    same = np.equal(a, b)
    if equal_nan and a.dtype.kind in "fc":
        same = same | (np.isnan(a) & np.isnan(b))
    if rtol == 0 and atol == 0:
        return same
    if a.dtype.kind in "fc":
        kind = a.dtype.type
        allowed = atol + np.abs(kind(rtol) * b) if a.dtype.kind == "f" else atol + rtol * np.abs(b)
        distance = np.abs(a - b)
    else:
        wide = np.int64 if a.dtype.kind != "b" else np.int8
        allowed = atol + rtol * np.abs(b.astype(np.float64))
        distance = np.abs(a.astype(wide) - b.astype(wide)).astype(np.float64)
    return same | (np.isfinite(distance) & (distance <= allowed))


@op
def allclose(
    input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> bool:
    """Whether `isclose` holds everywhere."""
    return bool(isclose(input, other, rtol, atol, equal_nan)._array.all())


@op
def equal(input: Tensor, other: Tensor) -> bool:
    """Whether both have the same shape and the same elements (nan differs from itself).

    Raises RuntimeError for different types.
    """
    if not isinstance(other, Tensor):
        raise TypeError(
            f"equal(): argument 'other' (position 2) must be Tensor, not {type(other).__name__}"
        )
    if input._array.dtype != other._array.dtype and input._array.shape == other._array.shape:
        raise RuntimeError(
            "Expected all tensors to have the same dtype, but found "
            f"{input.dtype!r} and {other.dtype!r}"
        )
    same_shape = input._array.shape == other._array.shape
    return same_shape and bool(np.equal(input._array, other._array).all())


@op(method=False, out="own")
def isin(
    elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False
) -> Tensor:
    """For each of `elements`, whether it is among `test_elements`."""
    if is_number(elements) and is_number(test_elements):
        raise TypeError("isin(): at least one argument must be a Tensor")
    a, b = array_as(elements)._array, array_as(test_elements)._array
    return wrap(np.isin(a, b, assume_unique=assume_unique, invert=invert))


# ---- what a tensor is ----------------------------------------------------------------------------------


@op(method=False)
def is_tensor(obj: Any) -> bool:
    """Whether `obj` is a Tensor."""
    return isinstance(obj, Tensor)


@op(method=False)
def is_storage(obj: Any) -> bool:
    """Whether `obj` is a storage."""
    return isinstance(obj, (TypedStorage, UntypedStorage))


@op(method=False)
def is_floating_point(input: Tensor) -> bool:
    """Whether the type is a floating one."""
    return input.dtype.category == FLOATING


@op(method=False)
def is_complex(input: Tensor) -> bool:
    """Whether the type is complex."""
    return input.dtype.category == COMPLEX


@op(method=False)
def is_conj(input: Tensor) -> bool:
    """False: this engine has no lazy conjugation."""
    return False


@op
def is_nonzero(input: Tensor) -> bool:
    """Whether the one element is not zero.  Raises RuntimeError if there is not exactly one."""
    if input.numel() != 1:
        what = "no values" if input.numel() == 0 else "more than one value"
        raise RuntimeError(f"Boolean value of Tensor with {what} is ambiguous")
    return bool(input._array)


@op(method=False)
def numel(input: Tensor) -> int:
    """The number of elements."""
    return input.numel()


@op(function=False)
def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether both have the same shape."""
    return input._array.shape == other._array.shape


@op(function=False)
def is_set_to(input: Tensor, tensor: Tensor) -> bool:
    """Whether both are the same memory seen the same way."""
    return (
        input.data_ptr() == tensor.data_ptr()
        and input.shape == tensor.shape
        and input.stride() == tensor.stride()
    )



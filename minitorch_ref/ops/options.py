"""What every function that makes tensors shares: sizes, keywords, `out=`, and memory layouts.

The keywords are collected as `**options` and settled in one place, so that a call without any, the
usual one, pays for none of them.
"""

from __future__ import annotations

import builtins
import contextlib
import math
from collections.abc import Sequence
from typing import Any, TypedDict

import numpy as np

from .. import dtypes
from ..autograd.graph import requires_grad
from ..autograd.inplace import bump
from ..autograd.modes import state
from ..device import check_device
from ..dtypes import COMPLEX, FLOATING, dtype
from ..kernels import layout as kernels
from ..layout import format_dims, layout, preserve_format
from ..quiet import fp
from ..tensor import Tensor, wrap
from .common import convert_number


class Options(TypedDict, total=False):
    """The keywords of all factories: what kind of tensor to make."""

    dtype: dtype | None
    layout: layout | None
    device: Any
    pin_memory: bool | None
    requires_grad: bool


_PYTHON_TYPES: dict[Any, dtype] = {
    builtins.bool: dtypes.bool_,
    builtins.int: dtypes.int64,
    builtins.float: dtypes.float64,
    builtins.complex: dtypes.complex128,
}
_KEYWORDS = Options.__optional_keys__


def settle(name: str, options: Any, default: dtype) -> tuple[dtype, bool]:
    """The dtype and `requires_grad` that `options` ask for.

    Raises TypeError for a keyword torch lacks or a value of the wrong type; RuntimeError or
    AssertionError for what this engine cannot do: other devices, pinned memory.
    """
    if not options:
        return default, False
    for keyword in options:
        if keyword not in _KEYWORDS:
            raise TypeError(f"{name}() got an unexpected keyword argument '{keyword}'")
    check_device(options.get("device"))
    order = options.get("layout")
    if order is not None and not isinstance(order, layout):
        raise wrong_type(name, "layout", "torch.layout", order)
    if options.get("pin_memory"):
        raise RuntimeError(
            "pin_memory=True requires a CUDA or other accelerator backend; no pinned memory "
            "allocator is available on this system."
        )
    wanted = check_dtype(name, options.get("dtype"))
    grad = options.get("requires_grad", False)
    if not isinstance(grad, bool):
        raise wrong_type(name, "requires_grad", "bool", grad)
    return default if wanted is None else wanted, grad


def check_dtype(name: str, wanted: Any) -> dtype | None:
    """`wanted` if it is a dtype, or None, or the dtype a Python type stands for."""
    if wanted is None or isinstance(wanted, dtype):
        return wanted
    if wanted in _PYTHON_TYPES:
        return _PYTHON_TYPES[wanted]
    raise wrong_type(name, "dtype", "torch.dtype", wanted)


def wrong_type(name: str, argument: str, wanted: str, got: Any, position: int = 0) -> TypeError:
    """torch's complaint about an argument's type."""
    place = f" (position {position})" if position else ""
    return TypeError(
        f"{name}(): argument '{argument}'{place} must be {wanted}, not {type(got).__name__}"
    )


# ---- sizes ---------------------------------------------------------------------------------------


def size_of(name: str, size: tuple[Any, ...], options: Any) -> tuple[int, ...]:
    """The shape meant by `f(2, 3)`, `f((2, 3))` or `f(size=(2, 3))`.

    Takes `size` out of `options`.
    """
    if not size:
        if "size" not in options:
            raise TypeError(f'{name}() missing 1 required positional arguments: "size"')
        size = (options.pop("size"),)
        if not isinstance(size[0], (tuple, list)):
            raise wrong_type(name, "size", "tuple of ints", size[0])
    if len(size) == 1 and isinstance(size[0], (tuple, list)):
        return to_shape(name, size[0])
    if not _is_index(size[0]):
        raise wrong_type(name, "size", "tuple of ints", size[0], 1)
    return to_shape(name, size)


def to_shape(name: str, size: Any, position: int = 1) -> tuple[int, ...]:
    """A sequence of ints as a shape.  Raises TypeError if it is none, RuntimeError if negative."""
    if not isinstance(size, (tuple, list)):
        raise wrong_type(name, "size", "tuple of ints", size, position)
    for place, n in enumerate(size, start=1):
        if type(n) is not int and not _is_index(n):
            raise TypeError(
                f"{name}(): argument 'size' failed to unpack the object at pos {place} with error "
                f'"type must be tuple of ints,but got {type(n).__name__}"'
            )
    shape = tuple([n.__index__() for n in size])
    if shape and min(shape) < 0:
        if name == "zeros":
            raise RuntimeError("zeros: Dimension size must be non-negative.")
        bad = next(n for n in shape if n < 0)
        raise RuntimeError(f"Trying to create tensor with negative dimension {bad}: {list(shape)}")
    return shape


def _is_index(n: Any) -> bool:
    if isinstance(n, Tensor):
        return n.ndim == 0 and n._array.dtype.kind in "iu"
    return hasattr(n, "__index__") and not isinstance(n, (bool, np.bool_, np.ndarray))


_C_NAMES = {
    "int32": "int", "float16": "c10::Half", "float32": "float", "float64": "double",
    "complex64": "c10::complex<float>", "complex128": "c10::complex<double>",
}  # fmt: skip


def to_element(value: Any, kind: dtype) -> np.ndarray:
    """A number as a 0-d array.  Raises RuntimeError if it lies outside of what `kind` can hold."""
    element = None
    if kind.category != COMPLEX and isinstance(value, complex):
        value = value if value.imag else value.real
    if kind.category == COMPLEX or not isinstance(value, complex):
        with contextlib.suppress(OverflowError, ValueError):  # inf or nan as an integer
            element = fp.quiet(convert_number, value, kind)
    if element is None or (np.isinf(element) and not np.isinf(value)):
        name = _C_NAMES.get(kind.name, f"{kind.name}_t")
        raise RuntimeError(f"value cannot be converted to type {name} without overflow")
    return element


def to_int(name: str, argument: str, value: Any, position: int) -> int:
    """An int argument: Python's or NumPy's int, or a 0-d integer tensor, of at most 64 bits."""
    if not _is_index(value):
        raise wrong_type(name, argument, "int", value, position)
    number = int(value.__index__())
    if not -(1 << 63) <= number < 1 << 63:
        raise ValueError("Overflow when unpacking long long")
    return number


# ---- memory --------------------------------------------------------------------------------------


def allocate(shape: Sequence[int], kind: dtype, zero: bool = False) -> np.ndarray:
    """A new array, of zeros or with whatever is there.  Raises RuntimeError if it cannot be had."""
    try:
        return np.zeros(shape, kind.np) if zero else np.empty(shape, kind.np)
    except (MemoryError, ValueError):
        total = kind.itemsize
        for n in shape:
            total *= n
        raise RuntimeError(
            f"DefaultCPUAllocator: can't allocate memory: you tried to allocate {total} bytes."
        ) from None


def memory_order(array: np.ndarray) -> tuple[int, ...]:
    """The dims of `array` from slowest to fastest in memory, as torch orders them.

    torch walks a tensor in this order, whatever its dims are called: a transposed matrix is filled
    along its memory.  A dim that was expanded (stride 0) keeps its place among the others.
    """
    if array.flags.c_contiguous:
        return tuple(range(array.ndim))
    return tuple(kernels.memory_order(array.shape, [array.strides]))


def allocate_like(
    array: np.ndarray, kind: dtype, order: Any = None, zero: bool = False
) -> np.ndarray:
    """A new array of `array`'s shape: dense, with its dims in `array`'s order or in `order`'s."""
    if order is None or order is preserve_format:
        if kernels.is_row_major(array):
            return allocate(array.shape, kind, zero)
        return allocate_as(array.shape, kind, kernels.preserved(array, kind.itemsize), zero)
    return allocate_in_order(array.shape, kind, format_dims(order, array.ndim), zero)


def allocate_in_order(
    shape: Sequence[int], kind: dtype, dims: Sequence[int], zero: bool = False
) -> np.ndarray:
    """A new array whose dims lie in memory in the order `dims`, slowest first."""
    return allocate_as(shape, kind, kernels.in_order(shape, dims, kind.itemsize), zero)


def allocate_as(
    shape: Sequence[int], kind: dtype, strides: Sequence[int], zero: bool = False
) -> np.ndarray:
    """A new array of those strides (in bytes; dense)."""
    if 0 in shape:
        return kernels.blank(shape, kind.np, strides)
    kernels.turned[:] = [True]
    memory = allocate((math.prod(shape),), kind, zero)
    return np.ndarray(shape, kind.np, memory, 0, strides)


# ---- results -------------------------------------------------------------------------------------


def deliver(array: np.ndarray, grad: bool) -> Tensor:
    """`array` as a new leaf.  Raises RuntimeError if it cannot require the gradient asked for."""
    tensor = wrap(array)
    if grad:
        if tensor.dtype.category < FLOATING:
            raise RuntimeError(
                "Only Tensors of floating point and complex dtype can require gradients"
            )
        tensor._requires_grad = True
    return tensor


def prepare_out(name: str, out: Any, shape: Sequence[int], options: Any) -> Tensor:
    """`out`, checked against `options` and given `shape` (silently: factories always resize)."""
    if not isinstance(out, Tensor):
        raise wrong_type(name, "out", "Tensor", out)
    wanted, _ = settle(name, options, out.dtype)
    if wanted is not out.dtype:
        raise RuntimeError(
            f"dtype {wanted.title} does not match dtype of out parameter ({out.dtype.title})"
        )
    if state.grad and requires_grad(out):
        raise RuntimeError(
            f"aten::{name}(): functions with out=... arguments don't support automatic "
            "differentiation, but one of the arguments requires grad."
        )
    if out._array.shape != tuple(shape):
        out.resize_(tuple(shape))
    return out


def place(name: str, array: np.ndarray, out: Any, options: Any) -> Tensor:
    """Write a factory's result into `out`."""
    target = prepare_out(name, out, array.shape, options)
    np.copyto(target._array, array, casting="unsafe")
    bump(target)
    return target.requires_grad_() if options.get("requires_grad") else target

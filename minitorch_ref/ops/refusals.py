"""What the pointwise ops refuse, in torch's words: arguments, types, shapes.

torch asks in this order, and so do the tables: is every argument a tensor or number that the op
takes, does the op itself object (complex numbers, booleans), do the shapes fit, can the result be
cast to where it is written, and last, is there a kernel for the type.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from ..dtypes import BOOL, BY_CHAR
from ..tensor import Tensor


def bad_argument(name: str, argument: str, position: int, value: Any) -> TypeError:
    return TypeError(
        f"{name}(): argument '{argument}' (position {position}) must be Tensor, "
        f"not {type(value).__name__}"
    )


def not_implemented(name: str, operand: Tensor) -> NotImplementedError:
    """torch's error for a type that an op has no kernel for."""
    return no_kernel(name, operand._array.dtype)


def no_kernel(name: str, kind: np.dtype) -> NotImplementedError:
    return NotImplementedError(f"\"{name}\" not implemented for '{BY_CHAR[kind.char].title}'")


def without_loop(error: TypeError, name: str, kind: np.dtype) -> Exception:
    """torch's error if `error` is a ufunc's that has no loop for the type; any other is itself."""
    return no_kernel(name, kind) if _NO_LOOP.match(str(error)) else error


# NumPy says so in two ways, and only one has an exception type of its own, a private one.
_NO_LOOP = re.compile(r"ufunc '\w+' (did not contain a loop|not supported for the input types)")


def no_derivative(name: str) -> Callable[..., Any]:
    """The gradient rule of an op that torch does not differentiate."""

    def rule(g: Tensor) -> Tensor:
        raise NotImplementedError(f"the derivative for '{name}' is not implemented.")

    return rule


def never_derived(name: str, space: str = "aten::") -> Callable[..., Any]:
    """The gradient rule of an op that torch's derivatives do not list."""

    def rule(g: Tensor) -> Tensor:
        raise RuntimeError(f"derivative for {space}{name} is not implemented")

    return rule


def cannot_cast(result: Any, target: Tensor) -> RuntimeError:
    return RuntimeError(
        f"result type {result.title} can't be cast to the desired output type {target.dtype.title}"
    )


def broadcast_error(a: Any, b: Any) -> RuntimeError:
    """torch's error for shapes that do not broadcast, naming the first dim from the right."""
    left, right = np.shape(a), np.shape(b)
    for i, (m, n) in enumerate(zip(reversed(left), reversed(right)), start=1):
        if m != n and 1 not in (m, n):
            return RuntimeError(
                f"The size of tensor a ({m}) must match the size of tensor b ({n}) at non-singleton "
                f"dimension {max(len(left), len(right)) - i}"
            )
    return RuntimeError(f"operands of shapes {left} and {right} do not fit together")


def misfit(error: ValueError, a: Any, b: Any) -> Exception:
    """torch's error if the two shapes do not fit together; any other is itself."""
    try:
        np.broadcast_shapes(np.shape(a), np.shape(b))
    except ValueError:
        return broadcast_error(a, b)
    return error


def broadcast_shape(*arrays: np.ndarray) -> tuple[int, ...]:
    """The shape of the arrays broadcast together.  Raises torch's RuntimeError if there is none."""
    shape = arrays[0].shape
    for array in arrays[1:]:
        if array.shape != shape:
            try:
                shape = np.broadcast_shapes(shape, array.shape)
            except ValueError:
                raise broadcast_error(np.broadcast_to(0, shape), array) from None
    return shape


# ---- checks for the tables' rows -----------------------------------------------------------------


def no_complex(message: str, error: type[Exception] = RuntimeError) -> Callable[..., None]:
    """Refuse complex operands in torch's words."""

    def check(*operands: Any) -> None:
        if any(isinstance(x, Tensor) and x._array.dtype.kind == "c" for x in operands):
            raise error(message)

    return check


def no_bool(message: str) -> Callable[..., None]:
    """Refuse a boolean operand in torch's words."""

    def check(input: Tensor) -> None:
        if input._array.dtype.kind == "b":
            raise RuntimeError(message)

    return check


def no_bool_sub(input: Any, other: Any) -> None:
    """Booleans are not subtracted."""
    flags = [
        x.dtype.category == BOOL if isinstance(x, Tensor) else x is True or x is False
        for x in (input, other)
    ]
    if all(flags):
        raise RuntimeError(
            "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or "
            "`logical_xor()` operator instead."
        )
    if any(flags):
        raise RuntimeError(
            "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying "
            "to invert a mask, use the `~` or `logical_not()` operator instead."
        )

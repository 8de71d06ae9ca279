"""How a row of the pointwise tables becomes an op.

A row is a NumPy function and one gradient rule per argument.  From it come the function, the method,
the in-place form and `out=`.  Types are decided before the kernel runs:

    "same"    the operands' common type              add, maximum, floor
    "float"   that type, fractions if it is whole    sin, true division
    "bool"    computed in the common type, result bool: comparisons and predicates
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..autograd.graph import Row, requires_grad
from ..autograd.inplace import bump, check_writable, in_place
from ..autograd.modes import state
from ..dtypes import float16, result_type, to_floating
from ..quiet import fp
from ..tensor import Tensor, wrap
from .common import as_operand, cast_array, is_number
from .registry import op, write_out

Kernel = Callable[..., Any]
Rule = Callable[..., Any] | None
Check = Callable[..., None] | None


def unary(
    name: str,
    kernel: Kernel,
    rule: Rule = None,
    kind: str = "same",
    *,
    node: str | None = None,
    check: Check = None,
    publish: bool = True,
    **forms: Any,
) -> Any:
    """Define `name(input)`: `kernel(array)` with gradient `rule(g, input?, out?)`.

    `check(input)` may refuse an operand; it is asked for types other than floating ones only.
    """
    row = Row(node or node_name(name), ("input",), (rule,))

    def call(input: Tensor, *, out: Tensor | None = None) -> Tensor:
        if out is not None:
            return write_out(out, call(input), name)
        try:
            array = input._array
        except AttributeError:
            raise bad_argument(name, "input", 1, input) from None
        if array.dtype.kind != "f":
            if check is not None:
                check(input)
            if kind == "float" and array.dtype.kind != "c":
                array = cast_array(array, to_floating(input.dtype))
        try:
            data = fp.quiet(kernel, array)
        except TypeError:
            raise not_implemented(name, input) from None
        if rule is None or not state.grad or not requires_grad(input):
            return wrap(data)
        return row.record(data, (input,))

    def written(self: Tensor) -> Tensor:
        array = self._array
        if array.dtype.kind != "f" or kind == "bool" or (state.grad and requires_grad(self)):
            return general(self)
        check_writable(self)
        array[...] = fp.quiet(kernel, array)
        bump(self)
        return self

    general = in_place(call, f"{name}_")
    return _publish(name, call, written, forms) if publish else _with_forms(name, call, written)


def binary(
    name: str,
    kernel: Kernel,
    input_rule: Rule = None,
    other_rule: Rule = None,
    kind: str = "same",
    *,
    node: str | None = None,
    check: Check = None,
    numbers: bool = True,
    publish: bool = True,
    **forms: Any,
) -> Any:
    """Define `name(input, other)`, operands broadcast; either may be a number if `numbers`.

    `check(input, other)` may refuse operands; it is asked unless both are of one floating type.
    """
    row = Row(node or node_name(name), ("input", "other"), (input_rule, other_rule))
    to_float = kind == "float"

    def call(input: Any, other: Any, *, out: Tensor | None = None) -> Tensor:
        if out is not None:
            return write_out(out, call(input, other), name)
        if not numbers:
            only_tensors(name, input, other)
        a, b = operands(name, input, other, to_float, check)
        try:
            data = fp.quiet(kernel, a, b)
        except ValueError:
            raise broadcast_error(a, b) from None
        except TypeError:
            raise not_implemented(name, wrap(np.asarray(a))) from None
        if (type(b) is np.float32 or type(a) is np.float32) and data.dtype == np.float32:
            data = data.astype(np.float16)
        if input_rule is None or not state.grad:
            return wrap(data)
        return row.record(data, (input, other))

    def written(self: Tensor, other: Any) -> Tensor:
        a = self._array
        if isinstance(other, Tensor):
            b = other._array
            direct = b.dtype == a.dtype and not (state.grad and _any_grad(self, other))
        else:
            b = other
            direct = type(other) is float and not (state.grad and requires_grad(self))
        if not direct or kind == "bool" or a.dtype.char not in "fdFD":
            return general(self, other)
        check_writable(self)
        try:
            fp.quiet(kernel, a, b, out=a)
        except ValueError:  # shapes: let the general path say what is wrong
            return general(self, other)
        bump(self)
        return self

    general = in_place(call, f"{name}_")
    return _publish(name, call, written, forms) if publish else _with_forms(name, call, written)


def _any_grad(a: Tensor, b: Tensor) -> bool:
    return requires_grad(a) or requires_grad(b)


def _with_forms(name: str, call: Any, written: Any) -> Any:
    """Name the function and its in-place form."""
    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"Elementwise {name.replace('_', ' ')}."
    written.__name__ = written.__qualname__ = f"{name}_"
    written.__doc__ = f"In-place form of `{name}`."
    call.in_place = written
    return call


def _publish(name: str, call: Any, written: Any, forms: dict[str, Any]) -> Any:
    return op(_with_forms(name, call, written), own_out=True, **{"inplace": True, **forms})


def operands(
    name: str, input: Any, other: Any, to_float: bool = False, check: Check = None
) -> tuple[Any, Any]:
    """The two operands as arrays of one type; a Python float stays one where NumPy agrees."""
    if isinstance(input, Tensor):
        a = input._array
        if isinstance(other, Tensor):
            b = other._array
            if a.dtype is b.dtype and (a.dtype.kind == "f" or not (to_float or check)):
                return a, b
        elif type(other) is float and a.dtype.char in "fd":
            return a, other
    elif not is_number(input):
        raise bad_argument(name, "input", 1, input)
    if not isinstance(other, Tensor) and not is_number(other):
        raise bad_argument(name, "other", 2, other)
    if check is not None:
        check(input, other)
    common = result_type(input, other)
    if to_float:
        common = to_floating(common)
    if common is float16:  # torch computes half with a number in float32, and rounds once
        if _is_scalar(other) and not _is_scalar(input):
            return cast_array(input._array, float16), _single(other)
        if _is_scalar(input) and not _is_scalar(other):
            return _single(input), cast_array(other._array, float16)
    return as_operand(input, common), as_operand(other, common)


def _is_scalar(x: Any) -> bool:
    return not isinstance(x, Tensor) or x._array.ndim == 0


def _single(x: Any) -> np.float32:
    return np.float32(x._array if isinstance(x, Tensor) else x)


def only_tensors(name: str, input: Any, other: Any) -> None:
    """Refuse numbers where torch has no overload for them."""
    if not isinstance(input, Tensor):
        raise bad_argument(name, "input", 1, input)
    if not isinstance(other, Tensor):
        raise bad_argument(name, "other", 2, other)


def bad_argument(name: str, argument: str, position: int, value: Any) -> TypeError:
    return TypeError(
        f"{name}(): argument '{argument}' (position {position}) must be Tensor, "
        f"not {type(value).__name__}"
    )


def not_implemented(name: str, operand: Tensor) -> NotImplementedError:
    """torch's error for a type that an op has no kernel for."""
    return NotImplementedError(f"\"{name}\" not implemented for '{operand.dtype.title}'")


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


def node_name(name: str) -> str:
    """torch's name for an op's node: `log_softmax` is recorded as LogSoftmaxBackward0."""
    return "".join(part.capitalize() for part in name.split("_")) + "Backward0"

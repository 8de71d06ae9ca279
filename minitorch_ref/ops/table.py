"""How a row of the pointwise tables becomes an op.

A row is a NumPy function and one gradient rule per argument.  From it come the function, the method,
the in-place form and `out=`.  Types are decided before the kernel runs:

    "same"    the operands' common type              add, maximum, floor
    "float"   that type, fractions if it is whole    sin, true division
    "bool"    computed in the common type, result bool: comparisons and predicates

What torch refuses stands in the row too: `kinds`, the NumPy kinds of types that torch has a kernel
for; `quoted`, that kernel's name in the error; `numbers`, which operands may be Python numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..autograd.graph import requires_grad
from ..autograd.inplace import bump, check_writable, in_place
from ..autograd.modes import state
from ..autograd.rows import Row
from ..dtypes import bool_, can_cast, float16, result_type, to_floating
from ..kernels.blocks import LARGE, spread
from ..kernels.layout import arranged, turned
from ..quiet import fp, hushed
from ..tensor import Tensor, wrap
from .common import as_operand, cast_array, is_number, unexpanded
from .refusals import (
    bad_argument,
    broadcast_error,
    broadcast_shape,
    cannot_cast,
    misfit,
    no_kernel,
    not_implemented,
    without_loop,
)
from .registry import check_overlap, check_same, op, write_out
from .short_way import EXACT, is_view, short_way
from .table_writing import GENERAL, unary_in_place

__all__ = [
    "bad_argument", "binary", "broadcast_error", "node_name", "not_implemented",
    "only_tensors", "operands", "unary",
]  # fmt: skip

Kernel = Callable[..., Any]
Rule = Callable[..., Any] | None
Check = Callable[..., None] | None

EVERY = "buifc"  # the kinds of NumPy types there are: bool, unsigned, signed, floating, complex
_F32, _F64 = np.dtype(np.float32), np.dtype(np.float64)
_OUT = {"same": "same", "float": "cast", "bool": "cast"}


def unary(
    name: str,
    kernel: Kernel,
    rule: Rule = None,
    kind: str = "same",
    *,
    node: str | None = None,
    check: Check = None,
    kinds: str = EVERY,
    quoted: str = "",
    out_rule: str = "",
    writing: tuple[str, Any] | None = None,
    check_writing: Check = None,
    publish: bool = True,
    **forms: Any,
) -> Any:
    """Define `name(input)`: `kernel(array)` with gradient `rule(g, input?, out?)`.

    `check(input)` may refuse an operand; it is asked for types other than floating ones only.
    `writing`: the node and rule of the in-place form, where torch has others for it.
    `check_writing(self)` may refuse the in-place form.
    """
    row = Row(node or node_name(name), ("input",), (rule,))
    quoted, out_rule = quoted or f"{name}_cpu", out_rule or _OUT[kind]
    special, floats = check is not None or kinds != EVERY or kind == "float", "f" in kinds
    composed = not isinstance(kernel, np.ufunc)

    def call(input: Tensor, *, out: Tensor | None = None) -> Tensor:
        if out is not None:
            return _written_to(out, input)
        try:
            array = input._array
        except AttributeError:
            raise bad_argument(name, "input", 1, input) from None
        dtype = array.dtype
        if (dtype is not _F32 and dtype is not _F64 or not floats) and special:
            array = _accepted(input, array)
        if composed and not array.flags.c_contiguous:
            array = unexpanded(array)
        try:
            data = hushed(kernel, array) if array.size < LARGE else fp.quiet(spread, kernel, array)
        except RuntimeError:
            data = fp.quiet(kernel, array)
        except TypeError as error:
            raise without_loop(error, quoted, array.dtype) from None
        tracked = input._requires_grad or input._base is not None
        if tracked or turned:
            if (turned or input._base is not None) and data.ndim > 1:
                data = arranged(data, input._array)
            if tracked and rule is not None and state.grad:
                return row.record(data, input)
        return wrap(data)

    def _written_to(out: Tensor, input: Tensor) -> Tensor:
        rule = out_rule
        if rule != "copied":
            check_overlap(out, (input,))
        if rule == "same" and isinstance(input, Tensor):
            if input._array.dtype.kind == "c" and check_writing is not None:
                rule = "cast"  # abs: the result is not complex
            else:
                if check is not None:
                    check(input)
                check_same(out, input)
        return write_out(out, call(input), name, rule)

    def _accepted(input: Tensor, array: np.ndarray) -> np.ndarray:
        if check is not None:
            check(input)
        if array.dtype.kind not in kinds:
            raise no_kernel(quoted, array.dtype)
        if kind == "float" and array.dtype.kind != "c":
            return cast_array(array, to_floating(input.dtype))
        return array

    general = unary_in_place(call, writing, kind)

    def written(self: Tensor) -> Tensor:
        array = self._array
        if check_writing is not None:
            check_writing(self)
        if array.dtype.kind != "f" or kind == "bool" or (state.grad and requires_grad(self)):
            return general(self)
        check_writable(self)
        if "f" not in kinds:
            raise no_kernel(quoted, array.dtype)
        array[...] = fp.quiet(kernel, array)
        bump(self)
        return self

    return _publish(name, call, written, forms) if publish else _with_forms(name, call, written)


class Operands(NamedTuple):
    """What a binary row says about its operands.

    easy: the kinds for which two tensors of one type need no further look; floats: the types
    that a Python number may meet unconverted.
    wide: torch computes half with a number (or 0-d tensor) as second operand in float32.
    """

    name: str
    easy: str
    floats: str
    kinds: str
    quoted: str
    to_float: bool
    check: Check
    numbers: str
    wide: bool


def binary(
    name: str,
    kernel: Kernel,
    input_rule: Rule = None,
    other_rule: Rule = None,
    kind: str = "same",
    *,
    node: str | None = None,
    number_node: str | None = None,
    left_node: tuple[str, Any] | None = None,
    check: Check = None,
    kinds: str = EVERY,
    quoted: str = "",
    numbers: str = "both",
    wide: bool = False,
    traced: bool = False,
    publish: bool = True,
    **forms: Any,
) -> Any:
    """Define `name(input, other)`, operands broadcast.

    `numbers`: "both" operands may be Python numbers, only the "other", or "none".
    `check(input, other)` may refuse operands; it is asked unless both are of one floating type.
    `number_node`: the node's name when `other` is a number, where torch has another for it;
    `left_node`: node and rule for `other` when `input` is a number, likewise.
    `traced`: torch lets operands of the `out=` form require grad.
    """
    easy = "".join(
        k for k in kinds if (k in "fc" or kind != "float") and (k == "f" or check is None)
    )
    floats = "fd" if "f" in kinds and numbers != "none" else ""
    spec = Operands(
        name, easy, floats, kinds, quoted or f"{name}_cpu", kind == "float", check, numbers, wide
    )
    rules = (input_rule, other_rule)
    row = Row(node or node_name(name), ("input", "other"), rules)
    number_row = Row(number_node, ("input", "other"), rules) if number_node else row
    left_row = Row(left_node[0], ("input", "other"), (None, left_node[1])) if left_node else row
    one_row = number_row is row and left_row is row
    out_rule = "traced" if traced else "cast"

    def general(input: Any, other: Any, *, out: Tensor | None = None) -> Tensor:
        if out is not None:
            check_overlap(out, (input, other))
            return write_out(out, call(input, other), name, out_rule)
        a, b = operands(spec, input, other)
        try:
            data = fp.quiet(kernel, a, b)
        except ValueError as error:
            raise misfit(error, a, b) from None
        except TypeError as error:
            raise without_loop(error, spec.quoted, np.result_type(a, b)) from None
        if wide and type(b) is np.float32 and data.dtype == np.float32:
            data = data.astype(np.float16)
        if turned or is_view(input) or is_view(other):
            data = arranged(data, getattr(input, "_array", input), getattr(other, "_array", other))
        if rules == (None, None) or not state.grad:
            return wrap(data)
        if one_row:
            return row.record(data, input, other)
        recorder = row if isinstance(input, Tensor) else left_row
        recorder = recorder if isinstance(other, Tensor) else number_row
        return recorder.record(data, input, other)

    def short(general: Callable[..., Any]) -> Callable[..., Any]:
        """`general` with the short way in front, if the op takes floating operands as they are."""
        if "f" not in easy:
            return general
        rows = (row, number_row, left_row) if rules != (None, None) else (None, None, None)
        numbered = floats != ""
        lefts = numbered and numbers == "both" and isinstance(kernel, np.ufunc)
        return short_way(kernel, rows, general, numbered, lefts)

    call = short(general)
    call.short = short  # type: ignore[attr-defined]
    written = _binary_in_place(spec, call, kernel, "never" if traced else kind)
    return _publish(name, call, written, forms) if publish else _with_forms(name, call, written)


def _binary_in_place(spec: Operands, call: Any, kernel: Kernel, kind: str) -> Any:
    """`name_(self, other)`: straight into the array where nothing is recorded or converted."""
    name = spec.name
    direct = isinstance(kernel, np.ufunc) and kind != "bool"
    chars = "".join(c for k, c in zip("ffcc", "fdFD") if k in spec.easy) if direct else ""
    general = GENERAL.get(kind, in_place)(call, f"{name}_")

    def slow(self: Tensor, other: Any) -> Tensor:
        if not isinstance(other, Tensor) or self._array.dtype != other._array.dtype or (
            self._array.shape != other._array.shape or kind == "float"
        ):
            check_writing(spec, self, other, kind)
        if isinstance(other, Tensor):
            check_overlap(self, (other,))
        return general(self, other)

    def written(self: Tensor, other: Any) -> Tensor:
        a = self._array
        if isinstance(other, Tensor):
            b = other._array
            plain = b.dtype == a.dtype and not (state.grad and _any_grad(self, other))
            plain = plain and (b.base is None and a.base is None or a is b)
        else:
            b = other
            plain = type(other) is float and not (state.grad and requires_grad(self))
            plain = plain and spec.floats != ""
        if not plain or a.dtype.char not in chars:
            return slow(self, other)
        check_writable(self)
        try:
            fp.quiet(kernel, a, b, out=a)
        except ValueError:  # shapes: let the general path say what is wrong
            return slow(self, other)
        bump(self)
        return self

    return written


def check_writing(spec: Operands, self: Tensor, other: Any, kind: str) -> None:
    """Raise torch's error if the result of `self ∘ other` cannot be written into `self`."""
    check_operands(spec, self, other)
    if isinstance(other, Tensor):
        shape = broadcast_shape(self._array, other._array)
        if shape != self._array.shape:
            raise RuntimeError(
                f"output with shape {list(self.shape)} doesn't match the broadcast shape "
                f"{list(shape)}"
            )
    common = result_type(self, other)
    result = bool_ if kind == "bool" else to_floating(common) if spec.to_float else common
    if not can_cast(result, self.dtype):
        raise cannot_cast(result, self)


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


def operands(spec: Operands, input: Any, other: Any) -> tuple[Any, Any]:
    """The two operands as arrays of one type; a Python number stays one where NumPy agrees."""
    if isinstance(input, Tensor):
        a = input._array
        if isinstance(other, Tensor):
            b = other._array
            if a.dtype is b.dtype and a.dtype.kind in spec.easy:
                return a, b
        elif a.dtype.char in spec.floats:
            if type(other) is float:
                return a, other
            if type(other) is int and -EXACT <= other <= EXACT:
                return a, float(other)
    check_operands(spec, input, other)
    common = result_type(input, other)
    if spec.to_float:
        common = to_floating(common)
    if common.np.kind not in spec.kinds:
        broadcast_shape(*(x._array if isinstance(x, Tensor) else np.empty(()) for x in (input, other)))
        raise no_kernel(spec.quoted, common.np)
    if common is float16 and spec.wide and _is_scalar(other) and isinstance(input, Tensor):
        return cast_array(input._array, float16), _single(other)
    return as_operand(input, common), as_operand(other, common)


def check_operands(spec: Operands, input: Any, other: Any) -> None:
    """Raise torch's error for operands that the op does not take."""
    if not isinstance(input, Tensor) and not (spec.numbers == "both" and is_number(input)):
        raise bad_argument(spec.name, "input", 1, input)
    if not isinstance(other, Tensor) and (spec.numbers == "none" or not is_number(other)):
        raise bad_argument(spec.name, "other", 2, other)
    if spec.check is not None:
        spec.check(input, other)


def only_tensors(name: str, input: Any, other: Any) -> None:
    """Refuse numbers where torch has no overload for them."""
    if not isinstance(input, Tensor):
        raise bad_argument(name, "input", 1, input)
    if not isinstance(other, Tensor):
        raise bad_argument(name, "other", 2, other)


def _is_scalar(x: Any) -> bool:
    return not isinstance(x, Tensor) or x._array.ndim == 0


def _single(x: Any) -> np.float32:
    return np.float32(x._array if isinstance(x, Tensor) else x)


def node_name(name: str) -> str:
    """torch's name for an op's node: `log_softmax` is recorded as LogSoftmaxBackward0."""
    return "".join(part.capitalize() for part in name.split("_")) + "Backward0"

"""clamp and its kin: values limited from below, from above, or both.

The one idea: what equals a bound keeps its bits where the bound is a number, and takes those of the
bound where that is a tensor; it shows in the sign of zero.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..autograd.graph import record, rename
from ..kernels.layout import arranged
from ..kernels.select import against, select
from ..quiet import fp
from ..tensor import Tensor
from .common import as_operand, cast_array, convert_number, result_type
from .pointwise import ge, gt, le, logical_and, logical_or, lt, masked
from .refusals import bad_argument, broadcast_shape, no_kernel
from .registry import check_overlap, op, write_out


def _with_out(name: str, limited: Callable[..., Tensor], doc: str) -> Callable[..., Tensor]:
    """The public function: `out=` must have the result's own dtype unless a bound is a tensor."""

    def call(input: Tensor, min: Any = None, max: Any = None, *, out: Any = None) -> Tensor:
        result = limited(input, min, max)
        if out is None:
            return result
        check_overlap(out, (input, min, max))
        tensors = isinstance(min, Tensor) or isinstance(max, Tensor)
        return write_out(out, result, name, "cast" if tensors else "same")

    call.__name__ = call.__qualname__ = name
    call.__doc__ = doc
    return call


def _clamp(input: Tensor, min: Any, max: Any) -> Tensor:
    if not isinstance(input, Tensor):
        raise bad_argument("clamp", "input", 1, input)
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    if {isinstance(x, Tensor) for x in (min, max) if x is not None} == {True, False}:
        raise TypeError(
            "clamp() received an invalid combination of arguments - the bounds must be two Tensors "
            f"or two numbers, not {type(min).__name__} and {type(max).__name__}"
        )
    if input._array.dtype.kind == "c":
        raise NotImplementedError("clamp is not supported for complex types")
    data = _limited("clamp_cpu", "uif", input, min, max)
    if not isinstance(min, Tensor) and not isinstance(max, Tensor):
        rule = lambda g, input: masked(g, _inside(input, min, max))  # noqa: E731
        return record("ClampBackward1", data, input=(input, rule))
    return record(
        "ClampBackward0",
        data,
        input=(input, lambda g, input, low, high: masked(g, _inside(input, low, high))),
        low=(min, lambda g, input, low, high: masked(g, _below(input, low, high))),
        high=(max, lambda g, input, high, low: masked(g, _above(input, low, high))),
    )


def _limited(quoted: str, kinds: str, input: Tensor, low: Any, high: Any) -> np.ndarray:
    """The values limited, in the common type.  Raises torch's errors for types and shapes."""
    bounds = [x for x in (low, high) if x is not None]
    common = result_type(input, *bounds)
    tensors = [x._array for x in bounds if isinstance(x, Tensor)]
    broadcast_shape(input._array, *tensors)
    if tensors and common.np.kind not in kinds:
        raise no_kernel(quoted, common.np)
    data = cast_array(input._array, common)
    half = data.dtype.char == "e"  # NumPy compares float16 by another route
    if half:
        data = data.astype(np.float32)
    for bound, ufunc in ((low, np.maximum), (high, np.minimum)):
        if isinstance(bound, Tensor):
            limit = as_operand(bound, common).astype(data.dtype)
            equal = data == limit  # two zeros may differ in sign
            data = fp.quiet(ufunc, data, limit)
            if data.dtype.kind == "f" and equal.any():
                data = select(equal, limit, data, data.dtype)
        elif bound is not None:
            data = fp.quiet(against, ufunc, convert_number(bound, common)[()], data)
    data = np.asarray(data, common.np) if half else data
    return arranged(data, input._array, *tensors)


def _inside(x: Tensor, low: Any, high: Any) -> Tensor:
    keep = None if low is None else ge(x, low)
    if high is not None:
        keep = le(x, high) if keep is None else logical_and(keep, le(x, high))
    assert keep is not None
    return keep


def _below(x: Tensor, low: Any, high: Any) -> Tensor:
    """Where the lower bound is the result (the upper bound wins if they cross)."""
    return lt(x, low) if high is None else logical_and(lt(x, low), lt(low, high))


def _above(x: Tensor, low: Any, high: Any) -> Tensor:
    return gt(x, high) if low is None else logical_or(gt(x, high), ge(low, high))


clamp = op(
    _with_out(
        "clamp",
        _clamp,
        "`input` limited to [min, max]; bounds are numbers or tensors, and either may be None.\n\n"
        "    The gradient passes where the value was inside or on a bound.\n    ",
    ),
    inplace=True,
    own_out=True,
)
clip = op(clamp, name="clip", own_out=True)
Tensor.clip_ = clamp.in_place  # type: ignore[attr-defined]


def _one_sided(input: Tensor, bound: Any, side: str, kernel: str) -> Tensor:
    """clamp_min or clamp_max; with a tensor as bound torch computes maximum or minimum."""
    bounds = {side: bound}
    if not isinstance(bound, Tensor):
        result = _clamp(input, bounds.get("min"), bounds.get("max"))
        return rename(result, f"Clamp{side.capitalize()}Backward0")
    low, high = bounds.get("min"), bounds.get("max")
    data = _limited(kernel, "buif", input, low, high)
    wins, loses = (_below, _inside) if side == "min" else (_above, _inside)
    return record(
        f"Clamp{side.capitalize()}Backward1",
        data,
        input=(input, lambda g, input, low, high: masked(g, loses(input, low, high))),
        low=(low, lambda g, input, low, high: masked(g, wins(input, low, high))),
        high=(high, lambda g, input, low, high: masked(g, wins(input, low, high))),
    )


def clamp_min(input: Tensor, min: Any, *, out: Tensor | None = None) -> Tensor:
    """`clamp` with a lower bound only."""
    call = _with_out("clamp_min", lambda x, low, _: _one_sided(x, low, "min", "maximum_cpu"), "")
    return call(input, min, None, out=out)


def clamp_max(input: Tensor, max: Any, *, out: Tensor | None = None) -> Tensor:
    """`clamp` with an upper bound only."""
    call = _with_out("clamp_max", lambda x, _, high: _one_sided(x, high, "max", "minimum_cpu"), "")
    return call(input, None, max, out=out)


op(clamp_min, inplace=True, own_out=True)
op(clamp_max, inplace=True, own_out=True)

"""Arithmetic with a signature of its own: `add` with alpha, `div` with a rounding mode, `pow`,
`clamp`, `lerp`, `round`, and the second names of the pointwise ops.

The operators `+ - * /` use the plain rows of `pointwise.py` directly.
"""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from ..autograd.graph import record, rename
from ..autograd.inplace import in_place
from ..dtypes import (
    BOOL,
    COMPLEX,
    FLOATING,
    INTEGER,
    complex128,
    float16,
    float64,
    result_type,
    to_floating,
)
from ..quiet import fp
from ..tensor import Tensor, wrap
from . import pointwise as p
from .common import as_operand, cast_array, is_number
from .pointwise import (
    _no_zero_division,
    conj,
    eq,
    ge,
    gt,
    le,
    log,
    logical_and,
    logical_not,
    logical_or,
    lt,
    masked,
    mul,
    ne,
    neg,
    plain_add,
    plain_div,
    plain_sub,
    zeros_as,
)  # fmt: skip
from .registry import op
from .table import binary, broadcast_error, not_implemented


def _with_alpha(simple: Any, rows: str) -> Any:
    """add and sub: the table's op, its second operand scaled by `alpha`."""
    name = simple.__name__

    def call(input: Any, other: Any, *, alpha: Any = 1, out: Tensor | None = None) -> Tensor:
        return simple(input, _scaled(input, other, alpha), out=out)

    def written(self: Tensor, other: Any, *, alpha: Any = 1) -> Tensor:
        return simple.in_place(self, _scaled(self, other, alpha))

    call.__name__, call.__doc__, call.in_place = name, rows, written  # type: ignore[attr-defined]
    written.__name__, written.__doc__ = f"{name}_", f"In-place form of `{name}`."
    return op(call, inplace=True, own_out=True)


def _scaled(input: Any, other: Any, alpha: Any) -> Any:
    if type(alpha) is int and alpha == 1:
        return other
    common = result_type(input, other)
    if isinstance(alpha, bool) and common.category != BOOL:
        raise RuntimeError("Boolean alpha only supported for Boolean results.")
    if isinstance(alpha, float) and common.category < FLOATING:
        raise RuntimeError(
            "For integral input tensors, argument alpha must not be a floating point number."
        )
    if isinstance(alpha, complex) and common.category < COMPLEX:
        raise RuntimeError(
            "For non-complex input tensors, argument alpha must not be a complex number."
        )
    return mul(other, alpha) if isinstance(other, Tensor) else other * alpha


add = _with_alpha(plain_add, "`input + alpha * other`, broadcast.")
sub = _with_alpha(plain_sub, "`input - alpha * other`, broadcast.  Raises RuntimeError on booleans.")


@op(inplace=True, out=True)
def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """`input / other`; `rounding_mode` None (fractions), "trunc" (towards zero) or "floor"."""
    if rounding_mode is None:
        return plain_div(input, other)
    if rounding_mode not in ("trunc", "floor"):
        raise RuntimeError(
            "div expected rounding_mode to be one of None, 'trunc', or 'floor' but found "
            f"'{rounding_mode}'"
        )
    rounded = _div_floor if rounding_mode == "floor" else _div_trunc
    return rounded(input, other)


def _truncated_quotient(a: np.ndarray, b: Any) -> np.ndarray:
    if a.dtype.kind == "f":
        return np.trunc(np.true_divide(a, b))
    quotient = np.floor_divide(a, b)
    inexact = np.remainder(a, b) != 0
    return quotient + (inexact & (quotient < 0)).astype(quotient.dtype)


# fmt: off
_div_floor = binary("div", np.floor_divide, lambda g: zeros_as(g), lambda g: zeros_as(g), node="DivBackward2", check=_no_zero_division, publish=False)
_div_trunc = binary("div", _truncated_quotient, lambda g: zeros_as(g), lambda g: zeros_as(g), node="DivBackward2", check=_no_zero_division, publish=False)
# fmt: on


def _power(a: np.ndarray, b: Any) -> np.ndarray:
    """a ** b; the exponents torch special-cases are computed as torch computes them."""
    if np.ndim(b) == 0 and a.dtype.kind == "f":
        exponent = float(b)
        simple = _SIMPLE_POWERS.get(exponent)
        if simple is not None:
            return simple(a)
    return np.power(a, b)


_SIMPLE_POWERS: dict[float, Any] = {
    0.5: np.sqrt,
    1.0: lambda a: a.copy(),
    2.0: np.square,
    3.0: lambda a: a * a * a,
    -0.5: lambda a: np.reciprocal(np.sqrt(a)),
    -1.0: np.reciprocal,
    -2.0: lambda a: np.reciprocal(a * a),
}


def _check_power(input: Any, exponent: Any) -> None:
    whole = result_type(input, exponent).category <= INTEGER
    if whole and is_number(exponent) and exponent < 0:
        raise RuntimeError("Integers to negative integer powers are not allowed.")


def _whole_power(a: np.ndarray, b: Any) -> np.ndarray:
    """Whole numbers, negative exponents included: only ±1 has an inverse among them."""
    if np.any(np.asarray(b) < 0):
        inverse = np.where(a == 1, 1, np.where(a == -1, np.where(b % 2 == 0, 1, -1), 0))
        return np.where(b < 0, inverse, np.power(a, np.maximum(b, 0))).astype(a.dtype)
    return np.power(a, b)


def _power_kernel(a: np.ndarray, b: Any) -> np.ndarray:
    return _whole_power(a, b) if a.dtype.kind in "iu" else _power(a, b)


def _base_gradient(g: Tensor, input: Any, other: Any) -> Tensor:
    """g · n · x^(n−1), and zero (not 0·inf) for n = 0."""
    if is_number(other):
        if other == 0:
            return zeros_as(g)
        return mul(g, conj(mul(pow(input, other - 1), other)))
    slope = conj(mul(other, pow(input, plain_sub(other, 1))))
    return masked(mul(g, slope), ne(other, 0))


def _exponent_gradient(g: Tensor, input: Any, other: Tensor, out: Tensor) -> Tensor:
    """g · x^n · log x, and zero where x = 0 and n ≥ 0 (torch's convention)."""
    base = input if isinstance(input, Tensor) else wrap(np.asarray(input, out._array.dtype))
    raw = mul(g, conj(mul(out, log(base))))
    if out._array.dtype.kind == "c":
        return masked(raw, logical_not(logical_and(eq(base, 0), ge(other.real, 0))))
    return masked(raw, logical_not(logical_and(eq(base, 0), ge(other, 0))))


# fmt: off
_pow_number = binary("pow", _power_kernel, _base_gradient, None, node="PowBackward0", check=_check_power, publish=False)
_pow_tensor = binary("pow", _power_kernel, _base_gradient, _exponent_gradient, node="PowBackward1", check=_check_power, publish=False)
# fmt: on


@op(inplace=True, out=True)
def square(input: Tensor) -> Tensor:
    """`input ** 2`."""
    return pow(input, 2)


@op(inplace=True, out=True)
def pow(input: Any, exponent: Any) -> Tensor:
    """`input ** exponent`, broadcast.  Raises RuntimeError for whole numbers to negative powers."""
    if is_number(exponent):
        return _pow_number(input, int(exponent) if exponent is True else exponent)
    return _pow_tensor(input, exponent)


@op(out=True, inplace=True)
def float_power(input: Any, exponent: Any) -> Tensor:
    """`input ** exponent` computed in double precision."""
    wide = complex128 if result_type(input, exponent).category == COMPLEX else float64
    wider = [x.to(wide) if isinstance(x, Tensor) else x for x in (input, exponent)]
    if not isinstance(wider[0], Tensor):
        wider[0] = wrap(np.asarray(wider[0], wide.np))
    return pow(*wider)


def clamp_bounds(name: str, input: Tensor, low: Any, high: Any) -> None:
    if low is None and high is None:
        raise RuntimeError(f"torch.{name}: At least one of 'min' or 'max' must not be None")
    if input.is_complex():
        raise NotImplementedError("clamp is not supported for complex types")


@op(inplace=True, out=True)
def clamp(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """`input` limited to [min, max]; bounds are numbers or tensors, and either may be None.

    The gradient passes where the value was inside or on a bound.
    """
    clamp_bounds("clamp", input, min, max)
    bounds = [x for x in (min, max) if x is not None]
    common = result_type(input, *bounds)
    data = cast_array(input._array, common)
    try:
        if min is not None:
            data = fp.quiet(np.maximum, data, as_operand(min, common))
        if max is not None:
            data = fp.quiet(np.minimum, data, as_operand(max, common))
    except ValueError:
        raise broadcast_error(data, bounds[-1]._array) from None
    tensors = [isinstance(b, Tensor) for b in (min, max)]
    if not any(tensors):
        rule = lambda g, input: masked(g, _inside(input, min, max))  # noqa: E731
        return record("ClampBackward1", data, input=(input, rule))
    return record(
        "ClampBackward0",
        data,
        input=(input, lambda g, input, low, high: masked(g, _inside(input, low, high))),
        low=(min, lambda g, input, low, high: masked(g, _below(input, low, high))),
        high=(max, lambda g, input, high, low: masked(g, _above(input, low, high))),
    )


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


@op(inplace=True, out=True)
def clamp_min(input: Tensor, min: Any) -> Tensor:
    """`clamp` with a lower bound only."""
    return rename(clamp(input, min=min), "ClampMinBackward0")


@op(inplace=True, out=True)
def clamp_max(input: Tensor, max: Any) -> Tensor:
    """`clamp` with an upper bound only."""
    return rename(clamp(input, max=max), "ClampMaxBackward0")


def _half_to_even(x: np.ndarray, decimals: int) -> np.ndarray:
    if decimals == 0:
        return np.rint(x) if x.dtype.kind == "f" else x.copy()
    scale = x.dtype.type(10.0 ** builtins.abs(decimals))
    return np.rint(x * scale) / scale if decimals > 0 else np.rint(x / scale) * scale


@op(inplace=True, out=True)
def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """To the nearest whole number (or `decimals` places), halves to even.  Gradient zero."""
    if input.is_complex():
        raise not_implemented("round_vml_cpu", input)
    data = fp.quiet(_half_to_even, input._array, decimals)
    return record("RoundBackward0", data, input=(input, lambda g: zeros_as(g)))


@op(inplace=True, out=True)
def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + exp(−x))."""
    x = cast_array(input._array, to_floating(input.dtype))
    data = fp.quiet(_logistic, x)
    return record(
        "SigmoidBackward0",
        data,
        input=(input, lambda g, out: mul(g, conj(mul(plain_sub(1, out), out)))),
    )


def _logistic(x: np.ndarray) -> np.ndarray:
    if x.dtype == float16.np:
        return _logistic(x.astype(np.float32)).astype(np.float16)
    y = np.negative(x)
    y = np.exp(y, out=y if type(y) is np.ndarray else None)
    y = np.add(y, 1, out=y if type(y) is np.ndarray else None)
    return np.reciprocal(y)


def _single(array: Any) -> Any:
    """Half precision widened: fused formulas are computed in float32 and rounded once."""
    return array.astype(np.float32) if array.dtype.char == "e" else array


@op(inplace=True, out=True)
def lerp(input: Tensor, end: Tensor, weight: Any) -> Tensor:
    """`input + weight · (end − input)`; from the nearer end, as torch computes it."""
    if not isinstance(end, Tensor):
        raise TypeError(f"lerp(): argument 'end' must be Tensor, not {type(end).__name__}")
    if input.dtype is not end.dtype:
        raise RuntimeError(
            f"expected dtype {input.dtype!r} for `end` but got dtype {end.dtype!r}"
        )
    if input.dtype.category < FLOATING:
        raise not_implemented("lerp_kernel_scalar", input)
    kind = input._array.dtype
    a, b = _single(input._array), _single(end._array)
    w = _single(as_operand(weight, input.dtype)) if isinstance(weight, Tensor) else a.dtype.type(weight)

    def kernel() -> np.ndarray:
        near_end = np.abs(w) >= 0.5
        return np.where(near_end, b - (b - a) * (1 - w), a + w * (b - a)).astype(kind)

    return record(
        "LerpBackward1" if isinstance(weight, Tensor) else "LerpBackward0",
        fp.quiet(kernel),
        input=(input, lambda g, weight: mul(g, conj(plain_sub(1, weight)))),
        end=(end, lambda g, weight: mul(g, conj(weight))),
        weight=(weight, lambda g, input, end: mul(g, conj(plain_sub(end, input)))),
    )


@op(inplace=True, out=True)
def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Any = 1) -> Tensor:
    """`input + value · tensor1 · tensor2`."""
    wide = _widened(input, tensor1, tensor2)
    if wide is not None:
        return addcmul(*wide, value=value).to(float16)
    scaled = mul(tensor1, value) if value != 1 else tensor1
    return rename(plain_add(input, mul(scaled, tensor2)), "AddcmulBackward0")


@op(inplace=True, out=True)
def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Any = 1) -> Tensor:
    """`input + value · tensor1 / tensor2`.  Raises RuntimeError on whole numbers."""
    if result_type(tensor1, tensor2).category <= INTEGER:
        raise RuntimeError(
            "Integer division with addcdiv is no longer supported, and in a future  release addcdiv "
            "will perform a true division of tensor1 and tensor2."
        )
    wide = _widened(input, tensor1, tensor2)
    if wide is not None:
        return addcdiv(*wide, value=value).to(float16)
    scaled = mul(tensor1, value) if value != 1 else tensor1
    return rename(plain_add(input, plain_div(scaled, tensor2)), "AddcdivBackward0")


def _widened(*tensors: Tensor) -> list[Tensor] | None:
    """Half-precision operands as float32; None if the result is not half."""
    return [t.float() for t in tensors] if result_type(*tensors) is float16 else None


# ---- second names ----------------------------------------------------------------------------------

for _alias, _original in {
    "multiply": mul, "subtract": sub, "divide": div, "true_divide": plain_div, "negative": neg,
    "absolute": p.abs, "arccos": p.acos, "arcsin": p.asin, "arctan": p.atan, "arctan2": p.atan2,
    "arcsinh": p.asinh, "arccosh": p.acosh, "arctanh": p.atanh, "clip": clamp, "fix": p.trunc,
    "greater": gt, "greater_equal": ge, "less": lt, "less_equal": le, "not_equal": ne,
}.items():  # fmt: skip
    _in_place = getattr(_original, "in_place", None)
    globals()[_alias] = op(_original, name=_alias, own_out=True)
    setattr(Tensor, f"{_alias}_", _in_place or in_place(_original, f"{_alias}_"))

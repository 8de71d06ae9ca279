"""Pointwise operations: one row each - name, NumPy kernel, gradient rule per argument.

Rules are written as in torch's derivatives.yaml.  `g` is the gradient of the result; a parameter
named `input`, `other` or `out` is saved for the rule.  The engine undoes broadcasting.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..autograd.graph import record, rename
from ..autograd.inplace import in_place
from ..dtypes import BOOL, COMPLEX, FLOATING, INTEGER, float16, result_type
from ..quiet import fp
from ..tensor import Tensor, wrap
from .common import array_as, as_operand, cast_array, is_number
from .registry import op
from .table import binary, broadcast_error, not_implemented, unary

# ruff: noqa: E501 - a row is a line


def conj(x: Any) -> Any:
    """The complex conjugate; a real operand is its own."""
    if isinstance(x, Tensor):
        return x.conj() if x._array.dtype.kind == "c" else x
    return x.conjugate() if isinstance(x, complex) else x


# ---- what an op refuses ------------------------------------------------------------------------


def _no_bool_sub(input: Any, other: Any) -> None:
    flags = [x.dtype.category == BOOL if isinstance(x, Tensor) else x is True or x is False for x in (input, other)]
    if all(flags):
        raise RuntimeError("Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` operator instead.")
    if any(flags):
        raise RuntimeError("Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, use the `~` or `logical_not()` operator instead.")


def _no_bool_neg(input: Tensor) -> None:
    if input._array.dtype.kind == "b":
        raise RuntimeError("Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use the `~` or `logical_not()` operator instead.")


def _real_only(name: str) -> Any:
    def check(*operands: Any) -> None:
        for x in operands:
            if isinstance(x, Tensor) and x._array.dtype.kind == "c":
                raise not_implemented(name, x)
    return check  # fmt: skip


def _no_zero_division(input: Any, other: Any) -> None:
    """Whole numbers cannot be divided by zero (floating ones can)."""
    if result_type(input, other).category <= INTEGER and np.any(array_as(other)._array == 0):
        raise RuntimeError("ZeroDivisionError")


# ---- arithmetic --------------------------------------------------------------------------------
# fmt: off

mul = binary("mul", np.multiply, lambda g, other: mul(g, conj(other)), lambda g, input: mul(g, conj(input)))
_add = binary("add", np.add, lambda g: g, lambda g: g, publish=False)
_sub = binary("sub", np.subtract, lambda g: g, lambda g: neg(g), check=_no_bool_sub, publish=False)
_div = binary("div", np.true_divide, lambda g, other: _div(g, conj(other)), lambda g, other, out: neg(mul(g, conj(_div(out, other)))), kind="float", publish=False)
floor_divide = binary("floor_divide", np.floor_divide, check=_no_zero_division)
remainder = binary("remainder", np.remainder, lambda g: g, lambda g, input, other: neg(mul(g, floor(_div(input, other)))), check=_no_zero_division)
fmod = binary("fmod", np.fmod, lambda g: g, lambda g, input, other: neg(mul(g, trunc(_div(input, other)))), check=_no_zero_division)
neg = unary("neg", np.negative, lambda g: neg(g), check=_no_bool_neg)
positive = op(lambda input: (_no_bool_neg(input), input)[1], name="positive")
reciprocal = unary("reciprocal", np.reciprocal, lambda g, out: neg(mul(g, conj(mul(out, out)))), kind="float")
square = unary("square", np.square, lambda g, input: mul(g, mul(conj(input), 2)), node="PowBackward0")
abs = unary("abs", np.absolute, lambda g, input: mul(g, sgn(input)))
sgn = unary("sgn", np.sign, lambda g, input, out: _sgn_gradient(g, input, out))
sign = unary("sign", np.sign, lambda g: zeros_as(g), check=_real_only("sign"))

# ---- rounding (their gradient is zero everywhere) ------------------------------------------------

ceil = unary("ceil", np.ceil, lambda g: zeros_as(g), check=_real_only("ceil"))
floor = unary("floor", np.floor, lambda g: zeros_as(g), check=_real_only("floor"))
trunc = unary("trunc", np.trunc, lambda g: zeros_as(g), check=_real_only("trunc"))
frac = unary("frac", lambda x: np.subtract(x, np.trunc(x)), lambda g: g)

# ---- exponentials and logarithms -----------------------------------------------------------------

exp = unary("exp", np.exp, lambda g, out: mul(g, conj(out)), kind="float")
exp2 = unary("exp2", np.exp2, lambda g, out: mul(mul(g, conj(out)), math.log(2)), kind="float")
expm1 = unary("expm1", np.expm1, lambda g, out: mul(g, conj(_add(out, 1))), kind="float")
log = unary("log", np.log, lambda g, input: _div(g, conj(input)), kind="float")
log2 = unary("log2", np.log2, lambda g, input: _div(g, mul(conj(input), math.log(2))), kind="float")
log10 = unary("log10", np.log10, lambda g, input: _div(g, mul(conj(input), math.log(10))), kind="float")
log1p = unary("log1p", np.log1p, lambda g, input: _div(g, conj(_add(input, 1))), kind="float", node="Log1PBackward0")
sqrt = unary("sqrt", np.sqrt, lambda g, out: _div(g, mul(conj(out), 2)), kind="float")
rsqrt = unary("rsqrt", lambda x: np.reciprocal(np.sqrt(x)), lambda g, out: mul(mul(g, -0.5), conj(pow(out, 3))), kind="float")
logaddexp = binary("logaddexp", np.logaddexp, lambda g, input, out: mul(g, exp(_sub(input, out))), lambda g, other, out: mul(g, exp(_sub(other, out))), inplace=False)
logaddexp2 = binary("logaddexp2", np.logaddexp2, lambda g, input, out: mul(g, exp2(_sub(input, out))), lambda g, other, out: mul(g, exp2(_sub(other, out))), inplace=False)

# ---- trigonometry --------------------------------------------------------------------------------

sin = unary("sin", np.sin, lambda g, input: mul(g, conj(cos(input))), kind="float")
cos = unary("cos", np.cos, lambda g, input: mul(g, neg(conj(sin(input)))), kind="float")
tan = unary("tan", np.tan, lambda g, out: mul(g, conj(_add(mul(out, out), 1))), kind="float")
asin = unary("asin", np.arcsin, lambda g, input: mul(g, conj(rsqrt(_add(neg(mul(input, input)), 1)))), kind="float")
acos = unary("acos", np.arccos, lambda g, input: mul(g, neg(conj(rsqrt(_add(neg(mul(input, input)), 1))))), kind="float")
atan = unary("atan", np.arctan, lambda g, input: _div(g, conj(_add(mul(input, input), 1))), kind="float")
sinh = unary("sinh", np.sinh, lambda g, input: mul(g, conj(cosh(input))), kind="float")
cosh = unary("cosh", np.cosh, lambda g, input: mul(g, conj(sinh(input))), kind="float")
tanh = unary("tanh", np.tanh, lambda g, out: mul(g, conj(_sub(1, mul(out, out)))), kind="float")
asinh = unary("asinh", np.arcsinh, lambda g, input: mul(g, conj(rsqrt(_add(mul(input, input), 1)))), kind="float")
acosh = unary("acosh", np.arccosh, lambda g, input: mul(g, conj(mul(rsqrt(_sub(input, 1)), rsqrt(_add(input, 1))))), kind="float")
atanh = unary("atanh", np.arctanh, lambda g, input: _div(g, conj(_sub(1, mul(input, input)))), kind="float")
atan2 = binary("atan2", np.arctan2, lambda g, input, other: mul(g, _div(other, _squares(input, other))), lambda g, input, other: mul(g, _div(neg(input), _squares(input, other))), kind="float")
hypot = binary("hypot", np.hypot, lambda g, input, out: mul(g, _div(input, out)), lambda g, other, out: mul(g, _div(other, out)))
deg2rad = unary("deg2rad", lambda x: x * x.dtype.type(math.pi / 180), lambda g: mul(g, math.pi / 180), kind="float", node="Deg2RadBackward0")
rad2deg = unary("rad2deg", lambda x: x * x.dtype.type(180 / math.pi), lambda g: mul(g, 180 / math.pi), kind="float", node="Rad2DegBackward0")

# ---- choosing --------------------------------------------------------------------------------------

maximum = binary("maximum", np.maximum, lambda g, input, other: _share(g, input, other, ge), lambda g, input, other: _share(g, other, input, ge), inplace=False, check=_real_only("maximum"))
minimum = binary("minimum", np.minimum, lambda g, input, other: _share(g, input, other, le), lambda g, input, other: _share(g, other, input, le), inplace=False, check=_real_only("minimum"))
fmax = binary("fmax", np.fmax, lambda g, input, other: masked(g, logical_or(ge(input, other), isnan(other))), lambda g, input, other: masked(g, logical_not(logical_or(ge(input, other), isnan(other)))), inplace=False)
fmin = binary("fmin", np.fmin, lambda g, input, other: masked(g, logical_or(le(input, other), isnan(other))), lambda g, input, other: masked(g, logical_not(logical_or(le(input, other), isnan(other)))), inplace=False)
copysign = binary("copysign", np.copysign, lambda g, input, out: _copysign_gradient(g, input, out), lambda g: zeros_as(g), kind="float")
heaviside = binary("heaviside", np.heaviside)
nextafter = binary("nextafter", np.nextafter)

# ---- comparison ------------------------------------------------------------------------------------

eq = binary("eq", np.equal, kind="bool")
ne = binary("ne", np.not_equal, kind="bool")
lt = binary("lt", np.less, kind="bool", check=_real_only("lt_cpu"))
le = binary("le", np.less_equal, kind="bool", check=_real_only("le_cpu"))
gt = binary("gt", np.greater, kind="bool", check=_real_only("gt_cpu"))
ge = binary("ge", np.greater_equal, kind="bool", check=_real_only("ge_cpu"))
isnan = unary("isnan", lambda x: np.isnan(x), kind="bool", inplace=False)
isinf = unary("isinf", lambda x: np.isinf(x), kind="bool", inplace=False)
isfinite = unary("isfinite", lambda x: np.isfinite(x), kind="bool", inplace=False)
isposinf = unary("isposinf", lambda x: np.equal(x, np.inf), kind="bool", inplace=False)
isneginf = unary("isneginf", lambda x: np.equal(x, -np.inf), kind="bool", inplace=False)
isreal = unary("isreal", lambda x: np.isreal(x), kind="bool", inplace=False)
signbit = unary("signbit", lambda x: np.signbit(x) if x.dtype.kind in "fi" else np.zeros(x.shape, bool), kind="bool", inplace=False)

# ---- logic and bits --------------------------------------------------------------------------------

logical_and = binary("logical_and", np.logical_and, kind="bool")
logical_or = binary("logical_or", np.logical_or, kind="bool")
logical_xor = binary("logical_xor", np.logical_xor, kind="bool")
logical_not = unary("logical_not", np.logical_not, kind="bool")
bitwise_and = binary("bitwise_and", np.bitwise_and)
bitwise_or = binary("bitwise_or", np.bitwise_or)
bitwise_xor = binary("bitwise_xor", np.bitwise_xor)
bitwise_not = unary("bitwise_not", np.invert)
bitwise_left_shift = binary("bitwise_left_shift", np.left_shift)
bitwise_right_shift = binary("bitwise_right_shift", np.right_shift)
gcd = binary("gcd", np.gcd)
lcm = binary("lcm", np.lcm)
# fmt: on


# ---- pieces of rules -----------------------------------------------------------------------------


def zeros_as(g: Tensor) -> Tensor:
    """A gradient of zeros."""
    return wrap(np.zeros_like(g._array))


def masked(g: Tensor, keep: Tensor) -> Tensor:
    """`g` where `keep`, zero elsewhere (also where g is inf or nan)."""
    keep_array = np.broadcast_to(keep._array, g._array.shape)
    data = np.where(keep_array, g._array, g._array.dtype.type(0))
    return record("WhereBackward0", data, g=(g, lambda h, keep: masked(h, keep)), keep=keep)


def _share(g: Tensor, mine: Any, others: Any, wins: Any) -> Tensor:
    """The gradient goes to the winner; at a tie each side gets half."""
    return masked(_div(g, _add(eq(mine, others), 1)), wins(mine, others))


def _squares(x: Any, y: Any) -> Tensor:
    return _add(mul(x, x), mul(y, y))


def _copysign_gradient(g: Tensor, input: Tensor, out: Tensor) -> Tensor:
    return masked(mul(g, _div(out, input)), ne(input, 0))


def _sgn_gradient(g: Tensor, input: Tensor, out: Tensor) -> Tensor:
    """Zero for real numbers; for z/|z| the part of g perpendicular to it, over |z|."""
    if input._array.dtype.kind != "c":
        return zeros_as(g)
    size = abs(input)
    perpendicular = _sub(g, mul(out, mul(g, conj(out)).real))
    return masked(_div(perpendicular, size), ne(size, 0))


# ---- ops with a signature of their own -------------------------------------------------------------


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


add = _with_alpha(_add, "`input + alpha * other`, broadcast.")
sub = _with_alpha(_sub, "`input - alpha * other`, broadcast.  Raises RuntimeError on booleans.")


@op(inplace=True, out=True)
def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """`input / other`; `rounding_mode` None (fractions), "trunc" (towards zero) or "floor"."""
    if rounding_mode is None:
        return _div(input, other)
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
_div_floor = binary("div", np.floor_divide, lambda g: zeros_as(g), lambda g: zeros_as(g), check=_no_zero_division, publish=False)
_div_trunc = binary("div", _truncated_quotient, lambda g: zeros_as(g), lambda g: zeros_as(g), check=_no_zero_division, publish=False)
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
    slope = conj(mul(other, pow(input, _sub(other, 1))))
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
def pow(input: Any, exponent: Any) -> Tensor:
    """`input ** exponent`, broadcast.  Raises RuntimeError for whole numbers to negative powers."""
    if is_number(exponent):
        return _pow_number(input, exponent)
    return _pow_tensor(input, exponent)


@op(out=True, inplace=True)
def float_power(input: Any, exponent: Any) -> Tensor:
    """`input ** exponent` computed in double precision."""
    from ..dtypes import complex128, float64

    wide = complex128 if result_type(input, exponent).category == COMPLEX else float64
    wider = [x.to(wide) if isinstance(x, Tensor) else x for x in (input, exponent)]
    if not isinstance(wider[0], Tensor):
        wider[0] = wrap(np.asarray(wider[0], wide.np))
    return pow(*wider)


def clamp_bounds(name: str, input: Tensor, low: Any, high: Any) -> None:
    if low is None and high is None:
        raise RuntimeError(f"torch.{name}: At least one of 'min' or 'max' must not be None")
    if input.is_complex():
        raise RuntimeError("clamp is not supported for complex types")


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
    return clamp(input, min=min)


@op(inplace=True, out=True)
def clamp_max(input: Tensor, max: Any) -> Tensor:
    """`clamp` with an upper bound only."""
    return clamp(input, max=max)


def _half_to_even(x: np.ndarray, decimals: int) -> np.ndarray:
    if decimals == 0:
        return np.rint(x) if x.dtype.kind == "f" else x.copy()
    scale = x.dtype.type(10.0 ** builtins_abs(decimals))
    return np.rint(x * scale) / scale if decimals > 0 else np.rint(x / scale) * scale


builtins_abs = int.__abs__


@op(inplace=True, out=True)
def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """To the nearest whole number (or `decimals` places), halves to even.  Gradient zero."""
    data = fp.quiet(_half_to_even, input._array, decimals)
    return record("RoundBackward0", data, input=(input, lambda g: zeros_as(g)))


@op(inplace=True, out=True)
def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + exp(−x))."""
    from ..dtypes import to_floating

    x = cast_array(input._array, to_floating(input.dtype))
    data = fp.quiet(_logistic, x)
    return record(
        "SigmoidBackward0",
        data,
        input=(input, lambda g, out: mul(g, conj(mul(_sub(1, out), out)))),
    )


def _logistic(x: np.ndarray) -> np.ndarray:
    if x.dtype == float16.np:
        return _logistic(x.astype(np.float32)).astype(np.float16)
    y = np.negative(x)
    y = np.exp(y, out=y if type(y) is np.ndarray else None)
    y = np.add(y, 1, out=y if type(y) is np.ndarray else None)
    return np.reciprocal(y)


@op(inplace=True, out=True)
def lerp(input: Tensor, end: Tensor, weight: Any) -> Tensor:
    """`input + weight · (end − input)`; from the nearer end, as torch computes it."""
    if not isinstance(end, Tensor):
        raise TypeError(f"lerp(): argument 'end' must be Tensor, not {type(end).__name__}")
    if input.dtype is not end.dtype:
        raise RuntimeError(
            f"expected dtype {input.dtype!r} for `end` but got dtype {end.dtype!r}"
        )
    w = as_operand(weight, input.dtype)
    a, b = input._array, end._array

    def kernel() -> np.ndarray:
        near_end = np.abs(w) >= 0.5
        return np.where(near_end, b - (b - a) * (1 - w), a + w * (b - a)).astype(a.dtype)

    return record(
        "LerpBackward1" if isinstance(weight, Tensor) else "LerpBackward0",
        fp.quiet(kernel),
        input=(input, lambda g, weight: mul(g, conj(_sub(1, weight)))),
        end=(end, lambda g, weight: mul(g, conj(weight))),
        weight=(weight, lambda g, input, end: mul(g, conj(_sub(end, input)))),
    )


@op(inplace=True, out=True)
def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Any = 1) -> Tensor:
    """`input + value · tensor1 · tensor2`."""
    return rename(_add(input, mul(mul(tensor1, value) if value != 1 else tensor1, tensor2)), "AddcmulBackward0")


@op(inplace=True, out=True)
def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Any = 1) -> Tensor:
    """`input + value · tensor1 / tensor2`.  Raises RuntimeError on whole numbers."""
    if result_type(tensor1, tensor2).category <= INTEGER:
        raise RuntimeError(
            "Integer division with addcdiv is no longer supported, and in a future  release addcdiv "
            "will perform a true division of tensor1 and tensor2."
        )
    return rename(_add(input, _div(mul(tensor1, value) if value != 1 else tensor1, tensor2)), "AddcdivBackward0")


# ---- second names ----------------------------------------------------------------------------------

for _alias, _original in {
    "multiply": mul, "subtract": sub, "divide": div, "true_divide": _div, "negative": neg,
    "absolute": abs, "arccos": acos, "arcsin": asin, "arctan": atan, "arctan2": atan2,
    "arcsinh": asinh, "arccosh": acosh, "arctanh": atanh, "clip": clamp, "fix": trunc,
    "greater": gt, "greater_equal": ge, "less": lt, "less_equal": le, "not_equal": ne,
}.items():  # fmt: skip
    _in_place = getattr(_original, "in_place", None)
    globals()[_alias] = op(_original, name=_alias, own_out=True)
    setattr(Tensor, f"{_alias}_", _in_place or in_place(_original, f"{_alias}_"))

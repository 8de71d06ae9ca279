"""Pointwise operations: one row each - name, NumPy kernel, gradient rule per argument.

Rules are written as in torch's derivatives.yaml.  `g` is the gradient of the result; a parameter
named `input`, `other` or `out` is saved for the rule.  The engine undoes broadcasting.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..autograd.graph import record
from ..dtypes import BOOL, INTEGER, result_type
from ..tensor import Tensor, wrap
from .common import array_as
from .table import binary, not_implemented, unary

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


def _no_complex(message: str, error: type[Exception] = RuntimeError) -> Any:
    """Refuse complex operands in torch's words."""
    def check(*operands: Any) -> None:
        if any(isinstance(x, Tensor) and x._array.dtype.kind == "c" for x in operands):
            raise error(message)
    return check  # fmt: skip


def _fractions_only(name: str, kinds: str = "f") -> Any:
    """Refuse all but floating (and, with "fc", complex) operands."""
    def check(*operands: Any) -> None:
        for x in operands:
            if isinstance(x, Tensor) and x._array.dtype.kind not in kinds:
                raise not_implemented(name, x)
    return check  # fmt: skip


def _no_zero_division(input: Any, other: Any) -> None:
    """Whole numbers cannot be divided by zero (floating ones can)."""
    if result_type(input, other).category <= INTEGER and np.any(array_as(other)._array == 0):
        raise RuntimeError("ZeroDivisionError")


# ---- arithmetic --------------------------------------------------------------------------------
# fmt: off

mul = binary("mul", np.multiply, lambda g, other: mul(g, conj(other)), lambda g, input: mul(g, conj(input)))
plain_add = binary("add", np.add, lambda g: g, lambda g: g, publish=False)
plain_sub = binary("sub", np.subtract, lambda g: g, lambda g: neg(g), check=_no_bool_sub, publish=False)
plain_div = binary("div", np.true_divide, lambda g, other: plain_div(g, conj(other)), lambda g, other, out: neg(mul(g, conj(plain_div(out, other)))), kind="float", publish=False)
floor_divide = binary("floor_divide", np.floor_divide, lambda g: _no_derivative("floor_divide"), lambda g: _no_derivative("floor_divide"), node="NotImplemented", check=_no_zero_division)
remainder = binary("remainder", np.remainder, lambda g: g, lambda g, input, other: neg(mul(g, floor(plain_div(input, other)))), check=_no_zero_division)
fmod = binary("fmod", np.fmod, lambda g: g, lambda g, input, other: neg(mul(g, trunc(plain_div(input, other)))), check=_no_zero_division)
neg = unary("neg", np.negative, lambda g: neg(g), check=_no_bool_neg)
positive = unary("positive", lambda x: x, lambda g: g, check=_no_bool_neg, inplace=False)
reciprocal = unary("reciprocal", np.reciprocal, lambda g, out: neg(mul(g, conj(mul(out, out)))), kind="float")
abs = unary("abs", np.absolute, lambda g, input: mul(g, sgn(input)))
sgn = unary("sgn", np.sign, lambda g, input, out: _sgn_gradient(g, input, out))
sign = unary("sign", np.sign, lambda g: zeros_as(g), check=_no_complex("Unlike NumPy, torch.sign is not intended to support complex numbers. Please use torch.sgn instead.", NotImplementedError))

# ---- rounding (their gradient is zero everywhere) ------------------------------------------------

ceil = unary("ceil", np.ceil, lambda g: zeros_as(g), check=_no_complex("ceil is not supported for complex inputs", NotImplementedError))
floor = unary("floor", np.floor, lambda g: zeros_as(g), check=_no_complex("floor is not supported for complex inputs", NotImplementedError))
trunc = unary("trunc", np.trunc, lambda g: zeros_as(g), check=_no_complex("trunc is not supported for complex inputs", NotImplementedError))
frac = unary("frac", lambda x: np.subtract(x, np.trunc(x)), lambda g: g, check=_fractions_only("frac_cpu"))

# ---- exponentials and logarithms -----------------------------------------------------------------

exp = unary("exp", np.exp, lambda g, out: mul(g, conj(out)), kind="float")
exp2 = unary("exp2", np.exp2, lambda g, out: mul(mul(g, conj(out)), math.log(2)), kind="float")
expm1 = unary("expm1", np.expm1, lambda g, out: mul(g, conj(plain_add(out, 1))), kind="float")
log = unary("log", np.log, lambda g, input: plain_div(g, conj(input)), kind="float")
log2 = unary("log2", np.log2, lambda g, input: plain_div(g, mul(conj(input), math.log(2))), kind="float")
log10 = unary("log10", np.log10, lambda g, input: plain_div(g, mul(conj(input), math.log(10))), kind="float")
log1p = unary("log1p", np.log1p, lambda g, input: plain_div(g, conj(plain_add(input, 1))), kind="float", node="Log1PBackward0")
sqrt = unary("sqrt", np.sqrt, lambda g, out: plain_div(g, mul(conj(out), 2)), kind="float")
rsqrt = unary("rsqrt", lambda x: np.reciprocal(np.sqrt(x)), lambda g, out: mul(mul(g, -0.5), conj(mul(out, mul(out, out)))), kind="float")
logaddexp = binary("logaddexp", lambda a, b: _complex_logaddexp(a, b) if a.dtype.kind == "c" else np.logaddexp(a, b), lambda g, input, other: plain_div(g, conj(plain_add(exp(plain_sub(other, input)), 1))), lambda g, input, other: plain_div(g, conj(plain_add(exp(plain_sub(input, other)), 1))), inplace=False, numbers=False, check=_fractions_only("logaddexp_cpu", "fc"))
logaddexp2 = binary("logaddexp2", np.logaddexp2, lambda g, input, other: plain_div(g, plain_add(exp2(plain_sub(other, input)), 1)), lambda g, input, other: plain_div(g, plain_add(exp2(plain_sub(input, other)), 1)), inplace=False, numbers=False, check=_fractions_only("logaddexp2_cpu"))

# ---- trigonometry --------------------------------------------------------------------------------

sin = unary("sin", np.sin, lambda g, input: mul(g, conj(cos(input))), kind="float")
cos = unary("cos", np.cos, lambda g, input: mul(g, neg(conj(sin(input)))), kind="float")
tan = unary("tan", np.tan, lambda g, out: mul(g, conj(plain_add(mul(out, out), 1))), kind="float")
asin = unary("asin", np.arcsin, lambda g, input: mul(g, conj(rsqrt(plain_add(neg(mul(input, input)), 1)))), kind="float")
acos = unary("acos", np.arccos, lambda g, input: mul(g, neg(conj(rsqrt(plain_add(neg(mul(input, input)), 1))))), kind="float")
atan = unary("atan", np.arctan, lambda g, input: plain_div(g, conj(plain_add(mul(input, input), 1))), kind="float")
sinh = unary("sinh", np.sinh, lambda g, input: mul(g, conj(cosh(input))), kind="float")
cosh = unary("cosh", np.cosh, lambda g, input: mul(g, conj(sinh(input))), kind="float")
tanh = unary("tanh", np.tanh, lambda g, out: mul(g, conj(plain_sub(1, mul(out, out)))), kind="float")
asinh = unary("asinh", np.arcsinh, lambda g, input: mul(g, conj(rsqrt(plain_add(mul(input, input), 1)))), kind="float")
acosh = unary("acosh", np.arccosh, lambda g, input: mul(g, conj(mul(rsqrt(plain_sub(input, 1)), rsqrt(plain_add(input, 1))))), kind="float")
atanh = unary("atanh", np.arctanh, lambda g, input: plain_div(g, conj(plain_sub(1, mul(input, input)))), kind="float")
atan2 = binary("atan2", np.arctan2, lambda g, input, other: mul(g, plain_div(other, _squares(input, other))), lambda g, input, other: mul(g, plain_div(neg(input), _squares(input, other))), kind="float")
hypot = binary("hypot", np.hypot, lambda g, input, out: mul(g, plain_div(input, out)), lambda g, other, out: mul(g, plain_div(other, out)), numbers=False, check=_fractions_only("hypot_cpu"))
deg2rad = unary("deg2rad", lambda x: x * x.dtype.type(math.pi / 180), lambda g: mul(g, math.pi / 180), kind="float", check=_no_complex("deg2rad is not supported for complex tensors."), node="Deg2RadBackward0")
rad2deg = unary("rad2deg", lambda x: x * x.dtype.type(180 / math.pi), lambda g: mul(g, 180 / math.pi), kind="float", check=_no_complex("rad2deg is not supported for complex tensors."), node="Rad2DegBackward0")

# ---- choosing --------------------------------------------------------------------------------------

maximum = binary("maximum", np.maximum, lambda g, input, other: _share(g, input, other, ge), lambda g, input, other: _share(g, other, input, ge), inplace=False, numbers=False, check=_no_complex("maximum not implemented for complex tensors."))
minimum = binary("minimum", np.minimum, lambda g, input, other: _share(g, input, other, le), lambda g, input, other: _share(g, other, input, le), inplace=False, numbers=False, check=_no_complex("minimum not implemented for complex tensors."))
fmax = binary("fmax", np.fmax, lambda g, input, other: masked(g, logical_or(ge(input, other), isnan(other))), lambda g, input, other: masked(g, logical_not(logical_or(ge(input, other), isnan(other)))), inplace=False, numbers=False, check=_no_complex("fmax not implemented for complex tensors."))
fmin = binary("fmin", np.fmin, lambda g, input, other: masked(g, logical_or(le(input, other), isnan(other))), lambda g, input, other: masked(g, logical_not(logical_or(le(input, other), isnan(other)))), inplace=False, numbers=False, check=_no_complex("fmin not implemented for complex tensors."))
copysign = binary("copysign", np.copysign, lambda g, input, out: _copysign_gradient(g, input, out), lambda g: zeros_as(g), kind="float")
heaviside = binary("heaviside", lambda x, h: np.where(x == 0, h, x > 0).astype(x.dtype), lambda g: _no_derivative("heaviside"), lambda g: _no_derivative("heaviside"), node="NotImplemented", numbers=False, check=_no_complex("heaviside is not yet implemented for complex tensors."))
nextafter = binary("nextafter", np.nextafter, numbers=False, check=_fractions_only("nextafter_cpu"))

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
isposinf = unary("isposinf", lambda x: np.equal(x, np.inf), kind="bool", inplace=False, check=_no_complex("isposinf does not support complex inputs."))
isneginf = unary("isneginf", lambda x: np.equal(x, -np.inf), kind="bool", inplace=False, check=_no_complex("isneginf does not support complex inputs."))
isreal = unary("isreal", lambda x: np.isreal(x), kind="bool", inplace=False)
signbit = unary("signbit", lambda x: np.signbit(x) if x.dtype.kind in "fi" else np.zeros(x.shape, bool), kind="bool", inplace=False, check=_no_complex("signbit is not implemented for complex tensors.", NotImplementedError))

# ---- logic and bits --------------------------------------------------------------------------------

logical_and = binary("logical_and", np.logical_and, kind="bool", numbers=False)
logical_or = binary("logical_or", np.logical_or, kind="bool", numbers=False)
logical_xor = binary("logical_xor", np.logical_xor, kind="bool", numbers=False)
logical_not = unary("logical_not", np.logical_not, kind="bool")
bitwise_and = binary("bitwise_and", np.bitwise_and)
bitwise_or = binary("bitwise_or", np.bitwise_or)
bitwise_xor = binary("bitwise_xor", np.bitwise_xor)
bitwise_not = unary("bitwise_not", np.invert)
bitwise_left_shift = binary("bitwise_left_shift", np.left_shift)
bitwise_right_shift = binary("bitwise_right_shift", np.right_shift)
gcd = binary("gcd", np.gcd, numbers=False)
lcm = binary("lcm", np.lcm, numbers=False)
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
    return masked(plain_div(g, plain_add(eq(mine, others), 1)), wins(mine, others))


def _squares(x: Any, y: Any) -> Tensor:
    return plain_add(mul(x, x), mul(y, y))


def _copysign_gradient(g: Tensor, input: Tensor, out: Tensor) -> Tensor:
    return masked(mul(g, plain_div(out, input)), ne(input, 0))


def _sgn_gradient(g: Tensor, input: Tensor, out: Tensor) -> Tensor:
    """Zero for real numbers; for z/|z| the part of g perpendicular to it, over |z|."""
    if input._array.dtype.kind != "c":
        return zeros_as(g)
    size = abs(input)
    perpendicular = plain_sub(g, mul(out, mul(g, conj(out)).real))
    return masked(plain_div(perpendicular, size), ne(size, 0))


def _complex_logaddexp(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """log(eᵃ + eᵇ), the larger real part taken out first."""
    top = np.maximum(a.real, b.real)
    return top + np.log(np.exp(a - top) + np.exp(b - top))


def _no_derivative(name: str) -> Tensor:
    raise RuntimeError(f"derivative for aten::{name} is not implemented")

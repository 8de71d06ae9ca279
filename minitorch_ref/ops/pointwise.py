"""Pointwise operations: one row each - name, NumPy kernel, gradient rule per argument.

Rules are written as in torch's derivatives.yaml.  `g` is the gradient of the result; a parameter
named `input`, `other` or `out` is saved for the rule.  The engine undoes broadcasting.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..autograd.graph import record
from ..autograd.rows import multiplies
from ..kernels import elementwise as k
from ..kernels import wider
from ..kernels.slopes import share
from ..quiet import fp
from ..tensor import Tensor, wrap
from .refusals import bad_argument, never_derived, no_bool, no_bool_sub, no_complex, no_derivative
from .registry import op
from .table import binary, only_tensors, unary

# ruff: noqa: E501 - a row is a line


def conj(x: Any) -> Any:
    """The complex conjugate; a real operand is its own."""
    if type(x) is float:  # asked first: half of what is multiplied with is
        return x
    if type(x) is Tensor or isinstance(x, Tensor):
        return x.conj() if x._array.dtype.kind == "c" else x
    return x.conjugate() if isinstance(x, complex) else x


# ---- arithmetic --------------------------------------------------------------------------------
# fmt: off

mul = binary("mul", np.multiply, multiplies(lambda g, other: mul(g, conj(other))), multiplies(lambda g, input: mul(g, conj(input))), wide=True)
plain_add = binary("add", np.add, lambda g: g, lambda g: g, publish=False)
plain_sub = binary("sub", np.subtract, lambda g: g, lambda g: neg(g), check=no_bool_sub, publish=False)
number_minus = binary("rsub", np.subtract, None, lambda g: neg(g), node="RsubBackward1", check=no_bool_sub, publish=False)
plain_div = binary("div", np.true_divide, lambda g, other: plain_div(g, conj(other)), lambda g, other, out: neg(mul(g, conj(plain_div(out, other)))), kind="float", wide=True, publish=False)
floor_divide = binary("floor_divide", k.floor_divide, never_derived("floor_divide"), never_derived("floor_divide"), node="NotImplemented", kinds="uif", quoted="div_floor_cpu", wide=True, traced=True)
remainder = binary("remainder", k.remainder, lambda g: g, lambda g, input, other: neg(mul(g, floor(plain_div(input, other)))), node="RemainderBackward1", number_node="RemainderBackward0", left_node=("NotImplemented", never_derived("remainder")), kinds="uif")
fmod = binary("fmod", k.fmod, lambda g: g, lambda g, input, other: neg(mul(g, trunc(plain_div(input, other)))), node="FmodBackward1", number_node="FmodBackward0", kinds="uif", numbers="other")
neg = unary("neg", np.negative, lambda g: neg(g), check=no_bool("Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use the `~` or `logical_not()` operator instead."))
@op
def positive(input: Tensor) -> Tensor:
    """`input` itself.  Raises RuntimeError for booleans."""
    if not isinstance(input, Tensor):
        raise bad_argument("positive", "input", 1, input)
    no_bool("The `+` operator, on a bool tensor is not supported.")(input)
    return input


reciprocal = unary("reciprocal", k.reciprocal, lambda g, out: neg(mul(g, conj(mul(out, out)))), kind="float")
abs = unary("abs", k.absolute, lambda g, input: mul(g, sgn(input)), kinds="uifc", check_writing=no_complex("In-place abs is not supported for complex tensors."))
sgn = unary("sgn", k.sign, lambda g, input, out: _sgn_gradient(g, input, out))
sign = unary("sign", k.sign, lambda g: zeros_as(g), check=no_complex("Unlike NumPy, torch.sign is not intended to support complex numbers. Please use torch.sgn instead.", NotImplementedError))

# ---- rounding (their gradient is zero everywhere) ------------------------------------------------

ceil = unary("ceil", np.ceil, lambda g: zeros_as(g), kinds="uif", quoted="ceil_vml_cpu", check=no_complex("ceil is not supported for complex inputs", NotImplementedError))
floor = unary("floor", np.floor, lambda g: zeros_as(g), kinds="uif", quoted="floor_vml_cpu", check=no_complex("floor is not supported for complex inputs", NotImplementedError))
trunc = unary("trunc", np.trunc, lambda g: zeros_as(g), kinds="uif", quoted="trunc_vml_cpu", check=no_complex("trunc is not supported for complex inputs", NotImplementedError))
frac = unary("frac", lambda x: np.subtract(x, np.trunc(x)), lambda g: g, kinds="f")

# ---- exponentials and logarithms -----------------------------------------------------------------

exp = unary("exp", np.exp, lambda g, out: mul(g, conj(out)), kind="float")
exp2 = unary("exp2", wider.exp2, lambda g, out: mul(mul(g, conj(out)), math.log(2)), kind="float")
expm1 = unary("expm1", wider.expm1, lambda g, out: mul(g, conj(plain_add(out, 1))), kind="float")
log = unary("log", wider.log, lambda g, input: plain_div(g, conj(input)), kind="float")
log2 = unary("log2", wider.log2, lambda g, input: plain_div(g, mul(conj(input), math.log(2))), kind="float")
log10 = unary("log10", wider.log10, lambda g, input: plain_div(g, mul(conj(input), _LOG_10)), kind="float")
log1p = unary("log1p", wider.log1p, lambda g, input: plain_div(g, conj(plain_add(input, 1))), kind="float", node="Log1PBackward0")
sqrt = unary("sqrt", np.sqrt, lambda g, out: plain_div(g, mul(conj(out), 2)), kind="float")
rsqrt = unary("rsqrt", k.rsqrt, lambda g, out: mul(mul(g, -0.5), conj(_cube(out))), kind="float")
logaddexp = binary("logaddexp", k.logaddexp, lambda g, input, other: _share_of_sum(g, input, other, math.e), lambda g, input, other: _share_of_sum(g, other, input, math.e), inplace=False, numbers="none", kinds="fc")
logaddexp2 = binary("logaddexp2", k.logaddexp2, lambda g, input, other: _share_of_sum(g, input, other, 2), lambda g, input, other: _share_of_sum(g, other, input, 2), inplace=False, numbers="none", kinds="f")

# ---- trigonometry --------------------------------------------------------------------------------

sin = unary("sin", np.sin, lambda g, input: mul(g, conj(cos(input))), kind="float")
cos = unary("cos", np.cos, lambda g, input: mul(g, neg(conj(sin(input)))), kind="float")
tan = unary("tan", wider.tan, lambda g, out: mul(g, conj(plain_add(mul(out, out), 1))), kind="float")
asin = unary("asin", wider.asin, lambda g, input: mul(g, conj(rsqrt(plain_add(neg(mul(input, input)), 1)))), kind="float")
acos = unary("acos", wider.acos, lambda g, input: mul(g, neg(conj(rsqrt(plain_add(neg(mul(input, input)), 1))))), kind="float")
atan = unary("atan", np.arctan, lambda g, input: plain_div(g, conj(plain_add(mul(input, input), 1))), kind="float")
sinh = unary("sinh", np.sinh, lambda g, input: mul(g, conj(cosh(input))), kind="float")
cosh = unary("cosh", np.cosh, lambda g, input: mul(g, conj(sinh(input))), kind="float")
tanh = unary("tanh", k.tanh, lambda g, out: mul(g, conj(_one_minus_square(out))), kind="float")
asinh = unary("asinh", np.arcsinh, lambda g, input: mul(g, conj(rsqrt(plain_add(mul(input, input), 1)))), kind="float", writing=("AsinhBackward1", no_derivative("inplace version of asinh")))
acosh = unary("acosh", np.arccosh, lambda g, input: mul(g, _acosh_slope(input)), kind="float", writing=("AcoshBackward1", no_derivative("inplace version of acosh")))
atanh = unary("atanh", np.arctanh, lambda g, input: plain_div(g, conj(plain_sub(1, mul(input, input)))), kind="float", writing=("AtanhBackward1", no_derivative("inplace version of atanh")))
atan2 = binary("atan2", k.atan2, lambda g, input, other: _over_squares(mul(g, other), input, other), lambda g, input, other: _over_squares(mul(g, neg(input)), input, other), kind="float", numbers="none", kinds="buif")
hypot = binary("hypot", np.hypot, lambda g, input, out: plain_div(mul(g, input), out), lambda g, other, out: plain_div(mul(g, other), out), numbers="none", kinds="f")
deg2rad = unary("deg2rad", k.multiplied(math.pi / 180), lambda g: mul(g, math.pi / 180), kind="float", check=no_complex("deg2rad is not supported for complex tensors."), node="Deg2RadBackward0")
rad2deg = unary("rad2deg", k.multiplied(180 / math.pi), lambda g: mul(g, 180 / math.pi), kind="float", check=no_complex("rad2deg is not supported for complex tensors."), node="Rad2DegBackward0")

# ---- choosing --------------------------------------------------------------------------------------

maximum = binary("maximum", np.maximum, lambda g, input, other: _share(g, input, other, lt), lambda g, input, other: _share(g, other, input, lt), inplace=False, numbers="none", check=no_complex("maximum not implemented for complex tensors."))
minimum = binary("minimum", np.minimum, lambda g, input, other: _share(g, input, other, gt), lambda g, input, other: _share(g, other, input, gt), inplace=False, numbers="none", check=no_complex("minimum not implemented for complex tensors."))
fmax = binary("fmax", k.fmax, lambda g, input, other: masked(g, logical_or(ge(input, other), isnan(other))), lambda g, input, other: masked(g, logical_not(logical_or(ge(input, other), isnan(other)))), inplace=False, numbers="none", check=no_complex("fmax not implemented for complex tensors."))
fmin = binary("fmin", k.fmin, lambda g, input, other: masked(g, logical_or(le(input, other), isnan(other))), lambda g, input, other: masked(g, logical_not(logical_or(le(input, other), isnan(other)))), inplace=False, numbers="none", check=no_complex("fmin not implemented for complex tensors."))
copysign = binary("copysign", np.copysign, lambda g, input, out: _copysign_gradient(g, input, out), lambda g: zeros_as(g), kind="float", numbers="other", kinds="buif", number_node="CopysignBackward1")

nextafter = binary("nextafter", k.nextafter, lambda g, input, other: masked(g, ne(input, other)), lambda g: zeros_as(g), numbers="none", kinds="f")

# ---- comparison ------------------------------------------------------------------------------------

eq = binary("eq", np.equal, kind="bool", numbers="other")
ne = binary("ne", np.not_equal, kind="bool", numbers="other")
lt = binary("lt", np.less, kind="bool", numbers="other", kinds="buif")
le = binary("le", np.less_equal, kind="bool", numbers="other", kinds="buif")
gt = binary("gt", np.greater, kind="bool", numbers="other", kinds="buif")
ge = binary("ge", np.greater_equal, kind="bool", numbers="other", kinds="buif")
isnan = unary("isnan", lambda x: np.isnan(x), kind="bool", inplace=False)
isinf = unary("isinf", lambda x: np.isinf(x), kind="bool", inplace=False)
isfinite = unary("isfinite", lambda x: np.isfinite(x), kind="bool", inplace=False)
isposinf = unary("isposinf", lambda x: np.equal(x, np.inf), kind="bool", out_rule="bool", inplace=False, check=no_complex("isposinf does not support complex inputs."))
isneginf = unary("isneginf", lambda x: np.equal(x, -np.inf), kind="bool", out_rule="bool", inplace=False, check=no_complex("isneginf does not support complex inputs."))
isreal = unary("isreal", lambda x: np.isreal(x), kind="bool", inplace=False)
signbit = unary("signbit", lambda x: np.signbit(x) if x.dtype.kind in "fi" else np.zeros(x.shape, bool), kind="bool", out_rule="bool", inplace=False, check=no_complex("signbit is not implemented for complex tensors.", NotImplementedError))

# ---- logic and bits --------------------------------------------------------------------------------

logical_and = binary("logical_and", np.logical_and, kind="bool", numbers="none")
logical_or = binary("logical_or", np.logical_or, kind="bool", numbers="none")
logical_xor = binary("logical_xor", np.logical_xor, kind="bool", numbers="none")
logical_not = unary("logical_not", np.logical_not, kind="bool")
bitwise_and = binary("bitwise_and", np.bitwise_and, kinds="bui")
bitwise_or = binary("bitwise_or", np.bitwise_or, kinds="bui")
bitwise_xor = binary("bitwise_xor", np.bitwise_xor, kinds="bui")
bitwise_not = unary("bitwise_not", np.invert, kinds="bui")
bitwise_left_shift = binary("bitwise_left_shift", np.left_shift, kinds="ui", quoted="lshift_cpu")
bitwise_right_shift = binary("bitwise_right_shift", np.right_shift, kinds="ui", quoted="rshift_cpu")
gcd = binary("gcd", k.gcd, numbers="none", kinds="ui")
lcm = binary("lcm", np.lcm, numbers="none", kinds="ui")
# fmt: on


# ---- pieces of rules -----------------------------------------------------------------------------


_LOG_10 = 2.3025850929940456  # as torch has it: of two that are equally near, the lower


def zeros_as(g: Tensor) -> Tensor:
    """A gradient of zeros."""
    return wrap(np.zeros_like(g._array))


def masked(g: Tensor, keep: Tensor) -> Tensor:
    """`g` where `keep`, zero elsewhere (also where g is inf or nan)."""
    keep_array = np.broadcast_to(keep._array, g._array.shape)
    data = np.where(keep_array, g._array, g._array.dtype.type(0))
    return record("WhereBackward0", data, g=(g, lambda h, keep: masked(h, keep)), keep=keep)


def _share(g: Tensor, mine: Any, others: Any, loses: Any) -> Tensor:
    """The gradient goes to the winner, at a tie half to each side, and all of it to both at NaN."""
    return masked(plain_div(g, plain_add(eq(mine, others), 1)), logical_not(loses(mine, others)))


def _over_squares(top: Any, x: Any, y: Any) -> Tensor:
    """top · 1/(x² + y²), rounded twice as in torch; 0 where both are."""
    squares = plain_add(mul(x, x), mul(y, y))
    return masked(mul(top, reciprocal(squares)), ne(squares, 0))


def _cube(x: Tensor) -> Tensor:
    """x³; of half precision rounded once."""
    if x._array.dtype.char != "e":
        return mul(x, mul(x, x))
    data = (x._array.astype(np.float32) ** 3).astype(np.float16)
    return record("PowBackward0", data, x=(x, lambda g, x: mul(g, mul(mul(x, x), 3))))


def _one_minus_square(y: Tensor) -> Tensor:
    """1 − y² without its cancellation."""
    a = y._array
    return record("SubBackward0", (1 - a) * (1 + a), y=(y, lambda g, y: mul(g, conj(mul(y, -2)))))


def _acosh_slope(x: Tensor) -> Tensor:
    """1/√(x² − 1); complex roots do not multiply into one."""
    if x._array.dtype.kind == "c":
        return conj(mul(rsqrt(plain_sub(x, 1)), rsqrt(plain_add(x, 1))))
    a = x._array
    data = fp.quiet(k.rsqrt, (a - 1) * (a + 1) + 0)  # at −1 that is 0, not −0
    return record("RsqrtBackward0", data, x=(x, lambda g, x, out: neg(mul(mul(g, x), _cube(out)))))


def _share_of_sum(g: Tensor, x: Tensor, y: Tensor, base: float) -> Tensor:
    """g · baseˣ / (baseˣ + baseʸ)"""
    if g._array.dtype.kind == "c":
        return plain_div(g, conj(plain_add(exp(plain_sub(y, x)), 1)))
    return mul(g, _part_of_sum(x, y, base))


def _part_of_sum(x: Tensor, y: Tensor, base: float) -> Tensor:
    """p = baseˣ / (baseˣ + baseʸ); its slope in x is log(base) · p · (1 − p), in y the opposite."""

    def rule(g: Tensor, x: Tensor, y: Tensor, out: Tensor) -> Tensor:
        return mul(mul(g, math.log(base)), mul(out, _part_of_sum(y, x, base)))

    data = fp.quiet(share, x._array, y._array, base)
    negative = lambda g, x, y, out: neg(rule(g, x, y, out))  # noqa: E731
    return record("ReciprocalBackward0", data, x=(x, rule), y=(y, negative))


def _copysign_gradient(g: Tensor, input: Tensor, out: Tensor) -> Tensor:
    return masked(mul(g, plain_div(out, input)), ne(input, 0))


def _sgn_gradient(g: Tensor, input: Tensor, out: Tensor) -> Tensor:
    """Zero for real numbers; for z/|z| the part of g perpendicular to it, over |z|."""
    if input._array.dtype.kind != "c":
        return zeros_as(g)
    size = abs(input)
    perpendicular = plain_sub(g, mul(out, mul(g, conj(out)).real))
    return masked(plain_div(perpendicular, size), ne(size, 0))


# ---- with a signature of its own -----------------------------------------------------------------


def _check_heaviside(input: Tensor, values: Tensor) -> None:
    only_tensors("heaviside", input, values)
    if "c" in (input._array.dtype.kind, values._array.dtype.kind):
        raise RuntimeError("heaviside is not yet implemented for complex tensors.")
    if input._array.dtype != values._array.dtype:
        raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")


_heaviside = binary("heaviside", lambda x, h: np.where(x == 0, h, x > 0).astype(x.dtype), never_derived("heaviside"), never_derived("heaviside"), node="NotImplemented", check=_check_heaviside, traced=True, publish=False)


def heaviside(input: Tensor, values: Tensor, *, out: Tensor | None = None) -> Tensor:
    """0 where input < 0, 1 where input > 0, `values` where it is zero."""
    _check_heaviside(input, values)
    if out is not None and out._array.dtype != input._array.dtype:
        raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")
    return _heaviside(input, values, out=out)


def _heaviside_(self: Tensor, values: Tensor) -> Tensor:
    """In-place form of `heaviside`."""
    _check_heaviside(self, values)
    return _heaviside.in_place(self, values)


heaviside.in_place = _heaviside_  # type: ignore[attr-defined]
op(heaviside, inplace=True, own_out=True)

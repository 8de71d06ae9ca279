"""Arithmetic with a signature of its own: `add` with alpha, `div` with a rounding mode, `pow`,
`round`, and the second names of the pointwise ops.

The operators `+ - * /` use the plain rows of `pointwise.py` directly.
"""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np

from ..autograd.graph import record, rename, requires_grad
from ..autograd.inplace import in_place
from ..autograd.modes import state
from ..dtypes import (
    BOOL,
    COMPLEX,
    FLOATING,
    INTEGER,
    complex128,
    float64,
    result_type,
)
from ..kernels import elementwise as k
from ..kernels import fma, wider
from ..kernels.blocks import over_blocks
from ..kernels.layout import arranged
from ..quiet import fp
from ..tensor import Tensor, wrap
from . import pointwise as p
from .common import as_operand, convert_number, is_number
from .old_orders import reordered
from .pointwise import (
    conj,
    eq,
    ge,
    gt,
    le,
    log,
    logical_and,
    logical_not,
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
from .refusals import bad_argument, broadcast_shape, no_bool_sub, not_implemented
from .registry import check_overlap, op, write_out
from .table import binary, unary


def _with_alpha(simple: Any, sign: int, rows: str) -> Any:
    """add and sub: the table's op, its second operand scaled by `alpha`."""
    name = simple.__name__
    node = f"{name.capitalize()}Backward0"

    def call(
        input: Any, other: Any, *more: Any, alpha: Any = 1, out: Tensor | None = None
    ) -> Tensor:
        if more:
            return reordered(call, name, (input, other, *more), ("alpha",), {"out": out})
        if type(alpha) is int and alpha == 1:
            return simple(input, other, out=out)
        if out is not None:
            check_overlap(out, (input, other))
            return write_out(out, call(input, other, alpha=alpha), name)
        if sign < 0:
            no_bool_sub(input, other)
        return _scaled_sum(node, input, other, alpha, sign)

    def written(self: Tensor, other: Any, *more: Any, alpha: Any = 1) -> Tensor:
        if more:
            return reordered(written, f"{name}_", (self, other, *more), ("alpha",), {})
        if type(alpha) is int and alpha == 1:
            return simple.in_place(self, other)
        return scaled_in_place(self, other, alpha=alpha)

    scaled_in_place = in_place(call, f"{name}_")
    call.__name__, call.__doc__, call.in_place = name, rows, written  # type: ignore[attr-defined]
    written.__name__, written.__doc__ = f"{name}_", f"In-place form of `{name}`."
    return op(call, inplace=True, own_out=True)


def _scaled_sum(node: str, input: Any, other: Any, alpha: Any, sign: int) -> Tensor:
    """input ± alpha · other, the product unrounded where torch's vectorised loop fuses it."""
    if alike(input, other) and type(alpha) in (int, float):
        y, x = input._array, other._array
        factor = y.dtype.type(alpha if sign > 0 else -alpha)
        data = fp.quiet(_scaled_and_added, x, factor, y)
        if not state.grad or not (requires_grad(input) or requires_grad(other)):
            return wrap(data)
        scale = lambda g: mul(g, alpha if sign > 0 else -alpha)  # noqa: E731
        return record(node, data, input=(input, lambda g: g), other=(other, scale))
    common = result_type(input, other)
    _check_alpha(alpha, common)
    a, b = as_operand(input, common), as_operand(other, common)
    factor = convert_number(alpha if common.category != BOOL else bool(alpha), common)
    shape = broadcast_shape(a, b)
    y = np.array(np.broadcast_to(a, shape), order="C")
    x = np.broadcast_to(b, shape)
    data = fp.quiet(fma.axpy, y, x, factor[()] if sign > 0 else np.negative(factor)[()])
    scale = lambda g: mul(g, conj(alpha) if sign > 0 else -conj(alpha))  # noqa: E731
    return record(node, data, input=(input, lambda g: g), other=(other, scale))


def alike(input: Any, other: Any) -> bool:
    """Whether both are tensors of one shape and one type, float32 or float64."""
    if not isinstance(input, Tensor) or not isinstance(other, Tensor):
        return False
    x, y = input._array, other._array
    return x.dtype is y.dtype and x.shape == y.shape and x.dtype.char in "fd"


def _scaled_and_added(x: np.ndarray, factor: Any, y: np.ndarray) -> np.ndarray:
    if y.size >= fma.LONG:
        return fma.axpy(np.array(y, order="C"), x, factor)
    if builtins.abs(factor) >= 1 and math.frexp(factor)[0] in (0.5, -0.5):  # the product is exact
        data = y + factor * x
        if math.isfinite(np.add.reduce(data, None)):  # and has not overflowed
            return data
    return fma.fma(x, factor, y)


def _check_alpha(alpha: Any, common: Any) -> None:
    """Raise torch's RuntimeError for an alpha of a higher kind than the result."""
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


add = _with_alpha(plain_add, 1, "`input + alpha * other`, broadcast.")
sub = _with_alpha(
    plain_sub, -1, "`input - alpha * other`, broadcast.  Raises RuntimeError on booleans."
)


_ANY_MODE = "none given"


@op(inplace=True, out=True)
def div(input: Any, other: Any, *, rounding_mode: str | None = _ANY_MODE) -> Tensor:
    """`input / other`; `rounding_mode` None (fractions), "trunc" (towards zero) or "floor"."""
    if rounding_mode is _ANY_MODE:
        return plain_div(input, other)
    if rounding_mode is None:
        return rename(plain_div(input, other), "DivBackward2")
    if rounding_mode not in ("trunc", "floor"):
        raise RuntimeError(
            "div expected rounding_mode to be one of None, 'trunc', or 'floor' but found "
            f"'{rounding_mode}'"
        )
    rounded = _div_floor if rounding_mode == "floor" else _div_trunc
    return rounded(input, other)


def _div_in_place(self: Tensor, other: Any, *, rounding_mode: str | None = _ANY_MODE) -> Tensor:
    """In-place form of `div`."""
    if rounding_mode is _ANY_MODE:
        return plain_div.in_place(self, other)
    return _div_with_mode(self, other, rounding_mode=rounding_mode)


_div_with_mode = in_place(div, "div_")
_div_in_place.__name__ = "div_"
Tensor.div_ = div.in_place = _div_in_place  # type: ignore[attr-defined]

# fmt: off
_div_floor = binary("div", k.floor_divide, lambda g: zeros_as(g), lambda g: zeros_as(g), node="DivBackward2", kinds="uif", quoted="div_floor_cpu", wide=True, publish=False)
_div_trunc = binary("div", k.truncated_quotient, lambda g: zeros_as(g), lambda g: zeros_as(g), node="DivBackward2", kinds="uif", quoted="div_trunc_cpu", wide=True, publish=False)
# fmt: on


def _check_power(input: Any, exponent: Any) -> None:
    whole = result_type(input, exponent).category <= INTEGER
    if whole and is_number(exponent) and exponent < 0:
        raise RuntimeError("Integers to negative integer powers are not allowed.")


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


def _power_of_number(a: np.ndarray, b: Any) -> np.ndarray:
    if a.dtype.kind == "b":
        return np.logical_or(a, np.logical_not(b))
    return k.complex_power_of_number(a, complex(b)) if a.dtype.kind == "c" else k.power(a, b)


# fmt: off
_pow_number = binary("pow", _power_of_number, _base_gradient, None, node="PowBackward0", check=_check_power, quoted="pow", publish=False)
_pow_tensor = binary("pow", k.power, _base_gradient, _exponent_gradient, node="PowBackward1", left_node=("PowBackward2", _exponent_gradient), check=_check_power, kinds="uifc", quoted="pow", publish=False)
# fmt: on


@op(inplace=True, out=True)
def square(input: Tensor) -> Tensor:
    """`input ** 2`."""
    return pow(input, 2)


@op(inplace=True, out=True)
def pow(input: Any, exponent: Any) -> Tensor:
    """`input ** exponent`, broadcast.  Raises RuntimeError for whole numbers to negative powers."""
    if is_number(exponent):
        return _pow_number(input, exponent)
    return _pow_tensor(input, exponent)


def _pow_in_place(self: Tensor, exponent: Any) -> Tensor:
    """In-place form of `pow`."""
    return (_pow_number if is_number(exponent) else _pow_tensor).in_place(self, exponent)


_pow_in_place.__name__ = "pow_"
Tensor.pow_ = pow.in_place = _pow_in_place  # type: ignore[attr-defined]


@op(out="required")
def float_power(input: Any, exponent: Any) -> Tensor:
    """`input ** exponent` computed in double precision."""
    wide = complex128 if result_type(input, exponent).category == COMPLEX else float64
    wider = [x.to(wide) if isinstance(x, Tensor) else x for x in (input, exponent)]
    if not isinstance(wider[0], Tensor) and not isinstance(wider[1], Tensor):
        wider[0] = wrap(np.asarray(wider[0], wide.np))
    return pow(*wider)


def _float_power_(self: Tensor, exponent: Any) -> Tensor:
    """In-place form of `float_power`, of a base in double precision."""
    wide = complex128 if result_type(self, exponent).category == COMPLEX else float64
    if self.dtype is not wide:
        raise RuntimeError(
            f"the base given to float_power_ has dtype {self.dtype.title} but the operation's "
            f"result requires dtype {wide.title}"
        )
    return pow.in_place(self, exponent)


_float_power_.__name__ = "float_power_"
Tensor.float_power_ = float_power.in_place = _float_power_  # type: ignore[attr-defined]


def _half_to_even(x: np.ndarray, decimals: int) -> np.ndarray:
    if decimals == 0:
        return np.rint(x) if x.dtype.kind == "f" else x.copy()
    if x.dtype.char == "e":
        return _half_to_even(x.astype(np.float32), decimals).astype(np.float16)
    scale = x.dtype.type(10.0 ** builtins.abs(decimals))
    return np.rint(x * scale) / scale if decimals > 0 else np.rint(x / scale) * scale


@op(inplace=True, out="same")
def round(input: Tensor, *, decimals: int | None = None) -> Tensor:
    """To the nearest whole number (or `decimals` places), halves to even.  Gradient zero."""
    if not isinstance(input, Tensor):
        raise bad_argument("round", "input", 1, input)
    if input._array.dtype.kind in ("bc" if not decimals else "buic"):
        raise not_implemented("round_cpu" if decimals else "round_vml_cpu", input)
    data = arranged(fp.quiet(_half_to_even, input._array, decimals or 0), input._array)
    node = "RoundBackward0" if decimals is None else "RoundBackward1"
    return record(node, data, input=(input, lambda g: zeros_as(g)))


def _sigmoid_gradient(g: Tensor, out: Tensor) -> Tensor:
    """g (1 − σ) σ in torch's order, which decides the last bit; of complex numbers in another."""
    if out._array.dtype.kind == "c":
        return mul(g, conj(mul(plain_sub(1, out), out)))
    if state.grad:
        return mul(mul(g, plain_sub(1, out)), out)
    return wrap(fp.quiet(over_blocks, lambda g, s: g * (1 - s) * s, g._array, out._array))


sigmoid = unary("sigmoid", wider.logistic, _sigmoid_gradient, kind="float")

# ---- second names of the pointwise ops -------------------------------------------------------------

for _alias, _original in {
    "multiply": mul, "subtract": sub, "divide": div, "true_divide": plain_div, "negative": neg,
    "absolute": p.abs, "arccos": p.acos, "arcsin": p.asin, "arctan": p.atan, "arctan2": p.atan2,
    "arcsinh": p.asinh, "arccosh": p.acosh, "arctanh": p.atanh, "fix": p.trunc,
    "greater": gt, "greater_equal": ge, "less": lt, "less_equal": le, "not_equal": ne,
}.items():  # fmt: skip
    _in_place = getattr(_original, "in_place", None)
    globals()[_alias] = op(_original, name=_alias, own_out=True)
    setattr(Tensor, f"{_alias}_", _in_place or in_place(_original, f"{_alias}_"))

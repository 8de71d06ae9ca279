"""What a number is made of: frexp and ldexp, angle, nan_to_num; and `fill`, which forgets it all."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import return_types
from ..autograd.graph import record, rename, requires_grad
from ..autograd.inplace import in_place, unwritten
from ..autograd.modes import state
from ..dtypes import BOOL, COMPLEX, FLOATING, float16, float64, result_type, to_floating
from ..kernels.layout import copied, laid_out, preserved
from ..kernels.wider import power_of_two
from ..quiet import fp
from ..tensor import Tensor, wrap
from .arithmetic import pow
from .common import cast_array
from .filling import fill_
from .pointwise import abs, conj, eq, exp2, isfinite, logical_not, masked, mul, plain_div, zeros_as
from .refusals import bad_argument, broadcast_error, broadcast_shape, no_kernel
from .registry import op, refuse_grad, write_out
from .table import only_tensors


@op(own_out=True)
def frexp(input: Tensor, *, out: Any = None) -> Any:
    """The mantissa in [0.5, 1) and the exponent (int32) with input = mantissa · 2^exponent.

    Infinities and nan are their own mantissa, with exponent 0.
    Raises RuntimeError for types without fractions.
    """
    if not isinstance(input, Tensor):
        raise bad_argument("frexp", "input", 1, input)
    array = input._array
    if array.dtype.kind != "f":
        raise RuntimeError("torch.frexp() only supports floating-point dtypes")
    mantissa, exponent = fp.quiet(np.frexp, array)
    exponent = np.where(np.isfinite(array), exponent, 0).astype(np.int32)
    data = np.asarray(mantissa, array.dtype), exponent
    rule = lambda g, out1: None if g[0] is None else plain_div(g[0], exp2(out1))  # noqa: E731
    result = return_types.frexp(record("FrexpBackward0", data, input=(input, rule)))
    if out is None:
        return result
    return return_types.frexp([write_out(o, r, "frexp") for o, r in zip(out, result)])


def ldexp(input: Tensor, other: Tensor) -> Tensor:
    """`input · 2^other`.  Fractions with whole exponents are scaled exactly, in the input's type.

    Raises NotImplementedError for fractions with boolean exponents.  As in torch, the gradient for
    `input` with whole exponents is computed in whole numbers: it is 0 where 2^other is none.
    """
    only_tensors("ldexp", input, other)
    data = _scaled(input, other) if _is_scaling(input, other) else _multiplied(input, other)
    return record(
        "LdexpBackward0",
        data,
        input=(input, lambda g, other: mul(g, conj(pow(2, other)))),
        other=(other, lambda g, out: mul(mul(g, conj(out)), math.log(2))),
    )


_ldexp_written = in_place(ldexp, "ldexp_")


def _ldexp_in_place(self: Tensor, other: Tensor) -> Tensor:
    """In-place form of `ldexp`; for fractions torch looks at the shapes before the types."""
    only_tensors("ldexp_", self, other)
    shape = broadcast_shape(self._array, other._array)
    if shape != self._array.shape and self.dtype.category >= FLOATING:
        raise RuntimeError(
            f"output with shape {list(self.shape)} doesn't match the broadcast shape {list(shape)}"
        )
    return _ldexp_written(self, other)


_ldexp_in_place.__name__ = _ldexp_in_place.__qualname__ = "ldexp_"
ldexp.in_place = _ldexp_in_place  # type: ignore[attr-defined]
ldexp = op(ldexp, inplace=True, out=True)


def _is_scaling(input: Tensor, other: Tensor) -> bool:
    return input.dtype.category == FLOATING and other.dtype.category < FLOATING


def _scaled(input: Tensor, other: Tensor) -> np.ndarray:
    if other.dtype.category == BOOL:
        raise no_kernel("ldexp_cpu_exp", other.dtype.np)
    exponent = other._array.astype(np.int32)  # large ones wrap, as in torch
    return _broadcast(np.ldexp, input._array, exponent)


def _multiplied(input: Tensor, other: Tensor) -> np.ndarray:
    """input · 2^other, where the 2 has the input's type if that is float64 or complex."""
    if input.dtype.category == COMPLEX and other.dtype is float16 and other.ndim:
        raise NotImplementedError("\"pow\" not implemented for 'ComplexHalf'")
    has_type = input.dtype is float64 or input.dtype.category == COMPLEX
    kind = result_type(wrap(np.asarray(2, input.dtype.np)) if has_type else 2.0, other)
    if kind.category == FLOATING:
        factor = fp.quiet(power_of_two, cast_array(other._array, kind))
    else:
        factor = pow(wrap(np.asarray(2, kind.np)), other.detach())._array
    return mul(input.detach(), wrap(factor))._array


def _broadcast(kernel: Any, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """`kernel(a, b)`; shapes that do not fit raise torch's RuntimeError."""
    try:
        return np.asarray(fp.quiet(kernel, a, b), a.dtype)
    except ValueError:
        raise broadcast_error(a, b) from None


@op(out=True)
def angle(input: Tensor) -> Tensor:
    """The angle of a complex number in (−π, π]; of a real one π below zero, 0 above, nan at nan."""
    if not isinstance(input, Tensor):
        raise bad_argument("angle", "input", 1, input)
    array = input._array
    if input.dtype.category == COMPLEX:
        data = fp.quiet(np.arctan2, array.imag, array.real)
        return record("AngleBackward0", data, input=(input, _angle_gradient))
    x = cast_array(array, to_floating(input.dtype))
    flat = np.where(x < 0, x.dtype.type(math.pi), x.dtype.type(0))
    data = np.where(np.isnan(x), x, flat)
    return record("AngleBackward0", data, input=(input, lambda g: zeros_as(g)))


def _angle_gradient(g: Tensor, input: Tensor) -> Tensor:
    """g · i z / |z|², zero at zero."""
    size = abs(input)
    turned = mul(plain_div(mul(g, input), mul(size, size)), 1j)
    return masked(turned, logical_not(eq(input, 0)))


def nan_to_num(
    input: Tensor,
    nan: float | None = None,
    posinf: float | None = None,
    neginf: float | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """nan replaced by `nan` (0), infinities by `posinf`, `neginf` (the type's largest, lowest).

    Raises RuntimeError unless `out` has the type of `input`, and for complex numbers that require
    grad (the in-place form takes them).
    """
    if not isinstance(input, Tensor):
        raise bad_argument("nan_to_num", "input", 1, input)
    if out is not None:
        refuse_grad("nan_to_num", (input, out))
    if input._array.dtype.kind == "c" and state.grad and requires_grad(input):
        raise RuntimeError(
            "nan_to_num does not support automatic differentiation for outputs with complex dtype."
        )
    result = _nan_to_num(input, nan, posinf, neginf)
    if out is None:
        return result
    if out.dtype is not input.dtype:
        raise RuntimeError(
            f"nan_to_num: dtype of out: {out.dtype.title} should be same as input: "
            f"{input.dtype.title}"
        )
    return write_out(out, result, "nan_to_num")


def _nan_to_num(
    input: Tensor,
    nan: float | None = None,
    posinf: float | None = None,
    neginf: float | None = None,
) -> Tensor:
    array = input._array
    if array.dtype.kind not in "fc":
        return wrap(copied(array))
    info = np.finfo(array.dtype)
    high, low = info.max if posinf is None else posinf, info.min if neginf is None else neginf
    data = fp.quiet(_replaced, array, (nan or 0.0, high, low))
    data = laid_out(data, preserved(array))
    rule = lambda g, input: mul(g, isfinite(input))  # noqa: E731
    return record("NanToNumBackward0", data, input=(input, rule))


nan_to_num.in_place = in_place(_nan_to_num, "nan_to_num_")  # type: ignore[attr-defined]
nan_to_num = op(nan_to_num, inplace=True, own_out=True)


def _replaced(x: np.ndarray, values: tuple[Any, ...]) -> np.ndarray:
    if x.dtype.kind == "c":
        out = np.empty_like(x)
        out.real, out.imag = _replaced(x.real, values), _replaced(x.imag, values)
        return out
    if np.isfinite(x).all():
        return x.copy()
    nan, high, low = (np.asarray(v).astype(x.dtype) for v in values)
    out = np.where(np.isnan(x), nan, x)
    return np.where(x == np.inf, high, np.where(x == -np.inf, low, out))


@op(method=False)
def fill(input: Tensor, value: Any) -> Tensor:
    """A tensor like `input` with every element `value` (a number or a 0-d tensor)."""
    filled = unwritten(fill_(input.clone(), value))
    return rename(filled, f"FillBackward{int(isinstance(value, Tensor))}")

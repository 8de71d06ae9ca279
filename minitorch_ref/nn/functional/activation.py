"""Activations: the functions that stand between layers, with torch's names and in-place forms.

Each is one row of `ops/curves.py` behind torch's signature.  Those that are methods of Tensor as
well are in `ops/activation.py`; slopes that are learnt, drawn or gated are in `slopes.py`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ...autograd.graph import record, rename
from ...autograd.inplace import in_place
from ...autograd.modes import state
from ...kernels import slopes
from ...kernels.layout import arranged, in_format, laid_out, preserved
from ...kernels.select import select
from ...kernels.wider import complex_softsign
from ...kernels.wider import tanhshrink as shrink_by_tanh
from ...ops import activation as table
from ...ops import curves
from ...ops.activation import array_of, refuse
from ...ops.activation import relu as clip_at_zero
from ...ops.curves import check_floating, draw, steep
from ...ops.registry import op
from ...quiet import fp
from ...tensor import Tensor, wrap

relu_ = clip_at_zero.in_place


def second_form(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """`function`, its node named as torch names that of an in-place form with its own rule."""

    @functools.wraps(function)
    def renamed(*args: Any, **kwargs: Any) -> Tensor:
        result = function(*args, **kwargs)
        node = result._node
        return result if node is None else rename(result, node.name().replace("d0", "d1"))

    return renamed


@op(namespace="nn.functional")
def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0)."""
    return clip_at_zero.in_place(input) if inplace else clip_at_zero(input)


# ---- piecewise linear ----------------------------------------------------------------------------


def plain_threshold(input: Tensor, threshold: float, value: float) -> Tensor:
    if input._array.dtype.kind in "bc":
        check_floating(input, "threshold_cpu")
    if input._array.dtype.kind == "f":
        return draw(curves.threshold, input, threshold, value)
    limit = input._array.dtype.type(threshold)
    return wrap(select(input._array <= limit, value, input._array, input._array.dtype))


threshold_ = in_place(second_form(plain_threshold), "threshold_")


@op(namespace="nn.functional")
def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """x where x > threshold, else `value`."""
    return (threshold_ if inplace else plain_threshold)(input, threshold, value)


def _hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    array = array_of("hardtanh", input)
    if array.dtype.kind == "f":
        result = draw(curves.hardtanh, input, min_val, max_val)
        result._array = laid_out(result._array, preserved(array))
        return result
    if array.dtype.kind in "bc":
        refuse("hardtanh", array)
    if array.dtype.kind == "u" and min_val < 0:
        raise RuntimeError("cannot do hardtanh on an unsigned type with negative limits")
    data = curves.hardtanh.value(array, int(min_val), int(max_val))
    return wrap(laid_out(data, preserved(array)))


hardtanh_ = in_place(_hardtanh, "hardtanh_")


@op(namespace="nn.functional")
def hardtanh(
    input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Tensor:
    """x clipped to [min_val, max_val].  Raises ValueError if the limits are swapped."""
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    return (hardtanh_ if inplace else _hardtanh)(input, min_val, max_val)


@op(namespace="nn.functional")
def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """x clipped to [0, 6]."""
    array_of("relu6", input)
    return (hardtanh_ if inplace else _hardtanh)(input, 0.0, 6.0)


def _leaky_relu(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    return draw(curves.leaky_relu, input, negative_slope)


leaky_relu_ = in_place(second_form(_leaky_relu), "leaky_relu_")


@op(namespace="nn.functional")
def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x where x > 0, else negative_slope · x."""
    return (leaky_relu_ if inplace else _leaky_relu)(input, negative_slope)


hardshrink = op(table.hardshrink, namespace="nn.functional", name="hardshrink")


@op(namespace="nn.functional")
def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x moved towards 0 by lambd, no further than 0.  Raises RuntimeError if lambd is negative."""
    array_of("softshrink", input)
    if lambd < 0:
        largest = np.finfo(input._array.dtype).max
        raise RuntimeError(
            f"lambda must be in range [0, {largest:g}] for input dtype {input.dtype.title}, "
            f"but found {lambd}"
        )
    return draw(curves.softshrink, input, lambd)


def _hardsigmoid(input: Tensor) -> Tensor:
    return draw(curves.hardsigmoid, input)


hardsigmoid_ = in_place(_hardsigmoid, "hardsigmoid_")


@op(namespace="nn.functional")
def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """(x + 3) / 6 clipped to [0, 1]."""
    return (hardsigmoid_ if inplace else _hardsigmoid)(input)


# ---- curved --------------------------------------------------------------------------------------


def _elu(input: Tensor, alpha: float = 1.0) -> Tensor:
    return draw(curves.elu, input, alpha, 1.0, 1.0)


elu_ = in_place(second_form(_elu), "elu_")


@op(namespace="nn.functional")
def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where x > 0, else alpha · (eˣ − 1)."""
    return (elu_ if inplace else _elu)(input, alpha)


# The constants that keep mean 0 and variance 1.  (source: Klambauer et al., 2017)
SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def plain_selu(input: Tensor) -> Tensor:
    return draw(curves.selu, input, SELU_ALPHA, SELU_SCALE, 1.0)


selu_ = in_place(second_form(plain_selu), "selu_")


@op(namespace="nn.functional")
def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """The scaled elu of self-normalising networks."""
    return (selu_ if inplace else plain_selu)(input)


def plain_celu(input: Tensor, alpha: float = 1.0) -> Tensor:
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    return draw(curves.celu, input, alpha, 1.0, 1.0 / alpha)


celu_ = in_place(second_form(plain_celu), "celu_")


@op(namespace="nn.functional")
def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where x > 0, else alpha · (e^(x/alpha) − 1): smooth at 0 for every alpha."""
    return (celu_ if inplace else plain_celu)(input, alpha)


@op(namespace="nn.functional")
def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """x · Φ(x), Φ the normal distribution function; or its "tanh" approximation."""
    if approximate not in ("none", "tanh"):
        raise RuntimeError("approximate argument must be either none or tanh.")
    return draw(curves.gelu if approximate == "none" else curves.gelu_tanh, input)


def _silu(input: Tensor) -> Tensor:
    if array_of("silu", input).dtype.kind == "c":
        if state.grad and input.requires_grad:
            raise RuntimeError(
                "silu does not support automatic differentiation for outputs with complex dtype."
            )
        return input * input.sigmoid()
    return draw(curves.silu, input)


silu_ = in_place(_silu, "silu_")


@op(namespace="nn.functional")
def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x · σ(x)."""
    return (silu_ if inplace else _silu)(input)


def _mish(input: Tensor) -> Tensor:
    return draw(curves.mish, input)


mish_ = in_place(_mish, "mish_")


@op(namespace="nn.functional")
def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """x · tanh(softplus(x))."""
    return (mish_ if inplace else _mish)(input)


def _hardswish(input: Tensor) -> Tensor:
    return draw(curves.hardswish, input)


hardswish_ = in_place(_hardswish, "hardswish_")


@op(namespace="nn.functional")
def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """x · hardsigmoid(x)."""
    return (hardswish_ if inplace else _hardswish)(input)


@op(namespace="nn.functional")
def softplus(input: Tensor, beta: float = 1, threshold: float = 20) -> Tensor:
    """log(1 + e^(beta·x)) / beta; x itself where beta·x > threshold."""
    return draw(curves.softplus, input, beta, threshold)


@op(namespace="nn.functional")
def logsigmoid(input: Tensor) -> Tensor:
    """log σ(x)."""
    result = draw(curves.logsigmoid, input)
    result._array = in_format(np.asarray(result._array, order="C"), False)
    return result


@op(namespace="nn.functional")
def sigmoid(input: Tensor) -> Tensor:
    """σ(x) = 1 / (1 + e⁻ˣ)."""
    return input.sigmoid()


@op(namespace="nn.functional")
def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent."""
    return input.tanh()


@op(namespace="nn.functional")
def tanhshrink(input: Tensor) -> Tensor:
    """x − tanh(x), near zero by its series: the difference has no bits left there."""
    if not isinstance(input, Tensor) or input._array.dtype.kind != "f":
        return input - input.tanh()
    data = arranged(fp.quiet(shrink_by_tanh, input._array), input._array)
    rule = lambda g, input: steep(g, input, slopes.tanhshrink, curves.tanhshrink_bend)  # noqa: E731
    return record("SubBackward0", data, input=(input, rule))


@op(namespace="nn.functional")
def softsign(input: Tensor) -> Tensor:
    """x / (1 + |x|), of complex numbers rounded once: NumPy's quotient of two is less exact."""
    size = input.abs() + 1
    if input._array.dtype.kind != "c":
        return input / size
    return record(
        "DivBackward0",
        fp.quiet(complex_softsign, input._array),
        input=(input, lambda g, size: g / size),
        size=(size, lambda g, size, out: -(g * (out / size).conj()).real),
    )

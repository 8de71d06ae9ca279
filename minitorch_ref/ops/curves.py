"""The curves of the activations: each one's value f, slope f' and bend f''.

The one idea: an elementwise function needs no gradient code of its own.  Its gradient is g · f'(x),
recorded as one op whose own gradient is g · f''(x); so a row of three formulas is a whole
activation, differentiable as often as one likes.

`value` and `slope` map arrays to arrays, in one dtype (float16 is computed in float32 and rounded
once, as in torch).  A slope made of zeros and ones is returned as a mask.  `bend` maps Tensors to
Tensors, so that third derivatives come by themselves; None stands for a bend of zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..autograd.graph import record
from ..kernels import exponential, slopes, wider
from ..kernels.blocks import over_blocks
from ..kernels.layout import arranged
from ..kernels.select import against, keep, leaky, select
from ..quiet import fp
from ..tensor import Tensor
from .table import bad_argument

_HALF, _SINGLE = np.dtype("f2"), np.dtype("f4")
_INV_SQRT_2PI = 1.0 / math.sqrt(2.0 * math.pi)


class Curve(NamedTuple):
    """A differentiable elementwise function; all three take x and the function's constants."""

    node: str  # torch's node name, without "Backward0"
    kernel: str  # the name torch's dtype errors quote
    value: Callable[..., np.ndarray]
    slope: Callable[..., np.ndarray]
    bend: Callable[..., Any] | None
    name: str = ""  # the function's name, where the kernel's does not begin with it


def draw(curve: Curve, x: Tensor, *constants: float) -> Tensor:
    """f(x), recorded.  Raises NotImplementedError for a dtype that torch's kernel lacks."""
    check_floating(x, curve.kernel, curve.name)
    data = arranged(fp.quiet(_widened, curve.value, x._array, constants), x._array)
    return record(curve.node + "Backward0", data, x=(x, lambda g, x: chain(g, x, curve, constants)))


def chain(g: Tensor, x: Tensor, curve: Curve, constants: tuple[float, ...]) -> Tensor:
    """g · f'(x) as one recorded op."""
    name = curve.node + "BackwardBackward0"
    return steep(g, x, curve.slope, curve.bend, constants, name)


def steep(
    g: Tensor,
    x: Tensor,
    slope: Callable[..., np.ndarray],
    bend: Callable[..., Any] | None,
    constants: tuple[float, ...] = (),
    name: str = "MulBackward0",
) -> Tensor:
    """g · slope(x) as one recorded op, whose own gradient for x is g · bend(x)."""

    def bent(gg: Tensor, g: Tensor, x: Tensor) -> Tensor:
        return gg * 0 if bend is None else gg * g * bend(x, *constants)

    data = fp.quiet(_scaled, slope, g._array, x._array, constants)
    return record(
        name,
        arranged(data, g._array, x._array),
        g=(g, lambda gg, x: steep(gg, x, slope, bend, constants, name)),
        x=(x, bent),
    )


def _widened(function: Callable[..., np.ndarray], x: np.ndarray, constants: Any) -> np.ndarray:
    if x.dtype != _HALF:
        return over_blocks(lambda x: function(x, *constants), x)
    return np.asarray(function(x.astype(_SINGLE), *constants)).astype(_HALF)


def _scaled(slope: Any, g: np.ndarray, x: np.ndarray, constants: Any) -> np.ndarray:
    return over_blocks(lambda g, x: _scaled_block(slope, g, x, constants), g, x)


def _scaled_block(slope: Any, g: np.ndarray, x: np.ndarray, constants: Any) -> np.ndarray:
    half = x.dtype == _HALF
    s = slope(x.astype(_SINGLE) if half else x, *constants)
    if s.dtype == bool:
        return keep(s, g)
    product = np.multiply(s, g, out=s) if s.ndim and s.shape == g.shape else np.asarray(s * g)
    return product.astype(_HALF) if half else product


def check_floating(x: Tensor, kernel: str, name: str = "") -> None:
    """Raise torch's error unless `x` is a tensor of a (real) floating dtype."""
    if not isinstance(x, Tensor):
        name = name or kernel.removesuffix("_cpu").removesuffix("_check")
        raise bad_argument(name, "input", 1, x)
    if x._array.dtype.kind != "f":
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{x.dtype.title}'")


# ---- piecewise linear: the slope is a mask, the bend is zero -------------------------------------


def _clip(x: np.ndarray, low: float, high: float) -> np.ndarray:
    """min(max(x, low), high); NaN stays NaN, and −0 clipped at 0 stays −0: the second one wins."""
    return against(np.minimum, high, against(np.maximum, low, x))


def _inside(x: np.ndarray, low: float, high: float) -> np.ndarray:
    """Not at or beyond a limit: NaN counts as inside, so its gradient passes, as in torch."""
    return ~((x <= low) | (x >= high))


def _outside(x: np.ndarray, lambd: float) -> np.ndarray:
    return ~((x >= -lambd) & (x <= lambd))


def _shrink_softly(x: np.ndarray, lambd: float) -> np.ndarray:
    nearer = x - np.clip(x, -lambd, lambd)  # x ∓ λ outside [−λ, λ]
    return select(np.abs(x) > lambd, nearer, x * 0, x.dtype)  # inside: 0 with x's sign, or NaN


threshold = Curve(
    "Threshold", "threshold_cpu",
    lambda x, limit, value: select(x <= limit, value, x, x.dtype),
    lambda x, limit, value: ~(x <= limit),
    None,
)  # fmt: skip
hardtanh = Curve("Hardtanh", "hardtanh_cpu", _clip, _inside, None)
hardshrink = Curve(
    "Hardshrink", "hardshrink_cpu", lambda x, lambd: keep(_outside(x, lambd), x), _outside, None
)
softshrink = Curve("Softshrink", "softshrink_check", _shrink_softly, _outside, None)
leaky_relu = Curve(
    "LeakyRelu", "leaky_relu_cpu",
    leaky,
    lambda x, slope: select(x > 0, 1, slope, x.dtype),
    None,
)  # fmt: skip
hardsigmoid = Curve(
    "Hardsigmoid", "hardsigmoid_cpu",
    lambda x: _clip(x + 3, 0, 6) / 6,
    lambda x: select((x > -3) & (x < 3), 1 / 6, 0, x.dtype),
    None,
)  # fmt: skip

# ---- curved --------------------------------------------------------------------------------------


def _where(mask: Tensor, x: Tensor, other: float) -> Tensor:
    return x.where(mask, x.new_tensor(other))


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


hardswish = Curve(
    "Hardswish", "hardswish_cpu",
    lambda x: x * _clip(x + 3, 0, 6) / 6,
    lambda x: select(x <= -3, 0, select(x < 3, x / 3 + 0.5, 1, x.dtype), x.dtype),
    lambda x: ((x > -3) & (x < 3)).to(x.dtype) / 3,
)  # fmt: skip


def _elu(x: np.ndarray, alpha: float, scale: float, inner: float) -> np.ndarray:
    if inner == 1 and math.isfinite(alpha * scale) and exponential.pays(x):
        return exponential.elu(x, alpha * scale, scale)
    y = np.asarray(np.multiply(x, scale, order="C"))
    below = np.flatnonzero(x < 0)  # expm1 may take 9 ns an element: not for those above
    y.reshape(-1)[below] = wider.scaled_expm1(x.take(below), inner, alpha * scale)
    return y


def _elu_bend(x: Tensor, alpha: float, scale: float, inner: float) -> Tensor:
    return _where(x < 0, (x * inner).exp() * (alpha * scale * inner * inner), 0.0)


# scale · (x if x > 0 else alpha · (exp(inner · x) − 1)): also selu and celu
elu = Curve("Elu", "elu_cpu", _elu, slopes.elu, _elu_bend)
selu = elu._replace(name="selu")
celu = elu._replace(node="Celu", name="celu")


gelu = Curve(
    "Gelu", "GeluKernelImpl",
    wider.gelu,
    slopes.gelu,
    lambda x: (x * x * -0.5).exp() * _INV_SQRT_2PI * (2 - x * x),
    "gelu",
)  # fmt: skip

# The tanh form: x/2 · (1 + tanh u) with u = β (x + κ x³), which is x · σ(2u): σ does not cancel.
_BETA, _KAPPA = math.sqrt(2 / math.pi), 0.044715


def _gelu_tanh(x: np.ndarray) -> np.ndarray:
    return x / (1 + np.exp((-2 * _BETA) * (x + _KAPPA * (x * x * x))))


def _gelu_tanh_slope(x: np.ndarray) -> np.ndarray:
    e = np.exp((-2 * _BETA) * np.abs(x + _KAPPA * (x * x * x)))  # σ(2|u|) = 1 / (1 + e)
    s = select(x > 0, 1, e, x.dtype) / (1 + e)
    return s + x * (e / ((1 + e) * (1 + e))) * (2 * _BETA * (1 + 3 * _KAPPA * x * x))


def _gelu_tanh_bend(x: Tensor) -> Tensor:
    v = (x + x * x * x * _KAPPA) * (2 * _BETA)
    du, ddu = (x * x * (3 * _KAPPA) + 1) * _BETA, x * (6 * _BETA * _KAPPA)
    slope_of_tanh = 4 * v.sigmoid() * (-v).sigmoid()  # 1 − tanh², without its cancellation
    return slope_of_tanh * (du + x * (ddu * 0.5 - (v / 2).tanh() * du * du))


gelu_tanh = Curve(
    "Gelu", "GeluKernelImpl", _gelu_tanh, _gelu_tanh_slope, _gelu_tanh_bend, "gelu"
)


def _silu_slope(x: np.ndarray) -> np.ndarray:
    s = _sigmoid(x)
    return s * (1 + x * (1 - s))


def _silu_bend(x: Tensor) -> Tensor:
    s = x.sigmoid()
    return s * (-x).sigmoid() * (2 + x * (1 - 2 * s))


silu = Curve("Silu", "silu_cpu", wider.silu, _silu_slope, _silu_bend)


def _mish_bend(x: Tensor) -> Tensor:
    s = x.sigmoid()
    t = x.exp().log1p().tanh()
    dt = (1 - t * t) * s  # d/dx tanh(softplus x)
    return 2 * dt + x * (dt * (-x).sigmoid() - 2 * t * dt * s)


mish = Curve("Mish", "mish_cpu", wider.mish, slopes.mish, _mish_bend)


def _softplus_bend(x: Tensor, beta: float, limit: float) -> Tensor:
    z = x * beta
    return z.sigmoid() * (-z).sigmoid() * (z < limit).to(x.dtype) * beta


softplus = Curve("Softplus", "softplus_cpu", wider.softplus, slopes.softplus, _softplus_bend)


def _logsigmoid_bend(x: Tensor) -> Tensor:
    return -(x.sigmoid() * (-x).sigmoid())  # σ(−x) is 1 − σ(x) without its cancellation


logsigmoid = Curve(
    "LogSigmoid", "log_sigmoid_cpu",
    wider.logsigmoid,
    slopes.logsigmoid,
    _logsigmoid_bend,
)  # fmt: skip


def tanhshrink_bend(x: Tensor) -> Tensor:
    """The bend of x − tanh(x)."""
    t = x.tanh()
    return 2 * t * (1 - t * t)

"""mpmath as the oracle for float64: one row per elementwise function, fifty digits.

Gradients come from the same rows by numerical differentiation at that precision, so they owe
nothing to anybody's gradient rules.  Where mpmath has no answer (a pole, an infinity) torch's own
value stands in, so that ours is held to it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .precise_special import special_functions

DIGITS = 50


def _functions() -> dict[str, Callable]:
    """The table, built on first use: mpmath is a slow import."""
    import mpmath as mp

    m = mp.mp

    def sinc(x):
        return m.sin(m.pi * x) / (m.pi * x) if x else m.mpf(1)

    def sigmoid(x):
        return 1 / (1 + m.exp(-x))

    def ndtr(x):
        return m.erfc(-x / m.sqrt(2)) / 2

    unary = {
        n: getattr(m, n)
        for n in (
            "exp",
            "expm1",
            "log1p",
            "sin",
            "cos",
            "tan",
            "sinh",
            "cosh",
            "tanh",
            "asin",
            "acos",
            "atan",
            "asinh",
            "acosh",
            "atanh",
            "erf",
            "erfc",
            "erfinv",
            "digamma",
            "sqrt",
        )
    }
    unary |= {"arc" + n[1:]: unary[n] for n in ("asin", "acos", "atan", "asinh", "acosh", "atanh")}
    unary |= {
        "log": m.log,
        "log2": lambda x: m.log(x) / m.log(2),
        "log10": lambda x: m.log(x) / m.log(10),
        "exp2": lambda x: m.mpf(2) ** x,
        "sigmoid": sigmoid,
        "expit": sigmoid,
        "logit": lambda p: m.log(p / (1 - p)),
        "rsqrt": lambda x: 1 / m.sqrt(x),
        "reciprocal": lambda x: 1 / x,
        "sinc": sinc,
        "i0": lambda x: m.besseli(0, x),
        "i1": lambda x: m.besseli(1, x),
        "i0e": lambda x: m.besseli(0, x) * m.exp(-abs(x)),
        "i1e": lambda x: m.besseli(1, x) * m.exp(-abs(x)),
        "deg2rad": lambda x: x * m.pi / 180,
        "rad2deg": lambda x: x * 180 / m.pi,
        "lgamma": lambda x: m.log(abs(m.gamma(x))),
        "gammaln": lambda x: m.log(abs(m.gamma(x))),
        "psi": m.digamma,
        "ndtr": ndtr,
        "ndtri": lambda p: m.sqrt(2) * m.erfinv(2 * p - 1),
        "log_ndtr": lambda x: m.log(ndtr(x)),
        "entr": lambda x: -x * m.log(x),
        "erfcx": lambda x: m.exp(x * x) * m.erfc(x),
        "softsign": lambda x: x / (1 + abs(x)),
        "silu": lambda x: x * sigmoid(x),
        "logsigmoid": lambda x: -m.log1p(m.exp(-x)),
        "tanhshrink": lambda x: x - m.tanh(x),
        "mish": lambda x: x * m.tanh(m.log1p(m.exp(x))),
        "gelu": lambda x: x * ndtr(x),
        "softplus": lambda x: m.log1p(m.exp(x)),
        "square": lambda x: x * x,
        "angle": m.arg,
        "abs": abs,
    }
    binary = {
        "pow": m.power,
        "float_power": m.power,
        "atan2": m.atan2,
        "arctan2": m.atan2,
        "hypot": m.hypot,
        "logaddexp": lambda x, y: _logaddexp(m, x, y),
        "logaddexp2": lambda x, y: m.log(m.mpf(2) ** x + m.mpf(2) ** y) / m.log(2),
        "xlogy": lambda x, y: x * m.log(y),
        "xlog1py": lambda x, y: x * m.log1p(y),
        "mul": lambda x, y: x * y,
        "div": lambda x, y: x / y,
        "multiply": lambda x, y: x * y,
        "true_divide": lambda x, y: x / y,
        "__pow__": m.power,
        "__rpow__": lambda x, y: m.power(y, x),
        "__mul__": lambda x, y: x * y,
        "__truediv__": lambda x, y: x / y,
    }
    return unary | binary | special_functions()


def _logaddexp(m: Any, x: Any, y: Any) -> Any:
    """log(eˣ + eʸ); of complex numbers the branch that is continuous in the larger one, torch's."""
    if isinstance(x, m.mpf) and isinstance(y, m.mpf):
        return m.log(m.exp(x) + m.exp(y))
    large, small = (x, y) if m.re(x) >= m.re(y) else (y, x)
    return large + m.log(1 + m.exp(small - large))


def _number(x: Any) -> Any:
    import mpmath as mp

    if isinstance(x, (complex, np.complexfloating)):
        return mp.mpc(complex(x))
    return mp.mpf(float(x)) if not isinstance(x, (int, np.integer)) else mp.mpf(int(x))


def _wide(value: Any, dtype: type) -> Any:
    """An mpmath number as an 80-bit float (or complex)."""
    import mpmath as mp

    if dtype is np.clongdouble:
        value = mp.mpc(value)
        return np.clongdouble(_wide(value.real, np.longdouble)) + np.clongdouble(1j) * _wide(
            value.imag, np.longdouble
        )
    if isinstance(value, mp.mpc):
        value = value.real
    if value and not -16000 < mp.mag(value) < 16000:
        return np.copysign(np.longdouble(np.inf if mp.mag(value) > 0 else 0), int(mp.sign(value)))
    return np.longdouble(mp.nstr(value, 30))


def evaluate(
    name: str, args: list, instead: np.ndarray, digits: int = DIGITS
) -> np.ndarray | None:
    """The function `name` of broadcast `args`, to 64 bits of mantissa; None if it has no row.

    instead: torch's result, which gives the shape and stands in where mpmath has no answer.
    """
    import mpmath as mp

    function = _functions().get(name)
    if function is None or any(isinstance(a, (str, bool)) or a is None for a in args):
        return None
    dtype = np.clongdouble if instead.dtype.kind == "c" else np.longdouble
    out = np.array(instead, dtype)
    try:
        grids = np.broadcast_arrays(*[np.asarray(a) for a in args])
    except ValueError:
        return None
    if grids[0].shape != out.shape or grids[0].size > 4096:
        return None
    with mp.workdps(digits):
        for index in np.ndindex(out.shape):
            point = [_number(g[index]) for g in grids]
            value = _try(function, point)
            if dtype is np.longdouble and isinstance(value, mp.mpc):
                if abs(value.imag) > abs(value) * mp.mpf(10) ** (-digits // 2):
                    out[index] = np.nan  # no real number: outside of the domain
                    continue
            if value is not None and mp.isfinite(value):
                out[index] = _wide(value, dtype)
    return out


def derivative(
    name: str,
    args: list,
    which: int,
    cotangent: np.ndarray,
    instead: np.ndarray,
    digits: int = DIGITS,
) -> np.ndarray | None:
    """Gradient for argument `which`: cotangent · ∂f/∂x, without broadcasting; None if unknown."""
    import mpmath as mp

    function = _functions().get(name)
    arrays = [np.asarray(a) for a in args]
    if (
        function is None
        or any(a.dtype.kind not in "fiu" for a in arrays)
        or instead.dtype.kind != "f"
    ):
        return None
    if (
        any(a.shape not in ((), cotangent.shape) for a in arrays)
        or instead.shape != cotangent.shape
        or instead.size > 256
    ):
        return None
    grids = np.broadcast_arrays(*arrays)
    out = np.array(instead, np.longdouble)
    order = tuple(int(i == which) for i in range(len(arrays)))
    with mp.workdps(digits):
        for index in np.ndindex(out.shape):
            point = tuple(_number(g[index]) for g in grids)
            slope = _try(
                lambda p: mp.diff(
                    function, p[0] if len(p) == 1 else p, order[0] if len(p) == 1 else order
                ),
                [point],
            )
            if slope is not None and mp.isfinite(slope):
                out[index] = _wide(slope * _number(cotangent[index]), np.longdouble)
    return out


def _try(function: Callable, point: list) -> Any:
    from mpmath.libmp import NoConvergence

    try:
        return function(*point)
    except (ValueError, ZeroDivisionError, OverflowError, ArithmeticError, TypeError, NoConvergence):
        return None

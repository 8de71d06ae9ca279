"""Window functions: what a frame of a signal is weighed with before it is transformed.

All are symmetric about their middle; `periodic` ones are the first N of a symmetric N + 1, so that
repeating them gives a smooth wave.  The arithmetic is torch's, rounded to the window's type after
each step, so that what cancels (the ends of a Hann window) leaves the same remainder.
(source: ATen/native/TensorFactories.cpp)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..dtypes import BOOL, COMPLEX, FLOATING, float16, get_default_dtype
from ..quiet import fp
from ..tensor import Tensor
from .common import is_number
from .options import deliver, settle, wrong_type
from .registry import op

Formula = Callable[[np.ndarray, int], np.ndarray]


def _window(
    name: str, window_length: int, periodic: bool, formula: Formula, options: dict[str, Any],
    one: bool = True,
) -> Tensor:  # fmt: skip
    """`formula(0 … n−1, n)` as a window of the type asked for.  Raises RuntimeError if it has none."""
    if not hasattr(window_length, "__index__") or isinstance(window_length, bool):
        raise wrong_type(name, "window_length", "int", window_length, 1)
    if not isinstance(periodic, bool):
        raise wrong_type(name, "periodic", "bool", periodic, 2)
    kind, grad = settle(name, options, get_default_dtype())
    if kind.category < FLOATING:
        raise RuntimeError(
            f"{name} expects floating point dtypes, got: TensorOptions(dtype={_c_name(kind)}, "
            "device=cpu, layout=Strided (default), requires_grad=false (default), "
            "pinned_memory=false, memory_format=(nullopt))"
        )
    if window_length < 0:
        raise RuntimeError(
            f"{name} requires non-negative window_length, got window_length={window_length}"
        )
    if window_length < 2:
        return deliver(np.ones(window_length, kind.np), grad)
    if kind.category == COMPLEX:
        raise NotImplementedError(f"\"arange_cpu\" not implemented for '{kind.title}'")
    n = window_length + periodic
    data = formula(np.arange(n).astype(kind.np), n)
    return deliver(data[:window_length].copy() if periodic else data, grad)


def _c_name(kind: Any) -> str:
    from .writing import C_TYPES

    return C_TYPES[kind.name] if kind.category > BOOL else "bool"


# ---- arithmetic, one rounding a step -------------------------------------------------------------


def _wide(x: np.ndarray) -> Any:
    """The type that torch computes elements in: single precision for halves."""
    return np.float32 if x.dtype == float16.np else x.dtype.type


def _number(x: np.ndarray, value: float) -> Any:
    """`value` in the window's own type, widened: torch rounds these numbers to it first."""
    return _wide(x)(x.dtype.type(value))


def _times(x: np.ndarray, factor: float) -> np.ndarray:
    return (x.astype(_wide(x)) * _number(x, factor)).astype(x.dtype)


def _plus(x: np.ndarray, term: float) -> np.ndarray:
    return (x.astype(_wide(x)) + _number(x, term)).astype(x.dtype)


def _cos(x: np.ndarray) -> np.ndarray:
    return np.cos(x.astype(np.float64)).astype(_wide(x)).astype(x.dtype)


# ---- the windows ---------------------------------------------------------------------------------


@op(method=False)
def bartlett_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """A triangle: 1 − |2n/(N−1) − 1|."""

    def formula(ramp: np.ndarray, n: int) -> np.ndarray:
        x = _times(ramp, 2.0 / (n - 1))
        half = ((n - 1) >> 1) + 1
        x[half:] = _plus(-x[half:], 2.0)
        return x

    return _window("bartlett_window", window_length, periodic, formula, options)


@op(method=False)
def blackman_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """0.42 − 0.5·cos(2πn/(N−1)) + 0.08·cos(4πn/(N−1))."""

    def formula(ramp: np.ndarray, n: int) -> np.ndarray:
        x = _times(ramp, math.pi / (n - 1))
        fast, slow = _times(_cos(_times(x, 4)), 0.08), _times(_cos(_times(x, 2)), 0.5)
        return _plus(fast - slow, 0.42)

    return _window("blackman_window", window_length, periodic, formula, options)


def _raised_cosine(alpha: float, beta: float) -> Formula:
    def formula(ramp: np.ndarray, n: int) -> np.ndarray:
        return _plus(_times(_cos(_times(ramp, math.pi * 2.0 / (n - 1))), -beta), alpha)

    return formula


@op(method=False)
def hamming_window(
    window_length: int, periodic: bool | None = None, alpha: float | None = None,
    beta: float | None = None, **options: Any,
) -> Tensor:  # fmt: skip
    """alpha − beta·cos(2πn/(N−1)), 0.54 and 0.46 by default; they need `periodic` given (True)."""
    _needs_periodic("hamming_window", periodic, alpha=alpha, beta=beta)
    formula = _raised_cosine(0.54 if alpha is None else alpha, 0.46 if beta is None else beta)
    whole = True if periodic is None else periodic
    return _window("hamming_window", window_length, whole, formula, options)


@op(method=False)
def hann_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """½ − ½·cos(2πn/(N−1)) = sin²(πn/(N−1))."""
    return _window("hann_window", window_length, periodic, _raised_cosine(0.5, 0.5), options)


@op(method=False)
def kaiser_window(
    window_length: int, periodic: bool | None = None, beta: float | None = None, **options: Any
) -> Tensor:
    """I₀(beta·√(1 − x²)) / I₀(beta) for x from −1 to 1, beta = 12; I₀ is the modified Bessel function.

    Computed in double precision and rounded once (torch computes in the window's own type).
    """
    _needs_periodic("kaiser_window", periodic, beta=beta)
    steep = 12.0 if beta is None else beta

    def formula(ramp: np.ndarray, n: int) -> np.ndarray:
        from scipy.special import i0

        half = (n - 1) / 2.0
        inside = np.sqrt(1 - ((ramp.astype(np.float64) - half) / half) ** 2)
        return (fp.quiet(i0, steep * inside) / i0(steep)).astype(ramp.dtype)

    whole = True if periodic is None else periodic
    return _window("kaiser_window", window_length, whole, formula, options)


def _needs_periodic(name: str, periodic: bool | None, **shape: float | None) -> None:
    """torch has no overload that takes a window's parameters without `periodic`."""
    given = [k for k, v in shape.items() if v is not None]
    if given and periodic is None:
        raise TypeError(f"{name}() received {given[0]} without periodic")
    for argument in given:
        if not is_number(shape[argument]):
            raise wrong_type(name, argument, "float", shape[argument])

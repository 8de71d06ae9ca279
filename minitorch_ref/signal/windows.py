"""torch.signal.windows: window functions of M points, symmetric unless `sym=False`.

Each is a formula over evenly spaced points.  A periodic window (`sym=False`) is the first M points
of a symmetric one of M + 1.  (source: torch/signal/windows/windows.py)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from ..dtypes import dtype as DType
from ..dtypes import float32, float64, get_default_dtype
from ..layout import layout as Layout
from ..layout import strided
from ..ops.creation import ones
from ..ops.from_data import tensor
from ..ops.ranges import arange, linspace
from ..tensor import Tensor

__all__ = [
    "bartlett", "blackman", "cosine", "exponential", "gaussian", "general_cosine",
    "general_hamming", "hamming", "hann", "kaiser", "nuttall",
]  # fmt: skip


class _Window:
    """What all windows are asked for: length, symmetry, and the keywords of factories."""

    def __init__(
        self, name: str, M: int, sym: bool = True, dtype: DType | None = None,
        layout: Layout = strided, device: Any = None, requires_grad: bool = False,
    ) -> None:  # fmt: skip
        self.M, self.sym = M, sym
        kind = get_default_dtype() if dtype is None else dtype
        self.options: dict[str, Any] = {
            "dtype": kind, "layout": layout, "device": device, "requires_grad": requires_grad,
        }  # fmt: skip
        if M < 0:
            raise ValueError(f"{name} requires non-negative window length, got M={M}")
        if layout is not strided:
            raise ValueError(f"{name} is implemented for strided tensors only, got: {layout}")
        if kind not in (float32, float64):
            raise ValueError(f"{name} expects float32 or float64 dtypes, got: {kind}")

    def points(self, start: float, end: float) -> Tensor:
        """M evenly spaced points, both ends included."""
        return linspace(start, end, self.M, **self.options)

    def made(self, formula: Callable[[], Tensor], one: bool = False) -> Tensor:
        """The formula's value, or the window of no points (or of one, where that is defined)."""
        if self.M == 0 or (self.M == 1 and one):
            return ones(self.M, **self.options)
        return formula()


def exponential(
    M: int, *, center: float | None = None, tau: float = 1.0, sym: bool = True, **options: Any
) -> Tensor:
    """exp(−|n − center| / tau); `center` is the middle by default, and must be if symmetric."""
    w = _Window("exponential", M, sym, **options)
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError("Center must be None for symmetric windows")
    middle = (M if not sym and M > 1 else M - 1) / 2.0 if center is None else center
    rate = 1 / tau
    return w.made(lambda: (-w.points(-middle * rate, (-middle + (M - 1)) * rate).abs()).exp())


def cosine(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """sin(π(n + ½) / M)."""
    w = _Window("cosine", M, sym, **options)
    step = math.pi / max(M + 1 if not sym and M > 1 else M, 1)
    return w.made(lambda: w.points(0.5 * step, (0.5 + (M - 1)) * step).sin())


def gaussian(M: int, *, std: float = 1.0, sym: bool = True, **options: Any) -> Tensor:
    """exp(−½ (n − middle)² / std²)."""
    w = _Window("gaussian", M, sym, **options)
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")
    start, scale = -(M if not sym and M > 1 else M - 1) / 2.0, 1 / (std * math.sqrt(2))
    return w.made(lambda: (-(w.points(start * scale, (start + (M - 1)) * scale) ** 2)).exp())


def kaiser(M: int, *, beta: float = 12.0, sym: bool = True, **options: Any) -> Tensor:
    """I₀(√(beta² − k²)) / I₀(beta) for k from −beta to beta; I₀ is the modified Bessel function."""
    w = _Window("kaiser", M, sym, **options)
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")

    def formula() -> Tensor:
        edge = tensor(beta, dtype=w.options["dtype"])
        start, step = -edge, 2.0 * edge / (M if not sym else M - 1)
        end = edge.minimum(start + (M - 1) * step)
        k = w.points(start.item(), end.item())
        return (edge * edge - k.pow(2)).sqrt().i0() / edge.i0()

    return w.made(formula, one=True)


def bartlett(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """A triangle: 1 − |2n / (M − 1) − 1|."""
    w = _Window("bartlett", M, sym, **options)
    step = 2 / max(M if not sym else M - 1, 1)
    return w.made(lambda: 1 - w.points(-1, -1 + (M - 1) * step).abs(), one=True)


def general_cosine(M: int, *, a: Iterable[float], sym: bool = True, **options: Any) -> Tensor:
    """Σ (−1)^i · a[i] · cos(2πin / (M − 1))."""
    w = _Window("general_cosine", M, sym, **options)
    if M > 1:
        if not isinstance(a, Iterable):
            raise TypeError("Coefficients must be a list/tuple")
        if not a:
            raise ValueError("Coefficients cannot be empty")

    def formula() -> Tensor:
        k = w.points(0, (M - 1) * (2 * math.pi / (M if not sym else M - 1)))
        kind, grad = w.options["dtype"], w.options["requires_grad"]
        signed = [(-1) ** i * weight for i, weight in enumerate(a)]
        weights = tensor(signed, dtype=kind, requires_grad=grad)
        i = arange(len(signed), dtype=kind, requires_grad=grad)
        return (weights.unsqueeze(-1) * (i.unsqueeze(-1) * k).cos()).sum(0)

    return w.made(formula, one=True)


def blackman(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """0.42 − 0.5·cos(2πn/(M−1)) + 0.08·cos(4πn/(M−1))."""
    _Window("blackman", M, sym, **options)
    return general_cosine(M, a=[0.42, 0.5, 0.08], sym=sym, **options)


def general_hamming(M: int, *, alpha: float = 0.54, sym: bool = True, **options: Any) -> Tensor:
    """alpha − (1 − alpha)·cos(2πn/(M−1))."""
    return general_cosine(M, a=[alpha, 1.0 - alpha], sym=sym, **options)


def hamming(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """0.54 − 0.46·cos(2πn/(M−1))."""
    return general_hamming(M, sym=sym, **options)


def hann(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """½ − ½·cos(2πn/(M−1))."""
    return general_hamming(M, alpha=0.5, sym=sym, **options)


def nuttall(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """The minimum four-term Blackman-Harris window according to Nuttall."""
    weights = [0.3635819, 0.4891775, 0.1365995, 0.0106411]
    return general_cosine(M, a=weights, sym=sym, **options)

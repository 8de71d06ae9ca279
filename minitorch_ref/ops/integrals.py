"""Integrals over sampled points, by the trapezoidal rule: trapezoid, trapz, cumulative_trapezoid.

    ∫ y dx ≈ Σ (y[i] + y[i+1])/2 · (x[i+1] − x[i])
"""

from __future__ import annotations

from typing import Any

from ..autograd.graph import rename
from ..tensor import Tensor
from .common import wrap_dim
from .parts import narrow, select
from .pointwise import mul, plain_add, plain_div
from .pointwise import plain_sub as sub
from .registry import op
from .scan import cumsum
from .shaping import reshape


def _refuse_bool(name: str, y: Tensor, x: Any) -> None:
    flags = [t for t in (y, x) if isinstance(t, Tensor) and t._array.dtype.kind == "b"]
    if flags:
        which = "`x` or `y`" if isinstance(x, Tensor) else "`y`"
        raise RuntimeError(
            f"{name}: received a bool input for {which}, but bool is not supported"
        )


def _along(dim: int, y: Tensor) -> int:
    if y.ndim == 0:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return wrap_dim(dim, y.ndim)


def _halves(y: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """All but the last, and all but the first, along `dim`."""
    n = y._array.shape[dim]
    rest = max(n - 1, 0)
    return narrow(y, dim, 0, rest), narrow(y, dim, min(1, n), rest)


def _steps(name: str, y: Tensor, x: Tensor, dim: int) -> Tensor:
    """The differences of x, shaped to multiply y's."""
    if x.ndim == 1:
        if x._array.shape[0] != y._array.shape[dim]:
            raise RuntimeError(f"{name}: There must be one `x` value for each sample point")
        x = reshape(x, *[-1 if d == dim else 1 for d in range(y.ndim)])
    elif x.ndim < y.ndim:
        x = reshape(x, *[1] * (y.ndim - x.ndim), *x.shape)
    left, right = _halves(x, dim)
    return sub(right, left)


@op(method=False)
def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: Any = None, dim: int = -1) -> Tensor:
    """The integral along `dim` by the trapezoidal rule, over points `x` or steps `dx` (1)."""
    dim = _along(dim, y)
    if y._array.shape[dim] == 0:
        return y.new_zeros([n for d, n in enumerate(y.shape) if d != dim])
    _refuse_bool("trapezoid", y, x)
    if x is not None:
        left, right = _halves(y, dim)
        area = mul(plain_add(left, right), _steps("trapezoid", y, x, dim)).sum(dim)
        return rename(plain_div(area, 2.0), "DivBackward1")
    if isinstance(dx, (bool, complex)):
        raise RuntimeError("trapezoid: Currently, we only support dx as a real number.")
    ends = plain_add(select(y, dim, 0), select(y, dim, -1))
    inside = sub(y.sum(dim), mul(ends, 0.5))
    return rename(mul(inside, 1.0 if dx is None else float(dx)), "MulBackward1")


@op(method=False)
def trapz(y: Tensor, x: Tensor | None = None, *, dx: float = 1.0, dim: int = -1) -> Tensor:
    """`trapezoid` under its older name."""
    return trapezoid(y, x, dx=None if x is not None else dx, dim=dim)


@op(method=False)
def cumulative_trapezoid(
    y: Tensor, x: Tensor | None = None, *, dx: Any = None, dim: int = -1
) -> Tensor:
    """The running integral along `dim`, one element shorter than `y`."""
    dim = _along(dim, y)
    _refuse_bool("cumulative_trapezoid", y, x)
    left, right = _halves(y, dim)
    if x is not None:
        areas = mul(_steps("cumulative_trapezoid", y, x, dim), plain_add(left, right))
        return rename(plain_div(cumsum(areas, dim), 2.0), "DivBackward1")
    if isinstance(dx, (bool, complex)):
        raise RuntimeError("cumulative_trapezoid: Currently, we only support dx as a real number.")
    return cumsum(mul(plain_add(left, right), (1.0 if dx is None else float(dx)) / 2.0), dim)

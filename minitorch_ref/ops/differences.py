"""gradient: the derivative of a sampled function by finite differences.

Inside, the slope at a sample is the derivative of the parabola through it and its neighbours; at the
two ends it is a one-sided difference of the first order, or of the second (`edge_order=2`).
(source: ATen/native/ReduceOps.cpp)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..tensor import Tensor
from .common import is_number, wrap_dim, wrap_dims
from .joining import cat
from .options import wrong_type
from .parts import slice_view
from .registry import op


def _part(x: Tensor, dim: int, start: int | None, end: int | None) -> Tensor:
    return slice_view(x, dim, slice(start, end))


def _even(x: Tensor, dim: int, step: Any, order: int) -> Tensor:
    """Slopes along `dim` over samples `step` apart."""
    inside = (_part(x, dim, 2, None) - _part(x, dim, None, -2)) / step
    if order == 1:
        first = (_part(x, dim, 1, 2) - _part(x, dim, 0, 1)) / step
        last = (_part(x, dim, -1, None) - _part(x, dim, -2, -1)) / step
    else:
        first = -1.5 * _part(x, dim, 0, 1) + 2 * _part(x, dim, 1, 2) - 0.5 * _part(x, dim, 2, 3)
        last = 0.5 * _part(x, dim, -3, -2) - 2 * _part(x, dim, -2, -1)
        first, last = first / step, (last + 1.5 * _part(x, dim, -1, None)) / step
    return cat([first, inside / 2, last], dim)


def _uneven(x: Tensor, dim: int, at: Tensor, order: int) -> Tensor:
    """Slopes along `dim` over samples at the coordinates `at`."""
    if at.ndim != 1:
        raise RuntimeError(
            "torch.gradient expected each element of spacing to have one dimension, but got an "
            f"element with {at.ndim} dimensions!"
        )
    shape = [1] * x.ndim
    shape[dim] = -1
    steps = at.diff(n=1, dim=0)
    d1, d2 = steps[:-1], steps[1:]
    a = (-d2 / (d1 * (d1 + d2))).reshape(shape)
    b = ((d2 - d1) / (d1 * d2)).reshape(shape)
    c = (d1 / (d2 * (d1 + d2))).reshape(shape)
    inside = a * _part(x, dim, 0, -2) + b * _part(x, dim, 1, -1) + c * _part(x, dim, 2, None)
    if order == 1:
        first = (_part(x, dim, 1, 2) - _part(x, dim, 0, 1)) / steps[0]
        last = (_part(x, dim, -1, None) - _part(x, dim, -2, -1)) / steps[-1]
        return cat([first, inside, last], dim)
    p, q = steps[0], steps[1]
    first = (
        -(2.0 * p + q) / (p * (p + q)) * _part(x, dim, 0, 1)
        + (p + q) / (p * q) * _part(x, dim, 1, 2)
        + -p / (q * (p + q)) * _part(x, dim, 2, 3)
    )
    p, q = steps[-1], steps[-2]
    last = (
        p / (q * (p + q)) * _part(x, dim, -3, -2)
        + -(p + q) / (p * q) * _part(x, dim, -2, -1)
        + (2.0 * p + q) / (p * (p + q)) * _part(x, dim, -1, None)
    )
    return cat([first, inside, last], dim)


@op(method=False)
def gradient(
    input: Tensor, *, spacing: Any = 1, dim: int | Sequence[int] | None = None, edge_order: int = 1
) -> tuple[Tensor, ...]:
    """The slopes of the sampled function `input` along each of `dim` (all by default).

    `spacing`: the step, a step per dim, or a tensor of coordinates per dim.
    """
    if not isinstance(input, Tensor):
        raise wrong_type("gradient", "input", "Tensor", input, 1)
    dims = None if dim is None else [dim] if isinstance(dim, int) else list(dim)
    scalar = is_number(spacing) or isinstance(spacing, Tensor)
    count = None if scalar else len(spacing)
    _check(input, count, dims, edge_order)
    which = list(range(input.ndim)) if dims is None else [wrap_dim(d, input.ndim) for d in dims]
    if isinstance(spacing, Tensor):
        spacing = spacing.item()
    steps = [spacing] * len(which) if scalar else list(spacing)
    if count == 1 and len(which) > 1:
        steps *= len(which)
    return tuple(
        [
            (_uneven if isinstance(s, Tensor) else _even)(input, d, s, edge_order)
            for d, s in zip(which, steps)
        ]
    )


def _check(x: Tensor, count: int | None, dims: list[int] | None, order: int) -> None:
    if count is not None and dims is None and count != x.ndim:
        raise RuntimeError(
            "torch.gradient expected spacing to be unspecified, a scalar, or a list of length equal "
            f"to 'self.dim() = {x.ndim}', since dim argument was not given, but got a list of length "
            f"{count}"
        )
    if count is not None and dims is not None and count != len(dims):
        raise RuntimeError(
            "torch.gradient expected spacing to be unspecified, a scalar or it's spacing and dim "
            f"arguments to have the same length, but got a spacing argument of length {count} and a "
            f"dim argument of length {len(dims)}."
        )
    if order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    which = range(x.ndim) if dims is None else wrap_dims(dims, x.ndim) if dims else ()
    if any(x._array.shape[d] < order + 1 for d in which):
        raise RuntimeError("torch.gradient expected each dimension size to be at least edge_order+1")

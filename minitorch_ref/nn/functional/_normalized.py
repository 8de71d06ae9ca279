"""The formula of normalisation: batch, layer, group, instance and rms norm are one formula over
different axes.

    x̂ = (x − mean) · r,   r = 1/√(var + eps)         mean and var over the chosen axes
    y = x̂ · weight + bias

    batch     (N, C, *)     over N and *                 weight per C
    layer     (*, D…)       over D…                      weight per element of D…
    group     (N, G, C/G·*) over the last                weight per C
    instance  (N·C, *)      over *: a batch norm whose channels are all (n, c)

and so is their gradient, with h = g·weight:

    dx = r · (h − mean(h) − x̂ · mean(h·x̂))     dweight = Σ g·x̂     dbias = Σ g

The arithmetic is in kernels/normalize.py, for an array seen in five dims; statistics are as good as
torch's, which sums in double, and float16 is computed in float32.  A backward pass that is itself
recorded uses the same formulas on Tensors.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...autograd.graph import record
from ...autograd.modes import state
from ...kernels import normalize
from ...kernels.layout import (
    CHANNELS_LAST,
    in_format,
    laid_out,
    lies_in_order,
    preserved,
    suggests_channels_last,
)
from ...kernels.normalize import Stats
from ...quiet import fp
from ...tensor import Tensor, wrap

Array = np.ndarray
Five = tuple[int, int, int, int, int]


class Layout(NamedTuple):
    """How an input is normalised."""

    node: str
    grouped: tuple[int, ...]  # the shape in which statistics are taken,
    axes: tuple[int, ...]  # over these axes
    affine: tuple[int, ...]  # weight and bias, shaped to broadcast against the input
    summed: tuple[int, ...]  # the input's axes along which they are broadcast
    five: Five  # the input,
    affine5: Five  # and weight and bias, as kernels/normalize.py wants to see them
    eps: float
    centred: bool = True  # False: the mean is taken to be zero (rms)
    keeps: bool = False  # whether the result's channels are the fastest dim where the input's are


def normalized(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, layout: Layout,
    given: Stats | None = None,
) -> tuple[Tensor, Stats, Array | None]:  # fmt: skip
    """y, as one node with one rule for the gradients of input, weight and bias.

    Also the statistics, which are the input's own unless `given`, and their variance in float64.
    """
    data, stats, var = fp.quiet(_forward, input._array, weight, bias, layout, given)

    def bare(g: Tensor, needs: Any, input: Tensor) -> Any:
        return _backward(g, needs, input, None, layout, stats)

    def weighted(g: Tensor, needs: Any, input: Tensor, weight: Tensor) -> Any:
        return _backward(g, needs, input, weight, layout, stats)

    joint = ("input", "weight", "bias"), bare if weight is None else weighted
    y = record(layout.node, data, joint, input=input, weight=weight, bias=bias)
    return y, stats, var


def _five(t: Tensor | None, kind: np.dtype, layout: Layout) -> Array | None:
    """Weight or bias, ready for the kernel."""
    return None if t is None else t._array.astype(kind, copy=False).reshape(layout.affine5)


def wide(x: Array) -> Array:
    return x.astype(np.float32) if x.dtype.itemsize == 2 else x


def _forward(
    x: Array, weight: Tensor | None, bias: Tensor | None, layout: Layout, given: Stats | None
) -> tuple[Array, Stats, Array | None]:
    x5 = np.ascontiguousarray(wide(x)).reshape(layout.five)
    scale, shift = _five(weight, x5.dtype, layout), _five(bias, x5.dtype, layout)
    y, stats, var = normalize.forward(x5, scale, shift, layout.eps, given, layout.centred)
    y = y.reshape(x.shape).astype(x.dtype, copy=False)
    last = layout.keeps and suggests_channels_last(x)
    if layout.node == "NativeBatchNormBackward0":
        if not x.size:
            return laid_out(y, preserved(x)), stats, var
        if x.ndim in CHANNELS_LAST:  # torch asks first whether the input is row-major
            last = (last or lies_in_order(x, CHANNELS_LAST[x.ndim])) and not x.flags.c_contiguous
    return in_format(y, last), stats, var


def _backward(
    g: Tensor, needs: Any, input: Tensor, weight: Tensor | None, layout: Layout, stats: Stats
) -> tuple[Any, Any, Any]:
    """The gradients of input, weight and bias that are needed; None for the others."""
    if state.grad:
        return _recorded_backward(g, needs, input, weight, layout, stats)
    found = fp.quiet(_gradients, g._array, needs, input._array, weight, layout, stats)
    return tuple(None if d is None else wrap(d) for d in found)  # type: ignore[return-value]


def _gradients(
    g: Array, needs: Any, x: Array, weight: Tensor | None, layout: Layout, stats: Stats
) -> tuple[Any, Any, Any]:
    x5 = np.ascontiguousarray(wide(x)).reshape(layout.five)
    g5 = np.ascontiguousarray(wide(g)).reshape(layout.five)
    scale = _five(weight, x5.dtype, layout)
    dx, dw, db = normalize.gradients(g5, x5, scale, layout.affine5, stats, needs)
    size = tuple(n for i, n in enumerate(x.shape) if i not in layout.summed)
    return (
        None if dx is None else dx.reshape(x.shape).astype(g.dtype, copy=False),
        None if dw is None else dw.astype(g.dtype).reshape(size),
        None if db is None else db.astype(g.dtype).reshape(size),
    )


def _recorded_backward(
    g: Tensor, needs: Any, input: Tensor, weight: Tensor | None, layout: Layout, stats: Stats
) -> tuple[Any, Any, Any]:
    """The same on Tensors, for a backward pass that is differentiated again."""
    axes, outer = layout.axes, layout.summed
    x = input.reshape(layout.grouped)
    if stats.fixed:  # only a batch norm's: one number per channel
        r, mean = (wrap(t.reshape(layout.affine)) for t in (stats.r, stats.mean))  # type: ignore[union-attr]
        hat = (x - mean) * r
    else:
        centred = x - x.mean(axes, True) if layout.centred else x
        r = ((centred * centred).mean(axes, True) + layout.eps).rsqrt()
        hat = centred * r
    h = (g if weight is None else g * weight.reshape(layout.affine)).reshape(layout.grouped)
    if stats.fixed:
        dx = h * r
    else:
        dx = h - hat * (h * hat).mean(axes, True)
        dx = (dx - h.mean(axes, True) if layout.centred else dx) * r
    product = g * hat.reshape(g.shape)
    dw = _sum(product, outer) if needs[1] else None
    return dx.reshape(g.shape), dw, _sum(g, outer) if needs[2] else None


def _sum(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    return x.sum(axes) if axes else x

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

Statistics are summed in float64 (torch: in double as well), float16 is computed in float32.
A backward pass that is itself recorded uses the same formulas on Tensors.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ...autograd.graph import record
from ...autograd.modes import state
from ...quiet import fp
from ...tensor import Tensor, wrap

Array = np.ndarray


class Layout(NamedTuple):
    """How an input is normalised."""

    node: str
    grouped: tuple[int, ...]  # the shape in which statistics are taken,
    axes: tuple[int, ...]  # over these axes
    affine: tuple[int, ...]  # weight and bias, shaped to broadcast against the input
    summed: tuple[int, ...]  # the input's axes along which they are broadcast
    eps: float
    centred: bool = True  # False: the mean is taken to be zero (rms)


class Moments(NamedTuple):
    """mean and r, in `grouped` shape with the axes kept; constants in evaluation."""

    mean: Array | None
    r: Array
    rest: Array | None = None  # what the mean lost when it was rounded to the input's dtype
    fixed: bool = False  # do not depend on the input


def normalized(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, layout: Layout, moments: Moments
) -> Tensor:
    """y, as one node with one rule for the gradients of input, weight and bias."""
    data = fp.quiet(
        _forward, input._array, _array(weight), _array(bias), layout, moments
    )

    def bare(g: Tensor, needs: Any, input: Tensor) -> Any:
        return _backward(g, needs, input, None, layout, moments)

    def weighted(g: Tensor, needs: Any, input: Tensor, weight: Tensor) -> Any:
        return _backward(g, needs, input, weight, layout, moments)

    joint = ("input", "weight", "bias"), bare if weight is None else weighted
    return record(layout.node, data, joint, input=input, weight=weight, bias=bias)


def _array(t: Tensor | None) -> Array | None:
    return None if t is None else t._array


def wide(x: Array) -> Array:
    return x.astype(np.float32) if x.dtype.itemsize == 2 else x


def moments_of(x: Array, layout: Layout) -> tuple[Moments, Array]:
    """The statistics of `x`, and its (biased) variance in float64."""
    x = wide(x).reshape(layout.grouped)
    n = math.prod([x.shape[a] for a in layout.axes])
    mean = rest = None
    if layout.centred:
        exact = np.add.reduce(x, axis=layout.axes, dtype=np.float64, keepdims=True) / n
        mean = exact.astype(x.dtype)
        rest = (exact - mean).astype(x.dtype)
        x = _centred(x, mean, rest)
    squares = np.add.reduce(np.multiply(x, x), axis=layout.axes, dtype=np.float64, keepdims=True)
    var = squares / n
    r = 1 / np.sqrt(var + layout.eps)
    return Moments(mean, r.astype(x.dtype), rest), var


def _centred(x: Array, mean: Array, rest: Array | None) -> Array:
    """x − mean, the mean as the sum of two numbers: exact to the last digit of the difference."""
    x = x - mean
    return x if rest is None else np.subtract(x, rest, out=x)


def _standardized(x: Array, layout: Layout, moments: Moments) -> Array:
    """x̂ in grouped shape, a fresh array."""
    x = wide(x).reshape(layout.grouped)
    if moments.mean is None:
        return x * moments.r
    x = _centred(x, moments.mean, moments.rest)
    x *= moments.r
    return x


def _forward(
    x: Array, weight: Array | None, bias: Array | None, layout: Layout, moments: Moments
) -> Array:
    y = _standardized(x, layout, moments).reshape(x.shape)
    if weight is not None:
        y *= weight.reshape(layout.affine)
    if bias is not None:
        y += bias.reshape(layout.affine)
    return y.astype(x.dtype, copy=False)


def _backward(
    g: Tensor, needs: Any, input: Tensor, weight: Tensor | None, layout: Layout, moments: Moments
) -> tuple[Any, Any, Any]:
    """The gradients of input, weight and bias that are needed; None for the others."""
    if state.grad:
        return _recorded_backward(g, needs, input, weight, layout, moments)
    dx, dw, db = fp.quiet(
        _gradients, g._array, needs, input._array, _array(weight), layout, moments
    )
    return tuple(None if d is None else wrap(d) for d in (dx, dw, db))  # type: ignore[return-value]


def _gradients(
    g: Array, needs: Any, x: Array, weight: Array | None, layout: Layout, moments: Moments
) -> tuple[Any, Any, Any]:
    kind, g = g.dtype, wide(g)
    hat = _standardized(x, layout, moments)
    dw = db = dx = None
    if needs[1]:
        product = np.multiply(g, hat.reshape(g.shape))
        dw = np.add.reduce(product, axis=layout.summed, dtype=np.float64).astype(kind)
    if needs[2]:
        db = np.add.reduce(g, axis=layout.summed, dtype=np.float64).astype(kind)
    if needs[0]:
        h = g if weight is None else g * weight.reshape(layout.affine)
        dx = _input_gradient(h.reshape(layout.grouped), hat, layout, moments)
        dx = dx.reshape(g.shape).astype(kind, copy=False)
    return dx, dw, db


def _input_gradient(h: Array, hat: Array, layout: Layout, moments: Moments) -> Array:
    if moments.fixed:
        return h * moments.r
    n = math.prod([h.shape[a] for a in layout.axes])
    along = np.add.reduce(h * hat, axis=layout.axes, dtype=np.float64, keepdims=True) / n
    hat *= along.astype(h.dtype)
    dx = np.subtract(h, hat, out=hat)
    if layout.centred:
        level = np.add.reduce(h, axis=layout.axes, dtype=np.float64, keepdims=True) / n
        dx -= level.astype(h.dtype)
    dx *= moments.r
    return dx


def _recorded_backward(
    g: Tensor, needs: Any, input: Tensor, weight: Tensor | None, layout: Layout, moments: Moments
) -> tuple[Any, Any, Any]:
    """The same on Tensors, for a backward pass that is differentiated again."""
    axes, outer = layout.axes, layout.summed
    x = input.reshape(layout.grouped)
    if moments.fixed:
        r = wrap(moments.r)
        hat = (x - wrap(moments.mean)) * r  # type: ignore[arg-type]
    else:
        centred = x - x.mean(axes, True) if layout.centred else x
        r = ((centred * centred).mean(axes, True) + layout.eps).rsqrt()
        hat = centred * r
    h = (g if weight is None else g * weight.reshape(layout.affine)).reshape(layout.grouped)
    if moments.fixed:
        dx = h * r
    else:
        dx = h - hat * (h * hat).mean(axes, True)
        dx = (dx - h.mean(axes, True) if layout.centred else dx) * r
    product = g * hat.reshape(g.shape)
    dw = _sum(product, outer) if needs[1] else None
    return dx.reshape(g.shape), dw, _sum(g, outer) if needs[2] else None


def _sum(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    return x.sum(axes) if axes else x

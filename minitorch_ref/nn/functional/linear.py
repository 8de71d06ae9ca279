"""Linear maps: y = x·Wᵀ + b as one node, and the bilinear form x₁ᵀ·W·x₂ + b."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...autograd.graph import record
from ...autograd.modes import state
from ...ops.matmul import product
from ...ops.pointwise import conj
from ...ops.registry import op
from ...quiet import fp
from ...tensor import Tensor, wrap

# torch records views around the product; the last one's name, by bias and dims (1 | 2 | more)
_NODES = {
    False: ("SqueezeBackward4", "MmBackward0", "UnsafeViewBackward0"),
    True: ("ViewBackward0", "AddmmBackward0", "ViewBackward0"),
}


@op(namespace="nn.functional")
def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """input (*, in) · weightᵀ (out, in) + bias (out) → (*, out).

    Raises RuntimeError for shapes that do not fit or dtypes that differ.
    """
    x, w = input._array, weight._array
    if w.ndim != 2 or x.ndim == 0:
        return _linear_of_vectors(input, weight, bias)
    rows, outer = x if x.ndim == 2 else x.reshape(_as_rows(x.shape)), x.shape[:-1] + w.shape[:1]
    _check_fits(input, weight, rows)
    name = _NODES[bias is not None][min(x.ndim, 3) - 1]
    if bias is None:
        data = product(rows, w.T)
    else:
        data = _affine(rows, w, _checked_bias(bias, weight, (rows.shape[0], w.shape[0])))
    joint = ("input", "weight", "bias"), _gradients
    return record(name, data.reshape(outer), joint, input=input, weight=weight, bias=bias)


def _gradients(g: Tensor, input: Tensor, weight: Tensor, needs: tuple[bool, ...]) -> Any:
    """ȳ·W for the input, ȳᵀ·x for the weight, and ȳ, which is summed over the rows, for the bias."""
    to_input, to_weight, _ = needs
    if state.grad or g._array.dtype.kind == "c":
        return (
            g.matmul(conj(weight)) if to_input else None,
            _weight_gradient(g, input) if to_weight else None,
            g,
        )
    x, w = input._array, weight._array
    rows = g._array if x.ndim == 2 else g._array.reshape(_as_rows(g._array.shape))
    return (
        wrap(product(rows, w).reshape(x.shape)) if to_input else None,
        wrap(product(rows.T, x.reshape(_as_rows(x.shape)))) if to_weight else None,
        g,
    )


def _as_rows(shape: tuple[int, ...]) -> tuple[int, int]:
    """The shape of a matrix with all dims but the last in one."""
    return math.prod(shape[:-1]), shape[-1]


def _weight_gradient(g: Tensor, input: Tensor) -> Tensor:
    """gᵀ·x, summed over everything but the last dim."""
    if g.ndim != 2:
        shapes = g._array.shape, input._array.shape
        g, input = g.reshape(_as_rows(shapes[0])), input.reshape(_as_rows(shapes[1]))
    return g.t().mm(conj(input))


def _affine(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> np.ndarray:
    """x·wᵀ + b; float16 is computed in float32 and rounded once."""
    if x.dtype.char == "e":
        return _affine(*(a.astype(np.float32) for a in (x, w, b))).astype(np.float16)
    y = product(x, w.T)
    return fp.quiet(np.add, y, b, out=y)


def _check_fits(input: Tensor, weight: Tensor, rows: np.ndarray) -> None:
    w = weight._array
    if rows.dtype != w.dtype or rows.shape[1] != w.shape[0 if w.ndim == 1 else 1]:
        input.reshape(-1, rows.shape[1]).mm(weight.t())  # raises, in the words of mm


def _checked_bias(bias: Tensor, weight: Tensor, shape: tuple[int, int]) -> np.ndarray:
    b = bias._array
    if b.dtype != weight._array.dtype:
        raise RuntimeError(
            "self and mat2 must have the same dtype, but got "
            f"{bias.dtype.title} and {weight.dtype.title}"
        )
    if b.shape != shape[1:]:
        bias.expand(shape)  # raises, in the words of expand, if it cannot
    return b


def _linear_of_vectors(input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """A weight without the dim of outputs: one output, whose dim is left out."""
    if input.ndim == 0 or weight.ndim == 0:
        raise RuntimeError(
            "both arguments to linear need to be at least 1D, but they are "
            f"{input.ndim}D and {weight.ndim}D"
        )
    if weight.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {weight.ndim}D")
    if bias is not None and bias.ndim:
        raise RuntimeError("mat2 must be a matrix, got 1-D tensor")
    y = input.matmul(weight)
    return y if bias is None else y + bias


@op(namespace="nn.functional")
def bilinear(
    input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None
) -> Tensor:
    """x₁ᵀ·W[k]·x₂ + b[k] for every k: (*, i), (*, j), (out, i, j), (out) → (*, out).

    Raises RuntimeError for shapes that do not fit.
    """
    _check_bilinear(input1, input2, weight, bias)
    out, i, j = weight.shape
    n = math.prod(input1.shape[:-1])
    x1, x2 = input1.reshape(n, i), input2.reshape(n, j)
    # (n, i)·(i, out·j) → (n, out, j), then the dot product with x₂ along j
    left = x1.mm(weight.permute(1, 0, 2).reshape(i, out * j)).reshape(n, out, j)
    y = left.matmul(x2.unsqueeze(-1)).reshape(*input1.shape[:-1], out)
    return y if bias is None else y + bias


def _check_bilinear(x1: Tensor, x2: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    if x1.ndim != x2.ndim:
        raise RuntimeError(
            f"bilinear(): input dimensions do not match: got {x1.ndim} and {x2.ndim}"
        )
    for d, (m, n) in enumerate(zip(x1.shape[:-1], x2.shape[:-1])):
        if m != n:
            raise RuntimeError(
                f"bilinear(): input batch dimensions do not match at dim {d}: got {m} and {n}"
            )
    for name, x, expected in (("input1", x1, weight.size(1)), ("input2", x2, weight.size(2))):
        if x.size(-1) != expected:
            raise RuntimeError(
                f"bilinear(): {name} size does not match weight size: "
                f"got {x.size(-1)} but expected {expected}"
            )
    if bias is not None and bias.size(0) != weight.size(0):
        raise RuntimeError(
            "bilinear(): bias size does not match weight size: "
            f"got {bias.size(0)} but expected {weight.size(0)}"
        )

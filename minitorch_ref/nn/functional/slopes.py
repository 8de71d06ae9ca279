"""Activations whose slope is learnt (prelu), drawn (rrelu) or computed by a gate (glu)."""

from __future__ import annotations

import numpy as np

from ...autograd.graph import record
from ...autograd.inplace import in_place
from ...dtypes import float16
from ...kernels.draws import standard_doubles
from ...kernels.layout import arranged, in_format
from ...ops.activation import prelu as _prelu
from ...ops.common import wrap_dim
from ...ops.curves import check_floating, draw, leaky_relu
from ...ops.joining import cat
from ...ops.registry import op
from ...quiet import fp
from ...random import Generator, source_of
from ...tensor import Tensor, wrap
from .activation import second_form

prelu = op(_prelu, namespace="nn.functional", name="prelu")


def plain_rrelu(
    input: Tensor,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    generator: Generator | None = None,
) -> Tensor:
    if lower > upper:
        raise RuntimeError("Lower bound should be less than or equal to the upper bound")
    if not training:
        result = draw(_MEAN_SLOPE, input, (lower + upper) / 2)
        result._array = in_format(np.asarray(result._array, order="C"), False)
        return result
    if input._array.dtype.char not in "fd":
        title = input.dtype.title
        raise NotImplementedError(f"\"rrelu_with_noise_out_cpu\" not implemented for '{title}'")
    slopes = wrap(_drawn_slopes(input._array, lower, upper, generator))
    return record(
        "RreluWithNoiseBackward0",
        fp.quiet(np.multiply, input._array, slopes._array),
        input=(input, lambda g, input, slopes: _rrelu_grad(g, input, slopes)),
        slopes=slopes,
    )


_MEAN_SLOPE = leaky_relu._replace(node="RreluWithNoise")


def _rrelu_grad(g: Tensor, input: Tensor, slopes: Tensor) -> Tensor:
    return record(
        "RreluWithNoiseBackwardBackward0",
        fp.quiet(np.multiply, g._array, slopes._array),
        g=(g, lambda gg, slopes: gg * slopes),
        input=(input, lambda gg: gg * 0),
        slopes=slopes,
    )


def _drawn_slopes(
    x: np.ndarray, lower: float, upper: float, generator: Generator | None
) -> np.ndarray:
    """1 for positive elements; for each of the others, in order, a slope from [lower, upper)."""
    slopes, negative = np.ones(x.shape, x.dtype), x <= 0
    start, end = float(x.dtype.type(lower)), float(x.dtype.type(upper))
    u = standard_doubles(source_of(generator), int(np.count_nonzero(negative)))
    slopes[negative] = u * (end - start) + start
    return slopes


rrelu_ = in_place(second_form(plain_rrelu), "rrelu_")


@op(namespace="nn.functional")
def rrelu(
    input: Tensor,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    inplace: bool = False,
) -> Tensor:
    """Leaky relu whose slopes are drawn from [lower, upper) in training, their mean otherwise."""
    return (rrelu_ if inplace else plain_rrelu)(input, lower, upper, training)


@op(namespace="nn.functional")
def glu(input: Tensor, dim: int = -1) -> Tensor:
    """a · σ(b), where a and b are the halves of `input` along `dim`.

    Raises RuntimeError for a 0-d input or a dim of odd length.
    """
    if input.ndim == 0:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    dim = wrap_dim(dim, input.ndim)
    n = input.size(dim)
    if n % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {dim} is size {n}")
    check_floating(input, "glu_cpu")
    a, b = np.split(input._array, 2, axis=dim)
    return record(
        "GluBackward0",
        arranged(fp.quiet(_gated, a, b), a, b),
        input=(input, lambda g, input: _glu_grad(g, input, dim)),
    )


def _gated(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    wide = np.result_type(a, np.float32)
    return (a / (1 + np.exp(-b.astype(wide, copy=False)))).astype(a.dtype, copy=False)


def _glu_grad(g: Tensor, input: Tensor, dim: int) -> Tensor:
    """The gradients for both halves, in one tensor."""
    kind = input.dtype
    if kind is float16:  # computed in float32, rounded once
        g, input = g.float(), input.float()
    a, b = input.chunk(2, dim)
    s = b.sigmoid()
    return cat([g * s, s * (-b).sigmoid() * g * a], dim).to(kind)

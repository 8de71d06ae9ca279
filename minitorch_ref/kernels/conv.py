"""Convolutions and their gradients, array in, array out.

A convolution is linear in its input and in its weight, so there are three kernels, each the gradient
of the others, and every derivative of any order is one of them again:

    convolve         y = x * weight          (N,C,…) (O,C/G,…) -> (N,O,…)
    convolve_input   x̄ from ȳ and weight     also the forward of a transposed convolution
    convolve_weight  w̄ from ȳ and x

Which algorithm, by arithmetic (M·K·J multiply-adds of the product it becomes):

    1×1, stride 1        conv_pointwise   the image already is the matrix: nothing is unfolded
    OW = W, wide or      conv_same        a tap is the whole plane, shifted: the longest copies
      one channel a group
    one channel a group  conv_depthwise   products with K = kh·kw only: the fewest copies win
    few positions        conv_columns     the weight is most of the data: read it once, not once a row
    strided, wide        conv_strided     the image cut into phases, in which every tap is a run
    all else             conv_rows        unfolded along the width only, one product per output row

All take 1, 2 or 3 spatial dims.  One dim is an image of height 1.  Three dims become two by unfolding
the depth into channels, C -> C·KD, which costs kd copies of the input.
float16 is computed in float32 and rounded once.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from . import conv_columns, conv_depthwise, conv_pointwise, conv_rows, conv_same, conv_strided
from .axis import Axis, conv_axis
from .threads import Work, done

Ints = Sequence[int]


def convolve(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None,
    stride: Ints, padding: Ints, dilation: Ints, groups: int, out: Ints | None = None,
) -> np.ndarray:  # fmt: skip
    """y (N, O, …) of x (N, C, …), weight (O, C/groups, …) and bias (O,).

    `out` asks for fewer outputs per dim than would fit.
    """
    shapes = shapes_of(x.shape, weight.shape, stride, padding, dilation, groups, out)
    if x.dtype == np.float16:
        bias = bias if bias is None else bias.astype(np.float32)
        wide = x.astype(np.float32), weight.astype(np.float32)
        return np.asarray(_convolve(*wide, bias, shapes).astype(np.float16))
    return _convolve(x, weight, bias, shapes)


def convolve_input(
    g: np.ndarray, weight: np.ndarray, shape: Ints,
    stride: Ints, padding: Ints, dilation: Ints, groups: int,
) -> np.ndarray:  # fmt: skip
    """Gradient for x, whose spatial shape is `shape`, from g (N, O, …)."""
    x = (len(g), weight.shape[1] * groups, *shape)
    shapes = shapes_of(x, weight.shape, stride, padding, dilation, groups, g.shape[2:])
    return _results(_input_work, g, weight, shapes)[0]


def convolve_weight(
    g: np.ndarray, x: np.ndarray, kernel: Ints,
    stride: Ints, padding: Ints, dilation: Ints, groups: int,
) -> np.ndarray:  # fmt: skip
    """Gradient for the weight, whose spatial shape is `kernel`, from g (N, O, …) and x (N, C, …)."""
    weight = (g.shape[1], x.shape[1] // groups, *kernel)
    shapes = shapes_of(x.shape, weight, stride, padding, dilation, groups, g.shape[2:])
    return _results(_weight_work, g, x, shapes)[0]


def convolve_both(
    g: np.ndarray, x: np.ndarray, weight: np.ndarray,
    stride: Ints, padding: Ints, dilation: Ints, groups: int,
) -> list[np.ndarray]:  # fmt: skip
    """Both gradients, for x and for the weight, in one parallel region."""
    shapes = shapes_of(x.shape, weight.shape, stride, padding, dilation, groups, g.shape[2:])
    return _results(_both_work, g, x, weight, shapes)


def convolve_bias(g: np.ndarray) -> np.ndarray:
    """Gradient for the bias: the sum of g (N, O, …) over all but the channels.

    A product with ones adds up what lies in a row (0.06 ns an element; NumPy's sum takes 0.18), at
    most PIECE elements of it; their sums are added in double.
    """
    n, o = g.shape[:2]
    size = g[0, 0].size if n and o else 0
    if g.dtype.char not in "fd" or not size or not g.flags.c_contiguous:
        wide = np.float32 if g.dtype == np.float16 else g.dtype
        return np.add.reduce(g, axis=(0, *range(2, g.ndim)), dtype=wide).astype(g.dtype)
    pieces = -(-size // PIECE)
    while size % pieces:
        pieces += 1
    sums = np.matmul(g.reshape(-1, size // pieces), _ones(size // pieces, g.dtype))
    sums = sums.reshape(n, o, pieces)
    return np.add.reduce(sums, axis=(0, 2), dtype=np.float64).astype(g.dtype)


PIECE = 1024
RATE = 24  # multiply-adds a nanosecond, with all the copies
# A convolution is shared from three times the usual length on: its tiles are many short calls, and what
# the other thread wrote lies in that one's cache (LeNet-5 with 16 images on two threads: 2.4 -> 2.1 ms).
SHARED = 3
COPY = 0.5  # nanoseconds for each output, however few terms it has


@functools.lru_cache(maxsize=64)
def _ones(size: int, dtype: np.dtype) -> np.ndarray:
    return np.ones(size, dtype)


def _results(work: Callable[..., list[Work]], *operands: Any) -> list[np.ndarray]:
    """The results of `work(*arrays, shapes)`; float16 is computed in float32 and rounded once."""
    *arrays, shapes = operands
    if arrays[0].dtype != np.float16:
        works = work(*operands)
        return done(works, len(works) * shapes.cost)
    wide = [a.astype(np.float32) for a in arrays]
    return [a.astype(np.float16) for a in done(work(*wide, shapes))]


class Shapes(NamedTuple):
    """What a convolution's shapes decide, before there is a number: worked out once for each."""

    x: tuple[int, ...]
    weight: tuple[int, ...]
    y: tuple[int, ...]
    axes: tuple[Axis, ...]
    flat: tuple[Axis, Axis]  # the height and width of the two dims that it is computed in
    groups: int
    algorithm: Any  # the module
    cost: float  # how much it is worth to share it (threads.py)
    nothing: bool  # whether there is nothing to compute


def shapes_of(
    x: Ints, weight: Ints, stride: Ints, padding: Ints, dilation: Ints, groups: int,
    out: Ints | None = None,
) -> Shapes:  # fmt: skip
    """The shapes of a convolution; `out` overrides the number of outputs (fewer than would fit)."""
    window = tuple(stride), tuple(padding), tuple(dilation)
    return _shapes(x, weight, *window, groups, None if out is None else tuple(out))


@functools.lru_cache(maxsize=1024)
def _shapes(
    x: tuple[int, ...], weight: tuple[int, ...], stride: tuple[int, ...], padding: tuple[int, ...],
    dilation: tuple[int, ...], groups: int, out: tuple[int, ...] | None,
) -> Shapes:  # fmt: skip
    axes = axes_of(x[2:], weight[2:], stride, padding, dilation, out)
    y = (x[0], weight[0], *[a.out for a in axes])
    h, w = axes[-2:] if len(axes) > 1 else (_LINE, *axes)
    deep = axes[0] if len(axes) == 3 else _LINE
    flat = (weight[0], weight[1] * deep.kernel, h.kernel, w.kernel)
    nothing = 0 in (*x, *weight, *y)
    algorithm = None if nothing else _choose(x[0] * deep.out, flat, h, w, groups)
    cost = math.prod(y) * max(math.prod(weight[1:]) / RATE / SHARED, COPY)
    return Shapes(x, weight, y, axes, (h, w), groups, algorithm, cost, nothing)


def axes_of(
    size: Ints, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, out: Ints | None = None
) -> tuple[Axis, ...]:
    """One Axis per spatial dim; `out` overrides the number of outputs (fewer than would fit)."""
    axes = [conv_axis(*a) for a in zip(size, kernel, stride, padding, dilation)]
    if out is not None:
        axes = [a._replace(out=n) for a, n in zip(axes, out)]
    return tuple(axes)


_LINE = Axis(1, 1, 1)  # the height of a one-dimensional signal


def _convolve(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, shapes: Shapes) -> np.ndarray:
    y, dims = shapes.y, len(shapes.axes)
    if shapes.nothing:
        zeros = np.zeros(y, x.dtype)
        return zeros if bias is None else zeros + bias.reshape(-1, *[1] * dims)
    if dims == 3:
        x, weight = unfold_depth(x, shapes.axes[0]), _depth_to_channels(weight)
    elif dims == 1:
        x, weight = x[:, :, None], weight[:, :, None]
    work = shapes.algorithm.forward(x, weight, bias, *shapes.flat, shapes.groups)
    found = done([work], shapes.cost)[0]
    return from_frames(found, y) if dims == 3 else _shaped(found, y)


def _shaped(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The result without the dim of a line's height, in the usual order in memory."""
    if array.shape == shape and array.flags.c_contiguous:
        return array
    return np.ascontiguousarray(array.reshape(shape))


def _both_work(g: np.ndarray, x: np.ndarray, weight: np.ndarray, shapes: Shapes) -> list[Work]:
    return _input_work(g, weight, shapes) + _weight_work(g, x, shapes)


def _input_work(g: np.ndarray, weight: np.ndarray, shapes: Shapes) -> list[Work]:
    x, dims = shapes.x, len(shapes.axes)
    if shapes.nothing:
        return [Work([], lambda: np.zeros(x, g.dtype))]
    if dims == 3:
        g, weight = to_frames(g), _depth_to_channels(weight)
    elif dims == 1:
        g, weight = g[:, :, None], weight[:, :, None]
    tasks, finish = shapes.algorithm.input_gradient(g, weight, *shapes.flat, shapes.groups)
    if dims == 3:
        return [Work(tasks, lambda: fold_depth(finish(), shapes.axes[0], x))]
    return [Work(tasks, lambda: _shaped(finish(), x))]


def _weight_work(g: np.ndarray, x: np.ndarray, shapes: Shapes) -> list[Work]:
    weight, dims = shapes.weight, len(shapes.axes)
    if shapes.nothing:
        return [Work([], lambda: np.zeros(weight, g.dtype))]
    if dims == 3:
        g, x = to_frames(g), unfold_depth(x, shapes.axes[0])
    elif dims == 1:
        g, x = g[:, :, None], x[:, :, None]
    tasks, finish = shapes.algorithm.weight_gradient(g, x, *shapes.flat, shapes.groups)
    return [Work(tasks, lambda: _shaped(finish(), weight))]


def _choose(samples: int, weight: tuple[int, ...], h: Axis, w: Axis, groups: int) -> Any:
    """The module whose forward and gradients suit a weight of this shape."""
    plain = h.stride == w.stride == 1 and not h.padding and not w.padding
    if plain and weight[2] == weight[3] == 1 and h.out == h.size and w.out == w.size:
        return conv_pointwise
    if conv_same.suits(weight, h, w, groups):
        return conv_same
    if weight[1] == 1 and groups > 1:
        return conv_depthwise
    if conv_columns.suits(samples, weight, w):
        return conv_columns
    if conv_strided.suits(weight, h, w, groups):
        return conv_strided
    return conv_rows


# ---- three dims as two: every output frame sees its kd input frames as channels ----------------


def unfold_depth(x: np.ndarray, d: Axis) -> np.ndarray:
    """(N, C, D, H, W) -> (N·OD, C·KD, H, W)."""
    n, c, _, h, w = x.shape
    out = np.zeros((n, d.out, c, d.kernel, h, w), x.dtype)
    for k in range(d.kernel):
        out[:, d.target(k), :, k] = x[:, :, d.source(k)].swapaxes(1, 2)
    return out.reshape(n * d.out, c * d.kernel, h, w)


def fold_depth(x: np.ndarray, d: Axis, shape: Ints) -> np.ndarray:
    """The adjoint: (N·OD, C·KD, H, W) -> `shape` (N, C, D, H, W)."""
    n, c, _, h, w = shape
    parts = x.reshape(n, d.out, c, d.kernel, h, w)
    out = np.zeros(shape, x.dtype)
    for k in range(d.kernel):
        out[:, :, d.source(k)] += parts[:, d.target(k), :, k].swapaxes(1, 2)
    return out


def to_frames(y: np.ndarray) -> np.ndarray:
    """(N, O, OD, OH, OW) -> (N·OD, O, OH, OW)."""
    n, o, d, h, w = y.shape
    return y.swapaxes(1, 2).reshape(n * d, o, h, w)


def from_frames(y: np.ndarray, shape: Ints) -> np.ndarray:
    """(N·OD, O, OH, OW) -> `shape` (N, O, OD, OH, OW)."""
    n, o, d, h, w = shape
    return np.ascontiguousarray(y.reshape(n, d, o, h, w).swapaxes(1, 2))


def _depth_to_channels(weight: np.ndarray) -> np.ndarray:
    o, c, d, h, w = weight.shape
    return weight.reshape(o, c * d, h, w)

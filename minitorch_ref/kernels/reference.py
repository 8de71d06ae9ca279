"""The same results, written as the definitions say, in plain loops: slow, obvious, and the oracle.

Nothing in the engine calls these.  The tests hold every fast kernel against them, and a reader can
hold the fast kernels against them too.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from .axis import Axis


def positions(h: Axis, w: Axis) -> Iterator[tuple[int, int, int, int, int, int]]:
    """Every (oh, ow, kh, kw, ih, iw): output, kernel and input position that meet inside the image."""
    for oh, ow in itertools.product(range(h.out), range(w.out)):
        for kh, kw in itertools.product(range(h.kernel), range(w.kernel)):
            ih = oh * h.stride + kh * h.dilation - h.padding
            iw = ow * w.stride + kw * w.dilation - w.padding
            if 0 <= ih < h.size and 0 <= iw < w.size:
                yield oh, ow, kh, kw, ih, iw


def conv2d(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, h: Axis, w: Axis, groups: int
) -> np.ndarray:
    """y[n,o,oh,ow] = bias[o] + Σ x[n,c,ih,iw] · weight[o,c,kh,kw] over the group's channels c."""
    n, o, cg = len(x), len(weight), weight.shape[1]
    y = np.zeros((n, o, h.out, w.out), x.dtype)
    for i in range(o):
        first = i // (o // groups) * cg
        for oh, ow, kh, kw, ih, iw in positions(h, w):
            y[:, i, oh, ow] += x[:, first : first + cg, ih, iw] @ weight[i, :, kh, kw]
    return y if bias is None else y + bias[:, None, None]


def conv2d_input(g: np.ndarray, weight: np.ndarray, h: Axis, w: Axis, groups: int) -> np.ndarray:
    """The gradient of Σ g·y in x: every product of conv2d, sent back to the x it came from."""
    o, cg = weight.shape[:2]
    x = np.zeros((len(g), cg * groups, h.size, w.size), g.dtype)
    for i in range(o):
        first = i // (o // groups) * cg
        for oh, ow, kh, kw, ih, iw in positions(h, w):
            x[:, first : first + cg, ih, iw] += g[:, i, oh, ow, None] * weight[i, :, kh, kw]
    return x


def conv2d_weight(g: np.ndarray, x: np.ndarray, h: Axis, w: Axis, groups: int) -> np.ndarray:
    """The gradient of Σ g·y in the weight: every product of conv2d, sent to the weight in it."""
    o, cg = g.shape[1], x.shape[1] // groups
    weight = np.zeros((o, cg, h.kernel, w.kernel), g.dtype)
    for i in range(o):
        first = i // (o // groups) * cg
        for oh, ow, kh, kw, ih, iw in positions(h, w):
            weight[i, :, kh, kw] += g[:, i, oh, ow] @ x[:, first : first + cg, ih, iw]
    return weight


def max_pool2d(x: np.ndarray, h: Axis, w: Axis) -> tuple[np.ndarray, np.ndarray]:
    """The largest value of each window and its place ih·W + iw.

    torch's rule: a value replaces the best so far if it is greater, or if it is NaN.  So the first
    of equal values wins, and the last NaN.
    """
    y = np.empty((*x.shape[:2], h.out, w.out), x.dtype)
    indices = np.full(y.shape, -1, np.int64)
    for n, c in np.ndindex(x.shape[:2]):
        for oh, ow, _, _, ih, iw in positions(h, w):
            value = x[n, c, ih, iw]
            if indices[n, c, oh, ow] < 0 or value > y[n, c, oh, ow] or value != value:
                y[n, c, oh, ow], indices[n, c, oh, ow] = value, ih * w.size + iw
    return y, indices


def avg_pool2d(
    x: np.ndarray, h: Axis, w: Axis, count_include_pad: bool, divisor: int | None
) -> np.ndarray:
    """The mean of each window; the divisor counts padding or not, or is given."""
    y = np.zeros((*x.shape[:2], h.out, w.out), x.dtype)
    inside = np.zeros((h.out, w.out), x.dtype)
    padded = np.zeros((h.out, w.out), x.dtype)
    for oh, ow, _, _, ih, iw in positions(h, w):
        y[:, :, oh, ow] += x[:, :, ih, iw]
        inside[oh, ow] += 1
    for oh, ow in np.ndindex(h.out, w.out):
        rows = min(oh * h.stride + h.kernel, h.size + 2 * h.padding) - oh * h.stride
        cols = min(ow * w.stride + w.kernel, w.size + 2 * w.padding) - ow * w.stride
        padded[oh, ow] = rows * cols
    return y / (divisor if divisor is not None else padded if count_include_pad else inside)

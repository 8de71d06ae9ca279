"""1×1 convolutions: the image already is the matrix.

    y[n] = W · x[n]          (O × C) · (C × H·W), the sample's own memory on both sides

No unfolding, no copies: N·O·C·H·W multiply-adds, x read once and y written once.  Small images
(7×7 has 49 columns) would run the products below their speed; then a chunk of samples is laid side
by side, (C × n·H·W), which costs one copy of x and one of y.
"""

from __future__ import annotations

import functools

import numpy as np

from .axis import Axis
from .pieces import multiply
from .threads import Work
from .tiles import COLUMNS
from .workspace import scratch

CHUNK = 2 << 20  # bytes of input and output in one piece of work
LANES = 8  # partial sums of a weight gradient, whatever the number of threads


def forward(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, h: Axis, w: Axis, groups: int
) -> Work:
    """y (N, O, H, W) of x (N, C, H, W) and weight (O, C/G, 1, 1)."""
    return _products(x, _matrices(weight, groups), bias)


def input_gradient(g: np.ndarray, weight: np.ndarray, h: Axis, w: Axis, groups: int) -> Work:
    """Gradient (N, C, H, W) from g (N, O, H, W): the same products with the weight transposed."""
    return _products(g, _matrices(weight, groups).swapaxes(1, 2), None)


def weight_gradient(g: np.ndarray, x: np.ndarray, h: Axis, w: Axis, groups: int) -> Work:
    """Gradient (O, C/G, 1, 1) from g (N, O, H, W) and x (N, C, H, W): Σ_n g[n] · x[n]ᵀ."""
    n, o, c = len(x), g.shape[1], x.shape[1]
    og, cg, size = o // groups, c // groups, h.size * w.size
    xs = np.ascontiguousarray(x).reshape(n, groups, cg, size)
    gs = np.ascontiguousarray(g).reshape(n, groups, og, size)
    pieces = _pieces(n, (c + o) * size * x.itemsize)
    lanes = min(LANES, len(pieces))
    sums = np.zeros((lanes, groups, og, cg), x.dtype)
    beside = size < COLUMNS

    def lane(i: int) -> None:
        for part in pieces[i::lanes]:
            with scratch() as take:
                if beside:
                    a, b = _side_by_side(take, gs[part]), _side_by_side(take, xs[part])
                    out = take((groups, og, cg), x.dtype)
                    sums[i] += multiply(a, b.swapaxes(1, 2), out)
                    continue
                out = take((groups, og, cg), x.dtype)
                for a, b in zip(gs[part], xs[part]):
                    multiply(a, b.swapaxes(1, 2), out)
                    sums[i] += out

    tasks = [functools.partial(lane, i) for i in range(lanes)]
    return Work(tasks, lambda: np.add.reduce(sums, axis=0).reshape(o, cg, 1, 1))


def _matrices(weight: np.ndarray, groups: int) -> np.ndarray:
    o, cg = weight.shape[:2]
    return np.ascontiguousarray(weight).reshape(groups, o // groups, cg)


def _products(x: np.ndarray, matrices: np.ndarray, bias: np.ndarray | None) -> Work:
    """matrices (G, M, K) times every sample of x (N, G·K, H, W) -> (N, G·M, H, W)."""
    n, _, h, w = x.shape
    groups, m, k = matrices.shape
    y = np.empty((n, groups * m, h, w), x.dtype)
    xs = np.ascontiguousarray(x).reshape(n, groups, k, h * w)
    ys = y.reshape(n, groups, m, h * w)
    shift = None if bias is None else bias.reshape(groups, m, 1)
    pieces = _pieces(n, groups * (k + m) * h * w * x.itemsize)

    def task(i: int) -> None:
        part = pieces[i]
        with scratch() as take:
            if h * w < COLUMNS and n > 1:
                columns = _side_by_side(take, xs[part])
                out = take((groups, m, columns.shape[-1]), x.dtype)
                multiply(matrices, columns, out)
                ys[part].transpose(1, 2, 0, 3)[...] = out.reshape(groups, m, -1, h * w)
            else:
                multiply(matrices, xs[part], ys[part])
        if shift is not None:
            np.add(ys[part], shift, out=ys[part])

    return Work([functools.partial(task, i) for i in range(len(pieces))], lambda: y)


def _side_by_side(take: object, samples: np.ndarray) -> np.ndarray:
    """(n, G, K, size) copied to (G, K, n·size)."""
    n, groups, k, size = samples.shape
    out = take((groups, k, n, size), samples.dtype)  # type: ignore[operator]
    out[...] = samples.transpose(1, 2, 0, 3)
    return out.reshape(groups, k, n * size)


def _pieces(samples: int, sample_bytes: int) -> list[slice]:
    """The batch in even pieces of about CHUNK bytes."""
    n = max(1, min(samples, CHUNK // sample_bytes))
    n = -(-samples // -(-samples // n))
    return [slice(i, min(i + n, samples)) for i in range(0, samples, n)]

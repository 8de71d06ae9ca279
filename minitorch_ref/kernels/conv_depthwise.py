"""Depthwise convolutions (one input channel a group): shifted multiply-adds on whole planes.

As matrix products they would have K = kh·kw only, and packing would cost more than multiplying.
Instead the image is cut into phases (phases.py), where each tap of the kernel is one flat run:

    y = Σ_taps weight[c, tap] · run(tap)              kh·kw passes of multiply and add
    x̄: run(tap) += weight[c, tap] · ȳ                 the adjoint, on the same runs
    w̄[c, tap] = ȳ · run(tap)                          one dot product each

Cost: 2·kh·kw passes over a chunk that stays in cache, against one read and one write of memory.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .axis import Axis
from .phases import Phases
from .threads import parallel_for
from .workspace import scratch

CHUNK = 256 << 10  # bytes of one chunk's phases


def forward(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, h: Axis, w: Axis, groups: int
) -> np.ndarray:
    """y (N, C·m, OH, OW) of x (N, C, H, W) and weight (C·m, 1, KH, KW)."""
    y = np.empty((len(x), len(weight), h.out, w.out), x.dtype)
    many = len(weight) // groups
    shift = None if bias is None else bias.reshape(groups, many, 1)
    taps = weight.reshape(groups, many, h.kernel, w.kernel)

    def task(n: int, c: slice) -> None:
        target = y.reshape(len(y), groups, many, h.out, w.out)[n, c]
        with scratch() as take:
            phases = Phases(take, len(target), h, w, x.dtype).load(x[n, c], 0)
            rows = take((2, len(target), h.out * phases.width), x.dtype)
            total, product = rows[0, :, : phases.run], rows[1, :, : phases.run]
            for m in range(many):
                for k, (i, j) in enumerate(np.ndindex(h.kernel, w.kernel)):
                    factor = taps[c, m, i, j, None]
                    np.multiply(phases.tap(i, j), factor, out=product if k else total)
                    if k:
                        np.add(total, product, out=total)
                if shift is not None:
                    np.add(total, shift[c, m], out=total)
                target[:, m] = phases.grid(rows[0])

    _over_chunks(task, len(x), groups, h, w, x.itemsize)
    return y


def input_gradient(g: np.ndarray, weight: np.ndarray, h: Axis, w: Axis, groups: int) -> np.ndarray:
    """Gradient (N, C, H, W) from g (N, C·m, OH, OW)."""
    x = np.empty((len(g), groups, h.size, w.size), g.dtype)
    many = len(weight) // groups
    taps = weight.reshape(groups, many, h.kernel, w.kernel)
    given = g.reshape(len(g), groups, many, h.out, w.out)

    def task(n: int, c: slice) -> None:
        with scratch() as take:
            phases = Phases(take, len(x[n, c]), h, w, g.dtype)
            phases.data[...] = 0
            rows, spread = _spread_rows(take, phases, g.dtype)
            for m in range(many):
                phases.grid(rows)[...] = given[n, c, m]
                for i, j in np.ndindex(h.kernel, w.kernel):
                    np.multiply(rows[:, : phases.run], taps[c, m, i, j, None], out=spread)
                    np.add(phases.tap(i, j), spread, out=phases.tap(i, j))
            phases.store(x[n, c])

    _over_chunks(task, len(g), groups, h, w, g.itemsize)
    return x


def weight_gradient(g: np.ndarray, x: np.ndarray, h: Axis, w: Axis, groups: int) -> np.ndarray:
    """Gradient (C·m, 1, KH, KW) from g (N, C·m, OH, OW) and x (N, C, H, W)."""
    many = g.shape[1] // groups
    sums = np.empty((len(g), groups, many, h.kernel, w.kernel), g.dtype)
    given = g.reshape(len(g), groups, many, h.out, w.out)

    def task(n: int, c: slice) -> None:
        with scratch() as take:
            phases = Phases(take, len(x[n, c]), h, w, x.dtype).load(x[n, c], 0)
            rows, _ = _spread_rows(take, phases, g.dtype)
            flat = rows[:, : phases.run]
            for m in range(many):
                phases.grid(rows)[...] = given[n, c, m]
                for i, j in np.ndindex(h.kernel, w.kernel):
                    # a row times a column each: one BLAS dot product, with no conjugate
                    dot = np.matmul(phases.tap(i, j)[:, None, :], flat[:, :, None])
                    sums[n, c, m, i, j] = dot[:, 0, 0]

    _over_chunks(task, len(g), groups, h, w, g.itemsize)
    return np.add.reduce(sums, axis=0).reshape(groups * many, 1, h.kernel, w.kernel)


def _spread_rows(
    take: Callable[..., np.ndarray], phases: Phases, dtype: np.dtype
) -> tuple[np.ndarray, np.ndarray]:
    """Rows (P, OH·width) with zeros past the output's columns, and a run (P, run) for products."""
    planes = phases.shape[2]
    rows = take((planes, phases.h.out * phases.width), dtype)
    rows[...] = 0
    return rows, take((planes, phases.run), dtype)


def _over_chunks(
    task: Callable[[int, slice], None], samples: int, channels: int, h: Axis, w: Axis, itemsize: int
) -> None:
    """Run `task(sample, channels)` over chunks of the channels of every sample."""
    plane = (h.size + 2 * h.padding) * (w.size + 2 * w.padding) * itemsize
    pieces = -(-channels // max(1, CHUNK // plane))
    step = -(-channels // pieces)
    chunks = [(n, slice(c, c + step)) for n in range(samples) for c in range(0, channels, step)]
    parallel_for(lambda i: task(*chunks[i]), len(chunks))

"""Reading an array at chosen positions along one axis, and the transpose: adding back into them.

Embedding, the reflecting and replicating pads and every interpolation are this one linear map,

    y[…, o, …] = Σ_t  weight_t[o] · x[…, index_t[o], …]

with one tap t of weight 1 for the first three, and two or more for the others.  `read` applies it
and `add_back` applies its transpose: where several outputs read one input, their values are summed.
`np.add.at` does that one element at a time; sorted positions let `reduceat` sum whole runs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray
Tap = tuple[Array, Array | None]  # positions, and weights (None: all 1)

_SMALL = 2048  # elements below which sorting costs more than it saves


def read(x: Array, taps: tuple[Tap, ...], axis: int) -> Array:
    """Σ over the taps of weight · x at its positions along `axis`."""
    total = None
    for index, weight in taps:
        part = x.take(index, axis)
        if weight is not None:
            part *= _along(weight, axis, x.ndim)
        total = part if total is None else np.add(total, part, out=total)
    assert total is not None
    return total


def add_back(g: Array, taps: tuple[Tap, ...], size: int, axis: int) -> Array:
    """The transpose of `read` from an axis of length `size`."""
    total = None
    for index, weight in taps:
        part = spread(g if weight is None else g * _along(weight, axis, g.ndim), index, size, axis)
        total = part if total is None else np.add(total, part, out=total)
    assert total is not None
    return total


def _along(weight: Array, axis: int, ndim: int) -> Array:
    return weight.reshape((-1,) + (1,) * (ndim - 1 - axis))


def spread(g: Array, index: Array, size: int, axis: int) -> Array:
    """Zeros of length `size` along `axis`, with g[…, o, …] added at index[o] for every o."""
    out = np.zeros(g.shape[:axis] + (size,) + g.shape[axis + 1 :], g.dtype)
    if not g.size:
        return out
    if g.size <= _SMALL:
        where: Any = (slice(None),) * axis + (index,)
        np.add.at(out, where, g)
        return out
    steps = np.diff(index)
    if (steps < 0).any():
        order = np.argsort(index, kind="stable")
        index, g = index[order], g.take(order, axis)
        steps = np.diff(index)
    starts = np.concatenate(([0], np.flatnonzero(steps) + 1))
    out[(slice(None),) * axis + (index[starts],)] = np.add.reduceat(g, starts, axis=axis)
    return out

"""Elementwise functions of several steps, a block at a time.

Written as NumPy expressions, each step of `x * (1 + np.exp(-x))` runs over the whole array: with a
million elements every step goes to memory and back, into fresh pages.  Block by block, the steps stay
in the cache and reuse the same few temporaries, and several threads can share the blocks:

    x    │ block 0 │ block 1 │ block 2 │ …      all steps on block 0, then all steps on block 1, …

The same operations on the same elements: not a bit of the result depends on it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .threads import parallel_for

BLOCK = 1 << 14  # elements: a handful of float32 temporaries of this size fit the second-level cache


def over_blocks(function: Callable[..., Any], *arrays: np.ndarray) -> np.ndarray:
    """`function(*arrays)`, elementwise, for arrays of one shape and dtype, which the result has."""
    first = arrays[0]
    flat = all(a.flags.c_contiguous and a.shape == first.shape for a in arrays)
    if first.size < 4 * BLOCK or not flat:
        return np.asarray(function(*arrays))
    out = np.empty_like(first)
    parts = [a.reshape(-1) for a in (*arrays, out)]

    def task(i: int) -> None:
        block = slice(i * BLOCK, (i + 1) * BLOCK)
        *given, target = (a[block] for a in parts)
        target[...] = function(*given)

    parallel_for(task, -(-first.size // BLOCK))
    return out

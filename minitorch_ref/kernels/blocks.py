"""Elementwise functions of large arrays, a block of elements on each thread.

Written as NumPy expressions, the steps of `x * (1 + np.exp(-x))` run over the whole array one after the
other, on one thread.  Here every thread takes all steps through a block of its own:

    x    │ block 0 │ block 1 │ block 2 │ …      the same operations on the same elements:
            A         B         A               not a bit of the result depends on it

On one thread this gains nothing: the temporaries stay in the last-level cache either way, and every
block costs a few calls.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import heap
from .threads import get_num_threads, parallel_for
from .workspace import scratch

BLOCK = (
    1 << 18
)  # elements: each call of NumPy lasts some 50 us, and threads seldom wait for each other
PART = 1 << 17  # elements of float32 that are worked out in float64: a megabyte, the second cache
LARGE = 1 << 20  # elements from which on a single ufunc is worth splitting, too


def over_blocks(function: Callable[..., Any], *arrays: np.ndarray) -> np.ndarray:
    """`function(*arrays)`, elementwise, for arrays of one shape and dtype, which the result has."""
    first = arrays[0]
    flat = all(a.flags.c_contiguous and a.shape == first.shape for a in arrays)
    if get_num_threads() == 1 or first.size < 2 * BLOCK or not flat:
        return np.asarray(function(*arrays))
    out = np.empty_like(first)
    parts = [a.reshape(-1) for a in (*arrays, out)]

    def task(i: int) -> None:
        block = slice(i * BLOCK, (i + 1) * BLOCK)
        *given, target = (a[block] for a in parts)
        target[...] = function(*given)

    parallel_for(task, -(-first.size // BLOCK))
    return out


def by_parts(work: Callable[..., None], x: np.ndarray, cost: float) -> np.ndarray:
    """`work(part, target, take)` for the parts of x, in float32, and those of the result, of x's type.

    `take(dtype)` is scratch memory of the part's shape; `cost` nanoseconds an element.
    """
    heap.keep()
    out = np.empty_like(x)
    source, target = x.ravel("K"), out.ravel("K")  # in the order of the memory

    def task(i: int) -> None:
        part = slice(i * PART, (i + 1) * PART)
        with scratch() as take:
            given = source[part].astype(np.float32, copy=False)
            work(given, target[part], lambda dtype: take(given.shape, dtype))

    parallel_for(task, -(-x.size // PART), cost * x.size)
    return out


def share(size: int) -> int:
    """How many of so many elements a thread takes at a time in a quick pass: all of them or a part."""
    threads = get_num_threads()
    return size if threads == 1 or size < LARGE else max(BLOCK, -(-size // threads))


def spread(ufunc: Any, *operands: Any) -> Any:
    """`ufunc(*operands)` of large arrays of one shape and numbers, straight into the result's memory."""
    first = next(x for x in operands if isinstance(x, np.ndarray))
    if get_num_threads() == 1 or not isinstance(ufunc, np.ufunc):
        return ufunc(*operands)
    kinds, flat = [], []
    for x in operands:
        array = isinstance(x, np.ndarray)
        if array and (x.shape != first.shape or not x.flags.c_contiguous):
            return ufunc(*operands)
        kinds.append(x.dtype if array else type(x))
        flat.append(x.reshape(-1) if array else x)
    out = np.empty(first.shape, ufunc.resolve_dtypes((*kinds, None))[-1])
    target, step = out.reshape(-1), share(first.size)

    def task(i: int) -> None:
        part = slice(i * step, (i + 1) * step)
        ufunc(*[x[part] if isinstance(x, np.ndarray) else x for x in flat], out=target[part])

    heap.keep()
    parallel_for(task, -(-first.size // step))
    return out

"""Matrix products on several threads: BLAS runs on one thread, and the pool runs several BLASes.

A large product is cut along the rows of its left side, or along its batch, and every thread
multiplies one piece into the result's own memory:

    ⎡ A₀ ⎤       ⎡ A₀·B ⎤  thread 0
    ⎣ A₁ ⎦ · B = ⎣ A₁·B ⎦  thread 1          an element's sum is the same whoever makes it

Cutting along the columns would change the order in which OpenBLAS adds, and so the last bit; products
x·Wᵀ that are cut anyway (pieces.py) are cut the same way on any number of threads.

Cost: M·K·N multiply-adds over the threads; B is packed once per thread, K·N copies.
"""

from __future__ import annotations

import numpy as np

from . import heap
from .pieces import cut_up
from .threads import get_num_threads, hold_blas, parallel_for

LEAST = 4 << 20  # multiply-adds for each thread: 80 us, twice what it takes to wake one
FEW = 1 << 16  # multiply-adds that are done sooner than all is asked that follows
SPEED = 50  # multiply-adds a nanosecond
STEP = 48  # pieces are multiples of this: BLAS kernels take 4, 6, 8, 12 or 16 rows at a time


def matmul(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """`np.matmul`, with large products spread over the threads."""
    if a.size * b.shape[-1] < FEW:
        # `dot` asks BLAS for the same, and gets there 0.5 us sooner
        return np.asarray(a.dot(b) if a.ndim < 3 and b.ndim < 3 else np.matmul(a, b))
    threads = get_num_threads()
    if a.size >= heap.LARGE:
        heap.keep()
    if a.ndim == b.ndim == 2 and b.strides[0] == b.itemsize and a.dtype == b.dtype and b.size > 1:
        out = np.empty((len(a), b.shape[1]), a.dtype)
        views = cut_up(a, b, out)
        if views is not None:
            _by_grid(*views, a.size * b.shape[1] / SPEED)
            return out
    if threads > 1 and hold_blas() and 1 < a.ndim < 4 and a.ndim == b.ndim:
        if a.size * b.shape[-1] >= LEAST * threads and a.dtype == b.dtype:
            cut = len(a)
            if a.ndim == 2 or cut == len(b):
                return _in_pieces(a, b, _slices(cut, threads, STEP if a.ndim == 2 else 1))
    return np.asarray(np.matmul(a, b))


def _by_grid(left: np.ndarray, right: np.ndarray, place: np.ndarray, cost: float) -> None:
    """A product x·Wᵀ in pieces (pieces.py), rows of pieces on each thread."""
    if get_num_threads() == 1:
        np.matmul(left, right, out=place)
        return
    parts = _slices(len(left), get_num_threads(), 1)

    def task(i: int) -> None:
        np.matmul(left[parts[i]], right, out=place[parts[i]])

    parallel_for(task, len(parts), cost)


def _slices(size: int, count: int, step: int) -> list[slice]:
    each = -(-size // (count * step)) * step
    return [slice(i, min(i + each, size)) for i in range(0, size, each)]


def _in_pieces(a: np.ndarray, b: np.ndarray, pieces: list[slice]) -> np.ndarray:
    """Cut along the first dim of a, and of b if that is their batch."""
    out = np.empty((*a.shape[:-1], b.shape[-1]), a.dtype)

    def task(i: int) -> None:
        piece = pieces[i]
        np.matmul(a[piece], b if b.ndim == 2 else b[piece], out=out[piece])

    parallel_for(task, len(pieces))
    return out

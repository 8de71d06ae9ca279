"""Scratch memory for the kernels: one bounded buffer per thread, used again and again.

A fresh large array costs a page fault per 4 KiB, which is more than the arithmetic of a small
convolution.  So kernels take their temporaries from here:

    with scratch() as take:
        columns = take((rows, n), np.float32)      # uninitialised
        ...                                        # given back when the block ends

    buffer   ├─ columns ─┼─ products ─┼─ (nested block) ──┼···· free ····┤
                                                     top ┘

Blocks nest like stack frames, so giving back is moving `top`.  A kernel never returns an array from
here: the next call would overwrite it.  `poison(True)` fills what is given back with NaN, so that a
test can catch one that does.  A request that does not fit under `LIMIT` gets an ordinary array.
"""

from __future__ import annotations

import math
import threading
import weakref
from typing import Any

import numpy as np

from . import heap

LIMIT = 64 << 20  # bytes a thread may keep
_ALIGN = 64  # a cache line
_arenas: weakref.WeakSet[Arena] = weakref.WeakSet()
_poison = False


class Arena:
    """A thread's buffer and how much of it is in use."""

    __slots__ = ("buffer", "top", "stale", "__weakref__")

    def __init__(self) -> None:
        self.buffer = np.empty(0, np.uint8)
        self.top = 0
        self.stale = False  # release() was called: drop the buffer when the last block ends
        _arenas.add(self)

    def take(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        """An uninitialised array that is valid until the enclosing block ends."""
        dtype = np.dtype(dtype)
        size = math.prod(shape) * dtype.itemsize
        start = self.top
        end = start + size
        if end > self.buffer.size:
            if end > LIMIT:
                return np.empty(shape, dtype)
            heap.keep()
            # arrays already handed out keep the old buffer alive until their block ends
            self.buffer = _aligned(min(LIMIT, max(end, 2 * self.buffer.size, 1 << 16)))
        self.top = -(-end // _ALIGN) * _ALIGN
        return np.ndarray(shape, dtype, self.buffer, start)

    def give_back(self, mark: int) -> None:
        if _poison:
            self.buffer[mark : self.top] = 0xFF  # as floats: NaN
        self.top = mark
        if self.stale and mark == 0:
            self.buffer, self.stale = np.empty(0, np.uint8), False


class _Local(threading.local):
    def __init__(self) -> None:
        self.arena = Arena()


_local = _Local()


class scratch:  # noqa: N801 - reads as a verb: with scratch() as take
    """A block whose arrays come from this thread's buffer and go back to it at the end."""

    __slots__ = ("arena", "mark")

    def __enter__(self) -> Any:
        self.arena = _local.arena
        self.mark = self.arena.top
        return self.arena.take

    def __exit__(self, *_: object) -> None:
        self.arena.give_back(self.mark)


def release() -> None:
    """Give every thread's scratch memory back to the system (a block in use keeps its own)."""
    for arena in list(_arenas):
        arena.stale = True
        if arena.top == 0:
            arena.give_back(0)


def held() -> int:
    """Bytes of scratch memory that all threads hold now."""
    return sum(arena.buffer.size for arena in list(_arenas))


def poison(on: bool) -> None:
    """Fill scratch memory with NaN whenever it is given back (for tests)."""
    global _poison
    _poison = on


def _aligned(size: int) -> np.ndarray:
    raw = np.empty(size + _ALIGN, np.uint8)
    skip = -raw.ctypes.data % _ALIGN
    return raw[skip : skip + size]

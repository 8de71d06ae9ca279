"""An image cut into phases, so that every tap of a strided window is one contiguous run.

With stride s, tap k of the window reads rows k, k+s, k+2s, …: rows of equal remainder.  Stored by
remainder ("phase"), padding included, those rows lie side by side, and so do the columns:

    stride 2         a b a b         phase a   a a   phase b   b b          tap (kh, kw) is phase
    padded image     c d c d                   a a             b b          (kh mod s, kw mod s),
                     a b a b         phase c   c c   phase d   d d          shifted by
                     c d c d                   c c             d d          (kh div s, kw div s)

Seen flat, a tap is one run over all planes that starts at its shift, so a pooling is a few passes of
contiguous arithmetic - the only layout in which NumPy's arithmetic runs at full speed.  The elements
past the end of each row and plane are computed too and never read.

Cost: a strided copy of the image, then kh·kw unit-stride passes.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .axis import Axis
from .threads import parallel_for

CHUNK = 1 << 20  # bytes of input in one piece of work


@functools.lru_cache(maxsize=1024)
def phase_axis(a: Axis) -> Axis:
    """How the padded axis falls into phases: tap q of this axis is phase q, `out` its length."""
    reach = (a.kernel - 1) * a.dilation
    return Axis(a.size, a.out + reach // a.stride, min(a.stride, reach + 1), a.stride, a.padding)


def covered(phase: Axis) -> bool:
    """Whether every input position is in some phase."""
    return phase.kernel == phase.stride and phase.out * phase.stride >= phase.padding + phase.size


class Phases:
    """The phases of some planes (P, H, W), in scratch memory.

    A result is built in a buffer from `flat`, of which `run` elements meet a tap; `grid` shows the
    part of such a buffer that is the output.
    """

    def __init__(self, take: Callable[..., np.ndarray], planes: int, h: Axis, w: Axis, dtype: Any):
        self.take, self.planes, self.h, self.w = take, planes, h, w
        self.rows, self.columns = phase_axis(h), phase_axis(w)
        self.size = planes * self.rows.out * self.columns.out
        self.run = self.size - self.shift(h.kernel - 1, w.kernel - 1)
        # windows that lie side by side: a phase is exactly the output's grid
        self.exact = self.run == self.size == planes * h.out * w.out
        steps = (self.rows.kernel, self.columns.kernel) == (h.stride, w.stride)
        self.tiled = self.exact and steps and not h.padding and not w.padding
        self.data = take((self.rows.kernel, self.columns.kernel, self.size), dtype)

    def shift(self, i: int, j: int) -> int:
        """Where the run of tap (i, j) starts in its phase."""
        rows, columns = i * self.h.dilation // self.h.stride, j * self.w.dilation // self.w.stride
        return rows * self.columns.out + columns

    def tap(self, i: int, j: int) -> np.ndarray:
        """Tap (i, j) of every window, as one run."""
        phase = self.data[i * self.h.dilation % self.h.stride, j * self.w.dilation % self.w.stride]
        start = self.shift(i, j)
        return phase[start : start + self.run]

    def taps(self) -> list[np.ndarray]:
        """Every tap in row-major order."""
        return [self.tap(i, j) for i in range(self.h.kernel) for j in range(self.w.kernel)]

    def flat(self, dtype: Any) -> np.ndarray:
        """An uninitialised buffer for a result."""
        return self.take((self.size,), dtype)

    def grid(self, flat: np.ndarray) -> np.ndarray:
        """The output (P, OH, OW) in a buffer from `flat`."""
        whole = flat.reshape(self.planes, self.rows.out, self.columns.out)
        return whole[:, : self.h.out, : self.w.out]

    def spread(self, values: np.ndarray, fill: Any = 0) -> np.ndarray:
        """A buffer with `values` (P, OH, OW) in its grid and `fill` elsewhere."""
        flat = self.flat(values.dtype)
        grid = self.grid(flat)
        if grid.shape[1:] != (self.rows.out, self.columns.out):
            flat[...] = fill
        grid[...] = values
        return flat

    def load(self, x: np.ndarray, fill: Any) -> Phases:
        """Copy planes (P, H, W) in; the padding gets `fill`."""
        high, wide = self.h.stride, self.w.stride
        if self.tiled and (self.h.out * high, self.w.out * wide) == x.shape[1:]:
            shape = (self.planes, self.h.out, high, self.w.out, wide)
            whole = self.data.reshape(high, wide, self.planes, self.h.out, self.w.out)
            whole[...] = x.reshape(shape).transpose(2, 4, 0, 1, 3)
            return self
        for i in range(self.rows.kernel):
            for j in range(self.columns.kernel):
                phase = self._plane(i, j)
                target = (slice(None), self.rows.target(i), self.columns.target(j))
                if phase[target].shape != phase.shape:
                    phase[...] = fill
                phase[target] = x[:, self.rows.source(i), self.columns.source(j)]
        return self

    def store(self, x: np.ndarray) -> None:
        """Copy the phases back to planes (P, H, W); positions that no phase holds become zero."""
        if not (covered(self.rows) and covered(self.columns)):
            x[...] = 0
        for i in range(self.rows.kernel):
            for j in range(self.columns.kernel):
                part = self._plane(i, j)[:, self.rows.target(i), self.columns.target(j)]
                x[:, self.rows.source(i), self.columns.source(j)] = part

    def _plane(self, i: int, j: int) -> np.ndarray:
        return self.data[i, j].reshape(self.planes, self.rows.out, self.columns.out)


def planes_of(x: np.ndarray) -> np.ndarray:
    """(..., H, W) as planes (P, H, W)."""
    return x.reshape(math.prod(x.shape[:-2]), *x.shape[-2:])


def over_chunks(task: Callable[[slice], None], planes: np.ndarray) -> None:
    """Run `task` over even chunks of the planes, cut by their size alone."""
    count, bytes_each = len(planes), max(1, planes[0].size * planes.itemsize)
    pieces = -(-count // max(1, CHUNK // bytes_each))
    step = -(-count // pieces)
    chunks = [slice(i, i + step) for i in range(0, count, step)]
    parallel_for(lambda i: task(chunks[i]), len(chunks))


def is_whole(a: Axis) -> bool:
    """Whether the one window is the whole axis."""
    return a.kernel == a.size and a.out == 1 and not a.padding and a.dilation == 1

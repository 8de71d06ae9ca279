"""An image cut into phases, so that every tap of a strided window is one contiguous run.

With stride s, tap k of the window reads rows k, k+s, k+2s, …: rows of equal remainder.  Stored by
remainder ("phase"), padding included, those rows lie side by side, and so do the columns:

    stride 2         a b a b         phase a   a a   phase b   b b          tap (kh, kw) is phase
    padded image     c d c d                   a a             b b          (kh mod s, kw mod s),
                     a b a b         phase c   c c   phase d   d d          shifted by
                     c d c d                   c c             d d          (kh div s, kw div s)

Seen flat, a tap is a run of one plane that starts at its shift.  Pooling and depthwise convolution
become a few passes of whole-plane arithmetic; the columns past the end of each row are computed too
and never read.  Cost: one strided copy of the image, then unit-stride passes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .axis import Axis


def phase_axis(a: Axis) -> Axis:
    """How the padded axis falls into phases: tap q of this axis is phase q, `out` its length."""
    reach = (a.kernel - 1) * a.dilation
    return Axis(a.size, a.out + reach // a.stride, min(a.stride, reach + 1), a.stride, a.padding)


def _covered(phase: Axis) -> bool:
    """Whether every input position is in some phase."""
    return phase.kernel == phase.stride and phase.out * phase.stride >= phase.padding + phase.size


class Phases:
    """The phases of some planes (P, H, W), in scratch memory.

    `run` is the length of a tap's flat run, `width` its row length; row `oh`, column `ow` of the
    output is element oh·width + ow.
    """

    def __init__(self, take: Callable[..., np.ndarray], planes: int, h: Axis, w: Axis, dtype: Any):
        self.h, self.w = h, w
        self.rows, self.columns = phase_axis(h), phase_axis(w)
        self.width = self.columns.out
        self.run = (h.out - 1) * self.width + w.out
        self.shape = (self.rows.kernel, self.columns.kernel, planes, self.rows.out, self.width)
        self.data = take(self.shape, dtype)

    def load(self, x: np.ndarray, fill: Any) -> Phases:
        """Copy planes (P, H, W) in; padding gets `fill`."""
        for i, j in np.ndindex(self.shape[:2]):
            phase, target = self.data[i, j], (self.rows.target(i), self.columns.target(j))
            if target != (slice(0, self.rows.out), slice(0, self.width)):
                phase[...] = fill
            phase[:, *target] = x[:, self.rows.source(i), self.columns.source(j)]
        return self

    def store(self, x: np.ndarray) -> None:
        """Copy the phases back to planes (P, H, W); elements that no phase holds become zero."""
        if not (_covered(self.rows) and _covered(self.columns)):
            x[...] = 0
        for i, j in np.ndindex(self.shape[:2]):
            part = self.data[i, j][:, self.rows.target(i), self.columns.target(j)]
            x[:, self.rows.source(i), self.columns.source(j)] = part

    def tap(self, i: int, j: int) -> np.ndarray:
        """Tap (i, j) as flat runs (P, run)."""
        a, b = i * self.h.dilation, j * self.w.dilation
        plane = self.data[a % self.h.stride, b % self.w.stride]
        start = a // self.h.stride * self.width + b // self.w.stride
        return plane.reshape(len(plane), -1)[:, start : start + self.run]

    def grid(self, flat: np.ndarray) -> np.ndarray:
        """A contiguous array of whole rows (P, OH·width) as the output's (P, OH, OW)."""
        return flat.reshape(len(flat), self.h.out, self.width)[:, :, : self.w.out]

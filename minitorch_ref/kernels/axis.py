"""One axis of a sliding window: which input positions meet which output positions.

Convolution, pooling and unfolding all slide a window along an axis.  Output `o` and kernel tap `k`
meet input position

    i = o·stride + k·dilation − padding          (0 ≤ i < size, else it lies in the padding)

For a fixed tap that is a slice: as `o` runs over `lo … hi-1`, `i` runs over `start, start+stride, …`.
So a whole tap is one strided NumPy slice, and no kernel ever needs an index array or a padded copy.

    size 5, kernel 3, padding 1, stride 1          tap 0:  out 1..4  ←  in 0..3
    in    . 0 1 2 3 4 .                            tap 1:  out 0..4  ←  in 0..4
    out     0 1 2 3 4                              tap 2:  out 0..3  ←  in 1..4
"""

from __future__ import annotations

import functools
from typing import NamedTuple


class Tap(NamedTuple):
    """Outputs `lo:hi` read inputs `start : start + (hi-lo-1)·stride + 1 : stride`."""

    lo: int
    hi: int
    start: int


class Axis(NamedTuple):
    """The geometry of one spatial axis."""

    size: int
    out: int
    kernel: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1

    def tap(self, k: int) -> Tap:
        """Where kernel position `k` meets the input."""
        return _tap(self, k)

    def source(self, k: int) -> slice:
        """The input slice that tap `k` reads."""
        lo, hi, start = _tap(self, k)
        return slice(start, start + (hi - lo - 1) * self.stride + 1 if hi > lo else start, self.stride)

    def target(self, k: int) -> slice:
        """The output slice that tap `k` contributes to."""
        lo, hi, _ = _tap(self, k)
        return slice(lo, hi)


@functools.lru_cache(maxsize=4096)
def _tap(axis: Axis, k: int) -> Tap:
    offset = k * axis.dilation - axis.padding
    lo = max(0, -(offset // axis.stride))  # the first o with o·stride + offset >= 0
    hi = min(axis.out, (axis.size - 1 - offset) // axis.stride + 1)
    hi = max(lo, hi)
    return Tap(lo, hi, lo * axis.stride + offset)


def conv_axis(size: int, kernel: int, stride: int, padding: int, dilation: int) -> Axis:
    """The axis of a convolution: as many outputs as whole windows fit (possibly none)."""
    span = (kernel - 1) * dilation + 1
    out = max(0, (size + 2 * padding - span) // stride + 1)
    return Axis(size, out, kernel, stride, padding, dilation)


def pool_axis(
    size: int, kernel: int, stride: int, padding: int, dilation: int = 1, ceil_mode: bool = False
) -> Axis:
    """The axis of a pooling: `ceil_mode` keeps a last window that hangs over the end.

    torch drops that window again if it would start in the right-hand padding.
    """
    room = size + 2 * padding - (kernel - 1) * dilation - 1
    out = (room + (stride - 1 if ceil_mode else 0)) // stride + 1
    if ceil_mode and (out - 1) * stride >= size + padding:
        out -= 1
    return Axis(size, max(0, out), kernel, stride, padding, dilation)

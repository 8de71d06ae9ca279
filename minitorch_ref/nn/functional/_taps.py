"""Where an output pixel looks when an axis is resized, and how much each input pixel counts.

A pixel is a unit interval.  Output pixel o is centred at (o + ½)·scale − ½ in the coordinates of
the input, scale = input size / output size; with aligned corners at o·(input − 1)/(output − 1).
Positions and weights are computed in the float type torch uses, so that a position that falls on a
border falls on the same side.  (source: ATen/native/UpSample.h, cpu/UpSampleKernel.cpp)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...kernels.resample import Tap

Array = np.ndarray


def taps(
    mode: str, size: int, out: int, factor: float | None, corners: bool, antialias: bool, kind: Any
) -> tuple[Tap, ...]:
    """The taps that resize an axis from `size` to `out`; `factor` is the scale the user gave."""
    number = kind.type
    if mode in ("nearest", "nearest-exact"):
        return _nearest(size, out, _scale(size, out, factor, False, np.float32), mode != "nearest")
    scale = _scale(size, out, factor, corners, number)
    o = np.arange(out, dtype=kind)
    if antialias:
        return _averaged(mode, size, o, scale, kind)
    centre = scale * o if corners else scale * (o + number(0.5)) - number(0.5)
    if mode == "bicubic":
        return _cubic(size, centre, kind)
    return _linear(size, np.maximum(centre, 0), kind)


def _scale(size: int, out: int, factor: float | None, corners: bool, number: Any) -> Any:
    """How many input pixels make one output pixel."""
    if corners:
        return number(size - 1) / number(out - 1) if out > 1 else number(0)
    if factor is not None and factor > 0:
        return number(1.0 / factor)
    return number(size) / number(out)


def _nearest(size: int, out: int, scale: Any, exact: bool) -> tuple[Tap, ...]:
    o = np.arange(out, dtype=np.float32)
    position = np.floor((o + np.float32(0.5)) * scale if exact else o * scale)
    return ((np.minimum(position, size - 1).astype(np.int64), None),)


def _split(centre: Array, size: int) -> tuple[Array, Array]:
    """The pixel at or before each centre, and how far the centre lies behind it, 0 … 1."""
    before = np.minimum(np.floor(centre), size - 1)
    return before.astype(np.int64), np.clip(centre - before, 0, 1)


def _linear(size: int, centre: Array, kind: Any) -> tuple[Tap, ...]:
    before, t = _split(centre, size)
    after = np.minimum(before + 1, size - 1)
    return (before, 1 - t), (after, t)


def _cubic(size: int, centre: Array, kind: Any) -> tuple[Tap, ...]:
    """Keys' cubic convolution with a = −3/4; multiplying and adding rounds once, as in torch."""
    before, t = _split(centre, size)
    wide: Any = np.longdouble if kind.itemsize == 8 else np.float64
    a = -0.75

    def fused(x: Any, y: Array, z: float) -> Array:
        return (wide(x) * y.astype(wide) + wide(z)).astype(kind)

    def near(x: Array) -> Array:  # |x| ≤ 1: ((a + 2)·x − (a + 3))·x·x + 1
        return fused(fused(a + 2, x, -(a + 3)) * x, x, 1)

    def far(x: Array) -> Array:  # 1 < |x| < 2: ((a·x − 5a)·x + 8a)·x − 4a
        return fused(fused(fused(a, x, -5 * a), x, 8 * a), x, -4 * a)

    weights = far(t + 1), near(t), near(1 - t), far(1 - t + 1)
    return tuple((np.clip(before + k - 1, 0, size - 1), w) for k, w in enumerate(weights))


# ---- antialiased: a filter as wide as the shrunk pixel, normalised -------------------------------


def _triangle(x: Array) -> Array:
    return np.maximum(1 - np.abs(x), 0)


def _bicubic_filter(x: Array) -> Array:
    a, x = -0.5, np.abs(x)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def _lanczos(x: Array) -> Array:
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)


_FILTERS: dict[str, tuple[Callable[[Array], Array], int]] = {
    "bilinear": (_triangle, 2),
    "bicubic": (_bicubic_filter, 4),
    "lanczos": (_lanczos, 6),
}


def _averaged(mode: str, size: int, o: Array, scale: Any, kind: Any) -> tuple[Tap, ...]:
    shape, width = _FILTERS[mode]
    stretch = max(scale, kind.type(1))
    support = kind.type(width * 0.5) * stretch
    centre = scale * (o + kind.type(0.5))
    first = np.maximum((centre - support + kind.type(0.5)).astype(np.int64), 0)
    last = np.minimum((centre + support + kind.type(0.5)).astype(np.int64), size)
    k = np.arange(int((last - first).max()))
    pixels = first[:, None] + k
    weights = shape(((pixels - centre[:, None] + 0.5) / stretch).astype(np.float64))
    weights[pixels >= last[:, None]] = 0
    weights /= weights.sum(1, keepdims=True)
    pixels = np.minimum(pixels, size - 1)
    return tuple((pixels[:, j], weights[:, j].astype(kind)) for j in k)

"""Tensor images read at other places: grids of places, for flat maps and perspective; reading.

A grid (1, H, W, 2) says for each new pixel where in the old image it lies, x first, from -1 to 1.

A pixel that lies halfway between two others goes where rounding sends it, and after a shear many
do.  So that all come out as torch's, float32 is computed here in torch's order: a grid by products
that are rounded before they are added; the reading by fused multiply-adds, as torch compiles it.
Where a gradient is wanted, or another dtype, `grid_sample` reads.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import dtypes
from ...kernels.fma import fma
from ...nn import functional
from ...ops.from_data import tensor
from ...ops.joining import cat
from ...ops.masking import where
from ...ops.ranges import linspace
from ...quiet import fp
from ...tensor import Tensor, wrap
from ._images import as_batch, as_before, get_image_num_channels

_READ_HERE = ("nearest", "bilinear")
Size = tuple[int, int]  # height, width


# ---- grids --------------------------------------------------------------------------------------


def affine_grid(matrix: Sequence[float], size: Size, new: Size, dtype: dtypes.dtype) -> Tensor:
    """Where the pixels of an image of size `new` lie in one of `size`, by the matrix of a map.

    (x, y) goes to (ax + by + c, dx + ey + f) for `matrix` = (a, …, f), in pixels from the middles.
    """
    height, width = new
    x = linspace(-width * 0.5 + 0.5, width * 0.5 - 0.5, width)._array
    y = linspace(-height * 0.5 + 0.5, height * 0.5 - 0.5, height)._array
    rows = np.array(matrix, dtype.np).reshape(2, 3) / _halves(size, dtype)
    return wrap(_by_rows(x.astype(dtype.np), y.astype(dtype.np), rows))


def perspective_grid(coefficients: Sequence[float], size: Size, dtype: dtypes.dtype) -> Tensor:
    """Where pixels lie: (ax + by + c, dx + ey + f) / (gx + hy + 1), in pixels from the corner."""
    height, width = size
    x = linspace(0.5, width - 0.5, width)._array.astype(dtype.np)
    y = linspace(0.5, height - 0.5, height)._array.astype(dtype.np)
    rows = np.array(coefficients[:6], dtype.np).reshape(2, 3) / _halves(size, dtype)
    depth = np.array([[*coefficients[6:], 1.0]], dtype.np)
    places = fp.quiet(np.divide, _by_rows(x, y, rows), _by_rows(x, y, depth))
    return wrap(places - dtype.np.type(1))


def identity_grid(size: Size) -> Tensor:
    """Each pixel where it is."""
    y, x = (linspace((1 - n) / n, (n - 1) / n, n)._array for n in size)
    return wrap(np.stack(np.broadcast_arrays(x[None, :], y[:, None]), axis=-1)[None])


def _halves(size: Size, dtype: dtypes.dtype) -> np.ndarray:
    height, width = size
    return np.array([[0.5 * width], [0.5 * height]], dtype.np)


def _by_rows(x: np.ndarray, y: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """ax + by + c for each row (a, b, c): (1, height, width, number of rows)."""
    found = [(x[None, :] * a + y[:, None] * b) + c for a, b, c in rows]
    return np.stack(found, axis=-1)[None]


def size_of_turned(matrix: Sequence[float], size: Size) -> Size:
    """The size that holds all of a turned image; a ten-thousandth of a pixel is left out."""
    height, width = size
    x, y = np.float32(0.5 * width), np.float32(0.5 * height)
    rows = np.array(matrix, np.float32).reshape(2, 3)
    corners = [[(p * a + q * b) + c for a, b, c in rows] for p in (-x, x) for q in (-y, y)]
    share = np.float32(1e-4)
    middle = np.array([x, y])
    high = np.ceil(np.trunc((np.max(corners, axis=0) + middle) / share) * share)
    low = np.floor(np.trunc((np.min(corners, axis=0) + middle) / share) * share)
    new_width, new_height = high - low
    return int(new_height), int(new_width)


# ---- reading ------------------------------------------------------------------------------------


def check_fill_and_mode(img: Tensor, fill: Any, mode: str) -> None:
    """torchvision's errors for a `fill` of another length and for a mode that Tensors have not."""
    if fill is not None and not isinstance(fill, (int, float, tuple, list)):
        warnings.warn("Argument fill should be either int, float, tuple or list", stacklevel=4)
    channels = get_image_num_channels(img)
    if isinstance(fill, (tuple, list)) and len(fill) > 1 and len(fill) != channels:
        raise ValueError(
            "The number of elements in 'fill' cannot broadcast to match the number of channels of "
            f"the image ({len(fill)} != {channels})"
        )
    if mode not in _READ_HERE:
        raise ValueError(f"Interpolation mode '{mode}' is unsupported with Tensor input")


def read_at(img: Tensor, grid: Tensor, mode: str, fill: Any) -> Tensor:
    """`img` (..., C, H, W) with the pixels that `grid` says; outside the image `fill`, or zero."""
    batch = as_batch(img, grid.dtype)
    if batch.shape[0] > 1:
        grid = grid.expand(batch.shape[0], *grid.shape[1:])
    if fill is None:
        return as_before(_read(batch, grid, mode), img)
    inside = batch.new_ones((batch.shape[0], 1, batch.shape[2], batch.shape[3]))
    read = _read(cat((batch, inside), dim=1), grid, mode)
    pixels, share = read[:, :-1], read[:, -1:]
    values = fill if isinstance(fill, (tuple, list)) else [float(fill)]
    colour = tensor(values, dtype=batch.dtype).reshape(1, -1, 1, 1).expand_as(pixels)
    if mode == "nearest":
        return as_before(where(share < 0.5, colour, pixels), img)
    return as_before(pixels * share + (1.0 - share) * colour, img)


def _read(batch: Tensor, grid: Tensor, mode: str) -> Tensor:
    here = batch.dtype is dtypes.float32 and batch.ndim == 4 and batch.numel() > 0
    if not here or mode not in _READ_HERE or batch.requires_grad or grid.requires_grad:
        return functional.grid_sample(batch, grid, mode, "zeros", align_corners=False)
    reader = _nearest if mode == "nearest" else _bilinear
    return wrap(fp.quiet(reader, batch._array, grid._array[0]))


def _in_pixels(place: np.ndarray, size: int) -> np.ndarray:
    half = np.float32(size) / np.float32(2)
    return fma(place + np.float32(1), half, np.full_like(place, -0.5))


class _Pixels:
    """The pixels of images (N, C, H, W) at whole coordinates, zero outside: (N, C, *y.shape)."""

    def __init__(self, images: np.ndarray):
        self.height, self.width = images.shape[2:]
        self.outside = self.height * self.width  # the place of a zero after the last pixel
        self.flat = np.zeros((*images.shape[:2], self.outside + 1), images.dtype)
        self.flat[..., :-1] = images.reshape(*images.shape[:2], -1)

    def __call__(self, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        inside = (y >= 0) & (y < self.height) & (x >= 0) & (x < self.width)
        places = np.where(inside, y.astype(np.float64) * self.width + x, self.outside)
        return self.flat.take(places.astype(np.intp), axis=2)


def _nearest(images: np.ndarray, grid: np.ndarray) -> np.ndarray:
    x, y = _in_pixels(grid[..., 0], images.shape[3]), _in_pixels(grid[..., 1], images.shape[2])
    return _Pixels(images)(np.rint(y), np.rint(x))


def _bilinear(images: np.ndarray, grid: np.ndarray) -> np.ndarray:
    x, y = _in_pixels(grid[..., 0], images.shape[3]), _in_pixels(grid[..., 1], images.shape[2])
    left, top = np.floor(x), np.floor(y)
    right_share, low_share = x - left, y - top
    left_share, top_share = np.float32(1) - right_share, np.float32(1) - low_share
    pixels = _Pixels(images)
    total = pixels(top, left) * (left_share * top_share)
    for down, across, share in (
        (0, 1, right_share * top_share),
        (1, 0, left_share * low_share),
        (1, 1, right_share * low_share),
    ):
        total = fma(pixels(top + down, left + across), share, total)
    return total

"""Blurring: each channel of an image convolved with one small matrix, mostly Gauss' bell.

Whether a blurred pixel is rounded up or down hangs on the last bit where it lies halfway.  So that
all come out as torch's, float32 is computed here in torch's order, tap by tap, which over whole
images is one BLAS `axpy` a tap.  Where a gradient is wanted, or another dtype, `conv2d` convolves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import dtypes
from ...kernels.fma import axpy
from ...nn import functional
from ...ops.pointwise import exp
from ...ops.ranges import linspace
from ...quiet import fp
from ...tensor import Tensor, wrap
from ..image import is_pil
from ._images import as_batch, as_before, float_dtype, require_tensor_image

_SMALL = 20480  # values up to which torch convolves one channel by a product of matrices


# ---- Gauss' bell --------------------------------------------------------------------------------

_STEPS = 128  # powers of two in the table, from 1 to 2
_STEP = np.log(2) / _STEPS
_TABLE = np.exp2(np.arange(_STEPS) / _STEPS)
_HIGH = _TABLE.astype(np.float32)
_LOW = (_TABLE - _HIGH).astype(np.float32)
_STEP_HIGH = np.float32(np.rint(_STEP * 2**17) / 2**17)  # its product with a step count is exact
_STEP_LOW = np.float32(_STEP - float(_STEP_HIGH))


def exp_as_torch(x: np.ndarray) -> np.ndarray:
    """eˣ of float32 with torch's last bit: 2^(n/128) by a table, the rest by a parabola."""
    x = np.maximum(x, np.float32(-110))  # below, all powers are zero
    steps = np.rint(x * np.float32(1 / _STEP))
    rest = (x - steps * _STEP_HIGH) - steps * _STEP_LOW
    growth = rest + rest * rest * np.float32(0.5)
    powers, place = np.divmod(steps.astype(np.int64), _STEPS)
    return np.ldexp(_HIGH[place] + (_HIGH[place] * growth + _LOW[place]), powers)


def sum_as_torch(x: np.ndarray) -> np.floating:
    """The sum of up to 500 float32 in torch's order: eight by eight, four partial sums of each."""
    lanes = 8 if x.size >= 8 else 1
    whole = x[: x.size - x.size % lanes].reshape(-1, lanes)
    parts = np.zeros((4, lanes), x.dtype)
    last = len(whole) - len(whole) % 4
    for four in whole[:last].reshape(-1, 4, lanes):
        parts += four
    first = parts[0]
    for row in (*whole[last:], *parts[1:]):
        first += row
    total = x.dtype.type(0)
    for number in (*x[len(whole) * lanes :], *first):
        total += number
    return total


def _bell(size: int, sigma: float, dtype: dtypes.dtype) -> Tensor:
    """`size` weights that sum to one."""
    half = (size - 1) * 0.5
    x = linspace(-half, half, size, dtype=dtype)
    power = -0.5 * (x / sigma).pow(2)
    if dtype is not dtypes.float32:
        heights = exp(power)
        return heights / heights.sum()
    found = fp.quiet(exp_as_torch, power._array)
    return wrap(found / sum_as_torch(found))


def gaussian_blur(img: Any, kernel_size: Any, sigma: Any = None) -> Any:
    """An image blurred by a bell of `kernel_size` (x, y) pixels, odd, and of width `sigma` (x, y).

    Without `sigma`, one that fits the size.  The border is mirrored.
    """
    sizes = _sizes(kernel_size)
    widths = [size * 0.15 + 0.35 for size in sizes] if sigma is None else _widths(sigma)
    if not isinstance(img, Tensor):
        from .functional import pil_to_tensor, to_pil_image

        if not is_pil(img):
            raise TypeError(f"img should be PIL Image or Tensor. Got {type(img)}")
        return to_pil_image(gaussian_blur(pil_to_tensor(img), sizes, widths), img.mode)
    require_tensor_image(img)
    across, down = (_bell(size, width, float_dtype(img)) for size, width in zip(sizes, widths))
    return convolved(img, down[:, None] * across[None, :], [sizes[0] // 2, sizes[1] // 2])


def _sizes(kernel_size: Any) -> list[int]:
    if not isinstance(kernel_size, (int, list, tuple)):
        raise TypeError(
            f"kernel_size should be int or a sequence of integers. Got {type(kernel_size)}"
        )
    sizes = [kernel_size] * 2 if isinstance(kernel_size, int) else kernel_size
    if len(sizes) != 2:
        raise ValueError(
            f"If kernel_size is a sequence its length should be 2. Got {len(sizes)}"
        )
    for size in sizes:
        if size % 2 == 0 or size < 0:
            raise ValueError(f"kernel_size should have odd and positive integers. Got {sizes}")
    return list(sizes)


def _widths(sigma: Any) -> Sequence[float]:
    if not isinstance(sigma, (int, float, list, tuple)):
        raise TypeError(f"sigma should be either float or sequence of floats. Got {type(sigma)}")
    widths = [float(sigma)] * 2 if isinstance(sigma, (int, float)) else sigma
    widths = [widths[0]] * 2 if len(widths) == 1 else widths
    if len(widths) != 2:
        raise ValueError(f"If sigma is a sequence, its length should be 2. Got {len(widths)}")
    for width in widths:
        if width <= 0.0:
            raise ValueError(f"sigma should have positive values. Got {widths}")
    return widths


# ---- the sum over the taps ----------------------------------------------------------------------


def convolved(img: Tensor, matrix: Tensor, border: Sequence[int] = (0, 0)) -> Tensor:
    """Each channel of (..., C, H, W), mirrored in a `border` (x, y), convolved with `matrix`."""
    if img.ndim < 3:
        raise IndexError("tuple index out of range")
    batch = as_batch(img, matrix.dtype)
    if any(border):
        batch = functional.pad(batch, [border[0]] * 2 + [border[1]] * 2, mode="reflect")
    return as_before(_convolved(batch, matrix), img)


def _convolved(batch: Tensor, matrix: Tensor) -> Tensor:
    channels, (rows, columns) = batch.shape[-3], matrix.shape
    here = batch.dtype is dtypes.float32 and batch.ndim == 4 and not batch.requires_grad
    if not here or batch.shape[2] < rows or batch.shape[3] < columns or not batch.numel():
        weight = matrix.expand(channels, 1, rows, columns)
        return functional.conv2d(batch, weight, groups=channels)
    single = batch.shape[0] == channels == 1 and min(rows, columns) <= 3
    fused = not single or batch.numel() > _SMALL
    return wrap(fp.quiet(_sum_of_taps, batch._array, matrix._array, fused))


def _sum_of_taps(batch: np.ndarray, matrix: np.ndarray, fused: bool) -> np.ndarray:
    """Row by row of `matrix`: each tap is the whole batch, moved along its flat array."""
    flat = np.ascontiguousarray(batch).reshape(-1)
    height, width = batch.shape[2:]
    rows, columns = matrix.shape
    sums = np.zeros_like(flat)
    total = sums[: flat.size - (rows - 1) * width - (columns - 1)]
    for (i, j), weight in np.ndenumerate(matrix):
        moved = flat[i * width + j :][: total.size]
        if fused:
            axpy(total, moved, weight)
        else:
            total += weight * moved
    whole = sums.reshape(batch.shape)  # at the ends of rows and columns, taps of two rows mix
    return np.ascontiguousarray(whole[:, :, : height - rows + 1, : width - columns + 1])

"""Crop, flip, to-tensor and normalize for a whole batch, in a few array operations.

Per image, the four usual transforms cost a loader more than LeNet-5's training step does: nearly
all of it is call overhead.  The random words a batch needs are known beforehand (per image: crop
top, crop left, flip), so they can be drawn at once and the pixels moved at once:

    images (B, C, H, W) --border--> (B, C, H+2p, W+2p) --one window per image--> (B, C, h, w)
           --mirror some--> uint8 --/255, -mean, /std--> float32

The words, their order and every rounding are those of the per-image path, so the batch is
identical to the bit.  Where the transforms are not exactly these, there is no batch path.
"""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ... import dtypes
from ...tensor import Tensor, wrap
from ..draws import words
from ..transforms import Compose, Normalize, RandomCrop, RandomHorizontalFlip, ToTensor

_CHUNK = 32  # images at a time: their bytes and floats together stay in a core's L2 cache


class Plan(NamedTuple):
    """The recognised transforms: each part None where it is absent."""

    crop: tuple[int, int] | None  # height, width
    borders: tuple[int, int, int, int]  # left, top, right, bottom
    fill: int
    flip: float | None  # probability
    mean: np.ndarray | None  # float32 (C, 1, 1), as std
    std: np.ndarray | None


def plan_for(transform: Any, channels: int) -> Plan | None:
    """The plan for [RandomCrop] [RandomHorizontalFlip] ToTensor [Normalize], or None.

    Exactly these classes, since a subclass may do anything, and a constant border only.
    """
    steps: list[Any] = list(transform.transforms) if type(transform) is Compose else [transform]
    crop = steps.pop(0) if steps and type(steps[0]) is RandomCrop else None
    flip = steps.pop(0) if steps and type(steps[0]) is RandomHorizontalFlip else None
    if not steps or type(steps.pop(0)) is not ToTensor:
        return None
    scale = steps.pop(0) if steps and type(steps[0]) is Normalize else None
    borders = (0, 0, 0, 0) if crop is None else _borders(crop)
    levels = None if scale is None else _levels(scale, channels)
    if steps or borders is None or (scale is not None and levels is None):
        return None
    return Plan(
        None if crop is None else crop.size,
        borders,
        0 if crop is None else crop.fill or 0,
        None if flip is None else flip.p,
        *(levels or (None, None)),
    )


def _borders(crop: RandomCrop) -> tuple[int, int, int, int] | None:
    padding = 0 if crop.padding is None else crop.padding
    sides = [padding] * 4 if isinstance(padding, int) else list(padding)
    sides = sides * {1: 4, 2: 2, 4: 1}.get(len(sides), 0)
    simple = (
        len(sides) == 4
        and all(type(side) is int and side >= 0 for side in sides)
        and all(type(edge) is int for edge in crop.size)
        and crop.padding_mode == "constant"
        and not crop.pad_if_needed
        and (crop.fill is None or type(crop.fill) is int and 0 <= crop.fill < 256)
    )
    return tuple(sides) if simple else None  # type: ignore[return-value]


def _levels(scale: Normalize, channels: int) -> tuple[np.ndarray, np.ndarray] | None:
    out = []
    for values in (scale.mean, scale.std):
        if not isinstance(values, (list, tuple)) or len(values) not in (1, channels):
            return None
        if not all(isinstance(value, numbers.Real) for value in values):
            return None
        out.append(np.asarray(values).astype(np.float32).reshape(-1, 1, 1))
    return (out[0], out[1]) if out[1].all() else None


def collate_batch(
    data: Any, targets: Any, transform: Any, indices: Sequence[int]
) -> list[Tensor] | None:
    """[images, labels] as default collating of (transform(image), label) gives them, or None.

    `data` is uint8 (N, H, W[, C]), `targets` a list of ints or an int64 array.  None leaves the
    batch to the loader: for other data, other transforms, no indices; nothing is drawn then.
    """
    if not (isinstance(data, np.ndarray) and data.dtype == np.uint8 and data.ndim in (3, 4)):
        return None
    if dtypes.get_default_dtype() is not dtypes.float32 or len(indices) == 0:
        return None
    planes = data[:, None] if data.ndim == 3 else data.transpose(0, 3, 1, 2)
    channels, height, width = planes.shape[1:]
    plan = plan_for(transform, channels)
    if plan is None:
        return None
    left, top, right, bottom = plan.borders
    padded = (height + top + bottom, width + left + right)
    size = plan.crop or padded
    if size[0] > padded[0] or size[1] > padded[1]:
        return None
    labels = _labels(targets, indices)
    if labels is None:
        return None
    order = np.asarray(indices, np.int64)
    corners, mirrored = draw(plan, len(order), padded, size)
    images = np.empty((len(order), channels, *size), np.float32)
    for start in range(0, len(order), _CHUNK):
        part = slice(start, start + _CHUNK)
        pixels = _bordered(planes[order[part]], plan)  # not take(): it would copy all planes first
        if corners is not None:
            pixels = _windows(pixels, size)[np.arange(len(pixels)), *corners[:, part]]
        if mirrored is not None:
            _mirror(pixels, np.flatnonzero(mirrored[part]))
        _scale(pixels, plan, images[part])
    return [wrap(images), wrap(labels)]


def _labels(targets: Any, indices: Sequence[int]) -> np.ndarray | None:
    if isinstance(targets, np.ndarray):
        whole = targets.dtype == np.int64 and targets.ndim == 1
        return targets[np.asarray(indices, np.int64)] if whole else None
    labels = [targets[i] for i in indices]
    return np.array(labels, np.int64) if all(type(label) is int for label in labels) else None


def draw(
    plan: Plan, count: int, padded: tuple[int, int], size: tuple[int, int]
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """For `count` images, crop corners (2, count) and which to mirror (count,), or None each.

    The per-image path draws randint(rows), randint(columns) and rand(1) for one image after the
    other: one 32-bit word each, so row i of `drawn` is what image i would have drawn.
    """
    crops = size != padded
    drawn = words(count * (2 * crops + (plan.flip is not None))).reshape(count, -1)
    corners = mirrored = None
    if crops:
        ways = np.array([[padded[0] - size[0] + 1, padded[1] - size[1] + 1]], np.uint32)
        corners = (drawn[:, :2] % ways).T.astype(np.int64)
    if plan.flip is not None:
        uniform = (drawn[:, -1] & 0xFFFFFF).astype(np.float32) * np.float32(2**-24)
        mirrored = uniform < np.float32(plan.flip)
    return corners, mirrored


def _bordered(pixels: np.ndarray, plan: Plan) -> np.ndarray:
    left, top, right, bottom = plan.borders
    if not any(plan.borders):
        return np.ascontiguousarray(pixels)
    count, channels, height, width = pixels.shape
    shape = (count, channels, top + height + bottom, left + width + right)
    out = np.full(shape, plan.fill, np.uint8)
    out[:, :, top : top + height, left : left + width] = pixels
    return out


def _windows(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """View (B, rows, columns, C, h, w): every window of `size` in every image, without copying."""
    count, channels, height, width = pixels.shape
    s = pixels.strides
    shape = (count, height - size[0] + 1, width - size[1] + 1, channels, *size)
    return as_strided(pixels, shape, (s[0], s[2], s[3], s[1], s[2], s[3]), writeable=False)


def _mirror(pixels: np.ndarray, which: np.ndarray) -> None:
    """Turn the images numbered `which` left to right, in place; `pixels` is contiguous.

    Reversing a row of bytes = reversing its 8-byte words, and the bytes in each: 8 times fewer
    steps, where the width allows.
    """
    if pixels.shape[3] % 8 == 0:
        pixels = pixels.view(np.uint64)
        pixels[which] = pixels[which, :, :, ::-1].byteswap()
    else:
        pixels[which] = pixels[which, :, :, ::-1]


def _scale(pixels: np.ndarray, plan: Plan, out: np.ndarray) -> None:
    """/255, then (x - mean) / std, each rounded to float32 as the separate transforms round."""
    np.copyto(out, pixels)
    np.divide(out, np.float32(255), out=out)
    if plan.mean is not None and plan.std is not None:
        np.subtract(out, plan.mean, out=out)
        np.divide(out, plan.std, out=out)

"""Batches of images as one picture: `make_grid`, `save_image`.  `drawing` draws on images."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any, BinaryIO

import numpy as np

from ..tensor import Tensor, wrap
from .drawing import draw_bounding_boxes, draw_segmentation_masks
from .image import from_array

__all__ = ["draw_bounding_boxes", "draw_segmentation_masks", "make_grid", "save_image"]


def _batch(tensor: Tensor | Sequence[Tensor]) -> np.ndarray:
    """A copy as (B, C, H, W), single-channel images made grey RGB."""
    if isinstance(tensor, list):
        for item in tensor:
            if not isinstance(item, Tensor):
                raise TypeError(
                    f"tensor or list of tensors expected, got a list containing {type(item)}"
                )
        images = np.stack([item._array for item in tensor])
    elif isinstance(tensor, Tensor):
        images = tensor._array.copy()
    else:
        raise TypeError(f"tensor or list of tensors expected, got {type(tensor)}")
    if images.ndim == 2:
        images = images[None]
    if images.ndim == 3:
        images = images[None]
    return np.repeat(images, 3, axis=1) if images.ndim == 4 and images.shape[1] == 1 else images


def _stretch(image: np.ndarray, value_range: tuple[float, float] | None) -> None:
    low, high = value_range or (float(image.min()), float(image.max()))
    np.clip(image, low, high, out=image)
    np.subtract(image, image.dtype.type(low), out=image)
    np.divide(image, image.dtype.type(max(high - low, 1e-5)), out=image)


def make_grid(
    tensor: Tensor | Sequence[Tensor],
    nrow: int = 8,
    padding: int = 2,
    normalize: bool = False,
    value_range: tuple[float, float] | None = None,
    scale_each: bool = False,
    pad_value: float = 0.0,
) -> Tensor:
    """Images (B, C, H, W), or a list of (C, H, W), side by side: (C, rows, columns).

    `normalize` maps `value_range` (default: the smallest and largest value, of all or of each
    image) to [0, 1].  One image comes back as it is.
    """
    images = _batch(tensor)
    if normalize:
        if value_range is not None and not isinstance(value_range, tuple):
            raise TypeError(
                "value_range has to be a tuple (min, max) if specified. min and max are numbers"
            )
        for image in images if scale_each else [images]:
            _stretch(image, value_range)
    if len(images) == 1:
        return wrap(images[0])
    across = min(nrow, len(images))
    down = math.ceil(len(images) / across)
    channels, height, width = images.shape[1], images.shape[2] + padding, images.shape[3] + padding
    grid = np.full((channels, height * down + padding, width * across + padding), pad_value)
    grid = grid.astype(images.dtype)
    for k, image in enumerate(images):
        top, left = k // across * height + padding, k % across * width + padding
        grid[:, top : top + height - padding, left : left + width - padding] = image
    return wrap(grid)


def save_image(
    tensor: Tensor | Sequence[Tensor],
    fp: str | os.PathLike[str] | BinaryIO,
    format: str | None = None,
    **kwargs: Any,
) -> None:
    """Write `make_grid(tensor, **kwargs)`, values in [0, 1], as an image file.  Needs Pillow."""
    grid = make_grid(tensor, **kwargs)._array
    half = grid * grid.dtype.type(255) + grid.dtype.type(0.5)
    pixels = np.clip(half, 0, 255).astype(np.uint8).transpose(1, 2, 0)
    from_array(np.ascontiguousarray(pixels)).save(fp, format=format)

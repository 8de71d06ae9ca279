"""Borders around images and Tensors: constant, edge, reflect, symmetric; negative ones crop."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from ...tensor import Tensor, wrap
from ..image import from_array, is_pil

_MODES = ("constant", "edge", "reflect", "symmetric")


def _checked(padding: Any, fill: Any, padding_mode: Any) -> tuple[int, int, int, int]:
    """(left, top, right, bottom), or torchvision's errors for bad arguments."""
    if not isinstance(padding, (numbers.Number, tuple, list)):
        raise TypeError("Got inappropriate padding arg")
    if fill is not None and not isinstance(fill, (numbers.Number, tuple, list)):
        raise TypeError("Got inappropriate fill arg")
    if not isinstance(padding_mode, str):
        raise TypeError("Got inappropriate padding_mode arg")
    if padding_mode not in _MODES:
        raise ValueError("Padding mode should be either constant, edge, reflect or symmetric")
    if isinstance(padding, numbers.Number):
        return (int(padding),) * 4  # type: ignore[call-overload]
    if len(padding) not in (1, 2, 4):
        raise ValueError(
            f"Padding must be an int or a 1, 2, or 4 element tuple, not a {len(padding)} "
            "element tuple"
        )
    left, top = (padding * 2)[:2]
    right, bottom = padding[2:] if len(padding) == 4 else (left, top)
    return left, top, right, bottom


def _fill_for(fill: Any, channels: int) -> Any:
    """One number, or one per channel, as Pillow takes it."""
    fill = 0 if fill is None else fill
    if isinstance(fill, numbers.Number):
        return fill if channels == 1 else (fill,) * channels
    if len(fill) != channels:
        raise ValueError(
            "The number of elements in 'fill' does not match the number of channels of the image "
            f"({len(fill)} != {channels})"
        )
    return fill[0] if channels == 1 else tuple(fill)


def pad_image(img: Any, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> Any:
    """A padded copy of a PIL image or `ArrayImage`."""
    borders = _checked(padding, fill, padding_mode)
    if padding_mode == "constant":
        value = _fill_for(fill, len(img.getbands()))
        if not is_pil(img):
            return img.expand(borders, value)
        from PIL import ImageOps

        out = ImageOps.expand(img, border=borders, fill=value)
        if img.mode == "P":
            out.putpalette(img.getpalette())
        return out
    left, top, right, bottom = borders
    if min(borders) < 0:
        low = [max(-side, 0) for side in borders]
        img = img.crop((low[0], low[1], img.width - low[2], img.height - low[3]))
    widths = [(max(top, 0), max(bottom, 0)), (max(left, 0), max(right, 0)), (0, 0)]
    pixels = np.asarray(img)
    out = from_array(np.pad(pixels, widths[: pixels.ndim], padding_mode))  # type: ignore[call-overload]
    if is_pil(img) and img.mode == "P":
        out.putpalette(img.getpalette())
    return out


def pad_tensor(img: Tensor, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> Tensor:
    """A padded copy of a Tensor (..., H, W): new values gathered from the old by index.

    Every mode but `constant` only repeats pixels, so one differentiable indexing serves them all.
    """
    left, top, right, bottom = _checked(padding, fill, padding_mode)
    if fill is not None and not isinstance(fill, (int, float)):
        raise TypeError("Got inappropriate fill arg")
    rows = _sources(img.shape[-2], top, bottom, padding_mode)
    columns = _sources(img.shape[-1], left, right, padding_mode)
    if padding_mode != "constant":
        return img[..., wrap(rows[:, None]), wrap(columns[None, :])]
    h, w = img.shape[-2:]
    inner = img[..., max(-top, 0) : h - max(-bottom, 0), max(-left, 0) : w - max(-right, 0)]
    out = inner.new_full((*img.shape[:-2], len(rows), len(columns)), fill or 0)
    top, left = max(top, 0), max(left, 0)
    out[..., top : top + inner.shape[-2], left : left + inner.shape[-1]] = inner
    return out


def _sources(length: int, before: int, after: int, padding_mode: str) -> np.ndarray:
    """For each new position, the old one its value comes from (constant: only the count)."""
    kept = np.arange(max(-before, 0), length - max(-after, 0))
    if padding_mode == "constant":
        return np.empty(len(kept) + max(before, 0) + max(after, 0), np.int64)
    widths = (max(before, 0), max(after, 0))
    if padding_mode == "reflect" and max(widths) >= length:
        raise RuntimeError(
            "Argument #4: Padding size should be less than the corresponding input dimension, "
            f"but got: padding ({before}, {after}) at a dimension of size {length}"
        )
    return np.pad(kept, widths, padding_mode)  # type: ignore[call-overload]

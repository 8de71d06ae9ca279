"""Brightness, contrast, saturation, hue, grey: of images by Pillow, of Tensors by the same blends.

Each blends an image with another: black, its mean grey, its grey version.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import dtypes
from ...tensor import Tensor
from ..image import from_array, is_pil
from ._images import max_value, require_channels, require_pil


def _blend(img: Tensor, other: Any, ratio: float) -> Tensor:
    """`ratio` of `img` and the rest of `other`, kept in the range of the dtype."""
    mixed = img * float(ratio) + other * (1.0 - float(ratio))
    return mixed.clamp(0, max_value(img.dtype)).to(img.dtype)


def _enhanced(kind: str, img: Any, factor: float) -> Any:
    require_pil(img)
    from PIL import ImageEnhance

    return getattr(ImageEnhance, kind)(img).enhance(factor)


def _non_negative(name: str, factor: float) -> None:
    if factor < 0:
        raise ValueError(f"{name} ({factor}) is not non-negative.")


def rgb_to_grayscale(img: Any, num_output_channels: int = 1) -> Any:
    """Grey in 1 or 3 equal channels: 0.2989 red + 0.587 green + 0.114 blue."""
    if not isinstance(img, Tensor):
        require_pil(img)
        return to_grayscale(img, num_output_channels)
    if img.ndim < 3:
        raise TypeError(
            f"Input image tensor should have at least 3 dimensions, but found {img.ndim}"
        )
    channels = require_channels(img)
    if num_output_channels not in (1, 3):
        raise ValueError("num_output_channels should be either 1 or 3")
    grey = img.clone()
    if channels == 3:
        red, green, blue = img.unbind(-3)
        grey = (red * 0.2989 + green * 0.587 + blue * 0.114).to(img.dtype).unsqueeze(-3)
    return grey.expand(img.shape) if num_output_channels == 3 else grey


def to_grayscale(img: Any, num_output_channels: int = 1) -> Any:
    """A PIL image in grey, in 1 or 3 equal channels."""
    if not is_pil(img):
        raise TypeError("Input should be PIL Image")
    if num_output_channels not in (1, 3):
        raise ValueError("num_output_channels should be either 1 or 3")
    grey = img.convert("L")
    if num_output_channels == 1:
        return grey
    return from_array(np.repeat(np.asarray(grey)[:, :, None], 3, axis=2))


def adjust_brightness(img: Any, brightness_factor: float) -> Any:
    """`brightness_factor` times as bright: 0 is black, 1 the image."""
    if not isinstance(img, Tensor):
        return _enhanced("Brightness", img, brightness_factor)
    _non_negative("brightness_factor", brightness_factor)
    require_channels(img)
    return _blend(img, img.new_zeros(()), brightness_factor)


def adjust_contrast(img: Any, contrast_factor: float) -> Any:
    """`contrast_factor` times the distance from the mean grey: 0 is all grey, 1 the image."""
    if not isinstance(img, Tensor):
        return _enhanced("Contrast", img, contrast_factor)
    _non_negative("contrast_factor", contrast_factor)
    grey = rgb_to_grayscale(img) if require_channels(img, (3, 1)) == 3 else img
    kind = img.dtype if img.is_floating_point() else dtypes.float32
    return _blend(img, grey.to(kind).mean(dim=(-3, -2, -1), keepdim=True), contrast_factor)


def adjust_saturation(img: Any, saturation_factor: float) -> Any:
    """`saturation_factor` times the distance from grey: 0 is grey, 1 the image."""
    if not isinstance(img, Tensor):
        return _enhanced("Color", img, saturation_factor)
    _non_negative("saturation_factor", saturation_factor)
    if require_channels(img) == 1:
        return img
    return _blend(img, rgb_to_grayscale(img), saturation_factor)


def adjust_hue(img: Any, hue_factor: float) -> Any:
    """Turn the colours of a PIL image by `hue_factor`, from -1/2 to 1/2 of the circle.

    Differs from torchvision: PIL images only, a Tensor raises TypeError.
    """
    if not -0.5 <= hue_factor <= 0.5:
        raise ValueError(f"hue_factor ({hue_factor}) is not in [-0.5, 0.5].")
    require_pil(img)
    if img.mode in ("L", "1", "I", "F"):
        return img
    from PIL import Image

    hue, saturation, value = img.convert("HSV").split()
    turned = np.array(hue, np.uint8) + np.int32(hue_factor * 255).astype(np.uint8)  # wraps round
    return Image.merge("HSV", (from_array(turned), saturation, value)).convert(img.mode)

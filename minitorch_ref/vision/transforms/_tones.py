"""Changes of tone: of PIL images by Pillow, of Tensors by torchvision's formulas.

The two differ: Pillow works in bytes, a Tensor keeps its dtype.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import dtypes
from ...ops.from_data import tensor
from ...ops.masking import where
from ...tensor import Tensor, wrap
from ._blur import convolved
from ._colour import _blend
from ._images import (
    float_dtype,
    max_value,
    require_channels,
    require_pil,
    require_tensor_image,
)


def _by_pillow(img: Any, name: str, *arguments: Any) -> Any:
    require_pil(img)
    from PIL import ImageOps

    return getattr(ImageOps, name)(img, *arguments)


def _require_dims(img: Tensor) -> None:
    require_tensor_image(img)
    if img.ndim < 3:
        raise TypeError(
            f"Input image tensor should have at least 3 dimensions, but found {img.ndim}"
        )


def _require_bytes(img: Tensor) -> None:
    if img.dtype is not dtypes.uint8:
        raise TypeError(f"Only torch.uint8 image tensors are supported, but found {img.dtype}")


def invert(img: Any) -> Any:
    """The negative."""
    if not isinstance(img, Tensor):
        return _by_pillow(img, "invert")
    _require_dims(img)
    require_channels(img)
    return max_value(img.dtype) - img


def posterize(img: Any, bits: int) -> Any:
    """Only the first `bits` bits of each value, of an image of bytes."""
    if not 0 <= bits <= 8:
        raise ValueError(f"The number if bits should be between 0 and 8. Got {bits}")
    if not isinstance(img, Tensor):
        return _by_pillow(img, "posterize", bits)
    _require_dims(img)
    _require_bytes(img)
    require_channels(img)
    return img & (256 - int(2 ** (8 - bits)))


def solarize(img: Any, threshold: float) -> Any:
    """The negative of all values from `threshold` on."""
    if not isinstance(img, Tensor):
        return _by_pillow(img, "solarize", threshold)
    _require_dims(img)
    require_channels(img)
    if threshold > max_value(img.dtype):
        raise TypeError("Threshold should be less than bound of img.")
    return where(img >= threshold, invert(img), img)


def autocontrast(img: Any) -> Any:
    """Values stretched to the whole range; a channel of one value stays as it is."""
    if not isinstance(img, Tensor):
        return _by_pillow(img, "autocontrast")
    _require_dims(img)
    require_channels(img)
    top, dtype = max_value(img.dtype), float_dtype(img)
    low, high = (side(dim=(-2, -1), keepdim=True).to(dtype) for side in (img.amin, img.amax))
    scale = top / (high - low)
    stretched = scale.isfinite()
    low, scale = where(stretched, low, 0.0), where(stretched, scale, 1.0)
    return ((img - low) * scale).clamp(0, top).to(img.dtype)


def equalize(img: Any) -> Any:
    """Values changed so that all are equally frequent, as far as can be, of an image of bytes."""
    if not isinstance(img, Tensor):
        return _by_pillow(img, "equalize")
    require_tensor_image(img)
    if not 3 <= img.ndim <= 4:
        raise TypeError(f"Input image tensor should have 3 or 4 dimensions, but found {img.ndim}")
    _require_bytes(img)
    require_channels(img)
    out = np.empty_like(img._array, order="C")
    for channel in np.ndindex(img.shape[:-2]):
        out[channel] = _equalized(img._array[channel])
    return wrap(out)


def _equalized(channel: np.ndarray) -> np.ndarray:
    """Each value becomes the number of pixels below it, in 255ths of all but the highest."""
    counts = np.bincount(channel.reshape(-1), minlength=256)
    step = counts[counts != 0][:-1].sum() // 255
    if step == 0:
        return channel
    below = np.concatenate(([0], np.cumsum(counts)[:-1] + step // 2)) // step
    return np.minimum(below, 255).astype(np.uint8)[channel]


def adjust_sharpness(img: Any, sharpness_factor: float) -> Any:
    """`sharpness_factor` times the distance from a blurred image: 0 is blurred, 1 the image."""
    if not isinstance(img, Tensor):
        require_pil(img)
        from PIL import ImageEnhance

        return ImageEnhance.Sharpness(img).enhance(sharpness_factor)
    if sharpness_factor < 0:
        raise ValueError(f"sharpness_factor ({sharpness_factor}) is not non-negative.")
    require_channels(img)
    if img.shape[-1] <= 2 or img.shape[-2] <= 2:
        return img
    smooth = tensor([[1, 1, 1], [1, 5, 1], [1, 1, 1]], dtype=float_dtype(img)) / 13
    inner, blurred = convolved(img, smooth), img.clone()
    blurred[..., 1:-1, 1:-1] = inner
    return _blend(img, blurred, sharpness_factor)

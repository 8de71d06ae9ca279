"""Changes of tone, of PIL images: Pillow's own, under torchvision's names.

Differs from torchvision: a Tensor raises TypeError.
"""

from __future__ import annotations

from typing import Any

from ..image import is_pil


def _by_pillow(img: Any, name: str, *arguments: Any) -> Any:
    if not is_pil(img):
        raise TypeError(f"img should be PIL Image. Got {type(img)}")
    from PIL import ImageOps

    return getattr(ImageOps, name)(img, *arguments)


def invert(img: Any) -> Any:
    """The negative."""
    return _by_pillow(img, "invert")


def posterize(img: Any, bits: int) -> Any:
    """Only the first `bits` bits of each value."""
    return _by_pillow(img, "posterize", bits)


def solarize(img: Any, threshold: float) -> Any:
    """The negative of all values from `threshold` on."""
    return _by_pillow(img, "solarize", threshold)


def autocontrast(img: Any) -> Any:
    """Values stretched to the whole range."""
    return _by_pillow(img, "autocontrast")


def equalize(img: Any) -> Any:
    """Values changed so that all are equally frequent, as far as can be."""
    return _by_pillow(img, "equalize")


def adjust_sharpness(img: Any, sharpness_factor: float) -> Any:
    """`sharpness_factor` times the distance from a blurred image: 0 is blurred, 1 the image."""
    if not is_pil(img):
        raise TypeError(f"img should be PIL Image. Got {type(img)}")
    from PIL import ImageEnhance

    return ImageEnhance.Sharpness(img).enhance(sharpness_factor)

"""Turning a PIL image, several crops of one, and holes in a Tensor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...tensor import Tensor
from ..image import is_pil


def rotate_image(
    img: Any, angle: float, resample: int, expand: bool, center: Any, fill: Any
) -> Any:
    """`img` turned by `angle` degrees against the clock; `fill` where there was no image."""
    if not is_pil(img):
        raise TypeError(f"img should be PIL Image. Got {type(img)}")
    return img.rotate(angle, resample, expand, center, fillcolor=_fill(img, fill))


def _fill(img: Any, fill: Any) -> Any:
    """One number, or one for each channel, as Pillow takes it."""
    channels = len(img.getbands())
    fill = 0 if fill is None else fill
    if isinstance(fill, (int, float)):
        fill = fill if channels == 1 else [fill] * channels
    elif len(fill) == 1:
        fill = list(fill) * channels
    elif len(fill) != channels:
        raise ValueError(
            "The number of elements in 'fill' does not match the number of channels of the image "
            f"({len(fill)} != {channels})"
        )
    if isinstance(fill, (int, float)):
        return fill if img.mode == "F" else int(fill)
    return tuple(fill if img.mode == "F" else map(int, fill))


def erase(img: Tensor, i: int, j: int, h: int, w: int, v: Any, inplace: bool = False) -> Tensor:
    """A Tensor image with `v` in the rectangle of height `h` and width `w` at (`i`, `j`)."""
    if not isinstance(img, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(img)}")
    if img.ndim < 2:
        raise TypeError("Tensor is not a torch image.")
    img = img if inplace else img.clone()
    img[..., i : i + h, j : j + w] = v
    return img


def corners(size: Sequence[int], height: int, width: int) -> list[tuple[int, int, int, int]]:
    """(top, left, height, width) of parts of `size`: upper left, upper right, the lower two."""
    if size[1] > width or size[0] > height:
        raise ValueError(f"Requested crop size {size} is bigger than input size {(height, width)}")
    tops, lefts = (0, height - size[0]), (0, width - size[1])
    return [(top, left, size[0], size[1]) for top in tops for left in lefts]

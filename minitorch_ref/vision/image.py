"""Images between a dataset and `ToTensor`: Pillow's where it is installed, else `ArrayImage`.

torchvision hands PIL images to transforms.  Pillow is optional here, so a dataset asks `from_array`
for an image and gets a PIL one if it can; `ArrayImage` offers the few methods of a PIL image that
crop, flip, pad and the conversions use, on a plain uint8 array, and gives the same pixels.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

FLIP_LEFT_RIGHT, FLIP_TOP_BOTTOM = 0, 1  # Pillow's numbers (Image.Transpose)
_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


class ArrayImage:
    """An 8-bit image over an array of shape (height, width) or (height, width, channels)."""

    def __init__(self, array: np.ndarray):
        array = np.asarray(array)
        channels = array.shape[2] if array.ndim == 3 else 1
        if array.dtype != np.uint8 or array.ndim not in (2, 3) or channels not in _MODES:
            raise TypeError(
                f"an image needs a uint8 array of shape (H, W) or (H, W, 1..4), "
                f"got {array.dtype} of shape {array.shape}"
            )
        self._pixels = array[:, :, 0] if array.ndim == 3 and channels == 1 else array
        self.mode = _MODES[channels]

    @property
    def size(self) -> tuple[int, int]:
        """(width, height), as Pillow orders them."""
        return self._pixels.shape[1], self._pixels.shape[0]

    width = property(lambda self: self._pixels.shape[1])
    height = property(lambda self: self._pixels.shape[0])

    def getbands(self) -> tuple[str, ...]:
        """One letter per channel."""
        return tuple(self.mode)

    def crop(self, box: tuple[int, int, int, int]) -> ArrayImage:
        """The part inside `box` = (left, top, right, bottom); zeros where that leaves the image."""
        left, top, right, bottom = box
        if right < left or bottom < top:
            raise ValueError(f"crop box {box} has a right or lower edge before its left or upper")
        out = np.zeros((bottom - top, right - left, *self._pixels.shape[2:]), np.uint8)
        inside = self._pixels[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
        y, x = max(-top, 0), max(-left, 0)
        out[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
        return ArrayImage(out)

    def transpose(self, method: int) -> ArrayImage:
        """Mirror left-right (0) or top-bottom (1)."""
        if method not in (FLIP_LEFT_RIGHT, FLIP_TOP_BOTTOM):
            raise ValueError(f"ArrayImage can only be mirrored (0 or 1), not {method!r}")
        flipped = self._pixels[:, ::-1] if method == FLIP_LEFT_RIGHT else self._pixels[::-1]
        return ArrayImage(flipped)

    def expand(self, borders: tuple[int, int, int, int], fill: Any) -> ArrayImage:
        """A border of `fill` (number or one per channel): (left, top, right, bottom) pixels."""
        left, top, right, bottom = borders
        cut = self.crop((-left, -top, self.width + right, self.height + bottom))
        out = np.empty_like(cut._pixels)
        out[...] = fill
        rows = slice(max(top, 0), out.shape[0] - max(bottom, 0))
        columns = slice(max(left, 0), out.shape[1] - max(right, 0))
        out[rows, columns] = cut._pixels[rows, columns]
        return ArrayImage(out)

    def resize(self, *args: Any, **kwargs: Any) -> ArrayImage:
        """Resampling is Pillow's; there is none here."""
        raise RuntimeError("resizing an image needs Pillow, which is not installed")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self._pixels, dtype=dtype, copy=True if copy is None else copy)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ArrayImage):
            return NotImplemented
        return self.mode == other.mode and np.array_equal(self._pixels, other._pixels)

    __hash__ = None  # type: ignore[assignment]  # as Pillow's: equal by content, so not hashable

    def __repr__(self) -> str:
        return f"<ArrayImage mode={self.mode} size={self.width}x{self.height}>"


def is_pil(img: object) -> bool:
    """Whether `img` is a PIL image; never imports Pillow to find out."""
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(img, module.Image)


def is_image(img: object) -> bool:
    """Whether `img` is a PIL image or an `ArrayImage`."""
    return isinstance(img, ArrayImage) or is_pil(img)


def from_array(array: np.ndarray) -> Any:
    """A PIL image of a uint8 array (H, W) or (H, W, C), or an `ArrayImage` without Pillow."""
    try:
        from PIL import Image
    except ImportError:
        return ArrayImage(array)
    return Image.fromarray(array[:, :, 0] if array.ndim == 3 and array.shape[2] == 1 else array)

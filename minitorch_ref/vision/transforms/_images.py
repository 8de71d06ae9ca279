"""What an image is: size, channels, range; and the way of a Tensor image into float and back.

The changes of pixels that interpolate or blur take a batch (N, C, H, W) of floats: `as_batch` makes
one of any Tensor image, `as_before` rounds the result to the dtype the image had.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import dtypes
from ...tensor import Tensor
from ..image import is_image, is_pil

_ROUNDED = ("uint8", "int8", "int16", "int32", "int64")


def get_dimensions(img: Any) -> list[int]:
    """[channels, height, width] of an image or a Tensor (..., C, H, W)."""
    if isinstance(img, Tensor):
        require_tensor_image(img)
        return [1 if img.ndim == 2 else img.shape[-3], img.shape[-2], img.shape[-1]]
    if not is_image(img):
        raise TypeError(f"Unexpected type {type(img)}")
    width, height = img.size
    return [len(img.getbands()), height, width]


def get_image_size(img: Any) -> list[int]:
    """[width, height] of an image or a Tensor."""
    _, height, width = get_dimensions(img)
    return [width, height]


def get_image_num_channels(img: Any) -> int:
    """Number of channels of an image or a Tensor."""
    return get_dimensions(img)[0]


def require_pil(img: Any) -> None:
    if not is_pil(img):
        raise TypeError(f"img should be PIL Image. Got {type(img)}")


def require_tensor_image(img: Tensor) -> None:
    if img.ndim < 2:
        raise TypeError("Tensor is not a torch image.")


def require_channels(img: Tensor, permitted: tuple[int, ...] = (1, 3)) -> int:
    """The number of channels, a permitted one."""
    found = get_dimensions(img)[0]
    if found not in permitted:
        raise TypeError(
            f"Input image tensor permitted channel values are {list(permitted)}, but found {found}"
        )
    return found


def max_value(dtype: dtypes.dtype) -> int:
    """The value of white."""
    if dtype.is_floating_point or dtype.is_complex or dtype.np == np.bool_:
        return 1
    return int(np.iinfo(dtype.np).max)


def float_dtype(img: Tensor) -> dtypes.dtype:
    """The dtype to compute in: the image's own if it is a float, else float32."""
    return img.dtype if img.is_floating_point() else dtypes.float32


def as_batch(img: Tensor, dtype: dtypes.dtype) -> Tensor:
    """`img` in `dtype`, with a batch dim in front if it has none."""
    return (img.unsqueeze(0) if img.ndim < 4 else img).to(dtype)


def as_before(batch: Tensor, img: Tensor) -> Tensor:
    """`batch`, computed from `as_batch(img, …)`, in the dims and the dtype of `img`."""
    out = batch.squeeze(0) if img.ndim < 4 else batch
    if out.dtype is not img.dtype and img.dtype.name in _ROUNDED:
        out = out.round()
    return out.to(img.dtype)


def fill_of_channels(img: Any, fill: Any) -> Any:
    """`fill` as transforms hand it on: one float for each channel of a Tensor, else as it is."""
    if fill is None or not isinstance(img, Tensor):
        return fill
    if isinstance(fill, (int, float)):
        return [float(fill)] * get_image_num_channels(img)
    return [float(value) for value in fill]

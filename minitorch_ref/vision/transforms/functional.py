"""Stateless image transforms, torchvision's `transforms.functional`.

Each takes an image (PIL, or `ArrayImage` where Pillow is absent) or a Tensor of shape (..., H, W),
and does to it what torchvision does, so pixels agree to the bit.
"""

from __future__ import annotations

import numbers
import sys
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import dtypes
from ...tensor import Tensor, wrap
from ..image import FLIP_LEFT_RIGHT, FLIP_TOP_BOTTOM, ArrayImage, from_array, is_image, is_pil
from ._blur import gaussian_blur
from ._colour import (
    adjust_brightness,
    adjust_contrast,
    adjust_hue,
    adjust_saturation,
    rgb_to_grayscale,
    to_grayscale,
)
from ._images import (
    get_dimensions,
    get_image_num_channels,
    get_image_size,
    max_value,
    require_tensor_image,
)
from ._modes import PIL_RESAMPLING, InterpolationMode, mode_from_pil
from ._padding import pad_image, pad_tensor
from ._tones import adjust_sharpness, autocontrast, equalize, invert, posterize, solarize
from ._turning import affine, corners, erase, rotate
from ._warping import elastic_transform, perspective

__all__ = [
    "InterpolationMode", "adjust_brightness", "adjust_contrast", "adjust_hue",
    "adjust_saturation", "adjust_sharpness", "affine", "autocontrast", "center_crop",
    "convert_image_dtype", "crop", "elastic_transform", "equalize", "erase", "five_crop",
    "gaussian_blur", "get_dimensions", "get_image_num_channels", "get_image_size", "hflip",
    "invert", "mode_from_pil", "normalize", "pad", "perspective", "pil_to_tensor", "posterize",
    "resize", "resized_crop", "rgb_to_grayscale", "rotate", "solarize", "ten_crop",
    "to_grayscale", "to_pil_image", "to_tensor", "vflip",
]  # fmt: skip


# ---- conversions --------------------------------------------------------------------------------


def _pixels(pic: Any) -> np.ndarray:
    """A fresh (C, H, W) array of an image's pixels, in the dtype of its mode."""
    sixteen = "I;16" if sys.byteorder == "little" else "I;16B"
    kind = {"I": np.int32, sixteen: np.int16, "F": np.float32}.get(pic.mode, np.uint8)
    array = np.array(pic, kind, copy=True)
    if pic.mode == "1":
        array = np.uint8(255) * array
    return array.reshape(pic.size[1], pic.size[0], -1).transpose(2, 0, 1)


def to_tensor(pic: Any) -> Tensor:
    """Image or array (H, W[, C]) to a Tensor (C, H, W); uint8 pixels become floats in [0, 1].

    Other dtypes keep their values.  TypeError for other types, ValueError for other ranks.
    """
    if isinstance(pic, np.ndarray):
        if pic.ndim not in (2, 3):
            raise ValueError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
        array = (pic if pic.ndim == 3 else pic[:, :, None]).transpose(2, 0, 1)
    elif is_image(pic):
        array = _pixels(pic)
    else:
        raise TypeError(f"pic should be PIL Image or ndarray. Got {type(pic)}")
    if array.dtype == np.uint8:
        kind = dtypes.get_default_dtype().np
        array = array.astype(kind, order="C")
        return wrap(np.divide(array, kind.type(255), out=array))
    return wrap(np.ascontiguousarray(array))


def pil_to_tensor(pic: Any) -> Tensor:
    """Image to a Tensor (C, H, W) of its own dtype, values unscaled."""
    if not is_image(pic):
        raise TypeError(f"pic should be PIL Image. Got {type(pic)}")
    array = np.array(pic, copy=True)
    return wrap(array.reshape(pic.size[1], pic.size[0], -1).transpose(2, 0, 1))


def convert_image_dtype(image: Tensor, dtype: dtypes.dtype = dtypes.float32) -> Tensor:
    """Cast a Tensor image and scale its values to the range of `dtype` ([0, 1] for floats).

    RuntimeError where the integers of `dtype` reach beyond what the float can hold exactly.
    """
    if not isinstance(image, Tensor):
        raise TypeError("Input img should be Tensor Image")
    source = image.dtype
    if source is dtype:
        return image
    top, new_top = max_value(source), max_value(dtype)
    if source.is_floating_point:
        if dtype.is_floating_point:
            return image.to(dtype)
        lossy = {"float32": ("int32", "int64"), "float64": ("int64",)}
        if dtype.name in lossy.get(source.name, ()):
            raise RuntimeError(f"The cast from {source} to {dtype} cannot be performed safely.")
        # Just short of max + 1, so that every integer gets an equal share of [0, 1].
        return image.mul(new_top + 1.0 - 1e-3).to(dtype)
    if dtype.is_floating_point:
        return image.to(dtype) / float(top)
    if top > new_top:
        return image.div((top + 1) // (new_top + 1), rounding_mode="floor").to(dtype)
    return image.to(dtype) * ((new_top + 1) // (top + 1))


def to_pil_image(pic: Any, mode: str | None = None) -> Any:
    """Tensor (C, H, W) or array (H, W[, C]) to an image; floats are taken to lie in [0, 1].

    ValueError for more than 4 channels or a `mode` that does not fit, TypeError for a dtype
    without a mode.
    """
    if isinstance(pic, Tensor):
        pic = (pic.permute(1, 2, 0) if pic.ndim == 3 else pic).detach().numpy()
    elif not isinstance(pic, np.ndarray):
        raise TypeError(f"pic should be Tensor or ndarray. Got {type(pic)}.")
    if pic.ndim not in (2, 3):
        raise ValueError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
    pic = pic[:, :, None] if pic.ndim == 2 else pic
    if pic.shape[2] > 4:
        raise ValueError(f"pic should not have > 4 channels. Got {pic.shape[2]} channels.")
    if np.issubdtype(pic.dtype, np.floating) and mode != "F":
        with np.errstate(invalid="ignore"):
            pic = (pic * 255).astype(np.uint8)
    mode = _pil_mode(pic, mode)
    pic = pic[:, :, 0] if pic.shape[2] == 1 else pic
    if mode in ("L", "LA", "RGB", "RGBA") and pic.dtype == np.uint8:
        return from_array(np.ascontiguousarray(pic))
    from PIL import Image

    return Image.frombytes(mode, pic.shape[1::-1], np.ascontiguousarray(pic).tobytes())


def _pil_mode(pic: np.ndarray, mode: str | None) -> str:
    """The mode for an array (H, W, C), or `mode` once it is known to fit."""
    channels = pic.shape[2]
    if channels == 1:
        sixteen = "I;16" if sys.byteorder == "little" else "I;16B"
        names = {"uint8": "L", "int16": sixteen, "int32": "I", "float32": "F"}
        expected = names.get(pic.dtype.name)
        if mode is not None and mode != expected:
            raise ValueError(
                f"Incorrect mode ({mode}) supplied for input type {pic.dtype}. Should be {expected}"
            )
        mode = expected
    else:
        permitted = {2: ["LA"], 3: ["RGB", "YCbCr", "HSV"], 4: ["RGBA", "CMYK", "RGBX"]}[channels]
        if mode is not None and mode not in permitted:
            raise ValueError(f"Only modes {permitted} are supported for {channels}D inputs")
        if mode is None and pic.dtype == np.uint8:
            mode = permitted[0]
    if mode is None:
        raise TypeError(f"Input type {pic.dtype} is not supported")
    return mode


def normalize(
    tensor: Tensor, mean: Sequence[float], std: Sequence[float], inplace: bool = False
) -> Tensor:
    """(tensor - mean) / std per channel of a float Tensor (..., C, H, W).

    TypeError for anything but a float Tensor; ValueError for a `std` of zero.
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(tensor)}")
    require_tensor_image(tensor)
    if not tensor.is_floating_point():
        raise TypeError(f"Input tensor should be a float tensor. Got {tensor.dtype}.")
    if tensor.ndim < 3:
        raise ValueError(
            "Expected tensor to be a tensor image of size (..., C, H, W). "
            f"Got tensor.size() = {tensor.size()}"
        )
    means, stds = (_channelwise(values, tensor.dtype) for values in (mean, std))
    if not stds._array.all():
        raise ValueError(
            f"std evaluated to zero after conversion to {tensor.dtype}, "
            "leading to division by zero."
        )
    if inplace:
        return tensor.sub_(means).div_(stds)
    if tensor.requires_grad:
        return (tensor - means) / stds
    # The same two IEEE operations on the array: a transform runs once per image.
    out = np.subtract(tensor._array, means._array)
    return wrap(np.divide(out, stds._array, out=out))


def _channelwise(values: Any, dtype: dtypes.dtype) -> Tensor:
    array = values._array if isinstance(values, Tensor) else np.asarray(values)
    array = array.astype(dtype.np)
    return wrap(array.reshape(-1, 1, 1) if array.ndim == 1 else array)


# ---- geometry -----------------------------------------------------------------------------------


def hflip(img: Any) -> Any:
    """Mirror left-right."""
    return _flip(img, -1, FLIP_LEFT_RIGHT)


def vflip(img: Any) -> Any:
    """Mirror top-bottom."""
    return _flip(img, -2, FLIP_TOP_BOTTOM)


def _flip(img: Any, dim: int, method: int) -> Any:
    if isinstance(img, Tensor):
        require_tensor_image(img)
        return img.flip(dim)
    if not is_image(img):
        raise TypeError(f"img should be PIL Image. Got {type(img)}")
    return img.transpose(method)


def pad(
    img: Any, padding: int | Sequence[int], fill: Any = 0, padding_mode: str = "constant"
) -> Any:
    """Add borders: `padding` is all | (left/right, top/bottom) | (left, top, right, bottom).

    `padding_mode` is constant (with `fill`), edge, reflect or symmetric; negative padding crops.
    """
    if isinstance(img, Tensor):
        require_tensor_image(img)
        return pad_tensor(img, padding, fill, padding_mode)
    if not is_image(img):
        raise TypeError(f"img should be PIL Image. Got {type(img)}")
    return pad_image(img, padding, fill, padding_mode)


def crop(img: Any, top: int, left: int, height: int, width: int) -> Any:
    """The `height` x `width` part whose corner is (`top`, `left`); zeros outside the image."""
    if not isinstance(img, Tensor):
        if not is_image(img):
            raise TypeError(f"img should be PIL Image. Got {type(img)}")
        return img.crop((left, top, left + width, top + height))
    _, h, w = get_dimensions(img)
    right, bottom = left + width, top + height
    if left >= 0 and top >= 0 and right <= w and bottom <= h:
        return img[..., top:bottom, left:right]
    borders = [
        max(-left + min(0, right), 0),
        max(-top + min(0, bottom), 0),
        max(right - max(w, left), 0),
        max(bottom - max(h, top), 0),
    ]
    return pad(img[..., max(top, 0) : bottom, max(left, 0) : right], borders, fill=0)


def center_crop(img: Any, output_size: int | Sequence[int]) -> Any:
    """The middle `output_size` = (height, width); smaller images get zeros around them first."""
    if isinstance(output_size, numbers.Number):
        output_size = (int(output_size), int(output_size))  # type: ignore[arg-type]
    elif len(output_size) == 1:  # type: ignore[arg-type]
        output_size = (output_size[0], output_size[0])  # type: ignore[index]
    crop_height, crop_width = output_size  # type: ignore[misc]
    _, height, width = get_dimensions(img)
    if crop_width > width or crop_height > height:
        short_w, short_h = max(crop_width - width, 0), max(crop_height - height, 0)
        img = pad(img, [short_w // 2, short_h // 2, (short_w + 1) // 2, (short_h + 1) // 2])
        _, height, width = get_dimensions(img)
        if (crop_height, crop_width) == (height, width):
            return img
    top = int(round((height - crop_height) / 2.0))
    left = int(round((width - crop_width) / 2.0))
    return crop(img, top, left, crop_height, crop_width)


def resize(
    img: Any,
    size: int | Sequence[int],
    interpolation: InterpolationMode | int = InterpolationMode.BILINEAR,
    max_size: int | None = None,
    antialias: bool | None = True,
) -> Any:
    """Resample a PIL image to `size` = (height, width), or its smaller edge to an int `size`.

    Differs from torchvision: PIL images only, a Tensor raises TypeError.
    """
    if isinstance(interpolation, int):
        interpolation = mode_from_pil(interpolation)
    elif not isinstance(interpolation, InterpolationMode):
        raise TypeError(
            "Argument interpolation should be a InterpolationMode or a corresponding "
            "Pillow integer constant"
        )
    sizes = [size] if isinstance(size, int) else list(size)
    if len(sizes) not in (1, 2):
        raise ValueError(
            f"Size must be an int or a 1 or 2 element tuple/list, not a {len(sizes)} element "
            "tuple/list"
        )
    if max_size is not None and len(sizes) != 1:
        raise ValueError(
            "max_size should only be passed if size specifies the length of the smaller edge, "
            "i.e. size should be an int or a sequence of length 1 in torchscript mode."
        )
    _, height, width = get_dimensions(img)
    new_height, new_width = _resized(height, width, sizes, max_size)
    if (new_height, new_width) == (height, width):
        return img
    if not is_pil(img) and not isinstance(img, ArrayImage):
        raise TypeError(f"resize takes a PIL image. Got {type(img)}")
    if antialias is False:
        warnings.warn(
            "Anti-alias option is always applied for PIL Image input. "
            "Argument antialias is ignored.",
            stacklevel=2,
        )
    return img.resize((new_width, new_height), PIL_RESAMPLING[interpolation])


def _resized(height: int, width: int, size: list[int], max_size: int | None) -> tuple[int, int]:
    """(height, width) after scaling the smaller edge to size[0], or size itself if it has two."""
    if len(size) == 2:
        return size[0], size[1]
    short, long = min(height, width), max(height, width)
    new_short, new_long = size[0], int(size[0] * long / short)
    if max_size is not None:
        if max_size <= size[0]:
            raise ValueError(
                f"max_size = {max_size} must be strictly greater than the requested "
                f"size for the smaller edge size = {size}"
            )
        if new_long > max_size:
            new_short, new_long = int(max_size * new_short / new_long), max_size
    return (new_long, new_short) if width <= height else (new_short, new_long)


def resized_crop(
    img: Any,
    top: int,
    left: int,
    height: int,
    width: int,
    size: Sequence[int],
    interpolation: InterpolationMode = InterpolationMode.BILINEAR,
    antialias: bool | None = True,
) -> Any:
    """`crop`, then `resize`."""
    return resize(crop(img, top, left, height, width), size, interpolation, antialias=antialias)


def five_crop(img: Any, size: Sequence[int]) -> tuple[Any, ...]:
    """The four corners and the middle, each of `size`; ValueError if the image is smaller."""
    _, height, width = get_dimensions(img)
    parts = [crop(img, *place) for place in corners(size, height, width)]
    return (*parts, center_crop(img, size))


def ten_crop(img: Any, size: Sequence[int], vertical_flip: bool = False) -> tuple[Any, ...]:
    """`five_crop` of the image and of its mirror image."""
    mirrored = vflip(img) if vertical_flip else hflip(img)
    return five_crop(img, size) + five_crop(mirrored, size)

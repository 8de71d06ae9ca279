"""Turning and shearing an image, several crops of one, and holes in a Tensor."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any

from ...tensor import Tensor
from ._grids import affine_grid, check_fill_and_mode, read_at, size_of_turned
from ._images import float_dtype, get_dimensions, require_pil, require_tensor_image
from ._modes import PIL_RESAMPLING, InterpolationMode, as_mode

_AFFINE = 0  # Pillow's number (Image.Transform)


def _checked(angle: Any, center: Any) -> None:
    if not isinstance(angle, (int, float)):
        raise TypeError("Argument angle should be int or float")
    if center is not None and not isinstance(center, (list, tuple)):
        raise TypeError("Argument center should be a sequence")


def rotate(
    img: Any,
    angle: float,
    interpolation: InterpolationMode | int = InterpolationMode.NEAREST,
    expand: bool = False,
    center: Sequence[float] | None = None,
    fill: Any = None,
) -> Any:
    """Turn an image by `angle` degrees against the clock; `expand` it to hold all of it."""
    mode = as_mode(interpolation)
    _checked(angle, center)
    if not isinstance(img, Tensor):
        require_pil(img)
        resample = PIL_RESAMPLING[mode]
        return img.rotate(angle, resample, expand, center, fillcolor=pil_fill(img, fill))
    matrix = _inverse_matrix(_from_middle(img, center), -angle, (0.0, 0.0), 1.0, (0.0, 0.0))
    return _by_matrix(img, matrix, mode, fill, expand)


def affine(
    img: Any,
    angle: float,
    translate: Sequence[float],
    scale: float,
    shear: float | Sequence[float],
    interpolation: InterpolationMode | int = InterpolationMode.NEAREST,
    fill: Any = None,
    center: Sequence[float] | None = None,
) -> Any:
    """Shear an image by degrees (x, y), scale it, turn it clockwise, move it by pixels."""
    mode = as_mode(interpolation)
    if not isinstance(translate, (list, tuple)):
        raise TypeError("Argument translate should be a sequence")
    if len(translate) != 2:
        raise ValueError("Argument translate should be a sequence of length 2")
    if scale <= 0.0:
        raise ValueError("Argument scale should be positive")
    if not isinstance(shear, (numbers.Number, list, tuple)):
        raise TypeError("Shear should be either a single value or a sequence of two values")
    slants: list[Any] = [shear, 0.0] if isinstance(shear, numbers.Number) else list(shear)  # type: ignore[call-overload]
    slants = slants * 2 if len(slants) == 1 else slants
    if len(slants) != 2:
        raise ValueError(f"Shear should be a sequence containing two values. Got {slants}")
    _checked(angle, center)
    _, height, width = get_dimensions(img)
    if isinstance(img, Tensor):
        middle = _from_middle(img, center)
        return _by_matrix(img, _inverse_matrix(middle, angle, translate, scale, slants), mode, fill)
    require_pil(img)
    middle = [width * 0.5, height * 0.5] if center is None else center
    matrix = _inverse_matrix(middle, angle, translate, scale, slants)
    resample = PIL_RESAMPLING[mode]
    return img.transform(img.size, _AFFINE, matrix, resample, fillcolor=pil_fill(img, fill))


def _from_middle(img: Tensor, center: Sequence[float] | None) -> Sequence[float]:
    """`center`, counted from the middle of the image."""
    if center is None:
        return [0.0, 0.0]
    _, height, width = get_dimensions(img)
    return [place - side * 0.5 for place, side in zip(center, (width, height))]


def _by_matrix(
    img: Tensor, matrix: Sequence[float], mode: InterpolationMode, fill: Any, expand: bool = False
) -> Tensor:
    require_tensor_image(img)
    check_fill_and_mode(img, fill, mode.value)
    size = (img.shape[-2], img.shape[-1])
    new = size_of_turned(matrix, size) if expand else size
    return read_at(img, affine_grid(matrix, size, new, float_dtype(img)), mode.value, fill)


def _inverse_matrix(
    center: Sequence[float],
    angle: float,
    translate: Sequence[float],
    scale: float,
    shear: Sequence[float],
) -> list[float]:
    """Where a pixel of the result comes from, as (a, b, c, d, e, f): x' = ax + by + c, ….

    The way there is T C R S C⁻¹ (move, turn and scale, shear, about the centre), so the way back
    is C S⁻¹ R⁻¹ C⁻¹ T⁻¹; R S has determinant 1 but for the scale.
    """
    turn, x_slant, y_slant = (math.radians(value) for value in (angle, *shear))
    a = math.cos(turn - y_slant) / math.cos(y_slant)
    b = -math.cos(turn - y_slant) * math.tan(x_slant) / math.cos(y_slant) - math.sin(turn)
    c = math.sin(turn - y_slant) / math.cos(y_slant)
    d = -math.sin(turn - y_slant) * math.tan(x_slant) / math.cos(y_slant) + math.cos(turn)
    (x, y), (dx, dy) = center, translate
    matrix = [value / scale for value in (d, -b, 0.0, -c, a, 0.0)]
    matrix[2] += matrix[0] * (-x - dx) + matrix[1] * (-y - dy)
    matrix[5] += matrix[3] * (-x - dx) + matrix[4] * (-y - dy)
    matrix[2] += x
    matrix[5] += y
    return matrix


def pil_fill(img: Any, fill: Any) -> Any:
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

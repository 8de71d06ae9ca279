"""Images seen from another side, and images bent freely."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from ... import dtypes
from ...ops.from_data import tensor
from ...ops.least_squares import lstsq
from ...tensor import Tensor
from ..image import is_pil
from ._grids import check_fill_and_mode, identity_grid, perspective_grid, read_at
from ._images import float_dtype, require_pil, require_tensor_image
from ._modes import PIL_RESAMPLING, InterpolationMode, as_mode, mode_from_pil
from ._turning import pil_fill

_PERSPECTIVE = 2  # Pillow's number (Image.Transform)
Points = Sequence[Sequence[int]]


def perspective(
    img: Any,
    startpoints: Points,
    endpoints: Points,
    interpolation: InterpolationMode | int = InterpolationMode.BILINEAR,
    fill: Any = None,
) -> Any:
    """Move the corners of an image, `startpoints` to `endpoints`, straight lines staying straight.

    Points are (x, y): upper left, upper right, lower right, lower left.
    """
    coefficients = _coefficients(startpoints, endpoints)
    mode = as_mode(interpolation)
    if not isinstance(img, Tensor):
        require_pil(img)
        resample, colour = PIL_RESAMPLING[mode], pil_fill(img, fill)
        return img.transform(img.size, _PERSPECTIVE, coefficients, resample, fillcolor=colour)
    require_tensor_image(img)
    check_fill_and_mode(img, fill, mode.value)
    size = (img.shape[-2], img.shape[-1])
    return read_at(img, perspective_grid(coefficients, size, float_dtype(img)), mode.value, fill)


def _coefficients(startpoints: Points, endpoints: Points) -> list[float]:
    """(a, …, h) that send each end (x, y) to its start (u, v), two equations a point:

    ax + by + c - u(gx + hy) = u,  dx + ey + f - v(gx + hy) = v.
    """
    if len(startpoints) != 4 or len(endpoints) != 4:
        raise ValueError(
            f"Please provide exactly four corners, got {len(startpoints)} startpoints and "
            f"{len(endpoints)} endpoints."
        )
    equations = []
    for (x, y), (u, v) in zip(endpoints, startpoints):
        equations.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        equations.append([0, 0, 0, x, y, 1, -v * x, -v * y])
    left = tensor(equations, dtype=dtypes.float64)
    right = tensor(startpoints, dtype=dtypes.float64).reshape(8)
    return lstsq(left, right, driver="gels").solution.to(dtypes.float32).tolist()


def elastic_transform(
    img: Any,
    displacement: Tensor,
    interpolation: InterpolationMode | int = InterpolationMode.BILINEAR,
    fill: Any = None,
) -> Any:
    """Bend an image: each pixel (x, y) comes from as far away as `displacement` (1, H, W, 2) says.

    The width and the height of the image are 2 each.
    """
    if isinstance(interpolation, int):
        warnings.warn(
            "Argument interpolation should be of type InterpolationMode instead of int. "
            "Please, use InterpolationMode enum.",
            stacklevel=2,
        )
        interpolation = mode_from_pil(interpolation)
    if not isinstance(displacement, Tensor):
        raise TypeError("Argument displacement should be a Tensor")
    if not isinstance(img, Tensor):
        from .functional import pil_to_tensor, to_pil_image

        if not is_pil(img):
            raise TypeError(f"img should be PIL Image or Tensor. Got {type(img)}")
        bent = elastic_transform(pil_to_tensor(img), displacement, interpolation, fill)
        return to_pil_image(bent, img.mode)
    shape = (1, *img.shape[-2:], 2)
    if displacement.shape != shape:
        raise ValueError(
            f"Argument displacement shape should be torch.Size({list(shape)}), "
            f"but given {displacement.shape}"
        )
    grid = identity_grid((img.shape[-2], img.shape[-1])) + displacement
    return read_at(img, grid, interpolation.value, fill)

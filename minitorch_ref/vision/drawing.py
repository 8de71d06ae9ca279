"""Boxes, labels and masks drawn on Tensor images; boxes and labels by Pillow.

Colours are names ("red", "#FF00FF") or (red, green, blue) from 0 to 255: one for all, or a list.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import dtypes
from ..autograd.modes import no_grad
from ..ops.from_data import tensor
from ..tensor import Tensor
from .transforms.functional import pil_to_tensor, to_pil_image

Colour = tuple[Any, ...]
_DASH = 5  # pixels


# ---- colours ------------------------------------------------------------------------------------


def _palette(count: int) -> list[Colour]:
    """Colours far from each other, black first."""
    return [
        tuple(i * step % 255 for step in (2**25 - 1, 2**15 - 1, 2**21 - 1)) for i in range(count)
    ]


def _colours(colors: Any, count: int) -> list[Colour]:
    """One (red, green, blue) for each of `count` objects; ValueError for anything else."""
    from PIL import ImageColor

    if colors is None:
        return _palette(count)
    if isinstance(colors, list):
        if len(colors) < count:
            raise ValueError(
                "Number of colors must be equal or larger than the number of objects, "
                f"but got {len(colors)} < {count}."
            )
    elif not isinstance(colors, (tuple, str)):
        raise ValueError(
            f"colors must be a tuple or a string, or a list thereof, but got {colors}."
        )
    elif isinstance(colors, tuple) and len(colors) != 3:
        raise ValueError(f"If passed as tuple, colors should be an RGB triplet, but got {colors}.")
    else:
        colors = [colors] * count
    return [ImageColor.getrgb(c) if isinstance(c, str) else c for c in colors]


def _check_image(image: Any, channels: tuple[int, ...], wanted: str, other: str) -> None:
    if not isinstance(image, Tensor):
        raise TypeError(f"{wanted}, got {type(image)}")
    if not (image.dtype is dtypes.uint8 or image.is_floating_point()):
        raise ValueError(f"The image dtype must be uint8 or float, got {image.dtype}")
    if image.ndim != 3:
        raise ValueError("Pass individual images, not batches")
    if image.shape[0] not in channels:
        raise ValueError(other)


# ---- boxes --------------------------------------------------------------------------------------


@no_grad()
def draw_bounding_boxes(
    image: Tensor,
    boxes: Tensor,
    labels: Sequence[str | None] | None = None,
    colors: Any = None,
    fill: bool | None = False,
    width: int = 1,
    font: str | None = None,
    font_size: int | None = None,
    label_colors: Any = None,
    label_background_colors: Any = None,
    fill_labels: bool = False,
) -> Tensor:
    """`image` (1 or 3, H, W), bytes or floats in [0, 1], with the frames of `boxes`, in colour.

    `boxes` (N, 4): left, top, right, bottom; or (N, 8): four corners.  `font` is a file's name.
    """
    few = "Only grayscale and RGB images are supported"
    _check_image(image, (1, 3), "Tensor expected", few)
    _check_boxes(boxes)
    count = boxes.shape[0]
    if count == 0:
        warnings.warn("boxes doesn't contain any box. No box was drawn", stacklevel=2)
        return image
    if labels is not None and len(labels) != count:
        raise ValueError(
            f"Number of boxes ({count}) and labels ({len(labels)}) mismatch. "
            "Please specify labels for each box."
        )
    frames = _colours(colors, count)
    texts, grounds = frames, frames
    if label_colors or fill_labels:
        texts = _colours(label_colors or "black", count)
    if fill_labels and label_background_colors:
        grounds = _colours(label_background_colors, count)
    pen = _Pen(image, width, bool(fill), fill_labels, _font(font, font_size))
    for i, box in enumerate(boxes.to(dtypes.int64).tolist()):
        pen.frame(box, frames[i])
        if labels is not None and labels[i] is not None:
            pen.label(box, labels[i], texts[i], grounds[i])
    drawn = pil_to_tensor(pen.picture)
    return drawn if image.dtype is dtypes.uint8 else drawn.to(image.dtype) * (1.0 / 255)


def _check_boxes(boxes: Tensor) -> None:
    if boxes.shape[-1] != 4:
        return
    if (boxes[:, 0] > boxes[:, 2]).any() or (boxes[:, 1] > boxes[:, 3]).any():
        raise ValueError(
            "Boxes need to be in (xmin, ymin, xmax, ymax) format. Use torchvision.ops.box_convert "
            "to convert them"
        )


def _font(font: str | None, size: int | None) -> Any:
    from PIL import ImageFont

    if font is not None:
        return ImageFont.truetype(font=font, size=size or 10)
    if size is not None:
        warnings.warn("Argument 'font_size' will be ignored since 'font' is not set.", stacklevel=3)
    return ImageFont.load_default()


class _Pen:
    """Draws frames and labels on a PIL `picture` of a Tensor."""

    def __init__(self, image: Tensor, width: int, fill: bool, fill_labels: bool, font: Any):
        from PIL import ImageDraw

        image = image.expand(3, -1, -1)
        if image.dtype is not dtypes.uint8:
            image = (image * (255 + 1.0 - 1e-3)).to(dtypes.uint8)
        self.picture = to_pil_image(image)
        self.draw = ImageDraw.Draw(self.picture, "RGBA" if fill else None)
        self.width, self.fill, self.fill_labels, self.font = width, fill, fill_labels, font

    def frame(self, box: list[int], colour: Colour) -> None:
        """A box, half transparent inside if filled; the top of a turned one is dashed."""
        inside = (*colour, 100) if self.fill else None
        if len(box) <= 4:
            self.draw.rectangle(box, width=self.width, outline=colour, fill=inside)
            return
        self._dashed(box[:4], colour)
        for i in range(2, len(box), 2):
            ends = [box[(i + k) % len(box)] for k in range(4)]
            self.draw.line(ends, width=self.width, fill=colour)
        self.draw.polygon(box, fill=inside, outline=None, width=0)

    def _dashed(self, ends: list[int], colour: Colour) -> None:
        x, y, last_x, last_y = map(float, ends)
        rest, is_dash = ((last_x - x) ** 2 + (last_y - y) ** 2) ** 0.5, True
        while rest > 0:
            step = min(rest, _DASH)
            angle = math.atan2(last_y - y, last_x - x)
            end = (x + math.cos(angle) * step, y + math.sin(angle) * step)
            if is_dash:
                self.draw.line([(x, y), end], colour, self.width)
            (x, y), rest, is_dash = end, rest - step, not is_dash

    def label(self, box: list[int], text: Any, colour: Colour, ground: Colour) -> None:
        """`text` in the upper left corner, inside the frame."""
        place = (box[0] + self.width + 1, box[1] + self.width + 1)
        if self.fill_labels:
            left, top, right, bottom = self.draw.textbbox(place, text, font=self.font)
            self.draw.rectangle((left - 1, top - 1, right + 1, bottom + 1), fill=ground)
        self.draw.text(place, text, fill=colour, font=self.font)


# ---- masks --------------------------------------------------------------------------------------


@no_grad()
def draw_segmentation_masks(
    image: Tensor, masks: Tensor, alpha: float = 0.8, colors: Any = None
) -> Tensor:
    """`image` (3, H, W), bytes or floats in [0, 1], with `masks` ([N,] H, W) of bools in colour.

    `alpha` is how opaque the colours are.  Where masks overlap, black.
    """
    rgb = "Pass an RGB image. Other Image formats are not supported"
    _check_image(image, (3,), "The image must be a tensor", rgb)
    masks = masks[None] if masks.ndim == 2 else masks
    if masks.ndim != 3:
        raise ValueError("masks must be of shape (H, W) or (batch_size, H, W)")
    if masks.dtype is not dtypes.bool_:
        raise ValueError(f"The masks must be of dtype bool. Got {masks.dtype}")
    if masks.shape[-2:] != image.shape[-2:]:
        raise ValueError("The image and the masks must have the same height and width")
    count = masks.shape[0]
    if count == 0:
        warnings.warn("masks doesn't contain any mask. No mask was drawn", stacklevel=2)
        return image
    painted = image.detach().clone()
    for mask, colour in zip(masks, _colours(colors, count)):
        painted[:, mask] = _as_pixel(colour, image.dtype, colors is None)[:, None]
    painted[:, masks.sum(dim=0) > 1] = 0
    return (image * (1 - alpha) + painted * alpha).to(image.dtype)


def _as_pixel(colour: Colour, dtype: dtypes.dtype, from_palette: bool) -> Tensor:
    if not dtype.is_floating_point:
        return tensor(colour, dtype=dtype)
    if from_palette:  # torchvision's palette is of float32, whatever the image is
        return tensor([float(np.float32(v) / np.float32(255)) for v in colour], dtype=dtype)
    return tensor([v / 255 for v in colour], dtype=dtype)

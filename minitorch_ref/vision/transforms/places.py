"""Transforms that take parts of an image or turn it: random sizes, angles, holes; several crops."""

from __future__ import annotations

import math
import numbers
import warnings
from collections.abc import Sequence
from typing import Any

from ... import dtypes
from ...nn import Module
from ...ops.creation import empty
from ...ops.from_data import tensor
from ...tensor import Tensor
from ..draws import integer, uniform
from . import functional as F
from ._images import fill_of_channels
from .functional import InterpolationMode
from .geometry import height_width


def _between(low: float, high: float) -> float:
    """`torch.empty(1).uniform_(low, high).item()`."""
    return empty(1).uniform_(low, high).item()


def _ratio_between(ratio: Sequence[float]) -> float:
    """Uniform in its logarithm: as often 1:2 as 2:1."""
    low, high = tensor(list(ratio)).log().tolist()
    return empty(1).uniform_(low, high).exp().item()


def _check_ranges(scale: Any, ratio: Any) -> None:
    if not isinstance(scale, Sequence):
        raise TypeError("Scale should be a sequence")
    if not isinstance(ratio, Sequence):
        raise TypeError("Ratio should be a sequence")
    if scale[0] > scale[1] or ratio[0] > ratio[1]:
        warnings.warn("Scale and ratio should be of kind (min, max)", stacklevel=3)


class RandomResizedCrop(Module):
    """A part of random area (`scale` of the whole) and shape (`ratio`), resized to `size`.

    After ten draws that do not fit, the largest middle part with an allowed shape.
    """

    def __init__(
        self,
        size: int | Sequence[int],
        scale: Sequence[float] = (0.08, 1.0),
        ratio: Sequence[float] = (3.0 / 4.0, 4.0 / 3.0),
        interpolation: InterpolationMode | int = InterpolationMode.BILINEAR,
        antialias: bool | None = True,
    ):
        super().__init__()
        self.size = height_width(size)
        _check_ranges(scale, ratio)
        if isinstance(interpolation, int):
            interpolation = F.mode_from_pil(interpolation)
        self.interpolation = interpolation
        self.antialias = antialias
        self.scale = scale
        self.ratio = ratio

    @staticmethod
    def get_params(
        img: Any, scale: Sequence[float], ratio: Sequence[float]
    ) -> tuple[int, int, int, int]:
        """Random (top, left, height, width)."""
        _, height, width = F.get_dimensions(img)
        for _ in range(10):
            area = height * width * _between(scale[0], scale[1])
            shape = _ratio_between(ratio)
            w, h = int(round(math.sqrt(area * shape))), int(round(math.sqrt(area / shape)))
            if 0 < w <= width and 0 < h <= height:
                top = integer(height - h + 1)
                return top, integer(width - w + 1), h, w
        w, h = width, height
        if width / height < min(ratio):
            h = int(round(w / min(ratio)))
        elif width / height > max(ratio):
            w = int(round(h * max(ratio)))
        return (height - h) // 2, (width - w) // 2, h, w

    def forward(self, img: Any) -> Any:
        part = self.get_params(img, self.scale, self.ratio)
        return F.resized_crop(img, *part, self.size, self.interpolation, self.antialias)  # type: ignore[arg-type]

    def __repr__(self) -> str:
        scale = tuple(round(s, 4) for s in self.scale)
        ratio = tuple(round(r, 4) for r in self.ratio)
        return (
            f"{type(self).__name__}(size={self.size}, scale={scale}, ratio={ratio}, "
            f"interpolation={self.interpolation.value}, antialias={self.antialias})"  # type: ignore[union-attr]
        )


class RandomRotation(Module):
    """An image turned by a random angle of `degrees` = (low, high), or of [-degrees, degrees]."""

    def __init__(
        self,
        degrees: float | Sequence[float],
        interpolation: InterpolationMode | int = InterpolationMode.NEAREST,
        expand: bool = False,
        center: Sequence[float] | None = None,
        fill: Any = 0,
    ):
        super().__init__()
        if isinstance(interpolation, int):
            interpolation = F.mode_from_pil(interpolation)
        self.degrees = _angles(degrees, "degrees")
        if center is not None:
            _check_pair(center, "center")
        self.interpolation = interpolation
        self.expand, self.center, self.fill = expand, center, _checked_fill(fill)

    @staticmethod
    def get_params(degrees: Sequence[float]) -> float:
        """A random angle."""
        return _between(float(degrees[0]), float(degrees[1]))

    def forward(self, img: Any) -> Any:
        fill = fill_of_channels(img, self.fill)
        angle = self.get_params(self.degrees)
        return F.rotate(img, angle, self.interpolation, self.expand, self.center, fill)

    def __repr__(self) -> str:
        center = "" if self.center is None else f", center={self.center}"
        return (
            f"{type(self).__name__}(degrees={self.degrees}, "
            f"interpolation={self.interpolation.value}, expand={self.expand}{center}, "  # type: ignore[union-attr]
            f"fill={self.fill})"
        )


def _check_pair(value: Any, name: str, lengths: tuple[int, ...] = (2,)) -> None:
    text = f"{name} should be a sequence of length {' or '.join(map(str, lengths))}."
    if not isinstance(value, Sequence):
        raise TypeError(text)
    if len(value) not in lengths:
        raise ValueError(text)


def _angles(value: Any, name: str, lengths: tuple[int, ...] = (2,)) -> list[float]:
    """(low, high), also for a number; for shears perhaps those of the second dim as well."""
    if isinstance(value, numbers.Number):
        if value < 0:  # type: ignore[operator]
            raise ValueError(f"If {name} is a single number, it must be positive.")
        value = [-value, value]  # type: ignore[operator]
    _check_pair(value, name, lengths)
    return [float(angle) for angle in value]


def _checked_fill(fill: Any) -> Any:
    fill = 0 if fill is None else fill
    if not isinstance(fill, (Sequence, numbers.Number)):
        raise TypeError("Fill should be either a sequence or a number.")
    return fill


class RandomAffine(Module):
    """An image turned, moved, scaled and sheared by random amounts about its centre.

    `degrees` and `shear` (x, perhaps y) are ranges of angles, `translate` the largest shares of
    width and height, `scale` a range; None leaves that out.
    """

    def __init__(
        self,
        degrees: float | Sequence[float],
        translate: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        shear: float | Sequence[float] | None = None,
        interpolation: InterpolationMode | int = InterpolationMode.NEAREST,
        fill: Any = 0,
        center: Sequence[float] | None = None,
    ):
        super().__init__()
        if isinstance(interpolation, int):
            interpolation = F.mode_from_pil(interpolation)
        self.degrees = _angles(degrees, "degrees")
        if translate is not None:
            _check_pair(translate, "translate")
            if not all(0.0 <= share <= 1.0 for share in translate):
                raise ValueError("translation values should be between 0 and 1")
        if scale is not None:
            _check_pair(scale, "scale")
            if min(scale) <= 0:
                raise ValueError("scale values should be positive")
        self.translate, self.scale = translate, scale
        self.shear = None if shear is None else _angles(shear, "shear", (2, 4))
        self.interpolation = interpolation
        self.fill = _checked_fill(fill)
        if center is not None:
            _check_pair(center, "center")
        self.center = center

    @staticmethod
    def get_params(
        degrees: Sequence[float],
        translate: Sequence[float] | None,
        scale_ranges: Sequence[float] | None,
        shears: Sequence[float] | None,
        img_size: Sequence[int],
    ) -> tuple[float, tuple[int, int], float, tuple[float, float]]:
        """Random (angle, move in pixels, scale, shears) for an image of (width, height)."""
        angle = _between(float(degrees[0]), float(degrees[1]))
        move = (0, 0)
        if translate is not None:
            reach = [float(share * size) for share, size in zip(translate, img_size, strict=True)]
            move = tuple(int(round(_between(-r, r))) for r in reach)  # type: ignore[assignment]
        scale = 1.0 if scale_ranges is None else _between(scale_ranges[0], scale_ranges[1])
        slants = [0.0, 0.0]
        for i in range(len(shears or ()) // 2):
            slants[i] = _between(shears[2 * i], shears[2 * i + 1])  # type: ignore[index]
        return angle, move, scale, (slants[0], slants[1])

    def forward(self, img: Any) -> Any:
        size = F.get_image_size(img)
        drawn = self.get_params(self.degrees, self.translate, self.scale, self.shear, size)
        fill = fill_of_channels(img, self.fill)
        return F.affine(img, *drawn, self.interpolation, fill, self.center)

    def __repr__(self) -> str:
        nearest = self.interpolation == InterpolationMode.NEAREST
        shown = {
            "translate": self.translate, "scale": self.scale, "shear": self.shear,
            "interpolation": None if nearest else self.interpolation.value,  # type: ignore[union-attr]
            "fill": self.fill or None, "center": self.center,
        }  # fmt: skip
        rest = "".join(f", {name}={value}" for name, value in shown.items() if value is not None)
        return f"{type(self).__name__}(degrees={self.degrees}{rest})"


class RandomErasing(Module):
    """With probability `p` a rectangle of a Tensor (C, H, W) filled with `value`, or with noise.

    Z. Zhong et al., *Random erasing data augmentation*, arXiv:1708.04896, 2017.
    """

    def __init__(
        self,
        p: float = 0.5,
        scale: Sequence[float] = (0.02, 0.33),
        ratio: Sequence[float] = (0.3, 3.3),
        value: Any = 0,
        inplace: bool = False,
    ):
        super().__init__()
        if not isinstance(value, (numbers.Number, str, tuple, list)):
            raise TypeError("Argument value should be either a number or str or a sequence")
        if isinstance(value, str) and value != "random":
            raise ValueError("If value is str, it should be 'random'")
        _check_ranges(scale, ratio)
        if scale[0] < 0 or scale[1] > 1:
            raise ValueError("Scale should be between 0 and 1")
        if p < 0 or p > 1:
            raise ValueError("Random erasing probability should be between 0 and 1")
        self.p, self.scale, self.ratio = p, scale, ratio
        self.value, self.inplace = value, inplace

    @staticmethod
    def get_params(
        img: Tensor,
        scale: Sequence[float],
        ratio: Sequence[float],
        value: Sequence[float] | None = None,
    ) -> tuple[int, int, int, int, Tensor]:
        """Random (top, left, height, width) and what to fill it with (`value` None: noise).

        After ten draws that do not fit, the whole image and itself.
        """
        channels, height, width = img.shape[-3:]
        for _ in range(10):
            area = height * width * _between(scale[0], scale[1])
            shape = _ratio_between(ratio)
            h, w = int(round(math.sqrt(area * shape))), int(round(math.sqrt(area / shape)))
            if h < height and w < width:
                if value is None:
                    filling = empty(channels, h, w, dtype=dtypes.float32).normal_()
                else:
                    filling = tensor(value)[:, None, None]
                top = integer(height - h + 1)
                return top, integer(width - w + 1), h, w, filling
        return 0, 0, height, width, img

    def forward(self, img: Tensor) -> Tensor:
        if uniform() >= self.p:
            return img
        value = [self.value] if isinstance(self.value, numbers.Number) else self.value
        if value != "random" and len(value) not in (1, img.shape[-3]):
            raise ValueError(
                "If value is a sequence, it should have either a single value or "
                f"{img.shape[-3]} (number of input channels)"
            )
        numbers_ = None if value == "random" else [float(v) for v in value]  # type: ignore[arg-type]
        return F.erase(img, *self.get_params(img, self.scale, self.ratio, numbers_), self.inplace)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(p={self.p}, scale={self.scale}, ratio={self.ratio}, "
            f"value={self.value}, inplace={self.inplace})"
        )


class FiveCrop(Module):
    """The four corners and the middle, each of `size`."""

    def __init__(self, size: int | Sequence[int]):
        super().__init__()
        self.size = height_width(size)

    def forward(self, img: Any) -> tuple[Any, ...]:
        return F.five_crop(img, self.size)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size})"


class TenCrop(Module):
    """`FiveCrop` of the image and of its mirror image."""

    def __init__(self, size: int | Sequence[int], vertical_flip: bool = False):
        super().__init__()
        self.size = height_width(size)
        self.vertical_flip = vertical_flip

    def forward(self, img: Any) -> tuple[Any, ...]:
        return F.ten_crop(img, self.size, self.vertical_flip)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size}, vertical_flip={self.vertical_flip})"

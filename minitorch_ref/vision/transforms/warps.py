"""Transforms that blur an image, tilt it or bend it by random amounts."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

from ...nn import Module
from ...ops.creation import empty
from ...ops.joining import cat
from ...ops.sampling import rand
from ...tensor import Tensor
from ..draws import integer, uniform
from . import functional as F
from ._images import fill_of_channels
from .functional import InterpolationMode
from .geometry import height_width


class GaussianBlur(Module):
    """Blurred by a bell of `kernel_size` (x, y) pixels, its width from the range `sigma`."""

    def __init__(
        self, kernel_size: int | Sequence[int], sigma: float | Sequence[float] = (0.1, 2.0)
    ):
        super().__init__()
        said = "Kernel size should be a tuple/list of two integers"
        self.kernel_size = height_width(kernel_size, said)
        if any(size <= 0 or size % 2 == 0 for size in self.kernel_size):
            raise ValueError("Kernel size value should be an odd and positive number.")
        self.sigma: Any = (sigma, sigma) if isinstance(sigma, numbers.Number) else sigma
        if not isinstance(self.sigma, Sequence) or len(self.sigma) != 2:
            raise ValueError("sigma should be a single number or a list/tuple with length 2.")
        if isinstance(sigma, numbers.Number) and self.sigma[0] <= 0:
            raise ValueError("If sigma is a single number, it must be positive.")
        if not 0.0 < self.sigma[0] <= self.sigma[1]:
            raise ValueError("sigma values should be positive and of the form (min, max).")

    @staticmethod
    def get_params(sigma_min: float, sigma_max: float) -> float:
        """A random width."""
        return empty(1).uniform_(sigma_min, sigma_max).item()

    def forward(self, img: Any) -> Any:
        sigma = self.get_params(self.sigma[0], self.sigma[1])
        return F.gaussian_blur(img, self.kernel_size, [sigma, sigma])

    def __repr__(self) -> str:
        return f"{type(self).__name__}(kernel_size={self.kernel_size}, sigma={self.sigma})"


class RandomPerspective(Module):
    """With probability `p`, corners moved inwards by up to `distortion_scale` of a half side."""

    def __init__(
        self,
        distortion_scale: float = 0.5,
        p: float = 0.5,
        interpolation: InterpolationMode | int = InterpolationMode.BILINEAR,
        fill: Any = 0,
    ):
        super().__init__()
        if isinstance(interpolation, int):
            interpolation = F.mode_from_pil(interpolation)
        fill = 0 if fill is None else fill
        if not isinstance(fill, (Sequence, numbers.Number)):
            raise TypeError("Fill should be either a sequence or a number.")
        self.p, self.distortion_scale = p, distortion_scale
        self.interpolation, self.fill = interpolation, fill

    def forward(self, img: Any) -> Any:
        fill = fill_of_channels(img, self.fill)
        _, height, width = F.get_dimensions(img)
        if uniform() >= self.p:
            return img
        points = self.get_params(width, height, self.distortion_scale)
        return F.perspective(img, *points, self.interpolation, fill)

    @staticmethod
    def get_params(
        width: int, height: int, distortion_scale: float
    ) -> tuple[list[list[int]], list[list[int]]]:
        """The corners (x, y), and where they move to: upper left, then clockwise."""
        across = int(distortion_scale * (width // 2)) + 1
        down = int(distortion_scale * (height // 2)) + 1
        right, bottom = width - across, height - down
        moved = [
            [left + integer(across), top + integer(down)]
            for left, top in ((0, 0), (right, 0), (right, bottom), (0, bottom))
        ]
        return [[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], moved

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p})"


class ElasticTransform(Module):
    """Bent like water: pixels moved by noise times `alpha` (x, y), smoothed by bells of `sigma`."""

    def __init__(
        self,
        alpha: float | Sequence[float] = 50.0,
        sigma: float | Sequence[float] = 5.0,
        interpolation: InterpolationMode | int = InterpolationMode.BILINEAR,
        fill: float | Sequence[float] = 0,
    ):
        super().__init__()
        self.alpha, self.sigma = _two_floats(alpha, "alpha"), _two_floats(sigma, "sigma")
        if isinstance(interpolation, int):
            interpolation = F.mode_from_pil(interpolation)
        self.interpolation = interpolation
        if not isinstance(fill, (int, float, list, tuple)):
            raise TypeError(
                f"fill should be int or float or a list or tuple of them. Got {type(fill)}"
            )
        self.fill = [float(f) for f in ([fill] if isinstance(fill, (int, float)) else fill)]

    @staticmethod
    def get_params(alpha: Sequence[float], sigma: Sequence[float], size: Sequence[int]) -> Tensor:
        """A random displacement (1, height, width, 2) for `size` = (height, width)."""
        moves = []
        for strength, width, side in zip(alpha, sigma, reversed(size)):
            noise = rand(1, 1, *size) * 2 - 1
            if width > 0.0:
                reach = int(8 * width + 1) | 1  # odd
                noise = F.gaussian_blur(noise, [reach, reach], sigma)
            moves.append(noise * strength / side)
        return cat(moves, 1).permute(0, 2, 3, 1)

    def forward(self, tensor: Any) -> Any:
        _, height, width = F.get_dimensions(tensor)
        displacement = self.get_params(self.alpha, self.sigma, [height, width])
        return F.elastic_transform(tensor, displacement, self.interpolation, self.fill)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(alpha={self.alpha}, sigma={self.sigma}, "
            f"interpolation={self.interpolation}, fill={self.fill})"
        )


def _two_floats(value: Any, name: str) -> Sequence[float]:
    if isinstance(value, float):
        return [value, value]
    if not isinstance(value, Sequence):
        raise TypeError(f"{name} should be float or a sequence of floats. Got {type(value)}")
    if len(value) != 2:
        raise ValueError(f"If {name} is a sequence its length should be 2. Got {len(value)}")
    for element in value:
        if not isinstance(element, float):
            raise TypeError(f"{name} should be a sequence of floats. Got {type(element)}")
    return value

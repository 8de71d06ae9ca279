"""Transforms that change colours: grey, and the jitter of brightness, contrast, saturation, hue."""

from __future__ import annotations

import numbers
from typing import Any

from ...nn import Module
from ...ops.creation import empty
from ...ops.sampling import randperm
from ...tensor import Tensor
from ..draws import uniform
from . import functional as F

Range = float | tuple[float, float]


class Grayscale(Module):
    """Grey in 1 or 3 channels."""

    def __init__(self, num_output_channels: int = 1):
        super().__init__()
        self.num_output_channels = num_output_channels

    def forward(self, img: Any) -> Any:
        return F.rgb_to_grayscale(img, self.num_output_channels)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(num_output_channels={self.num_output_channels})"


class RandomGrayscale(Module):
    """Grey with probability `p`, in as many channels as before."""

    def __init__(self, p: float = 0.1):
        super().__init__()
        self.p = p

    def forward(self, img: Any) -> Any:
        channels = F.get_image_num_channels(img)
        return F.rgb_to_grayscale(img, channels) if uniform() < self.p else img

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p})"


def _interval(value: Any, name: str, centre: int, bounds: tuple[float, float]) -> Any:
    """(low, high) around `centre`, or None where nothing is to change."""
    if isinstance(value, numbers.Number):
        if value < 0:  # type: ignore[operator]
            raise ValueError(f"If {name} is a single number, it must be non negative.")
        value = [centre - float(value), centre + float(value)]  # type: ignore[arg-type]
        if centre == 1:
            value[0] = max(value[0], 0.0)
    elif isinstance(value, (tuple, list)) and len(value) == 2:
        value = [float(value[0]), float(value[1])]
    else:
        raise TypeError(f"{name} should be a single number or a list/tuple with length 2.")
    if not bounds[0] <= value[0] <= value[1] <= bounds[1]:
        raise ValueError(f"{name} values should be between {bounds}, but got {value}.")
    return None if value[0] == value[1] == centre else tuple(value)


class ColorJitter(Module):
    """Brightness, contrast, saturation and hue changed by random amounts, in a random order.

    A number x stands for [1 - x, 1 + x] (hue: [-x, x]).
    """

    def __init__(
        self, brightness: Range = 0, contrast: Range = 0, saturation: Range = 0, hue: Range = 0
    ):
        super().__init__()
        above = (0, float("inf"))
        self.brightness = _interval(brightness, "brightness", 1, above)
        self.contrast = _interval(contrast, "contrast", 1, above)
        self.saturation = _interval(saturation, "saturation", 1, above)
        self.hue = _interval(hue, "hue", 0, (-0.5, 0.5))

    @staticmethod
    def get_params(
        brightness: Any, contrast: Any, saturation: Any, hue: Any
    ) -> tuple[Tensor, float | None, float | None, float | None, float | None]:
        """The order of the four changes, and the factor of each (None: no such change)."""
        order = randperm(4)
        ranges = (brightness, contrast, saturation, hue)
        factors = [None if r is None else empty(1).uniform_(r[0], r[1]).item() for r in ranges]
        return (order, *factors)  # type: ignore[return-value]

    def forward(self, img: Any) -> Any:
        order, *factors = self.get_params(self.brightness, self.contrast, self.saturation, self.hue)
        changes = (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue)
        for i in order.tolist():
            if factors[i] is not None:
                img = changes[i](img, factors[i])  # type: ignore[arg-type]
        return img

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(brightness={self.brightness}, contrast={self.contrast}, "
            f"saturation={self.saturation}, hue={self.hue})"
        )

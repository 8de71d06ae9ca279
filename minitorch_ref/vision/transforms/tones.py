"""Changes of tone with a probability: each draws one number, and applies its function below it."""

from __future__ import annotations

from typing import Any

from ...nn import Module
from ..draws import uniform
from . import functional as F


class _Sometimes(Module):
    """A function of the image with probability `p`; `_options` are its further arguments."""

    _function: str
    _options: tuple[str, ...] = ()

    def __init__(self, p: float = 0.5):
        super().__init__()
        self.p = p

    def forward(self, img: Any) -> Any:
        if float(uniform()) >= self.p:
            return img
        return getattr(F, self._function)(img, *(getattr(self, name) for name in self._options))

    def __repr__(self) -> str:
        shown = ",".join(f"{name}={getattr(self, name)}" for name in (*self._options, "p"))
        return f"{type(self).__name__}({shown})"


class RandomInvert(_Sometimes):
    """The negative."""

    _function = "invert"


class RandomAutocontrast(_Sometimes):
    """Values stretched to the whole range."""

    _function = "autocontrast"


class RandomEqualize(_Sometimes):
    """All values equally frequent, as far as can be."""

    _function = "equalize"


class RandomPosterize(_Sometimes):
    """Only the first `bits` bits of each value."""

    _function, _options = "posterize", ("bits",)

    def __init__(self, bits: int, p: float = 0.5):
        super().__init__(p)
        self.bits = bits


class RandomSolarize(_Sometimes):
    """The negative of all values from `threshold` on."""

    _function, _options = "solarize", ("threshold",)

    def __init__(self, threshold: float, p: float = 0.5):
        super().__init__(p)
        self.threshold = threshold


class RandomAdjustSharpness(_Sometimes):
    """Sharper, or blurred, by `sharpness_factor`."""

    _function, _options = "adjust_sharpness", ("sharpness_factor",)

    def __init__(self, sharpness_factor: float, p: float = 0.5):
        super().__init__(p)
        self.sharpness_factor = sharpness_factor

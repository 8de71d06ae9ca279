"""How new pixels are made from old ones, under torchvision's names and under Pillow's numbers."""

from __future__ import annotations

from enum import Enum


class InterpolationMode(Enum):
    """How `resize` makes new pixels."""

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


PIL_RESAMPLING = {  # Pillow's numbers (Image.Resampling)
    InterpolationMode.NEAREST: 0,
    InterpolationMode.LANCZOS: 1,
    InterpolationMode.BILINEAR: 2,
    InterpolationMode.BICUBIC: 3,
    InterpolationMode.BOX: 4,
    InterpolationMode.HAMMING: 5,
    InterpolationMode.NEAREST_EXACT: 0,
}


def mode_from_pil(number: int) -> InterpolationMode:
    """The mode Pillow numbers so (`PIL.Image.BILINEAR` is 2)."""
    modes = list(PIL_RESAMPLING)
    return modes[list(PIL_RESAMPLING.values()).index(number)]


def as_mode(interpolation: InterpolationMode | int) -> InterpolationMode:
    """A mode, also from Pillow's number; TypeError for anything else."""
    if isinstance(interpolation, int):
        return mode_from_pil(interpolation)
    if not isinstance(interpolation, InterpolationMode):
        raise TypeError(
            "Argument interpolation should be a InterpolationMode or a corresponding "
            "Pillow integer constant"
        )
    return interpolation

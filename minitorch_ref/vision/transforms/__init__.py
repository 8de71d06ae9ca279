"""Image transforms under torchvision's names, drawing torchvision's random words.

Read `functional` for what each does to pixels, `geometry` and `convert` for the classes around it.
The batch path of the datasets (`vision.datasets.batched`) does the usual four at once.
"""

from . import functional
from .compose import Compose, Lambda, RandomApply, RandomChoice, RandomOrder
from .convert import ConvertImageDtype, Normalize, PILToTensor, ToPILImage, ToTensor
from .functional import InterpolationMode
from .geometry import (
    CenterCrop,
    Pad,
    RandomCrop,
    RandomHorizontalFlip,
    RandomVerticalFlip,
    Resize,
)

__all__ = [
    "CenterCrop", "Compose", "ConvertImageDtype", "InterpolationMode", "Lambda", "Normalize",
    "PILToTensor", "Pad", "RandomApply", "RandomChoice", "RandomCrop", "RandomHorizontalFlip",
    "RandomOrder", "RandomVerticalFlip", "Resize", "ToPILImage", "ToTensor", "functional",
]  # fmt: skip

"""Image transforms under torchvision's names, drawing torchvision's random words.

Read `functional` for what each does to pixels, `geometry`, `places`, `warps`, `colour`, `tones`,
`autoaugment` and `convert` for the classes around it.
The batch path of the datasets (`vision.datasets.batched`) does the usual four at once.
"""

from . import autoaugment, functional
from .autoaugment import (
    AugMix,
    AutoAugment,
    AutoAugmentPolicy,
    RandAugment,
    TrivialAugmentWide,
)
from .colour import ColorJitter, Grayscale, RandomGrayscale
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
from .places import (
    FiveCrop,
    RandomAffine,
    RandomErasing,
    RandomResizedCrop,
    RandomRotation,
    TenCrop,
)
from .tones import (
    RandomAdjustSharpness,
    RandomAutocontrast,
    RandomEqualize,
    RandomInvert,
    RandomPosterize,
    RandomSolarize,
)
from .warps import ElasticTransform, GaussianBlur, RandomPerspective

__all__ = [
    "AugMix", "AutoAugment", "AutoAugmentPolicy", "CenterCrop", "ColorJitter", "Compose",
    "ConvertImageDtype", "ElasticTransform", "FiveCrop", "GaussianBlur", "Grayscale",
    "InterpolationMode", "Lambda", "Normalize", "PILToTensor", "Pad", "RandAugment",
    "RandomAdjustSharpness", "RandomAffine", "RandomApply", "RandomAutocontrast",
    "RandomChoice", "RandomCrop", "RandomEqualize", "RandomErasing", "RandomGrayscale",
    "RandomHorizontalFlip", "RandomInvert", "RandomOrder", "RandomPerspective",
    "RandomPosterize", "RandomResizedCrop", "RandomRotation", "RandomSolarize",
    "RandomVerticalFlip", "Resize", "TenCrop", "ToPILImage", "ToTensor", "TrivialAugmentWide",
    "autoaugment", "functional",
]  # fmt: skip

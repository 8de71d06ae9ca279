"""Random changes of known good magnitudes: AutoAugment, RandAugment, TrivialAugment, AugMix.

All choose from one list of changes (`_change`), each with a row of magnitudes: a space is a dict of
names to (magnitudes, whether their sign is drawn, too).  What differs is how they choose.
"""

from __future__ import annotations

import functools
import math
from enum import Enum
from typing import Any

from ...nn import Module
from ...ops.from_data import tensor
from ...ops.ranges import arange, linspace
from ...ops.rejection_draws import _sample_dirichlet
from ...ops.sampling import rand, randint
from ...tensor import Tensor
from ..draws import integer
from . import _policies
from . import functional as F
from ._images import fill_of_channels
from .functional import InterpolationMode

__all__ = ["AugMix", "AutoAugment", "AutoAugmentPolicy", "RandAugment", "TrivialAugmentWide"]

Space = dict[str, tuple[Tensor, bool]]
Size = tuple[int, int]  # height, width

_BLENDS = {
    "Brightness": F.adjust_brightness,
    "Color": F.adjust_saturation,
    "Contrast": F.adjust_contrast,
    "Sharpness": F.adjust_sharpness,
}
_TONES = {"AutoContrast": F.autocontrast, "Equalize": F.equalize, "Invert": F.invert}


def _change(img: Any, name: str, amount: float, mode: InterpolationMode, fill: Any) -> Any:
    """`img` after the change of that name."""
    if name in ("ShearX", "ShearY"):
        angle = math.degrees(math.atan(amount))  # by `amount` pixels a pixel, about the corner
        slants = [angle, 0.0] if name == "ShearX" else [0.0, angle]
        return F.affine(img, 0.0, [0, 0], 1.0, slants, mode, fill, center=[0, 0])
    if name in ("TranslateX", "TranslateY"):
        way = [int(amount), 0] if name == "TranslateX" else [0, int(amount)]
        return F.affine(img, 0.0, way, 1.0, [0.0, 0.0], mode, fill)
    if name == "Rotate":
        return F.rotate(img, amount, mode, fill=fill)
    if name in _BLENDS:
        return _BLENDS[name](img, 1.0 + amount)
    if name == "Posterize":
        return F.posterize(img, int(amount))
    if name == "Solarize":
        return F.solarize(img, amount)
    if name in _TONES:
        return _TONES[name](img)
    if name == "Identity":
        return img
    raise ValueError(f"The provided operator {name} is not recognized.")


# ---- magnitudes ---------------------------------------------------------------------------------


@functools.lru_cache(maxsize=64)
def _places(bins: int, shear: float, shift: tuple[float, float], turn: float) -> Space:
    """Moves of pixels, `shift` being (x, y)."""
    tops = {"ShearX": shear, "ShearY": shear}
    tops |= {"TranslateX": shift[0], "TranslateY": shift[1], "Rotate": turn}
    return {name: (linspace(0.0, top, bins), True) for name, top in tops.items()}


@functools.lru_cache(maxsize=64)
def _blends(bins: int, top: float) -> Space:
    return {name: (linspace(0.0, top, bins), True) for name in _BLENDS}


@functools.lru_cache(maxsize=64)
def _tones(bins: int, most: int, fewer: int, names: tuple[str, ...]) -> Space:
    """Posterize to `most` bits down to `fewer` less, solarize, and changes without a magnitude."""
    bits = most - (arange(bins) / ((bins - 1) / fewer)).round().int()
    space = {"Posterize": (bits, False), "Solarize": (linspace(255.0, 0.0, bins), False)}
    return space | {name: (tensor(0.0), False) for name in names}


_IDENTITY: Space = {"Identity": (tensor(0.0), False)}
_USUAL = ("AutoContrast", "Equalize")


def _amount(magnitudes: Tensor, place: Any) -> float:
    """The magnitude at `place`, a number or how to draw it; zero where there is none."""
    if magnitudes.ndim == 0:
        return 0.0
    return float(magnitudes[place() if callable(place) else place].item())


def _drawn(space: Space, place: Any) -> tuple[str, float]:
    """The name of a random change and its magnitude at `place`, its sign random if it has one."""
    name = list(space)[integer(len(space))]
    magnitudes, signed = space[name]
    amount = _amount(magnitudes, place)
    return name, -amount if signed and integer(2) else amount


# ---- the four -----------------------------------------------------------------------------------


class AutoAugmentPolicy(Enum):
    """The data set whose policy `AutoAugment` follows."""

    IMAGENET = "imagenet"
    CIFAR10 = "cifar10"
    SVHN = "svhn"


class AutoAugment(Module):
    """One of the 25 pairs of changes that were found best on a data set (Cubuk et al., 2019).

    Takes images and Tensors of bytes, (..., 1 or 3, H, W).
    """

    def __init__(
        self,
        policy: AutoAugmentPolicy = AutoAugmentPolicy.IMAGENET,
        interpolation: InterpolationMode = InterpolationMode.NEAREST,
        fill: Any = None,
    ):
        super().__init__()
        self.policy, self.interpolation, self.fill = policy, interpolation, fill
        self.policies = self._get_policies(policy)

    def _get_policies(self, policy: Any) -> list[tuple[_policies.Change, _policies.Change]]:
        if not isinstance(policy, AutoAugmentPolicy):
            raise ValueError(f"The provided policy {policy} is not recognized.")
        return list(getattr(_policies, policy.name))

    def _augmentation_space(self, num_bins: int, image_size: Size) -> Space:
        shift = (150.0 / 331.0 * image_size[1], 150.0 / 331.0 * image_size[0])
        moves = _places(num_bins, 0.3, shift, 30.0)
        return moves | _blends(num_bins, 0.9) | _tones(num_bins, 8, 4, (*_USUAL, "Invert"))

    @staticmethod
    def get_params(transform_num: int) -> tuple[int, Tensor, Tensor]:
        """Which pair, and for each half a number to compare with its probability, and its sign."""
        chosen = integer(transform_num)
        return chosen, rand(2), randint(2, (2,))

    def forward(self, img: Any) -> Any:
        fill = fill_of_channels(img, self.fill)
        _, height, width = F.get_dimensions(img)
        chosen, chances, signs = self.get_params(len(self.policies))
        space = self._augmentation_space(10, (height, width))
        for i, (name, probability, place) in enumerate(self.policies[chosen]):
            if not chances[i] <= probability:
                continue
            magnitudes, signed = space[name]
            amount = 0.0 if place is None else _amount(magnitudes, place)
            amount = -amount if signed and signs[i] == 0 else amount
            img = _change(img, name, amount, self.interpolation, fill)
        return img

    def __repr__(self) -> str:
        return f"{type(self).__name__}(policy={self.policy}, fill={self.fill})"


class RandAugment(Module):
    """`num_ops` random changes of one `magnitude`, of `num_magnitude_bins` (Cubuk et al., 2020)."""

    def __init__(
        self,
        num_ops: int = 2,
        magnitude: int = 9,
        num_magnitude_bins: int = 31,
        interpolation: InterpolationMode = InterpolationMode.NEAREST,
        fill: Any = None,
    ):
        super().__init__()
        self.num_ops, self.magnitude = num_ops, magnitude
        self.num_magnitude_bins = num_magnitude_bins
        self.interpolation, self.fill = interpolation, fill

    def _augmentation_space(self, num_bins: int, image_size: Size) -> Space:
        shift = (150.0 / 331.0 * image_size[1], 150.0 / 331.0 * image_size[0])
        moves = _IDENTITY | _places(num_bins, 0.3, shift, 30.0)
        return moves | _blends(num_bins, 0.9) | _tones(num_bins, 8, 4, _USUAL)

    def forward(self, img: Any) -> Any:
        fill = fill_of_channels(img, self.fill)
        _, height, width = F.get_dimensions(img)
        space = self._augmentation_space(self.num_magnitude_bins, (height, width))
        for _ in range(self.num_ops):
            img = _change(img, *_drawn(space, self.magnitude), self.interpolation, fill)
        return img

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(num_ops={self.num_ops}, magnitude={self.magnitude}, "
            f"num_magnitude_bins={self.num_magnitude_bins}, "
            f"interpolation={self.interpolation}, fill={self.fill})"
        )


class TrivialAugmentWide(Module):
    """One random change of a random magnitude, in wide ranges (Müller & Hutter, 2021)."""

    def __init__(
        self,
        num_magnitude_bins: int = 31,
        interpolation: InterpolationMode = InterpolationMode.NEAREST,
        fill: Any = None,
    ):
        super().__init__()
        self.num_magnitude_bins = num_magnitude_bins
        self.interpolation, self.fill = interpolation, fill

    def _augmentation_space(self, num_bins: int) -> Space:
        moves = _IDENTITY | _places(num_bins, 0.99, (32.0, 32.0), 135.0)
        return moves | _blends(num_bins, 0.99) | _tones(num_bins, 8, 6, _USUAL)

    def forward(self, img: Any) -> Any:
        fill = fill_of_channels(img, self.fill)
        F.get_dimensions(img)  # TypeError for anything else
        space = self._augmentation_space(self.num_magnitude_bins)
        drawn = _drawn(space, lambda: integer(self.num_magnitude_bins))
        return _change(img, *drawn, self.interpolation, fill)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(num_magnitude_bins={self.num_magnitude_bins}, "
            f"interpolation={self.interpolation}, fill={self.fill})"
        )


class AugMix(Module):
    """An image mixed with versions of itself, each after a short chain of changes.

    `mixture_width` chains of `chain_depth` changes (random, 1 to 3, if not positive), of magnitudes
    below `severity` of 10; the weights are drawn from Dirichlet distributions of concentration
    `alpha`.  (source: Hendrycks et al., "AugMix: A Simple Data Processing Method …", 2020)
    """

    _PARAMETER_MAX = 10

    def __init__(
        self,
        severity: int = 3,
        mixture_width: int = 3,
        chain_depth: int = -1,
        alpha: float = 1.0,
        all_ops: bool = True,
        interpolation: InterpolationMode = InterpolationMode.BILINEAR,
        fill: Any = None,
    ):
        super().__init__()
        top = self._PARAMETER_MAX
        if not 1 <= severity <= top:
            raise ValueError(f"The severity must be between [1, {top}]. Got {severity} instead.")
        self.severity, self.mixture_width, self.chain_depth = severity, mixture_width, chain_depth
        self.alpha, self.all_ops = alpha, all_ops
        self.interpolation, self.fill = interpolation, fill

    def _augmentation_space(self, num_bins: int, image_size: Size) -> Space:
        moves = _places(num_bins, 0.3, (image_size[1] / 3.0, image_size[0] / 3.0), 30.0)
        space = moves | _tones(num_bins, 4, 4, _USUAL)
        return space | _blends(num_bins, 0.9) if self.all_ops else space

    def forward(self, orig_img: Any) -> Any:
        fill = fill_of_channels(orig_img, self.fill)
        _, height, width = F.get_dimensions(orig_img)
        img = orig_img if isinstance(orig_img, Tensor) else F.pil_to_tensor(orig_img)
        space = self._augmentation_space(self._PARAMETER_MAX, (height, width))
        batch = img.view([1] * max(4 - img.ndim, 0) + list(img.shape))
        own, weights = self._weights(batch.shape[0])
        per_image = [batch.shape[0]] + [1] * (batch.ndim - 1)
        mix = own.view(per_image) * batch
        for i in range(self.mixture_width):
            changed = self._chained(batch, space, fill)
            mix.add_(weights[:, i].view(per_image) * changed)
        mix = mix.view(list(img.shape)).to(img.dtype)
        return mix if isinstance(orig_img, Tensor) else F.to_pil_image(mix)

    def _weights(self, images: int) -> tuple[Tensor, Tensor]:
        """The weight of each image itself, and those of its chains."""
        halves = _sample_dirichlet(tensor([self.alpha] * 2).expand(images, -1))
        shares = _sample_dirichlet(tensor([self.alpha] * self.mixture_width).expand(images, -1))
        return halves[:, 0], shares * halves[:, 1].view([images, -1])

    def _chained(self, batch: Tensor, space: Space, fill: Any) -> Tensor:
        depth = self.chain_depth if self.chain_depth > 0 else 1 + integer(3)
        for _ in range(depth):
            drawn = _drawn(space, lambda: integer(self.severity))
            batch = _change(batch, *drawn, self.interpolation, fill)
        return batch

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(severity={self.severity}, mixture_width={self.mixture_width}, "
            f"chain_depth={self.chain_depth}, alpha={self.alpha}, all_ops={self.all_ops}, "
            f"interpolation={self.interpolation}, fill={self.fill})"
        )

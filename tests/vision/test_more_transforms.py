"""Colours, turns, random parts and holes against torchvision's: pixels, random words, repr, errors."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from torchvision_side import (
    PIL_Image,
    assert_same,
    assert_same_state,
    pixels,
    seed_both,
    torchvision,
)

import minitorch_ref as mt
from minitorch_ref import vision

OURS, THEIRS = vision.transforms, torchvision.transforms


def picture(seed: int = 0, mode: str = "RGB", height: int = 23, width: int = 31):
    return PIL_Image.fromarray(pixels(seed, height, width, 3)).convert(mode)


def tensors(seed: int, *shape: int, kind: str = "float32"):
    data = pixels(seed, *shape)
    data = data if kind == "uint8" else data.astype(kind) / np.dtype(kind).type(255)
    return mt.from_numpy(data.copy()), torch.from_numpy(data.copy())


def run(make, image, image2):
    """Both sides' transform three times over, from the same seed."""
    ours, theirs = make(OURS), make(THEIRS)
    assert repr(ours) == repr(theirs)
    for seed in range(8):
        seed_both(seed)
        a, b = ours(image), theirs(image2)
        for x, y in zip(*((a, b) if isinstance(a, tuple) else ((a,), (b,))), strict=True):
            assert_same(x, y)
        assert_same_state()


IMAGES = {
    "grey": lambda t: t.Grayscale(),
    "grey in three": lambda t: t.Grayscale(3),
    "sometimes grey": lambda t: t.RandomGrayscale(0.5),
    "part": lambda t: t.RandomResizedCrop(12),
    "part of a shape": lambda t: t.RandomResizedCrop((7, 9), (0.3, 0.6), (2.0, 3.0)),
    "part that never fits": lambda t: t.RandomResizedCrop(8, (0.9, 1.0), (4.0, 5.0)),
    "part that is too tall": lambda t: t.RandomResizedCrop(8, (0.9, 1.0), (0.1, 0.2)),
    "part, nearest": lambda t: t.RandomResizedCrop(9, interpolation=t.InterpolationMode.NEAREST),
    "turned": lambda t: t.RandomRotation(30),
    "turned and grown": lambda t: t.RandomRotation((10, 80), expand=True, fill=7),
    "turned about a corner": lambda t: t.RandomRotation(45, center=(0, 0), interpolation=2),
    "sheared": lambda t: t.RandomAffine(0, shear=20),
    "all of it": lambda t: t.RandomAffine((5, 40), (0.1, 0.3), (0.5, 1.5), (1, 9, -20, 3), 2, 9),
    "about a point": lambda t: t.RandomAffine(30, scale=(2, 2), center=(3, 4)),
    "negative": lambda t: t.RandomInvert(),
    "posterized": lambda t: t.RandomPosterize(2, 0.8),
    "solarized": lambda t: t.RandomSolarize(100),
    "stretched": lambda t: t.RandomAutocontrast(),
    "equalized": lambda t: t.RandomEqualize(),
    "sharp": lambda t: t.RandomAdjustSharpness(3, 0.7),
    "blurred": lambda t: t.RandomAdjustSharpness(0, 0.7),
    "five": lambda t: t.FiveCrop(8),
    "ten": lambda t: t.TenCrop((6, 9)),
    "ten, upside down": lambda t: t.TenCrop(5, vertical_flip=True),
}


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_images(name, mode):
    if mode == "L" and "three" in name:
        mode = "RGBA"
    run(IMAGES[name], picture(1, mode), picture(1, mode))


JITTERS = {
    "brightness": {"brightness": 0.4},
    "contrast": {"contrast": 2},
    "saturation": {"saturation": (0.2, 0.9)},
    "hue": {"hue": 0.5},
    "all": {"brightness": 0.2, "contrast": 0.3, "saturation": 0.4, "hue": (-0.1, 0.3)},
    "none": {},
}


@pytest.mark.parametrize("name", JITTERS)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_jitter_of_images(name, mode):
    run(lambda t: t.ColorJitter(**JITTERS[name]), picture(2, mode), picture(2, mode))


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation", "none"])
@pytest.mark.parametrize("kind", ["float32", "uint8", "float64"])
@pytest.mark.parametrize("channels", [1, 3])
def test_jitter_of_tensors(name, kind, channels):
    ours, theirs = (t.ColorJitter(**JITTERS[name]) for t in (OURS, THEIRS))
    image, image2 = tensors(3, channels, 6, 7, kind=kind)
    for seed in range(5):
        seed_both(seed)
        a, b = ours(image).numpy(), theirs(image2).numpy()
        assert a.dtype == b.dtype
        if name == "contrast" and kind != "uint8":  # its mean is a sum, rounded in another order
            np.testing.assert_allclose(a, b, rtol=0, atol=4 * np.finfo(a.dtype).eps)
        else:
            np.testing.assert_array_equal(a, b)
        assert_same_state()


TENSORS = {
    "grey": lambda t: t.Grayscale(),
    "grey in three": lambda t: t.Grayscale(3),
    "five": lambda t: t.FiveCrop(4),
    "ten": lambda t: t.TenCrop(3),
    "hole": lambda t: t.RandomErasing(),
    "hole of a colour": lambda t: t.RandomErasing(0.9, value=(0.1, 0.2, 0.3)),
    "hole of noise": lambda t: t.RandomErasing(1, value="random"),
    "hole that never fits": lambda t: t.RandomErasing(1, (0.9, 1.0), (30, 40)),
}


@pytest.mark.parametrize("name", TENSORS)
def test_tensors(name):
    image, image2 = tensors(4, 3, 11, 12)
    before = image.numpy().copy()
    run(TENSORS[name], image, image2)
    np.testing.assert_array_equal(image.numpy(), before)


def test_a_hole_in_place():
    image, image2 = tensors(5, 3, 8, 8)
    seed_both(1)
    for t, x in ((OURS, image), (THEIRS, image2)):
        assert t.RandomErasing(1, value=2, inplace=True)(x) is x
    assert_same(image, image2)


@pytest.mark.parametrize(
    "name", ["adjust_brightness", "adjust_contrast", "adjust_saturation", "adjust_hue"]
)
@pytest.mark.parametrize("factor", [0, 0.3, 1, 1.7, -0.4])
def test_factors(name, factor):
    said = []
    for f in (OURS.functional, THEIRS.functional):
        try:
            said.append(np.asarray(getattr(f, name)(picture(6), factor)))
        except ValueError as error:
            said.append(str(error))
    np.testing.assert_array_equal(*said)


@pytest.mark.parametrize(
    "call",
    [
        lambda t: t.ColorJitter(-1),
        lambda t: t.ColorJitter(hue=0.6),
        lambda t: t.ColorJitter(contrast=(2, 1)),
        lambda t: t.ColorJitter("x"),
        lambda t: t.Grayscale(2)(picture()),
        lambda t: t.RandomResizedCrop((1, 2, 3)),
        lambda t: t.RandomResizedCrop(3, scale=1),
        lambda t: t.RandomResizedCrop(3, ratio=1),
        lambda t: t.RandomRotation(-1),
        lambda t: t.RandomRotation((1, 2, 3)),
        lambda t: t.RandomRotation(1, center=3),
        lambda t: t.RandomRotation(1, fill="x" if False else {}),
        lambda t: t.RandomRotation(1, fill=(1, 2))(picture()),
        lambda t: t.RandomAffine(-1),
        lambda t: t.RandomAffine(1, (0.1, 1.1)),
        lambda t: t.RandomAffine(1, (0.1, 0.1, 0.1)),
        lambda t: t.RandomAffine(1, scale=(0, 1)),
        lambda t: t.RandomAffine(1, shear=(1, 2, 3)),
        lambda t: t.RandomAffine(1, fill={}),
        lambda t: t.functional.affine(picture(), "1", (0, 0), 1, 0),
        lambda t: t.functional.affine(picture(), 1, 3, 1, 0),
        lambda t: t.functional.affine(picture(), 1, (0, 0, 0), 1, 0),
        lambda t: t.functional.affine(picture(), 1, (0, 0), 0, 0),
        lambda t: t.functional.affine(picture(), 1, (0, 0), 1, "0"),
        lambda t: t.functional.affine(picture(), 1, (0, 0), 1, (1, 2, 3)),
        lambda t: t.functional.affine(picture(), 1, (0, 0), 1, 0, center=3),
        lambda t: t.functional.invert(np.zeros((2, 2))),
        lambda t: t.functional.adjust_sharpness(np.zeros((2, 2)), 1),
        lambda t: t.RandomErasing(2),
        lambda t: t.RandomErasing(scale=(-1, 1)),
        lambda t: t.RandomErasing(value="x"),
        lambda t: t.RandomErasing(value={}),
        lambda t: t.FiveCrop(99)(picture()),
        lambda t: t.functional.erase(picture(), 0, 0, 1, 1, 0),
        lambda t: t.functional.rotate(picture(), "1"),
        lambda t: t.functional.rotate(picture(), 1, center=1),
        lambda t: t.functional.adjust_hue(picture(), 1),
        lambda t: t.functional.adjust_brightness(np.zeros((2, 2)), 1),
        lambda t: t.functional.to_grayscale(np.zeros((2, 2))),
    ],
)
def test_refusals(call):
    said = []
    for t in (OURS, THEIRS):
        with pytest.raises((ValueError, TypeError)) as caught:
            call(t)
        said.append((type(caught.value), str(caught.value)))
    assert said[0] == said[1]


def test_ranges_the_wrong_way_round():
    for t in (OURS, THEIRS):
        with pytest.warns(UserWarning, match="Scale and ratio should be of kind"):
            t.RandomResizedCrop(3, (1, 0.5))
        with pytest.warns(UserWarning, match="Scale and ratio should be of kind"):
            t.RandomErasing(ratio=(2, 1))


def test_the_chain_of_image_classification():
    """What training scripts for folders of photographs do to each image."""
    for seed in range(4):
        seed_both(seed)
        random.seed(seed)
        out = []
        for t in (OURS, THEIRS):
            chain = t.Compose(
                [
                    t.RandomResizedCrop(16), t.RandomHorizontalFlip(), t.ColorJitter(0.4, 0.4, 0.4, 0.1),
                    t.RandomGrayscale(0.2), t.ToTensor(),
                    t.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]), t.RandomErasing(0.5),
                ]
            )  # fmt: skip
            out.append(chain(picture(seed)))
        assert_same(*out)
        assert_same_state()

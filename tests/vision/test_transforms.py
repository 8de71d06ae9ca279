"""Every transform against torchvision's: pixels, random words, repr, errors."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
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


def pil(seed: int = 0, height: int = 9, width: int = 13, mode: str = "RGB"):
    if mode == "F":
        return PIL_Image.fromarray(pixels(seed, height, width).astype(np.float32) / 7)
    if mode in ("I", "I;16"):
        kind = np.int32 if mode == "I" else np.uint16
        return PIL_Image.fromarray(pixels(seed, height, width).astype(kind) * 101)
    image = PIL_Image.fromarray(pixels(seed, height, width, 3))
    return image.convert(mode)


def tensors(seed: int, *shape: int):
    data = pixels(seed, *shape).astype(np.float32) / 255
    return mt.from_numpy(data.copy()), torch.from_numpy(data.copy())


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "LA", "1", "I", "F", "CMYK", "P", "I;16"])
def test_to_tensor_of_every_mode(mode):
    assert_same(OURS.ToTensor()(pil(mode=mode)), THEIRS.ToTensor()(pil(mode=mode)))


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "I", "F"])
def test_pil_to_tensor(mode):
    ours, theirs = OURS.PILToTensor()(pil(mode=mode)), THEIRS.PILToTensor()(pil(mode=mode))
    assert_same(ours, theirs)
    assert ours.stride() == theirs.stride()


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64, np.int32])
@pytest.mark.parametrize("shape", [(5, 4), (5, 4, 3), (5, 4, 1)])
def test_to_tensor_of_arrays(dtype, shape):
    array = pixels(1, *shape).astype(dtype)
    assert_same(OURS.ToTensor()(array), THEIRS.ToTensor()(array))


def test_to_tensor_follows_the_default_dtype():
    try:
        for library in (mt, torch):
            library.set_default_dtype(library.float64)
        assert_same(OURS.ToTensor()(pil()), THEIRS.ToTensor()(pil()))
    finally:
        for library in (mt, torch):
            library.set_default_dtype(library.float32)


def test_to_tensor_copies():
    array = pixels(1, 4, 4, 3)
    before = array.copy()
    OURS.ToTensor()(array).mul_(0)
    np.testing.assert_array_equal(array, before)


NAMES = ["uint8", "int8", "int16", "int32", "int64", "float32", "float64"]


@pytest.mark.parametrize("source", NAMES)
@pytest.mark.parametrize("target", NAMES)
def test_convert_image_dtype(source, target):
    data = pixels(2, 3, 4, 5)
    data = data / 255 if "float" in source else data // 2
    data = data.astype(source)
    outcomes = []
    for library, transforms in ((mt, OURS), (torch, THEIRS)):
        transform = transforms.ConvertImageDtype(getattr(library, target))
        try:
            outcomes.append(transform(library.from_numpy(data.copy())))
        except RuntimeError as error:
            outcomes.append(str(error))
    if isinstance(outcomes[1], str):
        assert outcomes[0] == outcomes[1]
    else:
        assert_same(*outcomes)


@pytest.mark.parametrize("shape", [(3, 6, 5), (2, 3, 6, 5)])
@pytest.mark.parametrize("inplace", [False, True])
def test_normalize(shape, inplace):
    a, b = tensors(3, *shape)
    levels = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)
    ours = OURS.Normalize(*levels, inplace=inplace)(a)
    assert_same(ours, THEIRS.Normalize(*levels, inplace=inplace)(b))
    assert_same(a, b)
    assert (ours is a) == inplace


def test_normalize_is_differentiable():
    a, b = tensors(3, 3, 4, 4)
    for transforms, x in ((OURS, a), (THEIRS, b)):
        x.requires_grad_()
        transforms.Normalize((0.5,), (0.25,))(x).sum().backward()
    assert_same(a.grad, b.grad)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda v, t: v.ToTensor()([1, 2]), TypeError),
        (lambda v, t: v.ToTensor()(np.zeros((2, 2, 2, 2))), ValueError),
        (lambda v, t: v.PILToTensor()(np.zeros((2, 2))), TypeError),
        (lambda v, t: v.Normalize((0.5,), (0.0,))(t.zeros(3, 2, 2)), ValueError),
        (lambda v, t: v.Normalize((0.5,), (0.5,))(t.zeros(3, 2, 2).to(t.uint8)), TypeError),
        (lambda v, t: v.Normalize((0.5,), (0.5,))(t.zeros(2, 2)), ValueError),
        (lambda v, t: v.Normalize((0.5,), (0.5,))(pil()), TypeError),
        (lambda v, t: v.RandomCrop(20)(pil()), ValueError),
        (lambda v, t: v.RandomCrop((1, 2, 3)), ValueError),
        (lambda v, t: v.Pad("x"), TypeError),
        (lambda v, t: v.Pad(1, fill="x"), TypeError),
        (lambda v, t: v.Pad((1, 2, 3)), ValueError),
        (lambda v, t: v.Pad(1, padding_mode="wrap"), ValueError),
        (lambda v, t: v.functional.pad(pil(), 1, fill=(1, 2)), ValueError),
        (lambda v, t: v.Lambda(3), TypeError),
        (lambda v, t: v.RandomChoice(3), TypeError),
        (lambda v, t: v.RandomChoice([abs], p=0.5), TypeError),
        (lambda v, t: v.Resize("x" and 1.5), TypeError),
        (lambda v, t: v.Resize((1, 2, 3)), ValueError),
        (lambda v, t: v.Resize(8, max_size=8)(pil()), ValueError),
        (lambda v, t: v.Resize((8, 8), max_size=9)(pil()), ValueError),
        (lambda v, t: v.ToPILImage()(t.zeros(5, 2, 2)), ValueError),
        (lambda v, t: v.ToPILImage()(t.zeros(2)), ValueError),
        (lambda v, t: v.ToPILImage()([1]), TypeError),
        (lambda v, t: v.ToPILImage("L")(t.zeros(3, 2, 2)), ValueError),
        (lambda v, t: v.ToPILImage("RGB")(t.zeros(1, 2, 2)), ValueError),
        (lambda v, t: v.functional.hflip(3), TypeError),
        (lambda v, t: v.functional.crop(3, 0, 0, 1, 1), TypeError),
        (lambda v, t: v.functional.get_dimensions(3), TypeError),
        (lambda v, t: v.functional.hflip(t.zeros(3)), TypeError),
    ],
)
def test_bad_input_raises_what_torchvision_raises(call, error):
    with pytest.raises(error) as theirs:
        call(THEIRS, torch)
    with pytest.raises(error) as ours:
        call(OURS, mt)
    first = str(theirs.value).split(" Got")[0].split("<class")[0].split(" supplied")[0]
    assert first[:40] in str(ours.value)


# ---- geometry: images and tensors, and the random words -------------------------------------------

FILLS = st.sampled_from([0, 7, (1, 2, 3)])
PADDING_MODES = st.sampled_from(["constant", "edge", "reflect", "symmetric"])
PADDINGS = st.one_of(
    st.integers(0, 4),
    st.tuples(st.integers(0, 4)),
    st.tuples(st.integers(0, 4), st.integers(0, 4)),
    st.tuples(*[st.integers(0, 4)] * 4),
)


@settings(max_examples=100, deadline=None)
@given(PADDINGS, FILLS, PADDING_MODES, st.integers(5, 9), st.integers(5, 9))
def test_pad_images(padding, fill, padding_mode, height, width):
    image = pil(4, height, width)
    ours = OURS.Pad(padding, fill, padding_mode)(image)
    assert_same(ours, THEIRS.Pad(padding, fill, padding_mode)(image))


@settings(max_examples=100, deadline=None)
@given(PADDINGS, st.sampled_from([0, 3, 0.25]), PADDING_MODES)
def test_pad_tensors(padding, fill, padding_mode):
    a, b = tensors(4, 3, 6, 7)
    ours = OURS.Pad(padding, fill, padding_mode)(a)
    assert_same(ours, THEIRS.Pad(padding, fill, padding_mode)(b))


@pytest.mark.parametrize("padding", [-1, (-2, 1), (1, -2, 3, -1)])
@pytest.mark.parametrize("padding_mode", ["constant", "symmetric", "reflect"])
def test_negative_padding_crops(padding, padding_mode):
    image = pil(5, 8, 9)
    if padding_mode != "constant":
        ours = OURS.functional.pad(image, padding, 0, padding_mode)
        assert_same(ours, THEIRS.functional.pad(image, padding, 0, padding_mode))
    a, b = tensors(4, 3, 8, 9)
    ours = OURS.functional.pad(a, padding, 0, padding_mode)
    assert_same(ours, THEIRS.functional.pad(b, list(np.atleast_1d(padding)), 0, padding_mode))


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "1"])
@pytest.mark.parametrize("padding_mode", ["constant", "edge"])
def test_pad_other_modes(mode, padding_mode):
    image = pil(6, mode=mode)
    assert_same(OURS.Pad(2, 0, padding_mode)(image), THEIRS.Pad(2, 0, padding_mode)(image))


@settings(max_examples=100, deadline=None)
@given(
    st.integers(1, 12),
    st.integers(1, 12),
    st.none() | PADDINGS,
    st.booleans(),
    PADDING_MODES,
    st.integers(0, 2**31),
)
def test_random_crop(height, width, padding, pad_if_needed, padding_mode, seed):
    arguments = ((height, width), padding, pad_if_needed, 0, padding_mode)
    image = pil(7, 9, 10)
    for subject in ((image, image), tensors(7, 3, 9, 10)):
        seed_both(seed)
        outcomes = []
        for transforms, img in zip((OURS, THEIRS), subject, strict=True):
            try:
                outcomes.append(transforms.RandomCrop(*arguments)(img))
            except ValueError as error:
                outcomes.append(str(error))
        if isinstance(outcomes[1], str):
            assert outcomes[0] == outcomes[1]
        else:
            assert_same(*outcomes)
        assert_same_state()


@pytest.mark.parametrize("name", ["RandomHorizontalFlip", "RandomVerticalFlip"])
@pytest.mark.parametrize("p", [0.0, 0.3, 0.5, 1.0])
def test_flips(name, p):
    image = pil(8)
    seed_both(11)
    for _ in range(30):
        assert_same(getattr(OURS, name)(p)(image), getattr(THEIRS, name)(p)(image))
    a, b = tensors(8, 3, 4, 5)
    for _ in range(10):
        assert_same(getattr(OURS, name)(p)(a), getattr(THEIRS, name)(p)(b))
    assert_same_state()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 14), st.integers(1, 14))
def test_center_crop(height, width):
    image = pil(9, 9, 10)
    assert_same(OURS.CenterCrop((height, width))(image), THEIRS.CenterCrop((height, width))(image))
    a, b = tensors(9, 3, 9, 10)
    assert_same(OURS.CenterCrop([height, width])(a), THEIRS.CenterCrop([height, width])(b))


@settings(max_examples=80, deadline=None)
@given(st.integers(-6, 12), st.integers(-6, 12), st.integers(1, 9), st.integers(1, 9))
def test_crop_beyond_the_edges(top, left, height, width):
    image = pil(10, 7, 8)
    box = (top, left, height, width)
    assert_same(OURS.functional.crop(image, *box), THEIRS.functional.crop(image, *box))
    a, b = tensors(10, 3, 7, 8)
    assert_same(OURS.functional.crop(a, *box), THEIRS.functional.crop(b, *box))


@pytest.mark.parametrize(
    ("size", "max_size"), [(5, None), (20, None), ((6, 7), None), ([12], None), (5, 24), (20, 24)]
)
@pytest.mark.parametrize("interpolation", ["NEAREST", "BILINEAR", "BICUBIC", "LANCZOS", 3])
def test_resize(size, interpolation, max_size):
    outcomes = []
    for transforms in (OURS, THEIRS):
        mode = interpolation
        if isinstance(mode, str):
            mode = transforms.InterpolationMode[mode]
        outcomes.append(transforms.Resize(size, mode, max_size)(pil(11, 17, 11)))
    assert_same(*outcomes)


def test_resize_refuses_tensors():
    with pytest.raises(TypeError, match="PIL image"):
        OURS.Resize(4)(mt.zeros(3, 8, 8))


@pytest.mark.parametrize("mode", [None, "RGB", "HSV"])
@pytest.mark.parametrize("kind", ["float32", "uint8"])
def test_to_pil_image(mode, kind):
    data = pixels(12, 3, 5, 6)
    data = data if kind == "uint8" else data.astype(np.float32) / 255
    ours = OURS.ToPILImage(mode)(mt.from_numpy(data))
    assert_same(ours, THEIRS.ToPILImage(mode)(torch.from_numpy(data)))


@pytest.mark.parametrize("shape", [(5, 6), (5, 6, 1), (5, 6, 2), (5, 6, 4)])
def test_to_pil_image_of_arrays(shape):
    data = pixels(12, *shape)
    assert_same(OURS.ToPILImage()(data), THEIRS.ToPILImage()(data))


@pytest.mark.parametrize("kind", ["int16", "int32", "float32"])
def test_to_pil_image_one_channel(kind):
    data = pixels(12, 4, 5).astype(kind)
    mode = "F" if kind == "float32" else None
    assert_same(OURS.ToPILImage(mode)(data), THEIRS.ToPILImage(mode)(data))


# ---- composition ----------------------------------------------------------------------------------


def chain(v):
    return v.Compose(
        [
            v.RandomApply([v.Pad(2), v.RandomVerticalFlip()], p=0.7),
            v.RandomCrop(8, padding=2, padding_mode="reflect"),
            v.RandomHorizontalFlip(0.4),
            v.RandomChoice([v.CenterCrop(6), v.RandomCrop(6)], p=[0.3, 0.7]),
            v.RandomOrder([v.RandomHorizontalFlip(), v.RandomCrop(5)]),
            v.ToTensor(),
            v.Lambda(lambda x: x * 2),
            v.Normalize((0.4, 0.5, 0.6), (0.2, 0.3, 0.4)),
        ]
    )


def test_a_chain_draws_the_same_words():
    ours, theirs = chain(OURS), chain(THEIRS)
    image = pil(13, 12, 12)
    seed_both(5)
    for i in range(40):
        outcomes = []
        for transform in (ours, theirs):
            random.seed(i)
            outcomes.append(transform(image))
        assert_same(*outcomes)
    assert_same_state()


def test_a_dropped_draw_is_noticed():
    seed_both(5)
    mt.rand(1)
    with pytest.raises(AssertionError):
        assert_same_state()


def test_reprs():
    assert repr(chain(OURS)) == repr(chain(THEIRS))
    for make in (
        lambda v: v.ToPILImage(),
        lambda v: v.ToPILImage("RGB"),
        lambda v: v.PILToTensor(),
        lambda v: v.Resize(4, max_size=9),
        lambda v: v.CenterCrop(4),
        lambda v: v.CenterCrop((4, 5)),
        lambda v: v.RandomCrop([4, 5], padding=(1, 2)),
        lambda v: v.Pad((1, 2), 3, "edge"),
        lambda v: v.InterpolationMode.NEAREST_EXACT,
    ):
        assert repr(make(OURS)) == repr(make(THEIRS))


def test_transforms_are_modules():
    seq = mt.nn.Sequential(OURS.CenterCrop(4), OURS.Normalize((0.5,), (0.5,)))
    assert tuple(seq(mt.zeros(3, 8, 8)).shape) == (3, 4, 4)


def test_get_dimensions():
    for v, t in ((OURS, mt), (THEIRS, torch)):
        f = v.functional
        assert f.get_dimensions(pil()) == [3, 9, 13]
        assert f.get_image_size(pil()) == [13, 9]
        assert f.get_image_num_channels(pil(mode="L")) == 1
        assert f.get_dimensions(t.zeros(2, 5, 4, 3)) == [5, 4, 3]
        assert f.get_dimensions(t.zeros(4, 3)) == [1, 4, 3]

"""ArrayImage does to pixels what a PIL image does, so Pillow's absence changes nothing."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision_side import PIL_Image, pixels, seed_both

from minitorch_ref.vision import transforms
from minitorch_ref.vision.image import ArrayImage, from_array, is_image

SHAPES = st.sampled_from([(5, 7), (5, 7, 2), (5, 7, 3), (5, 7, 4)])


def pair(shape):
    array = pixels(1, *shape)
    return ArrayImage(array), PIL_Image.fromarray(array)


@settings(max_examples=100, deadline=None)
@given(SHAPES, st.tuples(*[st.integers(-4, 9)] * 4))
def test_crop_is_pillows(shape, box):
    ours, theirs = pair(shape)
    try:
        expected = theirs.crop(box)
    except ValueError:
        with pytest.raises(ValueError, match="edge before"):
            ours.crop(box)
        return
    result = ours.crop(box)
    assert (result.mode, result.size) == (expected.mode, expected.size)
    np.testing.assert_array_equal(np.asarray(result), np.asarray(expected))


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3), (5, 7, 4)])
def test_the_usual_transforms_on_either_image(shape):
    ours, theirs = pair(shape)
    chain = transforms.Compose(
        [
            transforms.RandomCrop(6, padding=3, fill=9),
            transforms.RandomHorizontalFlip(),
            transforms.RandomVerticalFlip(),
            transforms.Pad((1, 2, 3, 0), padding_mode="edge"),
            transforms.CenterCrop(5),
            transforms.ToTensor(),
        ]
    )
    for seed in range(20):
        seed_both(seed)
        a = chain(ours)
        seed_both(seed)
        np.testing.assert_array_equal(a.numpy(), chain(theirs).numpy())


def test_fill_per_channel():
    ours, theirs = pair((5, 7, 3))
    for padding in (2, (1, 2), (0, 1, 2, 3)):
        a, b = (transforms.Pad(padding, (1, 2, 3))(image) for image in (ours, theirs))
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


def test_attributes():
    ours, theirs = pair((5, 7, 3))
    for name in ("size", "width", "height", "mode"):
        assert getattr(ours, name) == getattr(theirs, name)
    assert ours.getbands() == theirs.getbands()
    assert ours == ArrayImage(np.asarray(theirs))
    assert ours != ArrayImage(np.asarray(theirs)[::-1])
    assert repr(ours) == "<ArrayImage mode=RGB size=7x5>"
    assert np.asarray(ours, dtype=np.float32).dtype == np.float32
    with pytest.raises(RuntimeError, match="Pillow"):
        ours.resize((2, 2))
    with pytest.raises(ValueError, match="mirrored"):
        ours.transpose(5)


@pytest.mark.parametrize("array", [np.zeros((2, 2), np.float32), np.zeros(3, np.uint8)])
def test_refuses_what_is_no_image(array):
    with pytest.raises(TypeError, match="uint8 array"):
        ArrayImage(array)
    assert not is_image(array)


def test_one_channel_arrays_become_grey_images():
    assert from_array(pixels(1, 4, 5, 1)).mode == "L"


def test_without_pillow():
    """With Pillow hidden, a dataset gives ArrayImages and the same tensors come out."""
    code = """
import sys
sys.modules["PIL"] = None
import numpy as np
import minitorch_ref as mt
from minitorch_ref import vision
from minitorch_ref.vision.image import ArrayImage
data = np.random.RandomState(0).randint(0, 256, (4, 32, 32, 3), dtype=np.uint8)
plain = vision.datasets.ImageArrays(data, [0, 1, 2, 3])
assert isinstance(plain[0][0], ArrayImage), plain[0]
t = vision.transforms
chain = t.Compose([t.RandomCrop(32, 4), t.RandomHorizontalFlip(), t.ToTensor()])
mt.manual_seed(0)
print(float(vision.datasets.ImageArrays(data, [0, 1, 2, 3], transform=chain)[1][0].double().sum()))
"""
    outputs = [
        subprocess.run(
            [sys.executable, "-c", source], capture_output=True, text=True, check=True, timeout=60
        ).stdout
        for source in (code, code.replace('sys.modules["PIL"] = None', "").replace("assert", "1 #"))
    ]
    assert outputs[0] == outputs[1] != ""

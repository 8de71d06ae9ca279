"""make_grid and save_image against torchvision's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision_side import PIL_Image, assert_same, pixels, torchvision

import minitorch_ref as mt
from minitorch_ref import vision


def both(*shape):
    data = pixels(1, *shape).astype(np.float32) / 255
    return mt.from_numpy(data.copy()), torch.from_numpy(data.copy())


@pytest.mark.parametrize("shape", [(7, 3, 5, 6), (1, 3, 5, 6), (4, 1, 5, 6), (3, 5, 6), (5, 6)])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"nrow": 3, "padding": 1, "pad_value": 0.5},
        {"normalize": True},
        {"normalize": True, "scale_each": True},
        {"normalize": True, "value_range": (0.2, 0.7)},
    ],
)
def test_make_grid(shape, options):
    a, b = both(*shape)
    before = a.numpy().copy()
    assert_same(vision.utils.make_grid(a, **options), torchvision.utils.make_grid(b, **options))
    np.testing.assert_array_equal(a.numpy(), before)


def test_make_grid_of_a_list():
    a, b = both(5, 3, 4, 4)
    ours, theirs = vision.utils.make_grid(list(a)), torchvision.utils.make_grid(list(b))
    assert_same(ours, theirs)


@pytest.mark.parametrize("value", [3, [3]])
def test_make_grid_of_anything_else(value):
    with pytest.raises(TypeError, match="tensor or list of tensors expected"):
        vision.utils.make_grid(value)


def test_value_range_must_be_a_tuple():
    with pytest.raises(TypeError, match="value_range"):
        vision.utils.make_grid(both(2, 3, 4, 4)[0], normalize=True, value_range=[0, 1])


def test_save_image(tmp_path):
    a, b = both(6, 3, 5, 5)
    vision.utils.save_image(a, tmp_path / "a.png", nrow=3)
    torchvision.utils.save_image(b, tmp_path / "b.png", nrow=3)
    ours, theirs = (np.asarray(PIL_Image.open(tmp_path / f"{n}.png")) for n in "ab")
    np.testing.assert_array_equal(ours, theirs)

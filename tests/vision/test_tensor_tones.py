"""Changes of tone of Tensors against torchvision's: pixels, words, refusals."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from both_sides import (
    OURS,
    THEIRS,
    assert_alike,
    channels,
    check,
    kinds,
    outcome,
    seeds,
    sides,
    within,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision_side import assert_same, pixels

import minitorch_ref as mt
from minitorch_ref.vision.transforms import _tones

TONES = {
    "invert": lambda f, x, n: f.invert(x),
    "posterize": lambda f, x, n: f.posterize(x, n % 9),
    "solarize": lambda f, x, n: f.solarize(x, n if x.dtype in (mt.uint8, torch.uint8) else n / 255),
    "autocontrast": lambda f, x, n: f.autocontrast(x),
    "equalize": lambda f, x, n: f.equalize(x),
    "adjust_sharpness": lambda f, x, n: f.adjust_sharpness(x, n / 64),
}
shapes = st.tuples(channels, sides, sides)
# A blurred pixel of a sharpened image: in float64, and where it is the only one, processors add up
# its nine terms in different orders.  Half a unit a term on both sides, times |1 - factor| <= 3.
NINE_TERMS = within(27)


def levels(seed: int, kind: str, shape: tuple[int, ...], spread: int) -> np.ndarray:
    """Pixels of `spread` neighbouring values, so that flat channels and rare values come up."""
    data = pixels(seed, *shape) % spread + np.uint8(seed % (257 - spread))
    return data / np.dtype(kind).type(255) if "float" in kind else data.astype(kind)


@pytest.mark.parametrize("name", TONES)
@settings(max_examples=80)
@given(
    st.sampled_from(("uint8", "float32", "float64", "int16", "int32")), st.booleans(), shapes,
    st.sampled_from((1, 2, 9, 255)), st.integers(0, 255), seeds,
)  # fmt: skip
def test_tones(name, kind, batched, shape, spread, amount, seed):
    data = levels(seed, kind, (2, *shape) if batched else shape, spread)
    ours, theirs = (
        outcome(lambda m=m, t=t: TONES[name](t.functional, m.from_numpy(data.copy()), amount))
        for m, t in ((mt, OURS), (torch, THEIRS))
    )
    whole = shape == (1, 3, 3) and not batched
    summed = name == "adjust_sharpness" and (kind == "float64" or (kind == "float32" and whole))
    assert_alike(ours, theirs, NINE_TERMS if summed else assert_same)


@pytest.mark.parametrize(
    "make",
    [
        lambda t: t.RandomInvert(0.6),
        lambda t: t.RandomPosterize(3, 0.6),
        lambda t: t.RandomSolarize(0.5, 0.6),
        lambda t: t.RandomAutocontrast(0.6),
        lambda t: t.RandomEqualize(0.6),
        lambda t: t.RandomAdjustSharpness(1.6, 0.6),
    ],
)
@settings(max_examples=40)
@given(kinds, shapes, seeds)
def test_random_tones(make, kind, shape, seed):
    whole = shape == (1, 3, 3) and kind == "floats"
    check(make, kind, shape, seed, NINE_TERMS if whole else assert_same)


@pytest.mark.parametrize(
    "call",
    [
        lambda t, x: t.functional.invert(x[0]),
        lambda t, x: t.functional.invert(x[0, 0]),
        lambda t, x: t.functional.invert(x > 0),
        lambda t, x: t.functional.posterize(x, 9),
        lambda t, x: t.functional.posterize(x, -1),
        lambda t, x: t.functional.posterize(x.float(), 3),
        lambda t, x: t.functional.posterize(x[0], 3),
        lambda t, x: t.functional.solarize(x, 256),
        lambda t, x: t.functional.solarize(x.float(), 1.1),
        lambda t, x: t.functional.solarize(x[0], 1),
        lambda t, x: t.functional.autocontrast(x[0]),
        lambda t, x: t.functional.autocontrast(x[:2]),
        lambda t, x: t.functional.equalize(x.float()),
        lambda t, x: t.functional.equalize(x[0]),
        lambda t, x: t.functional.equalize(x[None, None]),
        lambda t, x: t.functional.adjust_sharpness(x, -1),
        lambda t, x: t.functional.adjust_sharpness(x[0], 1),
        lambda t, x: t.functional.adjust_sharpness(x[:2], 1),
        lambda t, x: t.functional.adjust_sharpness(x[None, None], 1),
        lambda t, x: t.functional.adjust_contrast(x[:2], 1),
        lambda t, x: t.functional.adjust_saturation(x[:2], 1),
    ],
)
def test_refusals(call):
    data = pixels(0, 3, 5, 6)
    ours = outcome(lambda: call(OURS, mt.from_numpy(data.copy())))
    theirs = outcome(lambda: call(THEIRS, torch.from_numpy(data.copy())))
    assert isinstance(theirs, tuple)
    assert ours == theirs


def test_images_are_not_written_to():
    data = pixels(1, 3, 9, 8)
    for name, tone in TONES.items():
        image = mt.from_numpy(data.copy())
        tone(OURS.functional, image, 5)
        np.testing.assert_array_equal(image.numpy(), data, err_msg=name)


def test_a_step_of_equalize_off_by_one_is_noticed(monkeypatch):
    def equal():
        check(lambda t: t.RandomEqualize(1.0), "bytes", (3, 40, 40), 0)

    plain = _tones._equalized
    equal()
    monkeypatch.setattr(_tones, "_equalized", lambda channel: plain(channel) | np.uint8(1))
    with pytest.raises(AssertionError):
        equal()

"""Boxes and masks drawn on images against torchvision's: every pixel, every refusal."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest
import torch
from both_sides import assert_alike, outcome
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision_side import assert_same, pixels, torchvision

import minitorch_ref as mt
from minitorch_ref.vision import drawing, utils

SIDES = ((mt, utils), (torch, torchvision.utils))
colours = st.sampled_from(
    (None, "red", (10, 200, 30), ["blue", (9, 8, 7), "#12AB9F", "black"], [(1, 2, 3)] * 4)
)
kinds = st.sampled_from(("uint8", "float32", "float64"))


def picture(seed: int, kind: str, *shape: int) -> np.ndarray:
    data = pixels(seed, *shape)
    return data if kind == "uint8" else data / np.dtype(kind).type(255)


def corners(seed: int, count: int, height: int, width: int) -> np.ndarray:
    ends = np.random.RandomState(seed).rand(count, 2, 2) * (width, height)
    return np.sort(ends, axis=1).reshape(count, 4)


@settings(max_examples=150)
@given(
    kinds, st.sampled_from((1, 3)), st.integers(5, 60), st.integers(5, 60), st.integers(0, 4),
    colours, st.booleans(), st.integers(1, 4), st.booleans(), st.booleans(), colours, colours,
    st.booleans(), st.integers(0, 10**6),
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:boxes doesn't contain any box")
def test_boxes(
    kind, depth, height, width, count, colors, fill, line, turned, labelled, inks, grounds,
    fill_labels, seed,
):  # fmt: skip
    boxes = corners(seed, count, height, width)
    if turned:
        boxes = np.random.RandomState(seed).rand(count, 4, 2) * (width, height)
        boxes = boxes.reshape(count, 8)
    labels = ["cat", None, "a dog", "7"][:count] if labelled else None
    data = picture(seed, kind, depth, height, width)
    ours, theirs = (
        outcome(
            lambda m=m, u=u: u.draw_bounding_boxes(
                m.from_numpy(data.copy()), m.from_numpy(boxes.copy()), labels, colors, fill, line,
                label_colors=inks, label_background_colors=grounds, fill_labels=fill_labels,
            )
        )
        for m, u in SIDES
    )  # fmt: skip
    assert_alike(ours, theirs)


@settings(max_examples=150)
@given(
    kinds, st.integers(1, 20), st.integers(1, 20), st.integers(0, 4), colours,
    st.sampled_from((0.0, 0.3, 0.8, 1.0)), st.booleans(), st.integers(0, 10**6),
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:masks doesn't contain any mask")
def test_masks(kind, height, width, count, colors, alpha, single, seed):
    masks = pixels(seed, count, height, width) > 150
    masks = masks[0] if single and count else masks
    data = picture(seed, kind, 3, height, width)
    ours, theirs = (
        outcome(
            lambda m=m, u=u: u.draw_segmentation_masks(
                m.from_numpy(data.copy()), m.from_numpy(masks.copy()), alpha, colors
            )
        )
        for m, u in SIDES
    )
    assert_alike(ours, theirs)


def test_images_are_not_written_to():
    data = pixels(1, 3, 9, 9)
    image = mt.from_numpy(data.copy())
    utils.draw_segmentation_masks(image, mt.ones(9, 9) > 0)
    utils.draw_bounding_boxes(image, mt.tensor([[1, 1, 5, 5]]), fill=True)
    np.testing.assert_array_equal(image.numpy(), data)


@pytest.mark.parametrize(
    "call",
    [
        lambda u, m: u.draw_bounding_boxes(3, m.zeros(1, 4)),
        lambda u, m: u.draw_bounding_boxes(m.zeros(3, 5, 5).int(), m.zeros(1, 4)),
        lambda u, m: u.draw_bounding_boxes(m.zeros(1, 3, 5, 5), m.zeros(1, 4)),
        lambda u, m: u.draw_bounding_boxes(m.zeros(2, 5, 5), m.zeros(1, 4)),
        lambda u, m: u.draw_bounding_boxes(m.zeros(3, 5, 5), m.tensor([[3, 0, 1, 1]])),
        lambda u, m: u.draw_bounding_boxes(m.zeros(3, 5, 5), m.tensor([[0, 3, 1, 1]])),
        lambda u, m: u.draw_bounding_boxes(m.zeros(3, 5, 5), m.zeros(1, 4), ["a", "b"]),
        lambda u, m: u.draw_bounding_boxes(m.zeros(3, 5, 5), m.zeros(2, 4), colors=["red"]),
        lambda u, m: u.draw_bounding_boxes(m.zeros(3, 5, 5), m.zeros(2, 4), colors=3),
        lambda u, m: u.draw_bounding_boxes(m.zeros(3, 5, 5), m.zeros(2, 4), colors=(1, 2)),
        lambda u, m: u.draw_bounding_boxes(m.zeros(3, 5, 5), m.zeros(2, 4), colors="no colour"),
        lambda u, m: u.draw_segmentation_masks(3, m.zeros(5, 5) > 0),
        lambda u, m: u.draw_segmentation_masks(m.zeros(3, 5, 5).int(), m.zeros(5, 5) > 0),
        lambda u, m: u.draw_segmentation_masks(m.zeros(5, 5), m.zeros(5, 5) > 0),
        lambda u, m: u.draw_segmentation_masks(m.zeros(1, 5, 5), m.zeros(5, 5) > 0),
        lambda u, m: u.draw_segmentation_masks(m.zeros(3, 5, 5), m.zeros(5) > 0),
        lambda u, m: u.draw_segmentation_masks(m.zeros(3, 5, 5), m.zeros(5, 5)),
        lambda u, m: u.draw_segmentation_masks(m.zeros(3, 5, 5), m.zeros(5, 4) > 0),
        lambda u, m: u.draw_segmentation_masks(m.zeros(3, 5, 5), m.zeros(2, 5, 5) > 0, 1, [1]),
    ],
)
def test_refusals(call):
    ours, theirs = (outcome(lambda m=m, u=u: call(u, m)) for m, u in SIDES)
    assert isinstance(theirs, tuple)
    assert ours == theirs


def test_warnings():
    for m, u in SIDES:
        image, box = m.zeros(3, 5, 5), m.zeros(1, 4)
        with pytest.warns(UserWarning, match="No box was drawn"):
            assert u.draw_bounding_boxes(image, box[:0]) is image
        with pytest.warns(UserWarning, match="No mask was drawn"):
            assert u.draw_segmentation_masks(image, m.zeros(0, 5, 5) > 0) is image
        with pytest.warns(UserWarning, match="'font_size' will be ignored"):
            u.draw_bounding_boxes(image, box, font_size=3)


def test_a_line_one_pixel_away_is_noticed():
    def frames():
        data, boxes = pixels(3, 3, 30, 30), np.array([[3, 4, 20, 15]])
        drawn = [u.draw_bounding_boxes(m.from_numpy(data), m.from_numpy(boxes)) for m, u in SIDES]
        assert_same(*drawn)

    plain = drawing._Pen.frame
    frames()
    with mock.patch.object(
        drawing._Pen, "frame", lambda self, box, colour: plain(self, [box[0] + 1, *box[1:]], colour)
    ), pytest.raises(AssertionError):  # fmt: skip
        frames()

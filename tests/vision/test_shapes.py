"""The drawn stand-in: CIFAR-10's schema, the same every time, and shapes that are what they say."""

from __future__ import annotations

import numpy as np

from minitorch_ref.vision.datasets import Shapes
from minitorch_ref.vision.datasets.shapes import CLASSES, draw_shapes


def test_schema():
    train, test = Shapes(train=True, count=200), Shapes(train=False, count=100)
    assert train.data.shape == (200, 32, 32, 3)
    assert train.data.dtype == np.uint8
    assert np.bincount(train.targets).tolist() == [20] * 10
    assert train.classes == list(CLASSES)
    assert len(set(CLASSES)) == 10
    assert repr(test) == "Dataset Shapes\n    Number of datapoints: 100\n    Split: Test"
    assert not np.array_equal(train.data[:100], test.data)


def test_default_sizes():
    assert (len(Shapes()), len(Shapes(train=False))) == (5000, 1000)


def test_the_same_every_time():
    a, b = draw_shapes(30, 4), draw_shapes(30, 4)
    np.testing.assert_array_equal(a[0], b[0])
    np.testing.assert_array_equal(a[1], b[1])


def test_areas_follow_from_the_geometry():
    """Paint is brighter than ground, so counting bright pixels measures a shape's area."""
    images, labels = draw_shapes(2000, 0)
    bright = images.max(axis=3) > 165
    share = [bright[labels == k].mean() for k in range(10)]
    area = dict(zip(CLASSES, share, strict=True))
    assert abs(area["ring"] / area["disc"] - (0.93**2 - 0.57**2) / 0.9**2) < 0.1
    assert abs(area["disc"] / area["square"] - np.pi * 0.9**2 / 1.6**2) < 0.1
    assert abs(area["triangle"] / area["funnel"] - 1) < 0.1
    assert abs(area["rows"] / area["columns"] - 1) < 0.1
    assert area["frame"] < area["square"]


def test_mirrored_classes_keep_their_shape():
    """Averages over a class are nearly left-right symmetric: a flip never changes the class."""
    images, labels = draw_shapes(4000, 1)
    for k in range(10):
        mean = images[labels == k].mean(axis=(0, 3))
        mean = mean - mean.min()
        assert np.abs(mean - mean[:, ::-1]).mean() < 0.12 * mean.mean(), CLASSES[k]


def test_up_is_not_down():
    images, labels = draw_shapes(2000, 2)
    rows = images.max(axis=3).mean(axis=2)
    upper, lower = rows[:, :16].mean(axis=1), rows[:, 16:].mean(axis=1)
    lower_share = [
        np.mean((lower > upper)[labels == CLASSES.index(n)]) for n in ("triangle", "funnel")
    ]
    assert lower_share[0] > 0.7 > 0.5 > lower_share[1]

"""The whole-batch path against the per-image path and against torchvision: bits and random words."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from bits import same_bits
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision_side import assert_same, assert_same_state, pixels, seed_both, torchvision

import minitorch_ref as mt
from minitorch_ref.utils.data import DataLoader, Subset
from minitorch_ref.vision import transforms as T
from minitorch_ref.vision.datasets import ImageArrays, Shapes
from minitorch_ref.vision.datasets.batched import plan_for

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)


def chain(v, crop=(32, 4), flip=0.5, scale=True, channels=3, fill=0):
    steps = [] if crop is None else [v.RandomCrop(crop[0], padding=crop[1], fill=fill)]
    steps += [] if flip is None else [v.RandomHorizontalFlip(flip)]
    steps += [v.ToTensor()]
    steps += [v.Normalize(MEAN[:channels], STD[:channels])] if scale else []
    return v.Compose(steps)


def dataset(transform, count=9, height=32, width=32, channels=3, **kwargs):
    shape = (count, height, width) if channels == 1 else (count, height, width, channels)
    return ImageArrays(
        pixels(3, *shape), [i % 5 for i in range(count)], "abcde", transform, **kwargs
    )


def one_by_one(data, indices):
    """What a loader does without the batch path."""
    items = [data[i] for i in indices]
    return mt.stack([image for image, _ in items]), mt.tensor([label for _, label in items])


def assert_batch(data, indices, seed=0):
    mt.manual_seed(seed)
    batch = data._collated_batch(indices)
    assert batch is not None
    state = mt.get_rng_state().numpy()
    mt.manual_seed(seed)
    expected = one_by_one(data, indices)
    for ours, single in zip(batch, expected, strict=True):
        assert ours.dtype is single.dtype
        assert same_bits(ours.numpy(), single.numpy())
    np.testing.assert_array_equal(state, mt.get_rng_state().numpy())


@settings(max_examples=80, deadline=None)
@given(
    crop=st.none()
    | st.tuples(
        st.integers(1, 13) | st.tuples(st.integers(1, 14), st.integers(1, 13)),
        st.none()
        | st.integers(0, 5)
        | st.tuples(st.integers(1, 5), st.integers(0, 5))
        | st.tuples(*[st.integers(1, 5)] * 4),
    ),
    flip=st.none() | st.sampled_from([0.0, 0.3, 0.5, 1.0]),
    scale=st.booleans(),
    channels=st.sampled_from([1, 3]),
    fill=st.sampled_from([0, 7, 255]),
    indices=st.lists(st.integers(-9, 8), min_size=1, max_size=70),
    seed=st.integers(0, 2**32),
)
def test_is_the_per_image_path(crop, flip, scale, channels, fill, indices, seed):
    transform = chain(T, crop, flip, scale, channels, fill)
    assert_batch(dataset(transform, 9, 14, 13, channels), indices, seed)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("scale", [True, False])
def test_is_torchvisions(channels, scale):
    ours = dataset(chain(T, scale=scale, channels=channels), channels=channels)
    theirs = dataset(
        chain(torchvision.transforms, scale=scale, channels=channels), channels=channels
    )
    for seed in range(5):
        seed_both(seed)
        order = np.random.RandomState(seed).permutation(9).tolist()
        images, labels = ours._collated_batch(order)
        items = [theirs[i] for i in order]
        assert_same(images, torch.stack([image for image, _ in items]))
        assert_same(labels, torch.tensor([label for _, label in items]))
        assert_same_state()


@pytest.mark.parametrize("layout", ["rows", "planes"])
def test_either_memory_layout(layout):
    data = dataset(chain(T))
    if layout == "planes":  # as CIFAR10 has it
        data.data = np.ascontiguousarray(data.data.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1)
    assert_batch(data, [3, 1, 4, 1, 5])


def test_data_replaced_by_the_user():
    data = dataset(chain(T))
    data.data, data.targets = data.data[::2], data.targets[::2]
    assert_batch(data, [0, 4, 2])
    with pytest.raises(IndexError):
        data._collated_batch([5])


class Crop(T.RandomCrop):
    """A subclass may do anything."""


class Odd(ImageArrays):
    def __getitem__(self, index):
        return super().__getitem__(index)


@pytest.mark.parametrize(
    "transform",
    [
        None,
        T.Compose([]),
        T.Compose([T.Normalize(MEAN, STD)]),
        T.Compose([T.ToTensor(), T.Lambda(lambda x: x)]),
        T.Compose([T.ToTensor(), T.RandomHorizontalFlip()]),
        T.Compose([T.RandomHorizontalFlip(), T.RandomCrop(32, 4), T.ToTensor()]),
        T.Compose([T.RandomVerticalFlip(), T.ToTensor()]),
        T.Compose([Crop(32), T.ToTensor()]),
        T.Compose([T.RandomCrop(32, 4, padding_mode="reflect"), T.ToTensor()]),
        T.Compose([T.RandomCrop(40, pad_if_needed=True), T.ToTensor()]),
        T.Compose([T.RandomCrop(32, 4, fill=(1, 2, 3)), T.ToTensor()]),
        T.Compose([T.RandomCrop(32, -1), T.ToTensor()]),
        T.Compose([T.RandomCrop(99), T.ToTensor()]),
        T.Compose([T.ToTensor(), T.Normalize((0.5, 0.5), (0.5, 0.5))]),
        T.Compose([T.ToTensor(), T.Normalize(MEAN, (0.0, 1, 1))]),
        lambda image: image,
    ],
)
def test_leaves_what_it_does_not_know(transform):
    mt.manual_seed(0)
    before = mt.get_rng_state().numpy().copy()
    assert dataset(transform)._collated_batch([0, 1]) is None
    np.testing.assert_array_equal(before, mt.get_rng_state().numpy())


def test_leaves_odd_datasets():
    good = chain(T)
    assert dataset(good, target_transform=lambda t: t)._collated_batch([0]) is None
    assert dataset(good)._collated_batch([]) is None
    assert Odd(pixels(0, 2, 32, 32, 3), [0, 1], "ab", good)._collated_batch([0]) is None
    floats = dataset(good)
    floats.data = floats.data.astype(np.float32)
    assert floats._collated_batch([0]) is None
    named = dataset(good)
    named.targets = ["a"] * 9
    assert named._collated_batch([0]) is None
    try:
        mt.set_default_dtype(mt.float64)
        assert dataset(good)._collated_batch([0]) is None
    finally:
        mt.set_default_dtype(mt.float32)


def test_plan_reads_the_transforms():
    plan = plan_for(chain(T, flip=0.25), 3)
    assert (plan.crop, plan.borders, plan.fill, plan.flip) == ((32, 32), (4, 4, 4, 4), 0, 0.25)
    np.testing.assert_array_equal(plan.mean.ravel(), np.array(MEAN, np.float32))


# ---- through a loader ------------------------------------------------------------------------------


def loaded(library, v, indices=None, **kwargs):
    data = dataset(chain(v), 40)
    data = data if indices is None else library.utils.data.Subset(data, indices)
    loader = library.utils.data.DataLoader(data, batch_size=7, shuffle=True, **kwargs)
    library.manual_seed(3)
    return [batch for _ in range(2) for batch in loader]


@pytest.mark.parametrize(
    ("indices", "workers"), [(None, 0), (list(range(39, 3, -1)), 0), (None, 2)]
)
def test_loaders_give_torchs_batches(indices, workers):
    """With workers, each draws from its own seed, image by image: there is no batch path then."""
    ours = loaded(mt, T, indices, num_workers=workers)
    theirs = loaded(torch, torchvision.transforms, indices, num_workers=workers)
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert_same(a[0], b[0])
        assert_same(a[1], b[1])
    assert_same_state()


@pytest.mark.parametrize("subsets", [0, 1, 2])
def test_a_loader_uses_the_batch_path(subsets, monkeypatch):
    data = dataset(chain(T), 12)
    monkeypatch.setattr("minitorch_ref.vision.datasets.arrays.from_array", None)  # no single images
    for _ in range(subsets):
        data = Subset(data, list(range(len(data)))[::-1])
    assert sum(len(labels) for _, labels in DataLoader(data, batch_size=5)) == 12


def test_one_changed_word_would_show():
    data = dataset(chain(T))
    mt.manual_seed(0)
    images, _ = data._collated_batch([0, 1, 2])
    mt.manual_seed(0)
    mt.rand(1)
    others, _ = data._collated_batch([0, 1, 2])
    assert not np.array_equal(images.numpy(), others.numpy())


def test_takes_microseconds_an_image():
    data = Shapes(count=5000, transform=chain(T))  # the cost must not grow with the dataset
    order = list(range(256))
    data._collated_batch(order)
    times = []
    for _ in range(5):
        began = time.perf_counter()
        data._collated_batch(order)
        times.append((time.perf_counter() - began) / 256)
    began = time.perf_counter()
    one_by_one(data, order)
    assert min(times) < 40e-6  # 5e-6 on an idle machine
    assert min(times) * 3 < (time.perf_counter() - began) / 256

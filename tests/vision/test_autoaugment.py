"""AutoAugment, RandAugment, TrivialAugmentWide, AugMix: pixels, words, text as torchvision's."""

from __future__ import annotations

import pytest
import torch
from both_sides import OURS, THEIRS, check, fills, kinds, modes, outcome, seeds, sides, within
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision_side import PIL_Image, assert_same, assert_same_state, pixels, seed_both

import minitorch_ref as mt
from minitorch_ref.vision.transforms import autoaugment

shapes = st.tuples(st.sampled_from((1, 3, 3, 4)), sides, sides)
policies = st.sampled_from(("imagenet", "cifar10", "svhn"))
# Contrast adds up all pixels of a float image, in another order; two changes at most double that.
alike = within(8)


@settings(max_examples=250)
@given(policies, modes, fills, kinds, shapes, seeds)
def test_auto_augment(policy, mode, fill, kind, shape, seed):
    def make(t):
        return t.AutoAugment(t.AutoAugmentPolicy(policy), t.InterpolationMode[mode], fill)

    check(make, kind, shape, seed, alike)


@pytest.mark.parametrize("policy", ["imagenet", "cifar10", "svhn"])
def test_every_pair_of_a_policy(policy):
    ours, theirs = (t.AutoAugment(t.AutoAugmentPolicy(policy)) for t in (OURS, THEIRS))
    assert ours.policies == theirs.policies
    drawn = {OURS.AutoAugment.get_params(25)[0] for _ in range(300)}
    assert drawn == set(range(25))


@settings(max_examples=200)
@given(st.integers(0, 3), st.integers(0, 30), modes, fills, kinds, shapes, seeds)
def test_rand_augment(count, magnitude, mode, fill, kind, shape, seed):
    def make(t):
        return t.RandAugment(count, magnitude, 31, t.InterpolationMode[mode], fill)

    check(make, kind, shape, seed, within(16))


@settings(max_examples=200)
@given(st.sampled_from((31, 10, 3)), modes, fills, kinds, shapes, seeds)
def test_trivial_augment(bins, mode, fill, kind, shape, seed):
    def make(t):
        return t.TrivialAugmentWide(bins, t.InterpolationMode[mode], fill)

    check(make, kind, shape, seed, alike)


@settings(max_examples=150)
@given(
    st.integers(1, 10), st.integers(1, 4), st.sampled_from((-1, 1, 2)), st.sampled_from((1.0, 0.3)),
    st.booleans(), modes, fills, kinds, shapes, seeds,
)  # fmt: skip
def test_aug_mix(severity, width, depth, alpha, all_ops, mode, fill, kind, shape, seed):
    def make(t):
        return t.AugMix(severity, width, depth, alpha, all_ops, t.InterpolationMode[mode], fill)

    check(make, kind, shape, seed, within(16))


@pytest.mark.parametrize("name", ["AutoAugment", "RandAugment", "TrivialAugmentWide", "AugMix"])
def test_larger_images_by_default(name):
    for seed in range(3):
        for kind in ("pil", "bytes"):
            check(lambda t: getattr(t, name)(), kind, (3, 224, 160), seed)


def test_the_chain_of_cifar():
    """A training set's chain, with the transforms that modern recipes put in."""
    image = PIL_Image.fromarray(pixels(1, 32, 32, 3))
    chains = [
        t.Compose(
            [
                t.RandomCrop(32, padding=4), t.RandomHorizontalFlip(),
                t.AutoAugment(t.AutoAugmentPolicy.CIFAR10), t.TrivialAugmentWide(),
                t.GaussianBlur(3), t.ToTensor(), t.Normalize((0.5,) * 3, (0.25,) * 3),
            ]
        )
        for t in (OURS, THEIRS)
    ]  # fmt: skip
    assert repr(chains[0]) == repr(chains[1])
    seed_both(7)
    for _ in range(40):
        assert_same(*(chain(image) for chain in chains))
    assert_same_state()


def test_the_places_of_names():
    for name in autoaugment.__all__:
        assert getattr(OURS, name) is getattr(OURS.autoaugment, name)
        assert hasattr(THEIRS.autoaugment, name)
    assert [p.value for p in OURS.AutoAugmentPolicy] == [p.value for p in THEIRS.AutoAugmentPolicy]


@pytest.mark.parametrize(
    "call",
    [
        lambda t, m: t.AutoAugment("cifar10"),
        lambda t, m: t.AugMix(0),
        lambda t, m: t.AugMix(11),
        lambda t, m: t.TrivialAugmentWide()(3),
        lambda t, m: t.RandAugment()(m.zeros(3)),
        lambda t, m: t.AugMix()([1]),
    ],
)
def test_refusals(call):
    ours, theirs = outcome(lambda: call(OURS, mt)), outcome(lambda: call(THEIRS, torch))
    assert isinstance(theirs, tuple)
    assert ours == theirs


# ---- planted faults -----------------------------------------------------------------------------


def augmented():
    for seed in range(12):
        check(lambda t: t.RandAugment(3), "bytes", (3, 20, 24), seed)


def test_a_sign_drawn_for_all_is_noticed(monkeypatch):
    def eager(space, place):
        name, amount = drawn(space, place)
        return name, amount if space[name][1] or autoaugment.integer(2) else amount

    drawn = autoaugment._drawn
    augmented()
    monkeypatch.setattr(autoaugment, "_drawn", eager)
    with pytest.raises(AssertionError):
        augmented()


def test_two_changes_that_have_changed_places_are_noticed(monkeypatch):
    def make(self, bins, size):
        space = plain(self, bins, size)
        names = list(space)
        names[1], names[2] = names[2], names[1]
        return {name: space[name] for name in names}

    plain = OURS.RandAugment._augmentation_space
    augmented()
    monkeypatch.setattr(OURS.RandAugment, "_augmentation_space", make)
    with pytest.raises(AssertionError):
        augmented()

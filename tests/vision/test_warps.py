"""Blurred, tilted and bent images against torchvision's: pixels, words, gradients, refusals."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest
import torch
from both_sides import (
    KINDS,
    OURS,
    THEIRS,
    assert_alike,
    channels,
    check,
    fills,
    images,
    kinds,
    modes,
    outcome,
    seeds,
    sides,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision_side import assert_same, assert_same_state, seed_both

import minitorch_ref as mt
from minitorch_ref.vision.transforms import _blur, _grids, _warping
from minitorch_ref.vision.transforms import warps as warps_module

bells = st.sampled_from((1, 3, 5, 7, (3, 5), [5, 1], (9, 3), (1, 11)))
widths = st.sampled_from(((0.1, 2.0), 0.7, (1.0, 5.0), 0.05))


@settings(max_examples=150)
@given(kinds, channels, sides, sides, bells, widths, seeds)
def test_gaussian_blur(kind, depth, height, width, size, sigma, seed):
    check(lambda t: t.GaussianBlur(size, sigma), kind, (depth, height, width), seed)


@pytest.mark.parametrize("shape", [(1, 97, 211), (1, 143, 143), (3, 120, 77)])
@pytest.mark.parametrize("size", [3, (1, 5), 23])
def test_gaussian_blur_of_larger_images(shape, size):
    """torch adds up the taps of one channel in another way from some size on."""
    for kind in KINDS:
        check(lambda t: t.GaussianBlur(size), kind, shape, 5)


@settings(max_examples=100)
@given(kinds, channels, sides, sides, st.sampled_from((0.1, 0.5, 1.0)), modes, fills, seeds)
def test_random_perspective(kind, depth, height, width, scale, mode, fill, seed):
    """Given the same coefficients; those are compared below."""
    with mock.patch.object(THEIRS.functional, "_get_perspective_coeffs", _warping._coefficients):
        check(
            lambda t: t.RandomPerspective(scale, 0.8, t.InterpolationMode[mode], fill),
            kind, (depth, height, width), seed,
        )  # fmt: skip


@settings(max_examples=100)
@given(st.integers(2, 300), st.integers(2, 300), st.sampled_from((0.1, 0.5, 0.9)), seeds)
def test_coefficients_of_perspective(width, height, scale, seed):
    """As near as two solvers in float64 come: the error grows with the condition of the system."""
    seed_both(seed)
    points = OURS.RandomPerspective.get_params(width, height, scale)
    assert points == THEIRS.RandomPerspective.get_params(width, height, scale)
    ours = np.array(_warping._coefficients(*points))
    theirs = np.array(THEIRS.functional._get_perspective_coeffs(*points))
    equations = []
    for (u, v), (x, y) in zip(*points, strict=True):
        equations += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    error = 8 * np.linalg.cond(np.array(equations, float)) * np.finfo(float).eps
    bound = error * np.abs(theirs).max() + np.spacing(np.abs(theirs).astype(np.float32))
    assert (np.abs(ours - theirs) <= bound).all()


@settings(max_examples=100)
@given(
    kinds, channels, sides, sides, st.sampled_from((5.0, [80.0, 20.0])),
    st.sampled_from((0.3, 1.0, [2.0, 0.0])), modes, st.sampled_from((0, 7, (1, 2, 3))), seeds,
)  # fmt: skip
def test_elastic_transform(kind, depth, height, width, alpha, sigma, mode, fill, seed):
    check(
        lambda t: t.ElasticTransform(alpha, sigma, t.InterpolationMode[mode], fill),
        kind, (depth, height, width), seed,
    )  # fmt: skip


def test_elastic_transform_by_default():
    for kind in KINDS:
        check(lambda t: t.ElasticTransform(), kind, (3, 64, 57), 3)


turns = st.sampled_from((0.0, 90.0, 180.0, -33.3, 45.0, 12.5))
centres = st.none() | st.sampled_from(([0, 0], (3, 5.5)))


@settings(max_examples=120)
@given(kinds, channels, sides, sides, turns, modes, st.booleans(), centres, fills, seeds)
def test_rotate(kind, depth, height, width, angle, mode, expand, center, fill, seed):
    shape = (depth, height, width)
    ours, theirs = (
        outcome(
            lambda t=t, x=x: t.functional.rotate(
                x, angle, t.InterpolationMode[mode], expand, center, fill
            )
        )
        for t, x in zip((OURS, THEIRS), images(kind, shape, seed), strict=True)
    )
    assert_alike(ours, theirs)


@settings(max_examples=120)
@given(
    kinds, channels, sides, sides, turns, st.tuples(st.integers(-9, 9), st.integers(-9, 9)),
    st.sampled_from((1.0, 0.5, 1.7)), st.sampled_from((0, [10.0, -20.0], (45.0,))), modes, centres,
    fills, seeds,
)  # fmt: skip
def test_affine(kind, depth, height, width, angle, move, scale, shear, mode, center, fill, seed):
    shape = (depth, height, width)
    ours, theirs = (
        outcome(
            lambda t=t, x=x: t.functional.affine(
                x, angle, list(move), scale, shear, t.InterpolationMode[mode], fill, center
            )
        )
        for t, x in zip((OURS, THEIRS), images(kind, shape, seed), strict=True)
    )
    assert_alike(ours, theirs)


@settings(max_examples=60)
@given(kinds, channels, sides, sides, modes, fills, seeds)
def test_random_turns(kind, depth, height, width, mode, fill, seed):
    shape = (depth, height, width)
    check(
        lambda t: t.RandomRotation(180, t.InterpolationMode[mode], True, fill=fill),
        kind, shape, seed,
    )  # fmt: skip
    check(
        lambda t: t.RandomAffine(
            90, (0.3, 0.2), (0.5, 2.0), 20, t.InterpolationMode[mode], fill or 0
        ),
        kind, shape, seed,
    )  # fmt: skip


# ---- other dtypes, gradients --------------------------------------------------------------------

CALLS = {
    "blur": lambda t, x: t.functional.gaussian_blur(x, [5, 3], [0.8, 1.5]),
    "turn": lambda t, x: t.functional.rotate(x, 20.0, t.InterpolationMode.BILINEAR, fill=[0.3]),
    "tilt": lambda t, x: t.functional.perspective(
        x, [[0, 0], [8, 0], [8, 10], [0, 10]], [[1, 0], [7, 2], [8, 9], [0, 10]]
    ),
    "sharpen": lambda t, x: t.functional.adjust_sharpness(x, 1.7),
}


@pytest.mark.parametrize("name", CALLS)
def test_gradients(name):
    data = np.random.RandomState(1).rand(3, 11, 9)
    found = []
    for library, t in ((mt, OURS), (torch, THEIRS)):
        x = library.from_numpy(data.copy()).requires_grad_()
        out = CALLS[name](t, x)
        (out * out).sum().backward()
        found.append((out.detach().numpy(), x.grad.numpy()))
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", CALLS)
def test_floats_against_double_precision(name):
    """No further from the result in float64 than torchvision is."""
    data = np.random.RandomState(2).rand(3, 11, 9).astype(np.float32)
    exact = CALLS[name](THEIRS, torch.from_numpy(data).double()).numpy()
    ours = CALLS[name](OURS, mt.from_numpy(data.copy())).numpy()
    theirs = CALLS[name](THEIRS, torch.from_numpy(data)).numpy()
    assert np.abs(ours - exact).max() <= np.abs(theirs - exact).max()


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("kind", ["int16", "int32", "float64"])
def test_other_dtypes(name, kind):
    data = np.random.RandomState(3).rand(3, 11, 9) * (1 if kind == "float64" else 1000)
    data = data.astype(kind)
    ours = CALLS[name](OURS, mt.from_numpy(data.copy()))
    theirs = CALLS[name](THEIRS, torch.from_numpy(data))
    if kind != "float64":
        assert_same(ours, theirs)
    else:
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-13, atol=1e-14)


# ---- the arithmetic of the bell -----------------------------------------------------------------


def test_powers_have_the_last_bit_of_torch():
    random = np.random.RandomState(0)
    parts = [
        -random.rand(200_000) * 100,
        random.rand(50_000) * 80,
        -np.exp(-random.rand(9999) * 20),
    ]
    x = np.concatenate(parts).astype(np.float32)
    ours, theirs = _blur.exp_as_torch(x), torch.exp(torch.from_numpy(x)).numpy()
    normal = theirs >= np.finfo(np.float32).tiny
    np.testing.assert_array_equal(ours[normal], theirs[normal])
    assert np.abs(ours[~normal] - theirs[~normal]).max() <= np.finfo(np.float32).smallest_subnormal


def test_sums_have_the_last_bit_of_torch():
    random = np.random.RandomState(0)
    for size in [*range(1, 120), 255, 400]:
        x = random.rand(size).astype(np.float32)
        assert _blur.sum_as_torch(x) == torch.from_numpy(x).sum().numpy()


# ---- refusals -----------------------------------------------------------------------------------


def square(library, *shape):
    return library.zeros(*(shape or (3, 4, 4)))


CORNERS = [[0, 0], [3, 0], [3, 3], [0, 3]]


@pytest.mark.parametrize(
    "call",
    [
        lambda t, m: t.GaussianBlur(2),
        lambda t, m: t.GaussianBlur((3, 5, 7)),
        lambda t, m: t.GaussianBlur(3, 0),
        lambda t, m: t.GaussianBlur(3, (2, 1)),
        lambda t, m: t.GaussianBlur(3, (1, 2, 3)),
        lambda t, m: t.GaussianBlur(9)(square(m)),
        lambda t, m: t.GaussianBlur(3)(square(m, 4, 4)),
        lambda t, m: t.GaussianBlur(3)(square(m, 4)),
        lambda t, m: t.functional.gaussian_blur(square(m), "3"),
        lambda t, m: t.functional.gaussian_blur(square(m), (1, 2, 3)),
        lambda t, m: t.functional.gaussian_blur(square(m), 4),
        lambda t, m: t.functional.gaussian_blur(square(m), 3, "1"),
        lambda t, m: t.functional.gaussian_blur(square(m), 3, (1, 2, 3)),
        lambda t, m: t.functional.gaussian_blur(square(m), 3, 0),
        lambda t, m: t.functional.gaussian_blur(np.zeros((3, 3)), 3),
        lambda t, m: t.RandomPerspective(fill={}),
        lambda t, m: t.RandomPerspective(p=1, fill=(1, 2))(square(m)),
        lambda t, m: t.functional.perspective(square(m), CORNERS[:3], CORNERS),
        lambda t, m: t.functional.perspective(square(m), CORNERS, CORNERS, "x"),
        lambda t, m: t.functional.perspective(square(m), CORNERS, CORNERS, 3),
        lambda t, m: t.functional.perspective(np.zeros((3, 3)), CORNERS, CORNERS),
        lambda t, m: t.functional.perspective(square(m, 4), CORNERS, CORNERS),
        lambda t, m: t.functional.perspective(square(m), [[0, 0]] * 4, [[0, 0]] * 4),
        lambda t, m: t.ElasticTransform(1),
        lambda t, m: t.ElasticTransform([1.0]),
        lambda t, m: t.ElasticTransform([1.0, 2]),
        lambda t, m: t.ElasticTransform(sigma=1),
        lambda t, m: t.ElasticTransform(sigma=[1.0]),
        lambda t, m: t.ElasticTransform(sigma=[1.0, 2]),
        lambda t, m: t.ElasticTransform(fill="x"),
        lambda t, m: t.functional.elastic_transform(square(m), 3),
        lambda t, m: t.functional.elastic_transform(square(m), square(m, 1, 4, 5, 2)),
        lambda t, m: t.functional.elastic_transform(np.zeros((3, 3)), square(m, 1, 3, 3, 2)),
        lambda t, m: t.functional.rotate(square(m), 1, fill=[1, 2]),
        lambda t, m: t.functional.rotate(square(m), 1, t.InterpolationMode.BICUBIC),
        lambda t, m: t.functional.rotate(square(m, 4), 1),
        lambda t, m: t.functional.rotate(square(m, 4, 4), 1),
        lambda t, m: t.functional.rotate(square(m, 2, 2, 3, 4, 4), 1),
        lambda t, m: t.functional.affine(np.zeros((3, 3)), 1, (0, 0), 1, 0),
    ],
)
def test_refusals(call):
    ours, theirs = outcome(lambda: call(OURS, mt)), outcome(lambda: call(THEIRS, torch))
    assert isinstance(theirs, tuple)
    assert ours == theirs


def test_numbers_for_modes():
    for t, m in ((OURS, mt), (THEIRS, torch)):
        with pytest.warns(UserWarning, match="should be of type InterpolationMode instead of int"):
            t.functional.elastic_transform(square(m), square(m, 1, 4, 4, 2), 2)
        assert t.RandomPerspective(interpolation=2).interpolation is t.InterpolationMode.BILINEAR
        assert t.ElasticTransform(interpolation=0).interpolation is t.InterpolationMode.NEAREST


# ---- planted faults -----------------------------------------------------------------------------


def blurred():
    check(lambda t: t.GaussianBlur(5, 1.0), "bytes", (3, 40, 40), 0)


def bent():
    check(lambda t: t.ElasticTransform(), "bytes", (3, 64, 57), 3)


def tilted():
    check(lambda t: t.RandomPerspective(0.5, 1.0), "bytes", (3, 33, 40), 4)


def test_a_pixel_off_by_one_is_noticed(monkeypatch):
    plain = _blur._sum_of_taps

    def off(*arguments):
        out = plain(*arguments)
        out[0, 0, 0, 0] += 1
        return out

    blurred()
    monkeypatch.setattr(_blur, "_sum_of_taps", off)
    with pytest.raises(AssertionError):
        blurred()


def test_a_place_off_by_a_hundredth_pixel_is_noticed(monkeypatch):
    plain = _grids._in_pixels
    bent()
    monkeypatch.setattr(_grids, "_in_pixels", lambda *a: plain(*a) + np.float32(0.01))
    with pytest.raises(AssertionError):
        bent()


def test_a_draw_too_many_is_noticed(monkeypatch):
    plain = warps_module.uniform
    tilted()
    monkeypatch.setattr(warps_module, "uniform", lambda: (plain(), plain())[1])
    with pytest.raises(AssertionError):
        tilted()


def test_draws_in_another_order_are_noticed(monkeypatch):
    plain = warps_module.RandomPerspective.get_params
    tilted()

    def swapped(width, height, scale):
        start, (first, second, *rest) = plain(width, height, scale)
        moved = [[first[0], second[1]], [second[0], first[1]], *rest]
        return start, moved

    monkeypatch.setattr(warps_module.RandomPerspective, "get_params", staticmethod(swapped))
    with pytest.raises(AssertionError):
        tilted()
    assert_same_state()

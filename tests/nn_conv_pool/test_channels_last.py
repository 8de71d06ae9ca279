"""Convolutions and pools of images whose channels lie last in memory: results and gradients do as well.

Which of the two formats an operand has, torch tells by its strides; all layouts here are compared with
torch's, stride by stride, and the values with them.
"""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minitorch_ref as mt
from minitorch_ref.kernels import layout

LAYOUTS = ["contiguous", "channels last", "reversed", "every second channel", "every second column"]
channels = st.sampled_from([1, 2, 4])
heights = st.sampled_from([4, 5, 7])


def images(engine, kind, shape, seed):
    """Small integers, so that sums are exact in any order, in one of the layouts."""
    array = np.random.default_rng(seed).integers(-4, 5, shape).astype(np.float32)
    if kind == "contiguous":
        return engine.from_numpy(array)
    if kind == "channels last":
        turned = np.array(array.transpose(0, 2, 3, 1), order="C")
        return engine.from_numpy(turned).permute(0, 3, 1, 2)
    if kind == "reversed":
        return engine.from_numpy(np.array(array.transpose(3, 2, 1, 0), order="C")).permute(3, 2, 1, 0)
    n, c, h, w = shape
    if kind == "every second channel":
        wide = np.zeros((n, h, w, 2 * c), np.float32)
        wide[..., ::2] = array.transpose(0, 2, 3, 1)
        return engine.from_numpy(wide)[..., ::2].permute(0, 3, 1, 2)
    wide = np.zeros((n, c, h, 2 * w), np.float32)
    wide[..., ::2] = array
    return engine.from_numpy(wide)[..., ::2]


def alike(run, weights=()):
    """Assert that the tensors of `run(engine)` have the same strides and values on both engines.

    Those numbered in `weights` are gradients of weights.  There torch's strides along dims of size one
    depend on which of its libraries made them, and are left out.
    """
    for number, (ours, theirs) in enumerate(zip(run(mt), run(torch), strict=True)):
        assert tuple(ours.shape) == tuple(theirs.shape)
        for n, mine, other in zip(ours.shape, ours.stride(), theirs.stride(), strict=True):
            assert mine == other or (n == 1 and number in weights)
        np.testing.assert_array_equal(ours.detach().numpy(), theirs.detach().numpy())


def with_gradients(engine, y, inputs, kind):
    g = images(engine, kind, tuple(y.shape), 3)
    again = engine.autograd.grad(y, inputs, g, create_graph=True)
    return [y, *engine.autograd.grad(y, inputs, g, retain_graph=True), *again]


@settings(max_examples=150)
@given(st.data(), st.sampled_from(LAYOUTS), st.sampled_from(LAYOUTS), st.sampled_from(LAYOUTS))
def test_convolutions(data, of_x, of_w, of_g):
    n, c, h, w = (data.draw(s) for s in (st.integers(1, 3), channels, heights, heights))
    groups, stride = data.draw(st.sampled_from([1, c])), data.draw(st.integers(1, 2))
    out, transposed = groups * data.draw(st.integers(1, 2)), data.draw(st.booleans())
    kernel = data.draw(st.integers(2, 3))
    first, second = (c, out) if transposed else (out, c)

    def run(engine):
        x = images(engine, of_x, (n, c, h, w), 1).requires_grad_()
        weight = images(engine, of_w, (first, second // groups, kernel, kernel), 2).requires_grad_()
        f = engine.nn.functional
        convolve = f.conv_transpose2d if transposed else f.conv2d
        y = convolve(x, weight, stride=stride, groups=groups)
        return with_gradients(engine, y, (x, weight), of_g)

    alike(run, weights=(2, 4))


POOLS = {
    "max": lambda f, x, k, s: f.max_pool2d(x, k, s),
    "max with indices": lambda f, x, k, s: f.max_pool2d(x, k, s, return_indices=True)[0],
    "mean": lambda f, x, k, s: f.avg_pool2d(x, k, s, divisor_override=4),
}


@pytest.mark.parametrize("name", POOLS)
@settings(max_examples=60)
@given(st.data(), st.sampled_from(LAYOUTS), st.sampled_from(LAYOUTS))
def test_pools(name, data, of_x, of_g):
    shape = tuple(data.draw(s) for s in (st.integers(1, 3), channels, heights, heights))
    kernel, stride = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 2))

    def run(engine):
        x = images(engine, of_x, shape, 1).requires_grad_()
        y = POOLS[name](engine.nn.functional, x, kernel, stride)
        return with_gradients(engine, y, (x,), of_g)

    alike(run)


def test_indices_of_a_pool_lie_as_its_maxima_do():
    def run(engine):
        return engine.nn.functional.max_pool2d(
            images(engine, "channels last", (2, 3, 6, 6), 1), 2, return_indices=True
        )

    alike(run)


def wrong_never(array):
    return False


def wrong_always(array):
    return array.ndim == 4


@pytest.mark.parametrize("wrong", [wrong_never, wrong_always])
@pytest.mark.parametrize("module", ["conv", "pooling"])
def test_a_wrong_format_is_rejected(monkeypatch, module, wrong):
    monkeypatch.setattr(f"minitorch_ref.nn.functional.{module}.suggests_channels_last", wrong)
    with pytest.raises(AssertionError):
        test_convolutions() if module == "conv" else test_pools("mean")


def test_which_strides_suggest_channels_last():
    """By hand: the channel's stride is the smallest, the column's next, then the row's, the image's."""
    plain = np.zeros((2, 3, 4, 5), np.float32)
    last = np.zeros((2, 4, 5, 3), np.float32).transpose(0, 3, 1, 2)
    assert not layout.suggests_channels_last(plain) and layout.suggests_channels_last(last)
    assert not layout.suggests_channels_last(np.zeros((2, 1, 1, 1), np.float32))  # it is both
    assert not layout.suggests_channels_last(last[0])

"""Dropout: torch's own random words, so the same elements are dropped, bit for bit."""

import numpy as np
import pytest
import torch
from functional_sides import OURS, TORCH, check, same_error
from hypothesis import given, settings
from hypothesis import strategies as st

import minitorch_ref as mt

CALLS = {
    "dropout": lambda F, x, p, **k: F.dropout(x, p, **k),
    "alpha_dropout": lambda F, x, p, **k: F.alpha_dropout(x, p, training=True, **k),
    "feature_alpha_dropout": lambda F, x, p, **k: F.feature_alpha_dropout(x, p, training=True, **k),
    "dropout1d": lambda F, x, p, **k: F.dropout1d(x, p, **k),
    "dropout2d": lambda F, x, p, **k: F.dropout2d(x, p, **k),
    "dropout3d": lambda F, x, p, **k: F.dropout3d(x, p, **k),
}
SHAPES = {"dropout1d": (4, 6, 3), "dropout2d": (4, 5, 2, 3), "dropout3d": (3, 4, 2, 2, 2)}


def both(f):
    """f(lib, F) on both sides, each followed by what the generator draws next."""
    results = []
    for lib, F in (OURS, TORCH):
        lib.manual_seed(123)
        results.append([f(lib, F).detach().numpy(), lib.rand(4).numpy()])
    return results


def same_bits(f):
    for ours, theirs in zip(*both(f)):
        assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
        assert np.array_equal(ours.view(f"i{ours.itemsize}"), theirs.view(f"i{ours.itemsize}"))


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("name", CALLS)
def test_same_bits(name, dtype, p):
    x = np.random.default_rng(0).normal(size=SHAPES.get(name, (8, 7))).astype(dtype)
    same_bits(lambda lib, F: CALLS[name](F, lib.from_numpy(x), p))


@pytest.mark.parametrize("name", CALLS)
def test_gradient_and_inplace(name):
    x = np.random.default_rng(0).normal(size=SHAPES.get(name, (8, 7))).astype(np.float32)

    def f(lib, F, x):
        lib.manual_seed(5)
        return CALLS[name](F, x, 0.3)

    def written(lib, F, x):
        lib.manual_seed(5)
        y = x * 1
        assert CALLS[name](F, y, 0.3, inplace=True) is y
        return y

    check(f, x)
    check(written, x, order=1)


@settings(max_examples=50, deadline=None)
@given(
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple),
    order=st.randoms(use_true_random=False),
    step=st.integers(1, 2),
)
def test_words_follow_the_memory(shape, order, step):
    """The noise is laid out as the input, and drawn in the order of memory."""
    dims = list(range(len(shape)))
    order.shuffle(dims)
    x = np.ones((shape[0] * step, *shape[1:]), np.float32)
    same_bits(lambda lib, F: F.dropout(lib.from_numpy(x)[::step].permute(dims), 0.5))


def test_unbatched_channels():
    same_bits(lambda lib, F: F.dropout1d(lib.ones(6, 3)))
    same_bits(lambda lib, F: F.dropout3d(lib.ones(6, 2, 2, 2)))


def test_evaluation_returns_the_input_itself():
    x = mt.ones(3, 4, 5)
    F = mt.nn.functional
    assert F.dropout(x, training=False) is x
    assert F.alpha_dropout(x) is x
    assert F.feature_alpha_dropout(x) is x
    assert F.dropout(x, p=0.0) is x


def test_warnings():
    for lib, F in (OURS, TORCH):
        with pytest.warns(UserWarning, match="dropout2d: Received a 2-D input"):
            F.dropout2d(lib.ones(3, 4))
        with pytest.warns(UserWarning, match="Received a 3D input to dropout2d"):
            F.dropout2d(lib.ones(3, 4, 2))
        with pytest.warns(UserWarning, match="dropout3d: Received a 3-D input"):
            F.dropout3d(lib.ones(3, 4, 2))


@pytest.mark.parametrize("name", ["dropout", "alpha_dropout", "feature_alpha_dropout", "dropout1d"])
@pytest.mark.parametrize("layout", ["transposed", "expanded", "sliced"])
def test_layouts(name, layout):
    """Elements are drawn as they lie in memory; masks of whole channels row by row."""

    def call(lib, F):
        x = lib.arange(35.0).reshape(5, 7)
        x = {"transposed": x.t(), "expanded": x[:1].expand(5, 7), "sliced": x[:, ::2]}[layout]
        return CALLS[name](F, x, 0.4)

    same_bits(call)


def test_alpha_dropout_keeps_the_moments():
    mt.manual_seed(0)
    x = mt.nn.functional.selu(mt.randn(200_000))
    y = mt.nn.functional.alpha_dropout(x, 0.3, training=True)
    assert abs(y.mean().item() - x.mean().item()) < 0.02
    assert abs(y.std().item() - x.std().item()) < 0.02


ERRORS = """
F.dropout(R(3),p=2)
F.dropout(R(3),p=-0.1)
F.dropout(lib.tensor([1,2]),p=.5)
F.dropout1d(R(3))
F.dropout2d(R(3))
F.feature_alpha_dropout(R(3),training=True)
F.alpha_dropout(R(3),p=1.5)
""".strip().splitlines()


@pytest.mark.parametrize("call", ERRORS)
def test_errors(call):
    same_error(lambda lib, F: eval(call, {"lib": lib, "F": F, "R": lib.rand}))


def test_checker_notices_another_stream():
    with pytest.raises(AssertionError):
        same_bits(lambda lib, F: F.dropout(lib.ones(50), 0.5 if lib is torch else 0.4))
    with pytest.raises(AssertionError):
        same_bits(lambda lib, F: F.dropout(lib.ones(50) if lib is torch else lib.ones(51)[:50] * lib.rand(1).sign()))

"""nn.init: the same bits as torch from the same seed, the same messages, and the laws promised."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from bits import same_bits
from hypothesis import given, settings
from hypothesis import strategies as st
from nn_cases import ENGINES, array, same

import minitorch_ref as mt

FILLS = {
    "uniform": lambda i, t: i.uniform_(t, -2.0, 3.0),
    "normal": lambda i, t: i.normal_(t, 1.0, 0.5),
    "constant": lambda i, t: i.constant_(t, 0.3),
    "ones": lambda i, t: i.ones_(t),
    "zeros": lambda i, t: i.zeros_(t),
    "eye": lambda i, t: i.eye_(t),
    "xavier_uniform": lambda i, t: i.xavier_uniform_(t, gain=2.0),
    "xavier_normal": lambda i, t: i.xavier_normal_(t),
    "kaiming_uniform": lambda i, t: i.kaiming_uniform_(t, a=math.sqrt(5)),
    "kaiming_uniform-out": lambda i, t: i.kaiming_uniform_(t, mode="fan_out", nonlinearity="relu"),
    "kaiming_normal": lambda i, t: i.kaiming_normal_(t, nonlinearity="relu"),
    "kaiming_normal-out": lambda i, t: i.kaiming_normal_(t, 0.1, "fan_out"),
    "trunc_normal": lambda i, t: i.trunc_normal_(t, std=0.02),
    "trunc_normal-redraw": lambda i, t: i.trunc_normal_(t, 0.1, 1.0, -0.8, 1.0),
    "trunc_normal-tail": lambda i, t: i.trunc_normal_(t, 0.0, 1.0, 1.0, 3.0),
    "trunc_normal-narrow": lambda i, t: i.trunc_normal_(t, 0.0, 1.0, -0.1, 0.1),
    "sparse": lambda i, t: i.sparse_(t, 0.4),
}
SHAPES = [(3, 5), (16, 10), (7, 4, 3), (4, 6, 3, 2), (2, 2, 2, 2, 3), (1, 1)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("fill", FILLS.values(), ids=FILLS)
def test_same_bits(fill, shape, dtype):
    if fill in (FILLS["eye"], FILLS["sparse"]):
        shape = shape[:2]
    results = []
    for engine in ENGINES:
        engine.manual_seed(5)
        tensor = engine.empty(shape, dtype=getattr(engine, dtype), requires_grad=True)
        assert fill(engine.nn.init, tensor) is tensor
        assert tensor.requires_grad and tensor.is_leaf
        results.append((array(tensor), engine.rand(1).item()))
    (ours, our_next), (theirs, their_next) = results
    assert same_bits(ours, theirs)
    assert our_next == their_next, "a different number of random words was drawn"


@pytest.mark.parametrize("name", ["uniform_", "normal_", "trunc_normal_", "xavier_uniform_",
                                  "xavier_normal_", "kaiming_uniform_", "kaiming_normal_",
                                  "orthogonal_"])  # fmt: skip
def test_generator_is_used_and_the_default_one_left_alone(name):
    results = []
    for engine in ENGINES:
        engine.manual_seed(1)
        generator = engine.Generator().manual_seed(9)
        tensor = getattr(engine.nn.init, name)(engine.empty(20, 3), generator=generator)
        results.append((array(tensor), engine.rand(1).item(), engine.rand(1, generator=generator)))
    tolerance = 2e-6 if name == "orthogonal_" else 0
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=tolerance, atol=tolerance)
    assert results[0][1] == results[1][1] and results[0][2].item() == results[1][2].item()


@pytest.mark.parametrize("shape, groups", [((4, 2, 3), 1), ((6, 2, 3, 4), 2), ((2, 4, 1, 2, 3), 1)])
def test_dirac(shape, groups):
    same(lambda e: e.nn.init.dirac_(e.ones(shape), groups))


def test_dirac_passes_channels_on():
    conv = mt.nn.Conv2d(4, 4, 3, padding=1, groups=2, bias=False)
    mt.nn.init.dirac_(conv.weight, groups=2)
    x = mt.randn(2, 4, 5, 5)
    np.testing.assert_array_equal(array(conv(x)), array(x))


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 3), st.integers(0, 1000))
def test_orthogonal(rows, columns, depth, seed):
    """Orthonormal rows or columns, and torch's values to rounding (LAPACK's own order aside)."""
    results = []
    for engine in ENGINES:
        engine.manual_seed(seed)
        tensor = engine.empty(rows, columns, depth, dtype=engine.float64)
        results.append(array(engine.nn.init.orthogonal_(tensor, gain=1.5)))
    flat = results[0].reshape(rows, -1) / 1.5
    gram = flat @ flat.T if flat.shape[0] <= flat.shape[1] else flat.T @ flat
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-13)
    # A nearly singular draw magnifies rounding: compare where the matrix is well conditioned.
    np.testing.assert_allclose(results[0], results[1], rtol=1e-7, atol=1e-9)


def test_trunc_normal_stays_within_and_keeps_its_moments():
    mt.manual_seed(0)
    for a, b in ((-2.0, 2.0), (1.0, 3.0), (-0.1, 0.1)):
        x = array(mt.nn.init.trunc_normal_(mt.empty(200, 200, dtype=mt.float64), a=a, b=b))
        from scipy.stats import truncnorm

        law = truncnorm(a, b)
        assert x.min() >= a and x.max() <= b
        assert abs(x.mean() - law.mean()) < 5 * law.std() / 200  # five standard errors
        assert abs(x.std() - law.std()) < 5 * law.std() / 200


MESSAGES = {
    "fan-1d": lambda e: e.nn.init.xavier_uniform_(e.ones(3)),
    "mode": lambda e: e.nn.init.kaiming_uniform_(e.ones(3, 3), mode="fan_none"),
    "mode-upper": lambda e: tuple(e.nn.init.kaiming_uniform_(e.ones(3, 3), mode="FAN_IN").shape),
    "nonlinearity": lambda e: e.nn.init.kaiming_normal_(e.ones(3, 3), nonlinearity="step"),
    "eye-dims": lambda e: e.nn.init.eye_(e.ones(3)),
    "dirac-dims": lambda e: e.nn.init.dirac_(e.ones(3, 3)),
    "dirac-groups": lambda e: e.nn.init.dirac_(e.ones(3, 3, 3), groups=2),
    "orthogonal-dims": lambda e: e.nn.init.orthogonal_(e.ones(3)),
    "sparse-dims": lambda e: e.nn.init.sparse_(e.ones(3), 0.1),
    "empty": lambda e: e.nn.init.kaiming_uniform_(e.ones(0, 3)),
    "empty-normal": lambda e: e.nn.init.kaiming_normal_(e.ones(3, 0)),
    "empty-orthogonal": lambda e: e.nn.init.orthogonal_(e.ones(3, 0)),
    "trunc-far": lambda e: e.nn.init.trunc_normal_(e.zeros(0), mean=9.0),
    "retired": lambda e: e.nn.init.constant(e.ones(2), 3.0),
    "retired-xavier": lambda e: e.nn.init.xavier_uniform(e.ones(2, 2), 0.0),
    "slope": lambda e: e.nn.init.calculate_gain("leaky_relu", True),
    "gain-unknown": lambda e: e.nn.init.calculate_gain("x"),
    "empty-linear": lambda e: tuple(e.nn.Linear(0, 3).weight.shape),
}  # fmt: skip


@pytest.mark.parametrize("story", MESSAGES.values(), ids=MESSAGES)
def test_messages(story):
    same(story)


def test_gains():
    names = [
        "linear",
        "conv1d",
        "conv_transpose3d",
        "sigmoid",
        "tanh",
        "relu",
        "selu",
        "leaky_relu",
    ]
    same(lambda e: [e.nn.init.calculate_gain(name) for name in names])
    same(lambda e: [e.nn.init.calculate_gain("leaky_relu", slope) for slope in (0, 0.2, 1, 5.0)])


def test_non_contiguous_tensors_are_filled_in_logical_order():
    for fill in (lambda e, t: e.nn.init.uniform_(t), lambda e, t: e.nn.init.kaiming_normal_(t)):
        results = []
        for engine in ENGINES:
            engine.manual_seed(2)
            base = engine.zeros(6, 8)
            fill(engine, base.t()[::2])
            results.append(array(base))
        assert same_bits(*results)


def test_all_of_torchs_names_are_here():
    assert set(torch.nn.init.__all__) <= set(dir(mt.nn.init))

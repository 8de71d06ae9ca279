"""torch.gradient beside torch, and on polynomials, for which it is exact."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from others_sides import assert_same

import minitorch_ref as mt


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_as_torch(data):
    rng = np.random.RandomState(data.draw(st.integers(0, 99)))
    shape = tuple(data.draw(st.lists(st.integers(3, 5), min_size=1, max_size=3)))
    order = data.draw(st.sampled_from([1, 2]))
    dims = data.draw(st.none() | st.permutations(range(len(shape))))
    which = range(len(shape)) if dims is None else dims
    kind = data.draw(st.sampled_from(["none", "number", "list", "points"]))
    points = [np.cumsum(rng.rand(shape[d]) + 0.1) for d in which]
    steps = [float(s) for s in rng.rand(len(points)) + 0.25]

    def call(e, x):
        spacing = {
            "none": 1, "number": steps[0], "list": steps, "points": [e.from_numpy(p) for p in points],
        }[kind]  # fmt: skip
        return e.gradient(x, spacing=spacing, dim=dims, edge_order=order)

    assert_same(call, rng.randn(*shape), tolerance=1e-11)


@settings(max_examples=100, deadline=None)
@given(st.integers(3, 9), st.tuples(*[st.floats(-3, 3)] * 3), st.integers(0, 99))
def test_second_order_is_exact_for_parabolas(n, coefficients, seed):
    a, b, c = coefficients
    at = np.cumsum(np.random.RandomState(seed).rand(n) + 0.25)
    x = mt.from_numpy(a * at**2 + b * at + c)
    (slope,) = mt.gradient(x, spacing=(mt.from_numpy(at),), edge_order=2)
    np.testing.assert_allclose(slope.numpy(), 2 * a * at + b, atol=1e-9)


BAD = [
    lambda e: e.gradient(e.ones(1)), lambda e: e.gradient(e.ones(4), edge_order=3),
    lambda e: e.gradient(e.ones(2), edge_order=2), lambda e: e.gradient(e.ones(3, 3), spacing=[1.0] * 3),
    lambda e: e.gradient(e.ones(3, 3), dim=0, spacing=[1.0, 2.0]),
    lambda e: e.gradient(e.ones(3, 3), dim=(0, 0)), lambda e: e.gradient(e.ones(3), dim=4),
    lambda e: e.gradient(e.ones(3), spacing=(e.ones(1, 3),)),
]  # fmt: skip


@pytest.mark.parametrize("call", BAD)
def test_refusals(call):
    assert_same(call)

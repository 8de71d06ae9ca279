"""CrossMapLRN2d: the formula written out, and torch's bits."""

from __future__ import annotations

import numpy as np
import pytest
from nn_cases import ENGINES

import minitorch_ref as mt

SIZES = [(2, 5), (3, 6), (4, 3), (5, 2), (5, 8)]


@pytest.mark.parametrize("size, channels", SIZES)
def test_values_and_gradients_are_torchs(size, channels):
    x = np.random.default_rng(0).standard_normal((2, channels, 3, 4))
    seen = []
    for e in ENGINES:
        layer = e.nn.CrossMapLRN2d(size, alpha=0.5, beta=0.75, k=2)
        t = e.tensor(x, requires_grad=True)
        y = layer(t)
        y.backward(e.tensor(np.cos(x)))
        assert repr(layer) == f"CrossMapLRN2d({size}, alpha=0.5, beta=0.75, k=2)"
        assert type(y.grad_fn).__name__ == "CrossMapLRN2dBackward"
        seen.append((np.asarray(y.detach()), np.asarray(t.grad)))
    for a, b in zip(*seen):
        np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-15)


def test_values_are_those_of_the_formula():
    size, x = 3, np.random.default_rng(0).standard_normal((1, 5, 2, 2))
    y = mt.nn.CrossMapLRN2d(size, alpha=0.5, beta=0.5, k=1.5)(mt.tensor(x)).numpy()
    for c in range(5):
        around = {max(0, c - 1), c, min(4, c + 1), 0}  # 0: torch never takes the first one off
        s = (x[:, sorted(around)] ** 2).sum(1)
        np.testing.assert_allclose(y[:, c], x[:, c] / np.sqrt(1.5 + 0.5 / size * s), rtol=1e-12)


def test_a_size_of_one_has_no_gradient():
    for e in ENGINES:
        x = e.ones(1, 3, 2, 2, requires_grad=True)
        with pytest.raises(RuntimeError, match="exceeds dimension size"):
            e.nn.CrossMapLRN2d(1)(x).sum().backward()


def test_other_dims_are_refused():
    for e in ENGINES:
        with pytest.raises(ValueError, match="Expected input to be 4D, got 3D instead"):
            e.nn.CrossMapLRN2d(3)(e.zeros(2, 3, 4))

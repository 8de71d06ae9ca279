"""Orthogonal polynomials: torch's bits, identities between families, edges of degree and argument."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minitorch_ref as mt
from minitorch_ref.kernels.polynomials import KERNELS

NAMES = sorted(KERNELS)


def values(name, x, n):
    theirs = getattr(torch.special, name)(torch.from_numpy(x), torch.from_numpy(n)).numpy()
    return theirs, getattr(mt.special, name)(mt.from_numpy(x), mt.from_numpy(n)).numpy()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_torchs_bits(name, dtype):
    r = np.random.default_rng(NAMES.index(name))
    x, n = r.uniform(-1.5, 2, 600).astype(dtype), r.integers(-2, 40, 600).astype(dtype)
    x[:12] = np.array([0, -0.0, 1, -1, 0.5, np.inf, -np.inf, 2, -2, 0.999999, -0.999999, 0.25])
    theirs, ours = values(name, x, n)
    assert np.array_equal(ours, theirs, equal_nan=True)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(name=st.sampled_from(NAMES), x=st.floats(-2, 2, width=32), n=st.floats(-3, 60, width=32))
def test_torchs_bits_anywhere(name, x, n):
    theirs, ours = values(name, np.array([x], np.float32), np.array([n], np.float32))
    assert np.array_equal(ours, theirs, equal_nan=True)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n", [np.nan, np.inf, -np.inf, 1e30, -5.0])
def test_degrees_that_are_none_give_zero(name, n):
    theirs, ours = values(name, np.full(2, 0.5), np.full(2, n))
    assert ours.tolist() == [0.0, 0.0] == theirs.tolist()


@pytest.mark.parametrize("name, limit, dtype", [
    ("hermite_polynomial_h", 128, "float32"), ("hermite_polynomial_he", 128, "float32"), ("hermite_polynomial_h", 512, "float64"),
])
def test_a_hermite_degree_beyond_the_limit_is_nan(name, limit, dtype):
    n = np.array([3, limit - 1, limit, limit + 1], dtype)
    theirs, ours = values(name, np.full(4, 1e-3, dtype), n)
    assert np.array_equal(ours, theirs, equal_nan=True) and np.isnan(ours[3]) and not np.isnan(ours[0])


def at(name, x, n):
    return getattr(mt.special, name)(mt.from_numpy(x), n).numpy()


def test_identities_between_the_families():
    x = np.linspace(-0.95, 0.95, 41)
    for n in (0, 1, 3, 7, 12):
        theta = np.arccos(x)
        np.testing.assert_allclose(at("chebyshev_polynomial_t", x, n), np.cos(n * theta), atol=1e-12)
        np.testing.assert_allclose(at("chebyshev_polynomial_u", x, n) * np.sin(theta), np.sin((n + 1) * theta), atol=1e-12)
        np.testing.assert_allclose(at("shifted_chebyshev_polynomial_t", (x + 1) / 2, n), at("chebyshev_polynomial_t", x, n), atol=1e-11)
        np.testing.assert_allclose(at("hermite_polynomial_h", x, n), 2 ** (n / 2) * at("hermite_polynomial_he", x * np.sqrt(2), n), rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(at("legendre_polynomial_p", x, n), np.polynomial.legendre.legval(x, np.eye(n + 1)[n]), atol=1e-12)
        np.testing.assert_allclose(at("laguerre_polynomial_l", x, n), np.polynomial.laguerre.lagval(x, np.eye(n + 1)[n]), rtol=1e-10, atol=1e-12)


def test_numbers_keywords_and_shapes():
    x = mt.tensor([[0.5], [0.25]])
    n = mt.tensor([1.0, 2.0, 3.0])
    assert tuple(mt.special.legendre_polynomial_p(x, n).shape) == (2, 3)
    assert mt.special.legendre_polynomial_p(x=0.5, n=n).tolist() == torch.special.legendre_polynomial_p(x=0.5, n=torch.tensor([1.0, 2, 3])).tolist()
    assert mt.special.legendre_polynomial_p(mt.tensor(0.5), 3).shape == ()
    assert mt.special.chebyshev_polynomial_t(mt.zeros(0), 3).shape == (0,)
    with pytest.raises(TypeError):
        mt.special.legendre_polynomial_p(1, 2)
    with pytest.raises(RuntimeError, match="must match the size"):
        mt.special.legendre_polynomial_p(mt.zeros(2), mt.zeros(3))


def test_results_are_not_recorded():
    x = mt.tensor([0.5], requires_grad=True)
    assert not mt.special.chebyshev_polynomial_u(x, 3).requires_grad

"""The derived bounds: the textbook's numbers, kept by honest sums, broken by dishonest ones."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from parity import bounds


def test_gamma():
    u = 2.0**-24
    assert bounds.gamma(1, u) == pytest.approx(u / (1 - u))
    assert bounds.gamma(1000, u) == pytest.approx(1000 * u / (1 - 1000 * u))
    assert np.isinf(bounds.gamma(2.0**24, u))


def test_sensitivity_of_a_product_is_twice_the_product_of_magnitudes():
    """J of A@B seen from A and from B each give |A||B|; a row depends on 2n inputs."""
    a = torch.randn(3, 5, dtype=torch.float64, requires_grad=True)
    b = torch.randn(5, 2, dtype=torch.float64, requires_grad=True)
    weight, terms = bounds.sensitivity(torch, a @ b, [a, b], np.arange(6))
    assert np.allclose(weight, 2 * (a.abs() @ b.abs()).detach().numpy().ravel(), rtol=1e-14)
    assert terms.tolist() == [10] * 6


def test_sensitivity_counts_only_what_an_output_depends_on():
    x = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    weight, terms = bounds.sensitivity(torch, x.sum(1), [x], np.array([1]))
    assert terms.tolist() == [4] and weight[0] == pytest.approx(float(x[1].abs().sum().detach()))


def test_sensitivity_of_complex_outputs():
    z = torch.randn(4, dtype=torch.complex128, requires_grad=True)
    weight, terms = bounds.sensitivity(torch, z.sum(), [z], np.array([0]))
    assert weight[0] >= float(z.abs().sum().detach()) * 0.999 and terms[0] >= 4


@pytest.mark.parametrize("error", [RuntimeError, ValueError, NotImplementedError])
def test_an_op_without_a_derivative_has_no_sensitivity(error):
    class Refusing(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            raise error("there is none")

    x = torch.ones(2, dtype=torch.float64, requires_grad=True)
    y, rows = Refusing.apply(x), np.arange(2)
    assert bounds.sensitivity(torch, y, [x], rows) is None
    assert bounds.of_gradient(torch, [y], [torch.ones_like(y)], x, rows) is None


@given(st.integers(1, 400), st.integers(0, 2**31), st.sampled_from([np.float32, np.float64]))
@settings(max_examples=60, deadline=None)
def test_sequential_float_sums_keep_the_bound(n, seed, dtype):
    x = (np.random.default_rng(seed).normal(size=n) * 10).astype(dtype)
    total = dtype(0)
    for v in x:
        total = dtype(total + v)
    exact = np.sum(x.astype(np.longdouble))
    unit = bounds.UNIT[np.dtype(dtype).name]
    assert abs(np.longdouble(total) - exact) <= bounds.gamma(n, unit) * np.sum(np.abs(x.astype(np.longdouble)))


def test_a_truncated_product_breaks_the_bound():
    """TF32-like truncation of the inputs to 10 bits is far outside of γ."""
    r = np.random.default_rng(0)
    a, b = r.normal(size=(8, 8)).astype(np.float32), r.normal(size=(8, 8)).astype(np.float32)
    short = (a.view(np.int32) & ~0x1FFF).view(np.float32) @ (b.view(np.int32) & ~0x1FFF).view(np.float32)
    off = np.abs(short.astype(np.float64) - a.astype(np.float64) @ b.astype(np.float64))
    allowed = bounds.allowance(np.full(64, 16.0), 4, "float32").reshape(8, 8) * (np.abs(a) @ np.abs(b))
    assert (off > allowed).mean() > 0.9


def test_half_accumulates_in_float32():
    assert bounds.allowance(np.array([1000.0]), 1, "float16")[0] < 2 * 2.0**-11

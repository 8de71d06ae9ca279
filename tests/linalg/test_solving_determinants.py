"""Determinants: exact oracles, products, singular matrices and their cofactors, derivatives."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from decomposition_sides import (
    DTYPES,
    array_of,
    assert_same_derivatives,
    error_of,
    listed,
    matrix,
    of,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp

import minitorch_ref as mt

NAMES = ["det", "linalg.det", "slogdet", "linalg.slogdet", "logdet"]


def exact(a):
    """The determinant with 60 digits."""
    with mp.workdps(60):
        return complex(mp.det(mp.matrix(a.tolist()))) if len(a) else 1


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 6), st.sampled_from(DTYPES), st.integers(0, 99), st.booleans())
def test_against_sixty_digits(n, dtype, seed, transposed):
    a = matrix((n, n), dtype, seed)
    a = a.T if transposed else a
    truth = exact(a)
    x = mt.from_numpy(a)
    det, (sign, logarithm) = array_of(mt.det(x)), map(array_of, mt.slogdet(x))
    assert det.dtype == a.dtype == sign.dtype and logarithm.dtype == a.real.dtype
    theirs = abs(array_of(torch.det(torch.from_numpy(a.copy()))) - truth)
    tolerance = np.finfo(a.dtype).eps * abs(truth)
    assert abs(det - truth) <= max(theirs, 20 * (n + 1) * tolerance)
    assert abs(sign * np.exp(logarithm.astype(np.float64)) - truth) <= 40 * (n + 1) * tolerance


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 5), st.lists(st.integers(0, 3), max_size=2), st.integers(0, 99))
def test_the_determinant_of_a_product(n, batch, seed):
    a, b = (mt.from_numpy(matrix((*batch, n, n), seed=seed + i)) for i in (0, 1))
    together, apart = mt.det(a @ b), mt.det(a) * mt.det(b)
    assert tuple(together.shape) == tuple(batch)
    np.testing.assert_allclose(array_of(together), array_of(apart), rtol=1e-10)


def cofactors(a):
    """Signed minors by their definition."""
    n = len(a)
    found = np.empty_like(a)
    for i, j in itertools.product(range(n), repeat=2):
        minor = np.delete(np.delete(a, i, 0), j, 1)
        found[i, j] = (-1) ** (i + j) * (np.linalg.det(minor) if n > 1 else 1)
    return found


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("rank", [0, 1, 2, 3])
@pytest.mark.parametrize("n", [1, 3, 4])
def test_the_gradient_is_the_matrix_of_cofactors_at_any_rank(n, rank, dtype):
    a = matrix((n, n), dtype)
    u, s, vh = np.linalg.svd(a)
    a = (u[:, :rank] * s[:rank]) @ vh[:rank]
    x = mt.tensor(np.stack([a, matrix((n, n), dtype, 3)]), requires_grad=True)
    det = mt.det(x)
    (det.real if dtype == "complex128" else det).sum().backward()
    for gradient, value in zip(array_of(x.grad), array_of(x)):
        np.testing.assert_allclose(gradient, np.conj(cofactors(value)), atol=1e-11)


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(3, 3), (2, 4, 4), (2, 1, 2, 2), (0, 3, 3)], ids=str)
def test_derivatives_are_torchs(shape, name, dtype):
    assert_same_derivatives(lambda side: of(side, name), [matrix(shape, dtype)])


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_derivatives_by_differences(dtype):
    x = mt.tensor(matrix((2, 3, 3), dtype), requires_grad=True)
    for name in ("det", "slogdet", "logdet"):
        function = of(mt, name)
        picked = (lambda a: function(a)[1]) if name == "slogdet" else function  # noqa: B023
        assert mt.autograd.gradcheck(picked, (x,)) and mt.autograd.gradgradcheck(picked, (x,))
    phase = (lambda a: mt.slogdet(a)[0])
    if dtype == "complex128":
        assert mt.autograd.gradcheck(phase, (x,)) and mt.autograd.gradgradcheck(phase, (x,))
    for values in ([1.0, 2.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [2.0, 2.0, 0.0]):
        singular = mt.tensor(np.diag(values).astype(dtype), requires_grad=True)
        assert mt.autograd.gradcheck(mt.det, (singular,))
        assert mt.autograd.gradgradcheck(mt.det, (singular,))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "a",
    [[[1.0, 2.0], [2.0, 4.0]], [[0.0, 0.0], [0.0, 0.0]], [[-1.0, 0.0], [0.0, 2.0]],
     [[float("nan"), 1.0], [1.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]],
    ids=str,
)  # fmt: skip
def test_signs_zeros_and_nan_are_torchs(a, dtype, name):
    ours, theirs = ([array_of(x) for x in listed(of(s, name)(s.tensor(a, dtype=of(s, dtype))))]
        for s in (mt, torch))  # fmt: skip
    for x, y in zip(ours, theirs, strict=True):
        assert x.dtype == y.dtype
        np.testing.assert_allclose(x, y, rtol=1e-6)
        assert np.isnan(y).any() or np.array_equal(np.signbit(x), np.signbit(y))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["vector", "scalar", "rectangle", "half", "integers", "booleans"])
def test_bad_arguments_raise_torchs_error(kind, name):
    def call(side):
        x = {
            "vector": side.ones(3), "scalar": side.tensor(1.0), "rectangle": side.ones(2, 3),
            "half": side.ones(2, 2).half(), "integers": side.ones(2, 2, dtype=side.int64),
            "booleans": side.ones(2, 2, dtype=side.bool),
        }[kind]  # fmt: skip
        return of(side, name)(x)

    theirs = error_of(lambda: call(torch))
    assert theirs is not None and error_of(lambda: call(mt)) == theirs


def test_results_are_named():
    a = mt.eye(2)
    assert mt.slogdet(a).sign.item() == 1 and mt.linalg.slogdet(a).logabsdet.item() == 0
    assert repr(mt.linalg.slogdet(a)) == repr(torch.linalg.slogdet(torch.eye(2)))

"""Powers, the exponential, chains of products, covariances, and names that torch has retired."""

from __future__ import annotations

import warnings

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

MIXED = ["float64", "complex128"]


@settings(max_examples=120, deadline=None)
@given(
    st.integers(1, 5),
    st.lists(st.integers(0, 2), max_size=1),
    st.sampled_from(DTYPES),
    st.integers(0, 99),
    st.sampled_from([1e-9, 1e-5, 1e-2, 0.3, 2.0, 20.0]),
)
def test_the_exponential_against_forty_digits(n, batch, dtype, seed, size):
    """Within 20·n·ε in norm, or no worse than twice torch (each squaring doubles the error)."""
    a = (matrix((*batch, n, n), dtype, seed) - 2 * np.eye(n)).astype(dtype) * a_number(dtype, size)
    ours = array_of(mt.matrix_exp(mt.from_numpy(a)))
    theirs = array_of(torch.matrix_exp(torch.from_numpy(a)))
    assert ours.shape == a.shape and ours.dtype == a.dtype
    for x, y, m in zip(*(v.reshape(-1, n, n) for v in (ours, theirs, a))):
        with mp.workdps(40):
            truth = np.array(mp.expm(mp.matrix(m.tolist())).tolist(), complex).reshape(n, n)
        error, other = (np.abs(v - truth).max() for v in (x, y))
        bound = 20 * n * np.finfo(dtype).eps * np.abs(truth).max()
        assert error <= max(2 * other, bound)


def a_number(dtype, value):
    return np.dtype(dtype).type(value).real


@pytest.mark.parametrize("n", [-2, -1, 0, 1, 2, 3, 4, 5, 7, 8])
@pytest.mark.parametrize("dtype", MIXED)
def test_powers(dtype, n):
    assert_same_derivatives(lambda s: lambda a: s.matrix_power(a, n), [matrix((2, 3, 3), dtype)])
    x = mt.from_numpy(matrix((3, 3), dtype))
    expected = np.linalg.matrix_power(array_of(x), n)
    np.testing.assert_allclose(array_of(mt.linalg.matrix_power(x, n)), expected, rtol=1e-11)


@given(st.integers(0, 6), st.integers(0, 6))
@settings(max_examples=50, deadline=None)
def test_powers_of_integers_are_exact(m, n):
    a = mt.tensor([[1, 2, 0], [0, 1, -1], [3, 0, 1]])
    assert mt.equal(a.matrix_power(m) @ a.matrix_power(n), a.matrix_power(m + n))


@pytest.mark.parametrize("dtype", MIXED)
@pytest.mark.parametrize("size", [1e-10, 1e-4, 0.1, 0.4, 3.0])
def test_derivatives_of_the_exponential(size, dtype):
    a = matrix((2, 3, 3), dtype) * size
    assert_same_derivatives(lambda s: s.linalg.matrix_exp, [a])
    x = mt.tensor(a * min(1, 1 / size), requires_grad=True)
    assert mt.autograd.gradcheck(mt.matrix_exp, (x,))


def test_the_exponential_of_what_is_not_finite():
    a = np.zeros((2, 2, 2))
    a[0, 0, 0] = np.inf
    ours, theirs = (array_of(s.matrix_exp(s.from_numpy(a))) for s in (mt, torch))
    np.testing.assert_array_equal(ours, theirs)


FUNCTIONS = {
    "multi_dot": lambda s: lambda a, b: s.linalg.multi_dot([a, b, a]),
    "multi_dot vectors": lambda s: lambda a, b: s.linalg.multi_dot([a[0], b, a[1]]),
    "multi_dot two vectors": lambda s: lambda a, b: s.linalg.multi_dot([a[0], b[1]]),
    "vecdot": lambda s: s.linalg.vecdot,
    "vecdot dim": lambda s: lambda a, b: s.linalg.vecdot(a, b, dim=0),
    "cross": lambda s: s.linalg.cross,
    "vander": lambda s: lambda a, b: s.linalg.vander(a, N=4),
    "diagonal": lambda s: lambda a, b: s.linalg.diagonal(a, offset=1),
    "matmul": lambda s: s.linalg.matmul,
    "cov": lambda s: lambda a, b: s.cov(a),
    "cov correction": lambda s: lambda a, b: s.cov(a, correction=0),
    "cov frequencies": lambda s: lambda a, b: s.cov(a, fweights=s.tensor([1, 3, 2])),
    "corrcoef": lambda s: lambda a, b: s.corrcoef(a),
}


@pytest.mark.parametrize("dtype", MIXED)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives_are_torchs(name, dtype):
    arrays = [matrix((3, 3), dtype, 1), matrix((3, 3), dtype, 2)]
    assert_same_derivatives(FUNCTIONS[name], arrays)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 4), st.integers(2, 8), st.integers(0, 2), st.integers(0, 99))
def test_covariances_are_what_numpy_says(rows, columns, correction, seed):
    draw = np.random.default_rng(seed)
    x, f, w = draw.normal(size=(rows, columns)), draw.integers(1, 4, columns), draw.random(columns)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = np.cov(x, ddof=correction, fweights=f, aweights=w)
        ours = mt.cov(
            mt.tensor(x), correction=correction, fweights=mt.tensor(f), aweights=mt.tensor(w)
        )
        theirs = torch.cov(
            torch.tensor(x), correction=correction, fweights=torch.tensor(f),
            aweights=torch.tensor(w),
        )  # fmt: skip
    np.testing.assert_allclose(array_of(ours), array_of(theirs), rtol=1e-10)
    if np.isfinite(expected).all() and np.isfinite(array_of(theirs)).all():
        np.testing.assert_allclose(array_of(ours), expected, rtol=1e-9, atol=1e-12)
    if rows > 1:
        np.testing.assert_allclose(array_of(mt.corrcoef(mt.tensor(x))), np.corrcoef(x), atol=1e-10)


@pytest.mark.parametrize("dtype", ["int64", "uint8", "float16", "float32", "complex64"])
def test_the_dtype_of_a_covariance(dtype):
    x = np.arange(8).reshape(2, 4).astype(dtype)
    for name in ("cov", "corrcoef"):
        ours, theirs = (array_of(of(s, name)(s.from_numpy(x))) for s in (mt, torch))
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rtol=1e-3)


BAD = {
    "power of a rectangle": lambda s: s.matrix_power(s.ones(2, 3), 2),
    "power of booleans": lambda s: s.matrix_power(s.ones(2, 2, dtype=s.bool), 2),
    "inverse of integers": lambda s: s.matrix_power(s.ones(2, 2, dtype=s.int64), -1),
    "power out": lambda s: s.matrix_power(s.eye(2), 3, out=s.empty(0, dtype=s.int64)),
    "power out wider": lambda s: s.matrix_power(s.eye(2), 3, out=s.empty(0).double()),
    "exp of integers": lambda s: s.matrix_exp(s.ones(2, 2, dtype=s.int64)),
    "exp of a rectangle": lambda s: s.linalg.matrix_exp(s.ones(2, 3)),
    "exp of a vector": lambda s: s.linalg.matrix_exp(s.ones(2)),
    "one": lambda s: s.linalg.multi_dot([s.ones(2, 2)]),
    "none": lambda s: s.linalg.multi_dot([]),
    "first": lambda s: s.linalg.multi_dot([s.ones(2, 2, 2), s.ones(2, 2)]),
    "last": lambda s: s.linalg.multi_dot([s.ones(2, 2), s.tensor(1.0)]),
    "middle": lambda s: s.linalg.multi_dot([s.ones(2, 2), s.ones(2), s.ones(2)]),
    "sizes": lambda s: s.linalg.multi_dot([s.ones(2, 3), s.ones(2, 3)]),
    "dtypes": lambda s: s.linalg.multi_dot([s.ones(2, 2), s.ones(2, 2).double()]),
    "vecdot integers": lambda s: s.linalg.vecdot(s.tensor([1]), s.tensor([1])),
    "vecdot sizes": lambda s: s.linalg.vecdot(s.ones(3), s.ones(4)),
    "vecdot out": lambda s: s.linalg.vecdot(s.ones(3), s.ones(3), out=s.empty(()).double()),
    "cross": lambda s: s.linalg.cross(s.ones(4), s.ones(4)),
    "cross dim": lambda s: s.linalg.cross(s.ones(3, 4), s.ones(3, 4)),
    "vander": lambda s: s.linalg.vander(s.ones(3), N=1),
    "vander half": lambda s: s.linalg.vander(s.ones(3).half()),
    "cov": lambda s: s.cov(s.ones(2, 2, 2)),
    "cov weights": lambda s: s.cov(s.ones(2, 3), fweights=s.ones(3)),
    "cov negative": lambda s: s.cov(s.ones(2, 3), fweights=s.tensor([1, 1, -1])),
    "cov zero": lambda s: s.cov(s.ones(2, 3), aweights=s.zeros(3)),
    "corrcoef": lambda s: s.corrcoef(s.ones(2, 2, 2)),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_raise_torchs_error(name):
    ours, theirs = error_of(lambda: BAD[name](mt)), error_of(lambda: BAD[name](torch))
    assert theirs is not None and ours == theirs


@pytest.mark.parametrize("name", ["eig", "symeig", "solve", "lstsq", "matrix_rank"])
def test_retired_names_say_what_took_their_place(name):
    def message(side, method):
        a = side.eye(2)
        try:
            getattr(a, name)(a) if method else of(side, name)(a, a)
        except RuntimeError as error:
            return str(error)
        return None

    for method in (False, True):
        if method and name == "matrix_rank":
            assert not hasattr(mt.Tensor, name) and not hasattr(torch.Tensor, name)
            continue
        assert message(mt, method) == message(torch, method)
        assert "linalg" in message(mt, method)


def test_calling_the_fft_module_fails_as_calling_a_module_does():
    assert error_of(lambda: mt.fft(mt.ones(2), 1)) == error_of(lambda: torch.fft(torch.ones(2), 1))


def test_out_of_powers_and_chains():
    a = matrix((3, 3))
    for call in (
        lambda s, out: s.matrix_power(s.from_numpy(a), 3, out=out),
        lambda s, out: s.matrix_power(s.from_numpy(a), 0, out=out),
        lambda s, out: s.linalg.multi_dot([s.from_numpy(a), s.from_numpy(a)], out=out),
        lambda s, out: s.linalg.cross(s.from_numpy(a), s.from_numpy(a + 1), out=out),
    ):
        found = []
        for side in (mt, torch):
            out = side.empty(0, dtype=side.float64)
            assert listed(call(side, out))[0] is out
            found.append(array_of(out))
        np.testing.assert_allclose(*found, rtol=1e-12)

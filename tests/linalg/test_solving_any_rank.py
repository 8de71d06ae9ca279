"""Pseudo-inverses by Penrose's conditions, ranks, least squares by the normal equations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from decomposition_sides import (
    DTYPES,
    EMPTY,
    adjoint,
    array_of,
    assert_same_derivatives,
    error_of,
    listed,
    matrix,
)
from hypothesis import given, settings
from hypothesis import strategies as st

import minitorch_ref as mt

DRIVERS = ["gels", "gelsy", "gelsd", "gelss", None]


@st.composite
def of_any_rank(draw):
    """Products of thin matrices: of rank r, with singular values that are not small."""
    m, n = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    r = draw(st.integers(0, min(m, n)))
    batch = tuple(draw(st.lists(st.integers(1, 2), max_size=1)))
    dtype, seed = draw(st.sampled_from(DTYPES)), draw(st.integers(0, 99))
    u, _ = np.linalg.qr(matrix((*batch, m, m), dtype, seed))
    v, _ = np.linalg.qr(matrix((*batch, n, n), dtype, seed + 1))
    s = np.linspace(1, 3, r)
    return ((u[..., :r] * s) @ adjoint(v[..., :r])).astype(dtype), r


@settings(max_examples=120, deadline=None)
@given(of_any_rank())
def test_penroses_conditions_and_the_rank(problem):
    """A·P·A = A, P·A·P = P, and A·P and P·A are hermitian: only the pseudo-inverse does this."""
    a, r = problem
    tolerance = 300 * np.finfo(a.dtype).eps
    p = array_of(mt.linalg.pinv(mt.from_numpy(a), rtol=1e-3))
    assert p.dtype == a.dtype
    np.testing.assert_allclose(a @ p @ a, a, atol=tolerance)
    np.testing.assert_allclose(p @ a @ p, p, atol=tolerance)
    for product in (a @ p, p @ a):
        np.testing.assert_allclose(product, adjoint(product), atol=tolerance)
    rank = mt.linalg.matrix_rank(mt.from_numpy(a), rtol=1e-3)
    assert rank.dtype is mt.int64 and (array_of(rank) == r).all()


@settings(max_examples=100, deadline=None)
@given(of_any_rank(), st.integers(1, 3), st.sampled_from(["gelsy", "gelsd", "gelss"]))
def test_least_squares_leave_a_residual_orthogonal_to_the_columns(problem, k, driver):
    """Aᴴ·(A·X − B) = 0, and the shortest such X lies in the range of Aᴴ."""
    a, r = problem
    b = matrix((*a.shape[:-2], a.shape[-2], 4), a.dtype)[..., :k].copy()
    ours = mt.linalg.lstsq(mt.from_numpy(a), mt.from_numpy(b), rcond=1e-3, driver=driver)
    theirs = torch.linalg.lstsq(torch.from_numpy(a), torch.from_numpy(b), rcond=1e-3, driver=driver)
    for x, y in zip(ours, theirs, strict=True):
        assert array_of(x).dtype == array_of(y).dtype and tuple(x.shape) == tuple(y.shape)
    x = array_of(ours.solution)
    tolerance = 1000 * np.finfo(a.dtype).eps
    np.testing.assert_allclose(adjoint(a) @ (a @ x - b), 0 * x, atol=tolerance)
    pinv = np.linalg.pinv(a.astype(np.complex128), rcond=1e-3)
    np.testing.assert_allclose(pinv @ (a @ x), x, atol=tolerance)
    assert (array_of(ours.rank) == r).all()
    np.testing.assert_allclose(array_of(ours.residuals), array_of(theirs.residuals), atol=tolerance)
    np.testing.assert_allclose(
        array_of(ours.singular_values), array_of(theirs.singular_values), atol=tolerance
    )


@pytest.mark.parametrize("shape", [(4, 3), (3, 4), (3, 3), (2, 4, 3), (2, 2, 4)], ids=str)
@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_derivatives_of_least_squares(dtype, driver, shape):
    a, b = matrix(shape, dtype), matrix((*shape[:-1], shape[-2]), dtype, 1)[..., :2].copy()
    assert_same_derivatives(
        lambda s: lambda a, b: list(s.linalg.lstsq(a, b, driver=driver))[:2], [a, b]
    )
    assert_same_derivatives(
        lambda s: lambda a, b: s.linalg.lstsq(a, b[..., 0], driver=driver)[0], [a, b]
    )


@pytest.mark.parametrize("shape", [(4, 3), (3, 4), (2, 3, 3)], ids=str)
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_derivatives_of_the_pseudo_inverse(dtype, shape):
    a = matrix(shape, dtype)
    assert_same_derivatives(lambda s: s.linalg.pinv, [a])
    x = mt.tensor(a, requires_grad=True)
    assert mt.autograd.gradcheck(mt.pinverse, (x,)) and mt.autograd.gradgradcheck(mt.pinverse, (x,))


def test_hermitian_matrices_may_have_negative_eigenvalues():
    h = matrix((4, 4), "complex128")
    h = h + adjoint(h) - 5 * np.eye(4)
    assert_same_derivatives(
        lambda s: lambda a: s.linalg.pinv(a + a.mH, hermitian=True), [h / 2]
    )
    assert mt.linalg.matrix_rank(mt.from_numpy(h), hermitian=True).item() == 4


TOLERANCES = {
    "rcond": lambda s, a: s.linalg.pinv(a, 0.5),
    "rtol": lambda s, a: s.linalg.pinv(a, rtol=0.5),
    "atol": lambda s, a: s.linalg.pinv(a, atol=2.0),
    "both": lambda s, a: s.linalg.pinv(a, atol=1.0, rtol=0.9),
    "tensors": lambda s, a: s.linalg.pinv(a, rtol=s.tensor([0.1, 0.9], dtype=s.float64)),
    "atol tensor": lambda s, a: s.linalg.pinv(a, atol=s.tensor([0.0, 2.5], dtype=s.float64)),
    "rank tol": lambda s, a: s.linalg.matrix_rank(a, 2.5),
    "rank tol tensor": lambda s, a: s.linalg.matrix_rank(a, s.tensor([0.1, 2.5])),
    "rank rtol": lambda s, a: s.linalg.matrix_rank(a, rtol=0.5),
    "rank atol": lambda s, a: s.linalg.matrix_rank(a, atol=2.0, rtol=0.1),
    "pinverse": lambda s, a: s.pinverse(a, rcond=0.5),
}


@pytest.mark.parametrize("name", TOLERANCES)
def test_tolerances(name):
    a = matrix((2, 4, 3))
    ours, theirs = (array_of(TOLERANCES[name](s, s.from_numpy(a))) for s in (mt, torch))
    assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, atol=1e-12)


BAD = {
    "pinv vector": lambda s: s.linalg.pinv(s.ones(3)),
    "pinv half": lambda s: s.linalg.pinv(s.ones(3, 3).half()),
    "pinv complex tolerance": lambda s: s.linalg.pinv(s.ones(3, 3), atol=s.tensor(1j)),
    "pinv nan": lambda s: s.linalg.pinv(s.full((2, 3, 3), float("nan"))),
    "rank vector": lambda s: s.linalg.matrix_rank(s.ones(3)),
    "rank integers": lambda s: s.linalg.matrix_rank(s.ones(3, 3, dtype=s.int64)),
    "rows": lambda s: s.linalg.lstsq(s.ones(4, 3), s.ones(3, 2)),
    "vector rows": lambda s: s.linalg.lstsq(s.ones(4, 3), s.ones(3)),
    "vector": lambda s: s.linalg.lstsq(s.ones(3), s.ones(3)),
    "scalar": lambda s: s.linalg.lstsq(s.ones(3, 3), s.tensor(1.0)),
    "dims": lambda s: s.linalg.lstsq(s.ones(3, 3), s.ones(2, 3, 3)),
    "driver": lambda s: s.linalg.lstsq(s.ones(3, 3), s.ones(3, 1), driver="gelsx"),
    "dtypes": lambda s: s.linalg.lstsq(s.ones(3, 3), s.ones(3, 1).double()),
    "half": lambda s: s.linalg.lstsq(s.ones(3, 3).half(), s.ones(3, 1).half()),
    "rank deficient": lambda s: s.linalg.lstsq(
        s.tensor([[1.0, 0.0], [0.0, 0.0]]), s.ones(2, 1), driver="gels"
    ),
    "out": lambda s: s.linalg.pinv(s.ones(2, 3), out=s.empty(0, dtype=s.int64)),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_raise_torchs_error(name):
    ours, theirs = error_of(lambda: BAD[name](mt)), error_of(lambda: BAD[name](torch))
    assert theirs is not None and ours == theirs


@pytest.mark.parametrize("shape", EMPTY, ids=str)
def test_empty_matrices(shape):
    a = np.zeros(shape)
    b = np.ones((*shape[:-1], 2))
    for call in (
        lambda s: s.linalg.pinv(s.from_numpy(a)),
        lambda s: s.linalg.matrix_rank(s.from_numpy(a)),
        *(
            lambda s, d=d: s.linalg.lstsq(s.from_numpy(a), s.from_numpy(b), driver=d)
            for d in DRIVERS
            if d != "gels"  # torch says that nothing is left of B when there are no columns
        ),
    ):
        for x, y in zip(listed(call(mt)), listed(call(torch)), strict=True):
            assert np.array_equal(array_of(x), array_of(y)) and tuple(x.shape) == tuple(y.shape)

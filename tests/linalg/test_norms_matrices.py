"""Norms of matrices: NumPy's definitions, inequalities, derivatives, the corners and the errors."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from decomposition_sides import (
    DTYPES,
    adjoint,
    array_of,
    assert_same_derivatives,
    error_of,
    matrix,
)
from hypothesis import given, settings
from hypothesis import strategies as st

import minitorch_ref as mt

ORDERS = ["fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf]


@st.composite
def stacks(draw):
    shape = draw(st.lists(st.integers(1, 5), min_size=2, max_size=4))
    dims = draw(st.permutations(range(len(shape))))[:2]
    dtype = draw(st.sampled_from(DTYPES))
    a = matrix((*shape[:-2], *shape[-2:]), dtype, draw(st.integers(0, 99)))
    return a, tuple(d - len(shape) if draw(st.booleans()) else d for d in dims)


@settings(max_examples=200, deadline=None)
@given(stacks(), st.sampled_from(ORDERS), st.booleans())
def test_numpys_definitions(problem, order, keepdim):
    a, dims = problem
    ours = array_of(mt.linalg.matrix_norm(mt.from_numpy(a), order, dims, keepdim))
    wide = a.astype(np.complex128)
    truth = np.linalg.norm(wide, order, dims, keepdim)
    assert ours.dtype == a.real.dtype and ours.shape == truth.shape
    scale = np.linalg.norm(wide, "fro", dims, keepdim)
    assert (np.abs(ours - truth) <= 60 * np.finfo(a.dtype).eps * scale).all()


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 99))
def test_inequalities_between_norms(m, n, seed):
    """‖A‖₂ ≤ ‖A‖_F ≤ ‖A‖_* ≤ √r·‖A‖_F, and ‖A‖₂² ≤ ‖A‖₁·‖A‖_∞ = ‖A‖₁·‖Aᴴ‖₁."""
    a = mt.from_numpy(matrix((m, n), seed=seed))
    norm = {p: mt.linalg.matrix_norm(a, p).item() for p in ORDERS}
    slack = 1 + 1e-12
    assert norm[2] <= norm["fro"] * slack and norm["fro"] <= norm["nuc"] * slack
    assert norm["nuc"] <= math.sqrt(min(m, n)) * norm["fro"] * slack
    assert norm[2] ** 2 <= norm[1] * norm[math.inf] * slack
    assert norm[math.inf] == pytest.approx(mt.linalg.matrix_norm(a.mH, 1).item())


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("options", [{}, {"dim": (0, 1)}, {"dim": (2, 0), "keepdim": True}], ids=str)
def test_derivatives_are_torchs(options, order, dtype):
    a = matrix((2, 3, 4), dtype)
    assert_same_derivatives(lambda s: lambda x: s.linalg.matrix_norm(x, order, **options), [a])


@pytest.mark.parametrize("order", ORDERS)
def test_derivatives_by_differences(order):
    x = mt.tensor(matrix((2, 3, 3)), requires_grad=True)
    for function in (lambda x: mt.linalg.matrix_norm(x, order), lambda x: mt.linalg.cond(x, order)):
        assert mt.autograd.gradcheck(function, (x,)) and mt.autograd.gradgradcheck(function, (x,))


@pytest.mark.parametrize("order", ORDERS)
def test_the_gradient_of_zeros_is_torchs(order):
    found = []
    for side in (mt, torch):
        x = side.zeros(3, 3, requires_grad=True)
        side.linalg.matrix_norm(x, order).backward()
        found.append(array_of(x.grad))
    np.testing.assert_allclose(np.abs(found[0]).sum(), np.abs(found[1]).sum(), rtol=1e-6)
    if order not in ("nuc",):
        np.testing.assert_allclose(*found, rtol=1e-6)


@pytest.mark.parametrize("order", [None, *ORDERS])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_condition_numbers(dtype, order):
    a = matrix((3, 4, 4), dtype)
    ours = array_of(mt.linalg.cond(mt.from_numpy(a), order))
    truth = np.linalg.cond(a, order)
    np.testing.assert_allclose(ours, truth, rtol=1e-10)
    rotated, _ = np.linalg.qr(a)  # unitary: perfectly conditioned
    assert mt.linalg.cond(mt.from_numpy(rotated))[0].item() == pytest.approx(1)


@pytest.mark.parametrize("order", [None, *ORDERS])
@pytest.mark.parametrize(
    "a",
    [np.zeros((2, 2)), np.array([[1.0, 2.0], [2.0, 4.0]]), np.zeros((0, 0)), np.zeros((2, 0, 0)),
     np.array([[[1.0, 0.0], [0.0, 0.0]], [[2.0, 0.0], [0.0, 1.0]]])],
    ids=lambda a: str(a.tolist()),
)  # fmt: skip
def test_condition_numbers_of_singular_and_empty_matrices(a, order):
    ours, theirs = (array_of(s.linalg.cond(s.from_numpy(a), order)) for s in (mt, torch))
    assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
    large = theirs > 1e15  # of a singular matrix in rounding: only the magnitude is meant
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))
    assert (ours[large] > 1e15).all()
    np.testing.assert_allclose(ours[~large], theirs[~large], atol=1e-12)


SHAPES = [(0, 0), (0, 3), (3, 0), (2, 0, 3), (0, 2, 3)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("order", ORDERS)
def test_empty_matrices(order, shape):
    def call(side):
        return side.linalg.matrix_norm(side.zeros(shape), order)

    theirs = error_of(lambda: call(torch))
    assert error_of(lambda: call(mt)) == theirs
    if theirs is None:
        np.testing.assert_array_equal(array_of(call(mt)), array_of(call(torch)))


NORM = {
    "vector": lambda s, x: s.linalg.norm(x[0], 3),
    "flattened": lambda s, x: s.linalg.norm(x),
    "matrix": lambda s, x: s.linalg.norm(x, 2),
    "columns": lambda s, x: s.linalg.norm(x, 1, 0),
    "string": lambda s, x: s.linalg.norm(x, "nuc"),
    "dims": lambda s, x: s.linalg.norm(x, math.inf, (1, 0)),
    "two dims, no ord": lambda s, x: s.linalg.norm(x, dim=(0, 1), keepdim=True),
    "torch.norm": lambda s, x: s.norm(x, "nuc"),
    "torch.norm fro": lambda s, x: s.norm(x, "fro", (0, 1)),
    "torch.norm p": lambda s, x: s.norm(x, 3, (0, 1)),
    "method": lambda s, x: x.norm(1, 0, True),
    "nuclear_norm": lambda s, x: s.nuclear_norm(x),
    "nuclear_norm keepdim": lambda s, x: s.nuclear_norm(x, True),
    "frobenius_norm": lambda s, x: s.frobenius_norm(x, (0, 1), True),
    "frobenius_norm dim": lambda s, x: s.frobenius_norm(x, 1),
}


@pytest.mark.filterwarnings("ignore:at..nuclear_norm")
@pytest.mark.parametrize("name", NORM)
def test_the_ways_to_ask_for_a_norm(name):
    assert_same_derivatives(lambda s: lambda x: NORM[name](s, x), [matrix((3, 4))])


BAD = {
    "order": lambda s: s.linalg.matrix_norm(s.ones(2, 2), 3),
    "name": lambda s: s.linalg.matrix_norm(s.ones(2, 2), "max"),
    "vector": lambda s: s.linalg.matrix_norm(s.ones(2)),
    "one dim": lambda s: s.linalg.matrix_norm(s.ones(2, 2), 1, (0,)),
    "same dims": lambda s: s.linalg.matrix_norm(s.ones(2, 2), 1, (0, 0)),
    "dim": lambda s: s.linalg.matrix_norm(s.ones(2, 2), 1, (0, 2)),
    "integers": lambda s: s.linalg.matrix_norm(s.ones(2, 2, dtype=s.int64)),
    "half": lambda s: s.linalg.matrix_norm(s.ones(2, 2).half(), "nuc"),
    "dtype": lambda s: s.linalg.matrix_norm(s.ones(2, 2), dtype=s.float16),
    "out": lambda s: s.linalg.matrix_norm(s.ones(2, 2), out=s.empty(()).double()),
    "norm dims": lambda s: s.linalg.norm(s.ones(2, 2, 2), 2, (0, 1, 2)),
    "norm of 3-D": lambda s: s.linalg.norm(s.ones(2, 2, 2), 2),
    "fro of a vector": lambda s: s.linalg.norm(s.ones(2), "fro"),
    "norm out": lambda s: s.linalg.norm(s.ones(2, 2), out=s.empty(()).double()),
    "frobenius dims": lambda s: s.frobenius_norm(s.ones(2, 2, 2), (0, 1, 2)),
    "cond order": lambda s: s.linalg.cond(s.ones(2, 2), 3),
    "cond vector": lambda s: s.linalg.cond(s.ones(2)),
    "cond rectangle": lambda s: s.linalg.cond(s.ones(2, 3), 1),
    "cond nan": lambda s: s.linalg.cond(s.full((2, 2), float("nan"))),
    "cond out": lambda s: s.linalg.cond(s.ones(2, 2), out=s.empty(0, dtype=s.int64)),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_raise_torchs_error(name):
    ours, theirs = error_of(lambda: BAD[name](mt)), error_of(lambda: BAD[name](torch))
    assert theirs is not None and ours == theirs


def test_a_norm_does_not_see_rotations():
    q, _ = np.linalg.qr(matrix((4, 4), "complex128"))
    a = matrix((4, 4), "complex128", 1)
    for order in ("fro", "nuc", 2, -2):
        turned = mt.linalg.matrix_norm(mt.from_numpy(q @ a @ adjoint(q)), order).item()
        assert turned == pytest.approx(mt.linalg.matrix_norm(mt.from_numpy(a), order).item())

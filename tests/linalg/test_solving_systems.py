"""Linear systems: backward error, every right-hand side, torch's errors and info, derivatives."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from decomposition_sides import (
    DTYPES,
    adjoint,
    array_of,
    assert_same_derivatives,
    error_of,
    listed,
    matrix,
    of,
    positive,
)
from hypothesis import given, settings
from hypothesis import strategies as st

import minitorch_ref as mt
from minitorch_ref.kernels import lapack

pytestmark = pytest.mark.filterwarnings("ignore:torch\\.\\w+ is deprecated")

SINGULAR = np.array([[1.0, 2.0], [2.0, 4.0]])
SECOND_SINGULAR = np.array([[[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.0], [2.0, 4.0]]])
PIVOTS = np.array([2, 3, 3], np.int32)


def both(call):
    """What `call(side)` gives on our engine and on torch: arrays or an error."""
    found = []
    for side in (mt, torch):
        error = error_of(lambda side=side: call(side))
        found.append(error or [array_of(x) for x in listed(call(side))])
    return found


def assert_same(call, tolerance=1e-10):
    ours, theirs = both(call)
    assert isinstance(ours, tuple) == isinstance(theirs, tuple), (ours, theirs)
    if isinstance(ours, tuple):
        assert ours == theirs
        return
    for a, b in zip(ours, theirs, strict=True):
        assert a.dtype == b.dtype and a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


@st.composite
def systems(draw):
    """(A, B, left): a batch of either may be missing or of size one."""
    n, k = draw(st.integers(0, 5)), draw(st.integers(0, 4))
    batch = draw(st.lists(st.integers(0, 3), max_size=2))
    batch_a = [draw(st.sampled_from([1, m])) for m in batch]
    batch_a = batch_a if draw(st.booleans()) else []
    dtype, left = draw(st.sampled_from(DTYPES)), draw(st.booleans())
    a = matrix((*batch_a, n, n), dtype, draw(st.integers(0, 99)))
    b = np.random.default_rng(1).normal(size=(*batch, n, k) if left else (*batch, k, n))
    if draw(st.booleans()):
        a = np.ascontiguousarray(a.swapaxes(-2, -1)).swapaxes(-2, -1)
    return a, b.astype(dtype), left


@settings(max_examples=150, deadline=None)
@given(systems())
def test_the_error_of_a_solution_is_that_of_a_slightly_different_system(problem):
    """‖A·X − B‖ ≤ c·n·ε·growth·‖A‖·‖X‖: Gaussian elimination is backward stable."""
    a, b, left = problem
    x = array_of(mt.linalg.solve(mt.from_numpy(a), mt.from_numpy(b), left=left))
    theirs = torch.linalg.solve(torch.from_numpy(a), torch.from_numpy(b), left=left)
    assert x.shape == tuple(theirs.shape) and x.dtype == a.dtype
    if not x.size or not a.size:
        return
    wide = np.complex128 if a.dtype.kind == "c" else np.float64
    a, b, x = (v.astype(wide) for v in (a, b, x))
    residual = (a @ x if left else x @ a) - b
    sizes = np.linalg.norm(a, axis=(-2, -1)) * np.linalg.norm(x, axis=(-2, -1))
    eps = np.finfo(array_of(theirs).dtype).eps
    assert (np.linalg.norm(residual, axis=(-2, -1)) <= 40 * a.shape[-1] * eps * sizes + 1e-30).all()


@pytest.mark.parametrize("vectors", [(3,), (2, 3)], ids=str)
@pytest.mark.parametrize("batch", [(), (2,)], ids=str)
def test_vectors_are_told_from_matrices_by_shape(batch, vectors):
    a, b = matrix((*batch, 3, 3)), matrix((4, 4)).reshape(-1)[: np.prod(vectors)].reshape(vectors)
    assert_same(lambda side: side.linalg.solve(side.from_numpy(a), side.from_numpy(b)))


ERRORS = {
    "solve": lambda s, a: s.linalg.solve(a, a[..., :1]),
    "solve_ex": lambda s, a: s.linalg.solve_ex(a, a[..., :1], check_errors=True),
    "inv": lambda s, a: s.linalg.inv(a),
    "inverse": lambda s, a: a.inverse(),
    "inv_ex": lambda s, a: s.linalg.inv_ex(a, check_errors=True),
    "power": lambda s, a: s.matrix_power(a, -2),
    "cholesky_inverse": lambda s, a: s.cholesky_inverse(a * 0),
}


@pytest.mark.parametrize("a", [SINGULAR, SECOND_SINGULAR, np.zeros((3, 3))], ids=str)
@pytest.mark.parametrize("name", ERRORS)
def test_singular_matrices_are_refused_in_torchs_words(name, a):
    ours, theirs = both(lambda side: ERRORS[name](side, side.from_numpy(a)))
    assert ours == theirs and ours[0] == "_LinAlgError"
    with pytest.raises(mt.linalg.LinAlgError):
        ERRORS[name](mt, mt.from_numpy(a))


@pytest.mark.parametrize("dtype", DTYPES)
def test_info_names_the_zero_on_the_diagonal(dtype):
    a = SECOND_SINGULAR.astype(dtype)
    assert_same(lambda side: side.linalg.inv_ex(side.from_numpy(a)).info)
    x, info = mt.linalg.solve_ex(mt.from_numpy(a), mt.ones(2, 1, dtype=getattr(mt, dtype)))
    assert info.tolist() == [0, 2] and info.dtype is mt.int32
    assert mt.isfinite(x[0]).all() and not mt.isfinite(x[1]).any()


BAD = {
    "rows": lambda s: s.linalg.solve(s.zeros(3, 3), s.zeros(4, 2)),
    "columns": lambda s: s.linalg.solve(s.zeros(3, 3), s.zeros(3, 2), left=False),
    "not square": lambda s: s.linalg.solve(s.zeros(3, 4), s.zeros(3, 2)),
    "vector A": lambda s: s.linalg.solve(s.zeros(3), s.zeros(3)),
    "scalar B": lambda s: s.linalg.solve(s.zeros(3, 3), s.tensor(1.0)),
    "dtypes": lambda s: s.linalg.solve(s.zeros(3, 3), s.zeros(3, 2, dtype=s.float64)),
    "integers": lambda s: s.linalg.solve(s.ones(3, 3, dtype=s.int64), s.ones(3, 2, dtype=s.int64)),
    "half": lambda s: s.linalg.solve(s.zeros(3, 3).half(), s.zeros(3, 2).half()),
    "batches": lambda s: s.linalg.solve(s.zeros(2, 3, 3), s.zeros(3, 3, 2)),
    "vector on the right": lambda s: s.linalg.solve(s.ones(1, 1), s.ones(1), left=False),
    "inv half": lambda s: s.linalg.inv(s.zeros(3, 3).half()),
    "inv integers": lambda s: s.linalg.inv(s.ones(3, 3, dtype=s.int64)),
    "triangular": lambda s: s.linalg.solve_triangular(s.ones(3, 3), s.ones(4, 2), upper=True),
    "triangular half": lambda s: s.linalg.solve_triangular(
        s.ones(3, 3).half(), s.ones(3, 2).half(), upper=True
    ),
    "old triangular": lambda s: s.triangular_solve(s.ones(4, 2), s.ones(3, 3)),
    "old vector": lambda s: s.triangular_solve(s.ones(3), s.ones(3, 3)),
    "cholesky_solve": lambda s: s.cholesky_solve(s.ones(4, 2), s.ones(3, 3)),
    "cholesky_solve dtypes": lambda s: s.cholesky_solve(s.ones(3, 2), s.ones(3, 3).double()),
    "pivots": lambda s: s.linalg.lu_solve(s.ones(3, 3), s.tensor([1, 2, 3]), s.ones(3, 2)),
    "tensorinv": lambda s: s.linalg.tensorinv(s.ones(3, 4), 1),
    "tensorinv ind": lambda s: s.linalg.tensorinv(s.ones(3, 3), 0),
    "tensorsolve": lambda s: s.linalg.tensorsolve(s.ones(4, 4), s.ones(3)),
    "out": lambda s: s.linalg.solve(
        s.eye(3), s.ones(3, 2), out=s.empty(0, dtype=s.float64)
    ),
    "out of inverse": lambda s: s.inverse(s.eye(3), out=s.empty(0, dtype=s.int64)),
    "out of tensorinv": lambda s: s.linalg.tensorinv(s.eye(3), 1, out=s.empty(0, dtype=s.int64)),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_raise_torchs_error(name):
    ours, theirs = both(BAD[name])
    assert isinstance(theirs, tuple) and ours == theirs


def rows(side, *arrays):
    return [side.from_numpy(a) for a in arrays]


DERIVATIVES = {
    "solve": lambda s: s.linalg.solve,
    "solve vector": lambda s: lambda a, b: s.linalg.solve(a, b[..., 0]),
    "solve right": lambda s: lambda a, b: s.linalg.solve(a, b.mT, left=False),
    "solve_ex": lambda s: lambda a, b: s.linalg.solve_ex(a, b)[0],
    "inv": lambda s: lambda a, b: s.linalg.inv(a),
    "upper": lambda s: lambda a, b: s.linalg.solve_triangular(a, b, upper=True),
    "lower": lambda s: lambda a, b: s.linalg.solve_triangular(a, b, upper=False),
    "unit": lambda s: lambda a, b: s.linalg.solve_triangular(a, b, upper=True, unitriangular=True),
    "right": lambda s: lambda a, b: s.linalg.solve_triangular(a, b.mT, upper=False, left=False),
    "old": lambda s: lambda a, b: s.triangular_solve(b, a),
    "old lower": lambda s: lambda a, b: s.triangular_solve(b, a, upper=False),
    "old transposed": lambda s: lambda a, b: s.triangular_solve(b, a, transpose=True),
    "old unit": lambda s: lambda a, b: s.triangular_solve(b, a, False, True, True),
    "cholesky": lambda s: lambda a, b: s.cholesky_solve(b, a),
    "cholesky upper": lambda s: lambda a, b: s.cholesky_solve(b, a, True),
    "cholesky_inverse": lambda s: lambda a, b: s.cholesky_inverse(a),
    "cholesky_inverse upper": lambda s: lambda a, b: s.cholesky_inverse(a, upper=True),
}


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("shapes", [((3, 3), (3, 2)), ((4, 3, 3), (3, 2)), ((3, 3), (2, 3, 2))], ids=str)
@pytest.mark.parametrize("name", DERIVATIVES)
def test_derivatives_are_torchs(name, shapes, dtype):
    arrays = [matrix(shapes[0], dtype), matrix((*shapes[1][:-2], 3, 3), dtype, 5)[..., :2]]
    build = DERIVATIVES[name]
    if name == "solve vector" and len(shapes[1]) == 3:
        return  # a batch of vectors beside one matrix is taken for a matrix

    def with_both(side):
        return lambda a, b: [*listed(build(side)(a, b)), (a.sum() + b.sum())]

    if name.startswith("old"):  # its second output is a copy of A
        assert_same(lambda side: build(side)(*rows(side, *map(np.ascontiguousarray, arrays))))
    assert_same_derivatives(with_both, [np.ascontiguousarray(a) for a in arrays])


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("adjoint_", [True, False])
def test_derivatives_from_lu_factors(adjoint_, left, dtype):
    a, b = matrix((2, 3, 3), dtype), np.ascontiguousarray(matrix((3, 3), dtype, 4)[:, :2])
    pivots = np.stack([PIVOTS, np.array([1, 2, 3], np.int32)])

    def build(side):
        p = side.from_numpy(pivots)

        def solve(a, b):
            right = b if left else b.mT
            return side.linalg.lu_solve(a, p, right, left=left, adjoint=adjoint_)

        return solve

    assert_same_derivatives(build, [a, b])


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_gradients_by_differences(dtype):
    a = mt.tensor(matrix((2, 3, 3), dtype), requires_grad=True)
    b = mt.tensor(matrix((3, 3), dtype, 1)[:, :2].copy(), requires_grad=True)
    for function in (mt.linalg.solve, lambda a, b: mt.linalg.solve_triangular(a, b, upper=True)):
        assert mt.autograd.gradcheck(function, (a, b))
        assert mt.autograd.gradgradcheck(function, (a, b))
    assert mt.autograd.gradcheck(mt.inverse, (a,)) and mt.autograd.gradgradcheck(mt.inverse, (a,))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("upper", [True, False])
def test_solving_from_a_cholesky_factor(upper, dtype):
    a, b = positive((2, 3, 3), dtype), matrix((3, 3), dtype)
    factor = np.linalg.cholesky(a)
    factor = mt.from_numpy(np.ascontiguousarray(adjoint(factor)) if upper else factor)
    tolerance = 200 * np.finfo(dtype).eps
    x = array_of(mt.cholesky_solve(mt.from_numpy(b), factor, upper=upper))
    np.testing.assert_allclose(a @ x, np.broadcast_to(b, x.shape), atol=tolerance * 20)
    inverse = array_of(mt.cholesky_inverse(factor, upper=upper))
    np.testing.assert_allclose(a @ inverse, np.broadcast_to(np.eye(3), a.shape), atol=tolerance * 20)


def test_tensor_equations():
    a, b = matrix((6, 6)).reshape(2, 3, 6), matrix((3, 3))[:2].copy()
    assert_same(lambda s: s.linalg.tensorsolve(*rows(s, a, b)))
    moved = np.ascontiguousarray(np.moveaxis(a, 0, 2))
    assert_same(lambda s: s.linalg.tensorsolve(*rows(s, moved, b.T.copy()), dims=(1,)))
    assert_same(lambda s: s.linalg.tensorinv(s.from_numpy(a.reshape(2, 3, 3, 2)), 2))


def test_out_is_written_and_returned():
    a, b = matrix((3, 3)), matrix((3, 3), seed=1)
    out = mt.empty(0, dtype=mt.float64)
    assert mt.linalg.solve(*rows(mt, a, b), out=out) is out
    np.testing.assert_allclose(a @ array_of(out), b)
    inverse, info = mt.empty(0, dtype=mt.float64), mt.empty(0, dtype=mt.int32)
    found = mt.linalg.inv_ex(mt.from_numpy(a), out=(inverse, info))
    theirs = torch.linalg.inv_ex(
        torch.from_numpy(a), out=(torch.empty(0).double(), torch.empty(0, dtype=torch.int32))
    )
    assert found.inverse is inverse and found.info is info
    assert type(found).__name__ == type(theirs).__name__


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 6), st.integers(0, 3), st.integers(0, 99))
def test_row_exchanges_become_an_order_of_rows(n, batch, seed):
    """The order is what the exchanges, done one after the other, make of 0 … n−1."""
    draw = np.random.default_rng(seed)
    swaps = np.stack([draw.integers(i, n, batch) for i in range(n)], -1)
    for row, order in zip(swaps, lapack.permutation(swaps)):
        places = list(range(n))
        for i, other in enumerate(row):
            places[i], places[other] = places[other], places[i]
        assert places == order.tolist()


def test_named_functions_are_the_methods_too():
    a, b = matrix((3, 3)), matrix((3, 3), seed=2)
    for name in ("inverse", "det", "logdet", "slogdet", "pinverse", "matrix_exp", "cholesky_inverse"):
        ours = listed(getattr(mt.from_numpy(a), name)())
        for x, y in zip(ours, listed(of(mt, name)(mt.from_numpy(a)))):
            assert np.array_equal(array_of(x), array_of(y), equal_nan=True)
    x = mt.from_numpy(b).cholesky_solve(mt.from_numpy(a))
    assert np.array_equal(array_of(x), array_of(mt.cholesky_solve(*rows(mt, b, a))))

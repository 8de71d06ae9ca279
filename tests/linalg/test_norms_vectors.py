"""Norms of vectors, distances between rows, and rescaling: oracles, corners, derivatives, errors."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from decomposition_sides import array_of, assert_same_derivatives, error_of, matrix, of
from hypothesis import given, settings
from hypothesis import strategies as st

import minitorch_ref as mt

ORDERS = [0, 0.5, 1, 1.5, 2, 3, 4.5, -1, -2.5, math.inf, -math.inf]
DTYPES = ["float16", "float32", "float64", "complex64", "complex128"]


@st.composite
def arrays(draw):
    shape = draw(st.lists(st.integers(1, 6), min_size=1, max_size=3))
    dtype, seed = draw(st.sampled_from(DTYPES)), draw(st.integers(0, 99))
    a = np.random.default_rng(seed).normal(size=(2, *shape))
    a = (a[0] + 1j * a[1] if dtype.startswith("complex") else a[0]).astype(dtype)
    if draw(st.booleans()):
        a = np.ascontiguousarray(a.T).T
    dims = draw(st.sets(st.integers(0, len(shape) - 1), min_size=1))
    return a, tuple(sorted(dims))


def exact_norm(a, p, axes, keepdims):
    """The definition, in extended precision."""
    sizes = np.abs(a.astype(np.clongdouble if a.dtype.kind == "c" else np.longdouble))
    if p == 0:
        return (sizes != 0).sum(axes, keepdims=keepdims)
    if math.isinf(p):
        return (np.max if p > 0 else np.min)(sizes, axis=axes, keepdims=keepdims)
    return (sizes**p).sum(axes, keepdims=keepdims) ** np.longdouble(1 / p)


@settings(max_examples=200, deadline=None)
@given(arrays(), st.sampled_from(ORDERS), st.booleans())
def test_the_definition_of_a_norm(problem, p, keepdim):
    a, dims = problem
    x = mt.from_numpy(a)
    ours = array_of(mt.linalg.vector_norm(x, p, dims, keepdim))
    truth = exact_norm(a, p, dims, keepdim)
    theirs = torch.linalg.vector_norm(torch.from_numpy(a.copy()), p, dims, keepdim)
    assert ours.dtype == array_of(theirs).dtype and ours.shape == truth.shape
    with np.errstate(all="ignore"):
        error = np.abs(ours.astype(np.longdouble) - truth)
        other = np.abs(array_of(theirs).astype(np.longdouble) - truth)
    eps = np.finfo(a.dtype).eps
    assert (error <= np.fmax(other, 4 * eps * (1 + abs(1 / p if p else 0)) * truth)).all()
    assert np.array_equal(ours, array_of(mt.norm(x, p, dims, keepdim)), equal_nan=True)


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("p", ORDERS)
@pytest.mark.parametrize("options", [{}, {"dim": 1}, {"dim": (0, 1), "keepdim": True}], ids=str)
def test_derivatives_are_torchs(options, p, dtype):
    assert_same_derivatives(
        lambda s: lambda x: s.linalg.vector_norm(x, p, **options), [matrix((3, 4), dtype)]
    )


@pytest.mark.parametrize("p", ORDERS)
@pytest.mark.parametrize(
    "values",
    [[0.0, 0.0], [0.0, 3.0], [2.0, -2.0, 1.0], [math.nan, 1.0], [math.inf, 1.0], [-0.0, -1.0]],
    ids=str,
)
def test_gradients_at_the_corners_are_torchs(values, p):
    found = []
    for side in (mt, torch):
        x = side.tensor(values, dtype=side.float64, requires_grad=True)
        y = side.linalg.vector_norm(x, p)
        y.backward()
        found.append((array_of(y), np.zeros(len(values)) if x.grad is None else array_of(x.grad)))
    for ours, theirs in zip(*found):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


@pytest.mark.parametrize("p", [1.5, 2, 3, 1])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_gradients_by_differences(dtype, p):
    x = mt.tensor(matrix((3, 4), dtype), requires_grad=True)
    function = lambda x: mt.linalg.vector_norm(x, p, 1)  # noqa: E731
    assert mt.autograd.gradcheck(function, (x,)) and mt.autograd.gradgradcheck(function, (x,))
    scaled = lambda x: mt.renorm(x, p, 0, 1.5)  # noqa: E731
    assert mt.autograd.gradcheck(scaled, (x,)) and mt.autograd.gradgradcheck(scaled, (x,))


def test_a_long_sum_keeps_its_digits():
    """A million ones and a thousand thousandths: nothing is lost on the way."""
    for shape, dim in (((1_000_000,), 0), ((1000, 1000), (0, 1)), ((100_000, 4), 0)):
        a = np.full(shape, 0.1, np.float32)
        n = a.size // (4 if dim == 0 and len(shape) > 1 else 1)
        for p in (1, 2, 3):
            truth = (n * np.float64(np.float32(0.1)) ** p) ** (1 / p)
            ours = array_of(mt.linalg.vector_norm(mt.from_numpy(a), p, dim)).reshape(-1)[0]
            assert abs(ours / truth - 1) < 2e-6  # torch adds in a row and is off by up to 4e-3


DTYPE_CALLS = {
    "wider": lambda s: s.linalg.vector_norm(s.ones(3), dtype=s.float64),
    "complex": lambda s: s.linalg.vector_norm(s.ones(3, dtype=s.complex64), dtype=s.complex128),
    "norm": lambda s: s.norm(s.ones(3), dtype=s.float64),
}


@pytest.mark.parametrize("name", DTYPE_CALLS)
def test_dtypes(name):
    ours, theirs = (DTYPE_CALLS[name](s) for s in (mt, torch))
    assert str(ours.dtype) == str(theirs.dtype) and ours.item() == theirs.item()


BAD = {
    "integers": lambda s: s.linalg.vector_norm(s.tensor([1, 2])),
    "narrower": lambda s: s.linalg.vector_norm(s.ones(3), dtype=s.float16),
    "integer dtype": lambda s: s.linalg.vector_norm(s.ones(3), dtype=s.int64),
    "complex dtype": lambda s: s.linalg.vector_norm(s.ones(3), dtype=s.complex64),
    "real dtype": lambda s: s.linalg.vector_norm(s.ones(3, dtype=s.complex64), dtype=s.float32),
    "inf of nothing": lambda s: s.linalg.vector_norm(s.ones(0), math.inf),
    "inf of an empty dim": lambda s: s.linalg.vector_norm(s.ones(0, 3), -math.inf, 0),
    "negative of nothing": lambda s: s.linalg.vector_norm(s.ones(0), -1),
    "dim": lambda s: s.linalg.vector_norm(s.ones(3), dim=1),
    "twice": lambda s: s.linalg.vector_norm(s.ones(3, 3), dim=(0, 0)),
    "out": lambda s: s.linalg.vector_norm(s.ones(3), out=s.empty(()).double()),
    "renorm p": lambda s: s.renorm(s.ones(2, 2), 0, 0, 1.0),
    "renorm vector": lambda s: s.renorm(s.ones(2), 2, 0, 1.0),
    "renorm maxnorm": lambda s: s.renorm(s.ones(2, 2), 2, 0, -1.0),
    "renorm dim": lambda s: s.renorm(s.ones(2, 2), 2, 2, 1.0),
    "renorm integers": lambda s: s.renorm(s.ones(2, 2, dtype=s.int64), 2, 0, 1.0),
    "cdist columns": lambda s: s.cdist(s.ones(2, 3), s.ones(2, 4)),
    "cdist vector": lambda s: s.cdist(s.ones(3), s.ones(2, 3)),
    "cdist p": lambda s: s.cdist(s.ones(2, 3), s.ones(2, 3), p=-1),
    "cdist mode": lambda s: s.cdist(s.ones(2, 3), s.ones(2, 3), compute_mode="mm"),
    "cdist integers": lambda s: s.cdist(s.ones(2, 3), s.ones(2, 3, dtype=s.int64)),
    "cdist half": lambda s: s.cdist(s.ones(2, 3).half(), s.ones(2, 3).half()),
    "cdist dtypes": lambda s: s.cdist(s.ones(2, 3), s.ones(2, 3).double()),
    "cdist batches": lambda s: s.cdist(s.ones(2, 2, 3), s.ones(3, 2, 3)),
    "dist integers": lambda s: s.dist(s.tensor([1]), s.tensor([2])),
    "dist shapes": lambda s: s.dist(s.ones(3), s.ones(4)),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_raise_torchs_error(name):
    ours, theirs = error_of(lambda: BAD[name](mt)), error_of(lambda: BAD[name](torch))
    assert theirs is not None and ours == theirs


# ---- distances -----------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(1, 2), max_size=2),
    st.integers(0, 30),
    st.integers(0, 5),
    st.integers(0, 4),
    st.sampled_from([0, 0.5, 1, 1.5, 2, 3, math.inf]),
    st.sampled_from(["float32", "float64"]),
    st.integers(0, 99),
)
def test_distances_between_all_rows(batch, rows, others, columns, p, dtype, seed):
    draw = np.random.default_rng(seed)
    a = draw.normal(size=(*batch, rows, columns)).astype(dtype)
    b = draw.normal(size=(others, columns)).astype(dtype)
    if rows and others and columns:
        b[0] = a.reshape(-1, columns)[0] * (1 + np.finfo(dtype).eps)  # very close to one of them
    ours = array_of(mt.cdist(mt.from_numpy(a), mt.from_numpy(b), p))
    differences = np.abs(a[..., :, None, :].astype(np.longdouble) - b)
    truth = exact_norm(differences, p, -1, False) if columns else np.zeros((*batch, rows, others))
    assert ours.dtype == a.dtype and ours.shape == truth.shape
    direct = dtype == "float32" or p != 2 or max(rows, others) <= 25
    slack = 0 if direct else 1e-7
    np.testing.assert_allclose(ours, truth, rtol=8 * np.finfo(dtype).eps + slack, atol=1e-30)


@pytest.mark.parametrize("p", [0, 0.5, 1, 1.5, 2, 3, math.inf])
def test_gradients_of_distances(p):
    """torch has no second derivative of most; ours is held to finite differences."""
    a, b = matrix((2, 4, 3)), matrix((5, 3))
    found = []
    for side in (mt, torch):
        x, y = (side.from_numpy(v.copy()).requires_grad_() for v in (a, b))
        d = side.cdist(x, y, p)
        (d * d).sum().backward()
        found.append((array_of(x.grad), array_of(y.grad)))
    for ours, theirs in zip(*found):
        np.testing.assert_allclose(ours, theirs, atol=1e-12)
    x, y = (mt.tensor(v[..., :2, :].copy(), requires_grad=True) for v in (a[0], b))
    if p > 0:
        assert mt.autograd.gradgradcheck(lambda x, y: mt.cdist(x, y, p), (x, y))


@pytest.mark.parametrize("p", [0, 0.5, 1, 1.5, 2, 3, math.inf])
def test_equal_rows_have_no_gradient(p):
    for side in (mt, torch):
        x = side.ones(2, 3, requires_grad=True)
        side.cdist(x, side.ones(1, 3), p).sum().backward()
        assert not array_of(x.grad).any()


def test_the_modes_of_cdist():
    a = matrix((30, 3))
    assert_same_derivatives(lambda s: lambda x: s.cdist(x, x[:4] + 1), [a])
    for mode in ("use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist"):
        ours = array_of(mt.cdist(mt.from_numpy(a), mt.from_numpy(a), compute_mode=mode))
        theirs = np.sqrt(np.square(a[:, None] - a).sum(-1))
        np.testing.assert_allclose(ours, theirs, rtol=1e-7)


@pytest.mark.parametrize("p", [1, 2, 3, math.inf, 0.5])
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_renorm(dim, p):
    a = matrix((3, 4))
    assert_same_derivatives(lambda s: lambda x: s.renorm(x, p, dim, 1.5), [a])

    def in_place(side):
        def call(x):
            y = x * 1
            return y.renorm_(p, dim, 1.5)

        return call

    assert_same_derivatives(in_place, [a])
    lengths = array_of(mt.linalg.vector_norm(mt.renorm(mt.from_numpy(a), p, dim, 1.5), p, 1 - dim % 2))
    assert (lengths <= 1.5 * (1 + 1e-12)).all()


def slopes_of_renorm(side, a, g, h, p):
    """The gradient of renorm(a) for the cotangent g, and the gradients of that for h."""
    x, cotangent = (side.from_numpy(v.copy()).requires_grad_() for v in (a, g))
    (first,) = side.autograd.grad(side.renorm(x, p, 0, 1.0), x, cotangent, create_graph=True)
    seconds = side.autograd.grad(first, (x, cotangent), side.from_numpy(h))
    return [array_of(t) for t in (first, *seconds)]


@pytest.mark.parametrize("p", [0.5, 1, 2, 3, math.inf])
def test_gradients_of_renorm_are_rounded_once(p):
    """Of the slope of an inf-norm 1e-7 of the terms is left: double precision to the end."""
    r = np.random.default_rng(5)
    single = [r.normal(size=(6, 5)).astype(np.float32) for _ in range(3)]
    found = slopes_of_renorm(mt, *single, p)
    exact = slopes_of_renorm(torch, *(v.astype(np.float64) for v in single), p)
    for ours, truth in zip(found, exact, strict=True):
        assert ours.dtype == np.float32
        np.testing.assert_array_max_ulp(ours, truth.astype(np.float32), 1)


@pytest.mark.parametrize("p", [1, 2, 3, math.inf])
def test_dist_is_the_norm_of_the_difference(p):
    a, b = matrix((3, 4)), matrix((4, 4), seed=1)[:1].copy()
    assert_same_derivatives(lambda s: lambda x, y: s.dist(x, y, p), [a, b])
    assert of(mt, "dist")(mt.from_numpy(a), mt.from_numpy(a), 2).item() == 0

"""Copies of views, writes into views of copies, index_reduce: values, gradients and refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from others_sides import assert_same

import minitorch_ref as mt

VIEWS = {
    "alias": (), "as_strided": ((2, 2), (1, 3)), "diagonal": (1,), "expand": ((2, 3, 4),),
    "permute": ((1, 0),), "select": (1, -1), "slice": (0, 1), "squeeze": (0,), "t": (),
    "transpose": (0, 1), "unfold": (1, 2, 2), "unsqueeze": (1,), "view": ((2, 6),), "unbind": (1,),
    "split": (2,), "split_with_sizes": ([1, 2],),
}  # fmt: skip


@pytest.mark.parametrize("name", VIEWS)
def test_copy(name):
    data = np.random.RandomState(0).randn(3, 4)
    assert_same(lambda e, x: getattr(e, f"{name}_copy")(x, *VIEWS[name]), data)
    x = mt.from_numpy(data)
    outs = getattr(mt, f"{name}_copy")(x, *VIEWS[name])
    for out in outs if isinstance(outs, tuple) else [outs]:
        assert not np.shares_memory(out.numpy(), data) and out._version == 0
        out.zero_()
    assert data.all()


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_scatters(data):
    rng = np.random.RandomState(data.draw(st.integers(0, 99)))
    shape = tuple(data.draw(st.lists(st.integers(1, 4), min_size=2, max_size=3)))
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    x, n = rng.randn(*shape), shape[dim]
    start, end = sorted(data.draw(st.tuples(st.integers(-n, n), st.integers(-n, n + 1))))
    step = data.draw(st.integers(1, 3))
    part = np.moveaxis(x, dim, 0)[start:end:step]
    src = rng.randn(*np.moveaxis(part, 0, dim).shape)
    assert_same(lambda e, x, s: e.slice_scatter(x, s, dim, start, end, step), x, src)
    index = data.draw(st.integers(-n, n - 1))
    row = rng.randn(*[m for d, m in enumerate(shape) if d != dim % len(shape)])
    assert_same(lambda e, x, s: e.select_scatter(x, s, dim, index), x, row)
    offset = data.draw(st.integers(-2, 2))
    diagonal = rng.randn(*np.diagonal(x, offset).shape)
    assert_same(lambda e, x, s: e.diagonal_scatter(x, s, offset), x, diagonal)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["prod", "mean", "amax", "amin"]), st.booleans(), st.integers(0, 1),
    st.lists(st.integers(0, 2), min_size=1, max_size=5), st.integers(0, 99),
    st.sampled_from(["float64", "float32", "int64"]),
)  # fmt: skip
def test_index_reduce(reduce, include_self, dim, index, seed, kind):
    rng = np.random.RandomState(seed)
    shape = [3, 3]
    shape[dim] = len(index)
    x, source = (rng.uniform(1, 9, s).astype(kind) for s in ((3, 3), shape))

    def call(e, x, s):
        return e.index_reduce(x, dim, e.tensor(index), s, reduce, include_self=include_self)

    assert_same(call, x, source, tolerance=1e-5 if kind == "float32" else 1e-12)


def test_as_strided_scatter_by_finite_differences():
    """torch's gradient for the input is wrong (zero outside the region), so it is checked by itself."""
    rng = np.random.RandomState(0)
    x, s, g = rng.randn(3, 4), rng.randn(2, 2), rng.randn(3, 4)

    def loss(x, s):
        out = mt.as_strided_scatter(mt.from_numpy(x), mt.from_numpy(s), (2, 2), (4, 1), 1)
        return float((out.numpy() * g).sum())

    leaves = [mt.from_numpy(a.copy()).requires_grad_() for a in (x, s)]
    out = mt.as_strided_scatter(*leaves, (2, 2), (4, 1), 1)
    (out * mt.from_numpy(g)).sum().backward()
    for which, (array, found) in enumerate(zip((x, s), leaves, strict=True)):
        for place in np.ndindex(array.shape):
            moved = [x.copy(), s.copy()]
            moved[which][place] += 1e-6
            slope = (loss(*moved) - loss(x, s)) / 1e-6
            assert abs(slope - float(found.grad[place])) < 1e-6


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 99), st.lists(st.integers(1, 5), max_size=3), st.sampled_from(["int64", "uint8", "int32"]))
def test_unravel_index(seed, shape, kind):
    total = int(np.prod(shape)) if shape else 1
    places = np.random.RandomState(seed).randint(0, total, 6).astype(kind)
    assert_same(lambda e, i: e.unravel_index(i, tuple(shape)), places)
    ours = [t.numpy() for t in mt.unravel_index(mt.from_numpy(places), tuple(shape))]
    if shape:
        assert all(map(np.array_equal, ours, np.unravel_index(places, tuple(shape))))


def _fill_diagonal(e, x, wrap):
    y = x * 1
    y.fill_diagonal_(7, wrap)
    return y


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 9), st.integers(1, 4), st.booleans(), st.booleans())
def test_fill_diagonal(rows, columns, wrap, cube):
    shape = (columns,) * 3 if cube else (rows, columns)
    assert_same(lambda e, x: _fill_diagonal(e, x, wrap), np.random.RandomState(0).randn(*shape))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 6), st.integers(-2, 2), st.lists(st.integers(0, 2), max_size=6))
def test_nonzero_static(size, fill, values):
    x = np.array(values, "int64")
    assert_same(lambda e, x: e.nonzero_static(x, size=size, fill_value=fill), x)


BAD = [
    lambda e: e.slice_scatter(e.ones(3, 4), e.ones(4), 0, 1, 2),
    lambda e: e.slice_scatter(e.ones(3), e.ones(1), 0, 0, 1, 0),
    lambda e: e.select_scatter(e.ones(3, 4), e.ones(3), 0, 1),
    lambda e: e.select_scatter(e.ones(3, 4), e.ones(4), 0, 5),
    lambda e: e.diagonal_scatter(e.ones(3, 4), e.ones(4)),
    lambda e: e.as_strided_scatter(e.ones(3, 4), e.ones(3), (2, 2), (4, 1)),
    lambda e: e.ones(3).fill_diagonal_(1), lambda e: e.ones(2, 3, 2).fill_diagonal_(1),
    lambda e: e.narrow_copy(e.ones(3), 0, 2, 2), lambda e: e.narrow_copy(e.ones(3), 0, 4, 0),
    lambda e: e.index_reduce(e.ones(3), 0, e.tensor([0]), e.ones(1), "sum"),
    lambda e: e.index_reduce(e.ones(3), 0, e.tensor([5]), e.ones(1), "prod"),
    lambda e: e.index_reduce(e.ones(3), 0, e.tensor([0.0]), e.ones(1), "prod"),
    lambda e: e.index_reduce(e.ones(3), 0, e.tensor([0, 1]), e.ones(1), "prod"),
    lambda e: e.unravel_index(e.ones(2), (3,)), lambda e: e.unravel_index(e.tensor([1]), (-3,)),
    lambda e: e.nonzero_static(e.ones(2), size=-1), lambda e: e.permute_copy(e.ones(2, 2), (0, 0)),
    lambda e: e.t_copy(e.ones(2, 2), out=e.empty(0, dtype=e.float64)),
    lambda e: e.split_copy(e.ones(2, 2), 1, out=[e.empty(1, 2)]),
    lambda e: e.view_copy(e.ones(6), (4, 4)), lambda e: e.rsub(e.ones(2) > 0, 2),
]  # fmt: skip


@pytest.mark.parametrize("call", BAD)
def test_refusals(call):
    assert_same(call)


def test_rsub():
    x, y = np.random.RandomState(0).randn(2, 3, 4)
    assert_same(lambda e, x: e.rsub(x, 2.5, 3), x)
    assert_same(lambda e, x, y: e.rsub(x, y, alpha=0.5), x, y)

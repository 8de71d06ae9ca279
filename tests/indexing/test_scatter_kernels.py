"""The kernels behind indexing against loops that cannot be wrong."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minitorch_ref as mt
from minitorch_ref.kernels import scatter as kernels


def looped(kind, array, dim, index, source=None):
    """gather (source None) or scatter with `kind`, one element at a time."""
    out = np.zeros(index.shape, array.dtype) if source is None else array.copy()
    for at in itertools.product(*map(range, index.shape)):
        there = (*at[:dim], index[at], *at[dim + 1 :])
        if source is None:
            out[at] = array[there]
        elif kind == "set":
            out[there] = source[at]
        else:
            out[there] = kind(out[there], source[at])
    return out


@st.composite
def cases(draw):
    shape = draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    dim = draw(st.integers(0, len(shape) - 1))
    sizes = [draw(st.integers(1, n)) for n in shape]
    sizes[dim] = draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    array = rng.integers(-9, 9, shape).astype(draw(st.sampled_from(["f4", "f8", "i8", "f2", "c8"])))
    return array, dim, rng.integers(0, shape[dim], sizes), rng.integers(-9, 9, sizes).astype(array.dtype)


@settings(max_examples=150, deadline=None)
@given(cases())
def test_gather_and_scatter(case):
    array, dim, index, source = case
    np.testing.assert_array_equal(kernels.gather(array, dim, index), looped(None, array, dim, index))
    written = array.copy()
    kernels.scatter(written, dim, index, source)
    np.testing.assert_array_equal(written, looped("set", array, dim, index, source))
    added = array.copy()
    kernels.scatter_with(np.add, added, dim, index, source)
    np.testing.assert_array_equal(added, looped(np.add, array, dim, index, source))
    count = kernels.counts(array.shape, dim, index)
    expected = looped(np.add, np.zeros(array.shape, int), dim, index, np.ones(index.shape, int))
    np.testing.assert_array_equal(count, expected)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "c8", "c16", "i4", "i8", "u1", "?"])
@pytest.mark.parametrize("columns", [1, 2, 3, 8, 257, 1024, 1500])
@pytest.mark.parametrize("dim", [0, 1])
def test_add_rows(dtype, columns, dim):
    """Each of its paths: one column, pairs, odd widths, long rows, an outer dim; half in single."""
    rng = np.random.default_rng(columns)
    shape = (7, columns) if dim == 0 else (3, 7, columns)
    array = rng.integers(0, 4, shape).astype(dtype)
    index = rng.integers(0, 7, 40)
    source = rng.integers(0, 2, (*shape[:dim], 40, columns)).astype(dtype)
    expected = array.copy() if dtype != "?" else array.astype(int)
    for k, i in enumerate(index):
        expected[(slice(None),) * dim + (i,)] += source[(slice(None),) * dim + (k,)]
    kernels.add_rows(array, dim, index, source)
    np.testing.assert_array_equal(array, expected.astype(dtype))


def test_additions_happen_in_the_order_of_the_index():
    """As in torch, so that float32 sums come out the same bit for bit."""
    values = np.random.default_rng(0).normal(size=(3000, 4)).astype(np.float32)
    index = np.random.default_rng(1).integers(0, 5, 3000)
    expected = np.zeros((5, 4), np.float32)
    for i, row in zip(index, values):
        expected[i] += row
    out = np.zeros((5, 4), np.float32)
    kernels.add_rows(out, 0, index, values)
    assert (out == expected).all()


@pytest.mark.parametrize("index,size,low,expected", [
    ([0, 2], 3, 0, None), ([0, 3], 3, 0, 3), ([-1, 0], 3, 0, -1), ([-1, 0], 3, -3, None),
    ([-4, 0], 3, -3, -4), ([1, 5, -9], 3, -3, 5), ([], 0, 0, None), ([0], 0, 0, 0),
    ([-(2**63)], 3, 0, -(2**63)), ([2**63 - 1], 3, -3, 2**63 - 1),
])  # fmt: skip
@pytest.mark.parametrize("dtype", [np.int64, np.int32])
def test_first_outside(index, size, low, expected, dtype):
    if any(abs(i) > 2**31 for i in index) and dtype is np.int32:
        return
    assert kernels.first_outside(np.array(index, dtype), size, low) == expected


def test_masked_take():
    rng = np.random.default_rng(0)
    array, mask = rng.normal(size=(6, 7)), rng.random((6, 7)) < 0.5
    np.testing.assert_array_equal(kernels.masked_take(array, mask), array[mask])


@pytest.mark.parametrize("cacheful", [1000, 40 * 50 * 30])
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("dim", [0, 1, 2])
def test_large_indices_are_handled_in_blocks(dim, threads, cacheful, monkeypatch):
    monkeypatch.setattr(kernels, "_CACHEFUL", cacheful)
    mt.set_num_threads(threads)
    try:
        check_large(dim)
    finally:
        mt.set_num_threads(1)


def check_large(dim):
    rng = np.random.default_rng(dim)
    array = rng.integers(-9, 9, (40, 50, 70)).astype(np.float32)
    index = rng.integers(0, array.shape[dim], (40, 50, 70))
    source = rng.standard_normal(index.shape).astype(np.float32)  # the order of a sum matters
    assert index.size > kernels._CACHEFUL
    np.testing.assert_array_equal(
        kernels.gather(array, dim, index), np.take_along_axis(array, index, dim)
    )
    written, expected = array.copy(), array.copy()
    kernels.scatter(written, dim, index, source)
    np.put_along_axis(expected, index, source, dim)
    np.testing.assert_array_equal(written, expected)
    added, expected = array.copy(), array.copy()
    kernels.scatter_with(np.add, added, dim, index, source)
    grid = list(np.indices(index.shape))
    grid[dim] = index
    np.add.at(expected, tuple(grid), source)
    np.testing.assert_array_equal(added, expected)


@pytest.mark.parametrize("rows,count,columns", [
    (50, 3000, 48), (2000, 3000, 64), (3, 900, 64), (1, 900, 1500), (90, 900, 1500), (70_000, 900, 48),
])  # fmt: skip
def test_wide_rows_added_by_rank_keep_the_order(rows, count, columns):
    """Few meetings, many, all in one place: each path gives the same float32 sums."""
    rng = np.random.default_rng(rows)
    index = rng.integers(0, rows, count)
    source = rng.normal(size=(count, columns)).astype(np.float32)
    out, expected = (np.ones((rows, columns), np.float32) for _ in range(2))
    for i, row in zip(index, source):
        expected[i] += row
    kernels.add_rows(out, 0, index, source)
    assert (out == expected).all()

"""histc, histogram, histogramdd and bincount beside torch, and beside counting by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from others_sides import assert_same

import minitorch_ref as mt

NUMBERS = st.floats(-4, 4, width=32)


def sample(values, kind="float32"):
    return np.array(values, kind)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(NUMBERS | st.integers(-3, 3).map(float), max_size=40), st.integers(1, 9),
    st.sampled_from([(0, 0), (-2, 2), (-1.5, 3), (0, 1)]), st.sampled_from(["float32", "float64"]),
)  # fmt: skip
def test_histc(values, bins, limits, kind):
    assert_same(lambda e, x: e.histc(x, bins, *limits), sample(values, kind))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(NUMBERS | st.integers(-3, 3).map(float), max_size=40), st.integers(1, 9),
    st.sampled_from([None, (-2.0, 2.0), (1.0, 1.0)]), st.booleans(), st.booleans(), st.integers(0, 9),
)  # fmt: skip
def test_histogram(values, bins, limits, weighted, density, seed):
    x = sample(values)
    weights = np.random.RandomState(seed).rand(len(values)).astype("f")

    def call(e, x):
        w = e.from_numpy(weights) if weighted else None
        return tuple(e.histogram(x, bins, range=limits, weight=w, density=density))

    assert_same(call, x, tolerance=1e-6 if density else 0)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(NUMBERS, max_size=30), st.lists(NUMBERS, min_size=2, max_size=7, unique=True),
)  # fmt: skip
def test_histogram_between_edges(values, edges):
    x, between = sample(values), np.sort(sample(edges))
    assert_same(lambda e, x: tuple(e.histogram(x, e.from_numpy(between))), x)
    hist, _ = mt.histogram(mt.from_numpy(x), mt.from_numpy(between))
    assert np.array_equal(hist.numpy(), np.histogram(x, between)[0])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 20), st.lists(st.integers(1, 4), min_size=1, max_size=3), st.booleans(), st.integers(0, 99))
def test_histogramdd(count, bins, density, seed):
    x = np.random.RandomState(seed).randn(count, len(bins))

    def call(e, x):
        found = e.histogramdd(x, bins, density=density)
        return [found.hist, *found.bin_edges]

    assert_same(call, x, tolerance=1e-12)
    hist, edges = mt.histogramdd(mt.from_numpy(x), bins)
    assert float(hist.sum()) == count and [e.numel() - 1 for e in edges] == bins


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(0, 9), max_size=30), st.integers(0, 12),
    st.sampled_from([None, "float32", "float64", "int32"]), st.sampled_from(["int64", "uint8", "int32"]),
)  # fmt: skip
def test_bincount(values, minlength, weights, kind):
    x = sample(values, kind)
    w = None if weights is None else np.random.RandomState(0).uniform(-3, 3, len(values)).astype(weights)

    def call(e, x):
        return e.bincount(x, None if w is None else e.from_numpy(w), minlength)

    assert_same(call, x)


BAD = [
    lambda e: e.histc(e.ones(3), 0), lambda e: e.histc(e.ones(3), 4, 3, 0),
    lambda e: e.histc(e.tensor([1.0, float("inf")]), 4), lambda e: e.histc(e.ones(3).long(), 4),
    lambda e: e.histc(e.ones(3), 4, out=e.empty(0, dtype=e.float64)),
    lambda e: e.histogram(e.ones(3), 0), lambda e: e.histogram(e.ones(3), e.tensor([])),
    lambda e: e.histogram(e.ones(3), e.ones(2, 2)), lambda e: e.histogram(e.ones(3), e.tensor([0, 1])),
    lambda e: e.histogram(e.ones(3), 4, range=(3.0, 0.0)), lambda e: e.histogram(e.ones(3), 4, range=(1.0,)),
    lambda e: e.histogram(e.ones(3), 4, weight=e.ones(2)), lambda e: e.histogram(e.ones(3).long(), 4),
    lambda e: e.histogramdd(e.ones(3), [2]), lambda e: e.histogramdd(e.ones(3, 2), [2]),
    lambda e: e.histogramdd(e.ones(3, 2), [2, 0]),
    lambda e: e.bincount(e.tensor([-1])), lambda e: e.bincount(e.ones(3)),
    lambda e: e.bincount(e.tensor([1]), minlength=-1), lambda e: e.bincount(e.tensor([[1]])),
    lambda e: e.bincount(e.tensor([1]), e.ones(2)),
]  # fmt: skip


@pytest.mark.parametrize("call", BAD)
def test_refusals(call):
    assert_same(call)


def test_backward_through_weights_says_that_there_is_no_derivative():
    for engine in (mt, torch):
        out = engine.bincount(engine.tensor([0, 1]), engine.ones(2, requires_grad=True))
        assert out.requires_grad
        with pytest.raises(RuntimeError, match="derivative for aten::bincount is not implemented"):
            out.sum().backward()

"""segment_reduce against a loop over the segments, and against torch at its corners."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import minitorch_ref as engine

LOOPS = {"sum": np.sum, "mean": np.mean, "prod": np.prod, "max": np.max, "min": np.min}


@given(
    lengths=st.lists(st.integers(0, 5), min_size=1, max_size=6),
    inner=st.integers(0, 3), reduce=st.sampled_from(list(LOOPS)), seed=st.integers(0, 99),
)
def test_each_segment_is_reduced_by_itself(lengths, inner, reduce, seed):
    data = np.random.default_rng(seed).standard_normal((sum(lengths), inner))
    found = engine.segment_reduce(
        engine.from_numpy(data), reduce, lengths=engine.tensor(lengths), initial=None
    ).numpy()
    assert found.shape == (len(lengths), inner)
    empty = {"sum": 0, "mean": np.nan, "prod": 1, "max": -np.inf, "min": np.inf}[reduce]
    for row, part in zip(found, np.split(data, np.cumsum(lengths)[:-1])):
        expected = LOOPS[reduce](part, axis=0) if len(part) else np.full(inner, empty)
        np.testing.assert_allclose(row, expected, rtol=1e-12)


@given(lengths=st.lists(st.integers(0, 4), min_size=1, max_size=5), seed=st.integers(0, 99))
def test_offsets_are_the_running_lengths(lengths, seed):
    data = engine.from_numpy(np.random.default_rng(seed).standard_normal(sum(lengths)))
    offsets = engine.tensor(np.concatenate([[0], np.cumsum(lengths)]))
    a = engine.segment_reduce(data, "sum", lengths=engine.tensor(lengths))
    b = engine.segment_reduce(data, "sum", offsets=offsets)
    np.testing.assert_array_equal(a.numpy(), b.numpy())


VALUES = [1.0, 3.0, 3.0, 0.0, 2.0, 0.0, 4.0, np.nan]
UP = [1.0, -2.0, 3.0, 4.0, 5.0]


@pytest.mark.parametrize("reduce", LOOPS)
@pytest.mark.parametrize("initial", [None, 2.0])
@pytest.mark.parametrize("lengths", [[3, 2, 1, 0, 2], [0, 0, 4, 4, 0]])
def test_values_and_gradients_with_ties_zeros_and_nans(reduce, initial, lengths):
    seen = []
    for e in (engine, torch):
        x = e.tensor(VALUES, requires_grad=True)
        y = e.segment_reduce(x, reduce, lengths=e.tensor(lengths), initial=initial)
        (g,) = e.autograd.grad(y, x, e.tensor(UP))
        seen.append((np.asarray(y.detach()), np.asarray(g)))
    np.testing.assert_array_equal(seen[0][0], seen[1][0])
    np.testing.assert_array_equal(seen[0][1], seen[1][1])


@pytest.mark.parametrize("reduce", ["sum", "mean", "prod", "max", "min"])
def test_gradients_are_those_of_differences(reduce):
    x = engine.from_numpy(np.random.default_rng(0).standard_normal((2, 5, 2))).requires_grad_()
    lengths = engine.tensor([[2, 3], [5, 0]])
    call = lambda x: engine.segment_reduce(x, reduce, lengths=lengths, axis=1, initial=1.5)
    assert engine.autograd.gradcheck(call, (x,))


def test_second_gradients_are_refused_as_torch_does():
    for e in (engine, torch):
        x = e.ones(4, requires_grad=True)
        y = e.segment_reduce(x, "prod", lengths=e.tensor([2, 2]))
        (g,) = e.autograd.grad(y.sum(), x, create_graph=True)
        with pytest.raises(RuntimeError, match="derivative for aten::_segment_reduce_backward"):
            g.sum().backward()

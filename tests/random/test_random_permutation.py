"""randperm: against torch, and swaps against swapping one by one, with LAPACK and without."""

import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minitorch_ref.kernels import draws
from minitorch_ref.kernels.mersenne import MersenneTwister


def one_by_one(source, n):
    """Fisher-Yates from the front, as it is written down in textbooks."""
    order = list(range(n))
    for i in range(n - 1):
        j = i + source.word() % (n - i)
        order[i], order[j] = order[j], order[i]
    return order


@given(seed=st.integers(0, 2**64 - 1), n=st.integers(0, 300))
@settings(max_examples=100, deadline=None)
def test_same_as_torch_and_as_the_textbook(seed, n):
    generator = torch.Generator().manual_seed(seed)
    source = MersenneTwister(seed)
    ours = draws.permutation(source, n)
    assert ours.tolist() == torch.randperm(n, generator=generator).tolist()
    assert ours.tolist() == one_by_one(MersenneTwister(seed), n)
    assert np.array_equal(source.get_state(), generator.get_state().numpy())
    assert ours.dtype == np.int64


@pytest.mark.parametrize("n", [1000, 4096, 50_000, 300_001])
def test_long_ones(n):
    ours = draws.permutation(MersenneTwister(n), n)
    theirs = torch.randperm(n, generator=torch.Generator().manual_seed(n)).numpy()
    assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("lapack", [True, False])
@given(seed=st.integers(0, 2**32), n=st.integers(0, 70))
@settings(max_examples=100, deadline=None)
def test_swaps(lapack, seed, n):
    """LAPACK's interchange of rows is one swap after the other, for any order of targets."""
    target = np.random.default_rng(seed).integers(np.arange(n), n, dtype=np.int32)
    order = list(range(n))
    for i, j in enumerate(target.tolist()):
        order[i], order[j] = order[j], order[i]
    before = draws._MANY
    try:
        draws._MANY = 1 if lapack else n + 1
        assert draws.swapped(target).tolist() == order
    finally:
        draws._MANY = before


def test_without_scipy(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.linalg.lapack", None)
    theirs = torch.randperm(20_000, generator=torch.Generator().manual_seed(3)).numpy()
    assert np.array_equal(draws.permutation(MersenneTwister(3), 20_000), theirs)


@given(seed=st.integers(0, 2**32), n=st.integers(0, 200))
@settings(max_examples=30, deadline=None)
def test_inside_out_variant(seed, n):
    """For counts too large to test through torch: the algorithm against its textbook form."""
    source, order = MersenneTwister(seed), []
    for i in range(n):
        z = (source.word() << 32 | source.word()) % (i + 1)
        order.append(i)
        order[i], order[z] = order[z], i
    ours = draws._permutation_inside_out(MersenneTwister(seed), n)
    assert ours.tolist() == order
    assert sorted(order) == list(range(n))

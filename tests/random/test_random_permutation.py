"""randperm: the chains of swaps followed at once give what swapping one by one gives."""

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

"""Samplers: the same indices as torch's, and the random stream left in the same place."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minitorch_ref as mt
import minitorch_ref.utils.data

SIDES = (torch, mt)


def both(make, seed=7, passes=2):
    """The orders of several passes, and the next numbers of the default and the own stream."""
    found = []
    for side in SIDES:
        side.manual_seed(seed)
        own = side.Generator().manual_seed(seed + 1)
        try:
            sampler = make(side.utils.data, own)
            orders = [list(sampler) for _ in range(passes)]
            after = side.rand(2).tolist(), side.rand(2, generator=own).tolist()
            found.append((orders, len(sampler), after))
        except Exception as error:
            found.append((type(error), str(error)))
    assert found[1] == found[0]
    return found[1]


many = settings(max_examples=60, deadline=None)


@many
@given(st.integers(0, 70), st.booleans(), st.one_of(st.none(), st.integers(-1, 150)), st.booleans(),
       st.integers(0, 50))  # fmt: skip
def test_random_sampler(n, replacement, num_samples, own, seed):
    def make(data, generator):
        return data.RandomSampler(range(n), replacement, num_samples, generator if own else None)

    both(make, seed)


def test_a_long_permutation():
    (orders, _, _) = both(lambda data, g: data.RandomSampler(range(30_001)))
    assert sorted(orders[0]) == list(range(30_001))


@many
@given(st.lists(st.integers(0, 99), max_size=40), st.booleans())
def test_subset_random_sampler(indices, own):
    both(lambda data, g: data.SubsetRandomSampler(indices, g if own else None))


@many
@given(
    # A subnormal weight over its exponential underflows and ties with a weight of zero; which of
    # equal values comes first is unspecified.
    st.lists(st.floats(0, 9, allow_subnormal=False), min_size=1, max_size=9),
    st.integers(-1, 20), st.booleans(), st.booleans(),
)  # fmt: skip
def test_weighted_random_sampler(weights, n, replacement, own):
    weights = [*weights, 1.0, 2.0]
    if not replacement:
        n = min(n, sum(w > 0 for w in weights))
    both(lambda data, g: data.WeightedRandomSampler(weights, n, replacement, g if own else None))


@many
@given(st.integers(0, 20), st.integers(-1, 7), st.booleans())
def test_batch_sampler(n, batch_size, drop_last):
    both(lambda data, g: data.BatchSampler(data.SequentialSampler(range(n)), batch_size, drop_last))


BAD = [
    lambda d: d.RandomSampler(range(3), replacement=1),
    lambda d: d.RandomSampler(range(3), num_samples=0),
    lambda d: d.RandomSampler(range(3), num_samples=2.0),
    lambda d: d.RandomSampler([]),
    lambda d: d.WeightedRandomSampler([1.0], True),
    lambda d: d.WeightedRandomSampler([1.0], 1, replacement=None),
    lambda d: d.WeightedRandomSampler([[1.0]], 1),
    lambda d: d.BatchSampler(range(3), 2.0, False),
    lambda d: d.BatchSampler(range(3), True, False),
    lambda d: d.BatchSampler(range(3), 2, None),
]


@pytest.mark.parametrize("make", BAD, ids=range(len(BAD)))
def test_errors_are_torchs(make):
    result = both(lambda data, g: make(data))
    assert issubclass(result[0], (TypeError, ValueError))


def test_a_sampler_of_ones_own():
    class Backwards(mt.utils.data.Sampler):
        def __init__(self, n):
            self.n = n

        def __iter__(self):
            return iter(range(self.n - 1, -1, -1))

    loader = mt.utils.data.DataLoader(range(5), batch_size=2, sampler=Backwards(5))
    assert [b.tolist() for b in loader] == [[4, 3], [2, 1], [0]]


def test_a_different_stream_is_noticed():
    """One draw more or less must show in what `both` compares."""
    mt.manual_seed(7)
    mt.rand(1)
    shifted = list(mt.utils.data.RandomSampler(range(50)))
    mt.manual_seed(7)
    assert shifted != list(mt.utils.data.RandomSampler(range(50)))

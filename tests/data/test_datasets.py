"""Datasets, their combinations, and collation, against torch."""

import collections
import warnings

import numpy as np
import pytest
import torch
import torch.utils.data
from hypothesis import given, settings
from hypothesis import strategies as st

import minitorch_ref as mt
import minitorch_ref.utils.data

SIDES = (torch, mt)


def plain(value):
    """A batch with its tensors as (dtype, shape, values) and its containers by type."""
    if isinstance(value, (torch.Tensor, mt.Tensor)):
        return str(value.dtype), tuple(value.shape), value.tolist()
    if isinstance(value, dict):
        return type(value).__name__, {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, collections.deque)):
        return type(value).__name__, [plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return "ndarray", str(value.dtype), value.tolist()
    return value


def outcomes(act):
    """What an action gives on either engine: a value, or the error's type and text."""
    found = []
    for side in SIDES:
        try:
            found.append(plain(act(side)))
        except Exception as error:
            found.append((type(error), str(error).split("\n")[0]))
    return found


def same(act):
    theirs, ours = outcomes(act)
    assert ours == theirs
    return ours


class Squares:
    """A dataset in duck's clothing."""

    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        if not -self.n <= i < self.n:
            raise IndexError(i)
        return i * i


# ---- datasets -------------------------------------------------------------------------------------


def _tensors(side, n=5):
    data = side.utils.data
    return data.TensorDataset(side.arange(3 * n).reshape(n, 3), side.arange(n) % 2)


ACTIONS = [
    lambda s: len(_tensors(s)),
    lambda s: _tensors(s)[2],
    lambda s: _tensors(s)[-1],
    lambda s: _tensors(s)[1:3],
    lambda s: s.utils.data.TensorDataset(s.ones(3), s.ones(4)),
    lambda s: s.utils.data.Dataset()[0],
    lambda s: len((_tensors(s) + _tensors(s, 3)).datasets),
    lambda s: [x[1] for x in (s.utils.data.ConcatDataset([_tensors(s), _tensors(s, 2)]))],
    lambda s: s.utils.data.ConcatDataset([Squares(3), Squares(2)])[-2],
    lambda s: s.utils.data.ConcatDataset([Squares(3), Squares(2)])[-6],
    lambda s: s.utils.data.ConcatDataset([Squares(3), Squares(2)])[5],
    lambda s: s.utils.data.ConcatDataset([Squares(3), Squares(2)]).cumulative_sizes,
    lambda s: s.utils.data.ConcatDataset([]),
    lambda s: s.utils.data.ConcatDataset([s.utils.data.ChainDataset([])]),
    lambda s: s.utils.data.StackDataset(Squares(3), Squares(3))[2],
    lambda s: s.utils.data.StackDataset(a=Squares(3), b=Squares(3))[1],
    lambda s: s.utils.data.StackDataset(Squares(3), Squares(3)).__getitems__([0, 2]),
    lambda s: s.utils.data.StackDataset(a=Squares(3), b=Squares(3)).__getitems__([2, 1]),
    lambda s: s.utils.data.StackDataset(Squares(3), Squares(4)),
    lambda s: s.utils.data.StackDataset(a=Squares(3), b=Squares(4)),
    lambda s: s.utils.data.StackDataset(Squares(3), b=Squares(3)),
    lambda s: s.utils.data.StackDataset(),
    lambda s: s.utils.data.Subset(Squares(9), [8, 1, 3])[1],
    lambda s: s.utils.data.Subset(Squares(9), [8, 1, 3]).__getitems__([2, 0]),
    lambda s: len(s.utils.data.Subset(Squares(9), [8, 1, 3])),
    lambda s: s.utils.data.Subset(_tensors(s), [4, 0])[[0, 1]],
    lambda s: list(s.utils.data.ChainDataset([_Count(s)(3), _Count(s)(2)])),
    lambda s: list(s.utils.data.ChainDataset([Squares(3)])),
    lambda s: len(_Count(s)(3) + _Count(s)(4)),
]


def _Count(side):
    class Count(side.utils.data.IterableDataset):
        def __init__(self, n):
            self.n = n

        def __iter__(self):
            return iter(range(self.n))

        def __len__(self):
            return self.n

    return Count


@pytest.mark.parametrize("act", ACTIONS, ids=range(len(ACTIONS)))
def test_datasets(act):
    same(act)


def test_a_subset_must_override_both_ways():
    for side in SIDES:

        class Half(side.utils.data.Subset):
            def __getitem__(self, i):
                return 0

        with pytest.raises(NotImplementedError, match="overrides __getitem__ but not __getitems__"):
            Half(Squares(3), [0])


# ---- random_split -----------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(0, 40),
    lengths=st.one_of(
        st.lists(st.integers(0, 15), min_size=1, max_size=4),
        st.sampled_from(
            [[0.5, 0.5], [0.9, 0.1], [0.3, 0.3, 0.4], [1 / 3] * 3, [0.7, 0.2], [2.0, -1.0]]
        ),
    ),
    seed=st.integers(0, 99),
    own=st.booleans(),
)
def test_random_split(n, lengths, seed, own):
    if isinstance(lengths[0], int) and n % 2:
        lengths = [*lengths, max(0, n - sum(lengths))]  # half of them fit

    def act(side):
        side.manual_seed(seed)
        options = {"generator": side.Generator().manual_seed(seed + 1)} if own else {}
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            parts = side.utils.data.random_split(Squares(n), lengths, **options)
        return [p.indices for p in parts], [str(w.message) for w in caught], side.rand(1)

    same(act)


# ---- collation ----------------------------------------------------------------------------------------

Point = collections.namedtuple("Point", "x y")


class Bag(dict):
    """A mapping that cannot be made from a dict."""

    def __init__(self, size, **items):
        super().__init__(**items)
        self.size = size


BATCHES = [
    lambda s: [1, 2, 3],
    lambda s: [1.5, 2.0],
    lambda s: [True, False],
    lambda s: ["a", "b"],
    lambda s: [b"a", b"b"],
    lambda s: [s.ones(2), s.zeros(2)],
    lambda s: [s.ones(2), s.zeros(3)],
    lambda s: [np.ones(2), np.zeros(2)],
    lambda s: [np.array(1, np.int16), np.array(2, np.int16)],
    lambda s: [np.float32(1.5), np.float32(2.5)],
    lambda s: [np.int8(1), np.int8(2)],
    lambda s: [np.bool_(True), np.bool_(False)],
    lambda s: [np.array(["a"]), np.array(["b"])],
    lambda s: [(1, 2.0), (3, 4.0)],
    lambda s: [[1, s.ones(1)], [3, s.zeros(1)]],
    lambda s: [[1, 2], [3]],
    lambda s: [{"a": 1, "b": (2, "x")}, {"a": 3, "b": (4, "y")}],
    lambda s: [collections.OrderedDict(b=1, a=2), collections.OrderedDict(b=3, a=4)],
    lambda s: [Point(1, 2.0), Point(3, 4.0)],
    lambda s: [Bag(1, a=1), Bag(2, a=2)],
    lambda s: [range(3), range(3)],
    lambda s: [None, None],
    lambda s: [object, 1],
    lambda s: [{1}, {2}],
    lambda s: [collections.deque([1, 2]), collections.deque([3, 4])],
]


@pytest.mark.parametrize("batch", BATCHES, ids=range(len(BATCHES)))
@pytest.mark.parametrize("name", ["default_collate", "default_convert"])
def test_collation(batch, name):
    same(lambda s: getattr(s.utils.data, name)(batch(s)))


def test_conversion_of_single_samples():
    for sample in (np.ones(2), (np.ones(2), "a"), {"a": np.int8(1)}, np.array(["a"]), "text", 3):
        same(lambda s, x=sample: s.utils.data.default_convert(x))


def test_collated_gradients_reach_the_samples():
    a, b = (mt.ones(2, requires_grad=True) for _ in range(2))
    (mt.utils.data.default_collate([a, b])[1] * 3).sum().backward()
    assert a.grad.tolist() == [0.0, 0.0]
    assert b.grad.tolist() == [3.0, 3.0]

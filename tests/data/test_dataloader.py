"""DataLoader in one process: batches, order, random streams, options, errors, against torch."""

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


def lists(batch):
    if isinstance(batch, (torch.Tensor, mt.Tensor)):
        return str(batch.dtype), batch.tolist()
    if isinstance(batch, (list, tuple)):
        return [lists(b) for b in batch]
    return batch


class Noisy:
    """Samples that use up the random stream."""

    def __init__(self, side, n):
        self.side, self.n = side, n

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        return i, self.side.rand(2)


def tensors(side, n):
    x = side.arange(3.0 * n).reshape(n, 3)
    return side.utils.data.TensorDataset(x, side.arange(n))


def stream(side, n):
    class Stream(side.utils.data.IterableDataset):
        def __iter__(self):
            return iter(range(n))

        def __len__(self):
            return max(n - 1, 1)

    return Stream()


DATASETS = {
    "range": lambda side, n: range(n),
    "noisy": Noisy,
    "tensors": tensors,
    "subset": lambda side, n: side.utils.data.Subset(tensors(side, 2 * n), range(1, 2 * n, 2)),
}


@settings(max_examples=100, deadline=None)
@given(
    name=st.sampled_from(sorted(DATASETS)),
    n=st.integers(1, 30),
    batch_size=st.one_of(st.none(), st.integers(1, 9)),
    shuffle=st.booleans(),
    drop_last=st.booleans(),
    own=st.booleans(),
    seed=st.integers(0, 99),
)
def test_two_passes(name, n, batch_size, shuffle, drop_last, own, seed):
    drop_last = drop_last and batch_size is not None
    found = []
    for side in SIDES:
        side.manual_seed(seed)
        generator = side.Generator().manual_seed(seed + 1) if own else None
        loader = side.utils.data.DataLoader(
            DATASETS[name](side, n), batch_size, shuffle, drop_last=drop_last, generator=generator
        )
        passes = [[lists(b) for b in loader] for _ in range(2)]
        after = side.rand(1).item(), generator and side.rand(1, generator=generator).item()
        found.append((len(loader), passes, after))
    assert found[0] == found[1]


@settings(max_examples=60, deadline=None)
@given(n=st.integers(0, 20), batch_size=st.one_of(st.none(), st.integers(1, 6)),
       drop_last=st.booleans())  # fmt: skip
def test_streams(n, batch_size, drop_last):
    drop_last = drop_last and batch_size is not None
    found = []
    for side in SIDES:
        loader = side.utils.data.DataLoader(stream(side, n), batch_size, drop_last=drop_last)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            length = len(loader)
            batches = [lists(b) for b in loader]
        said = [str(w.message).split(" was reported")[1:] for w in caught]
        found.append((length, batches, said))
    assert found[0] == found[1]


def test_every_pass_draws_a_seed_whether_it_is_needed_or_not():
    for shuffle in (False, True):
        states = []
        for side in SIDES:
            side.manual_seed(3)
            loader = side.utils.data.DataLoader(range(10), 2, shuffle)
            iter(loader)  # an iterator that is never asked for a batch
            states.append(side.rand(1).item())
        assert states[0] == states[1]
        mt.manual_seed(3)
        assert states[1] != mt.rand(1).item()


# ---- whole batches ------------------------------------------------------------------------------------


class Whole(mt.utils.data.Dataset):
    """Counts how its samples were asked for."""

    def __init__(self):
        self.asked = []

    def __len__(self):
        return 6

    def __getitem__(self, i):
        self.asked.append(i)
        return mt.tensor(i)

    def _collated_batch(self, indices):
        if 5 in indices:
            return None
        self.asked.append(list(indices))
        return mt.tensor(list(indices))


def test_a_finished_batch_is_taken_where_it_cannot_be_told_apart():
    def asked(wrap=lambda d: d, **options):
        dataset = Whole()
        batches = [b.tolist() for b in mt.utils.data.DataLoader(wrap(dataset), **options)]
        return dataset.asked, batches

    in_threes = [[0, 1, 2], [3, 4, 5]]
    assert asked(batch_size=3) == ([[0, 1, 2], 3, 4, 5], in_threes)
    own = mt.utils.data.default_collate
    assert asked(batch_size=3, collate_fn=lambda b: own(b)) == ([0, 1, 2, 3, 4, 5], in_threes)
    assert asked(batch_size=None)[0] == [0, 1, 2, 3, 4, 5]

    def subset(dataset):
        return mt.utils.data.Subset(dataset, [4, 3, 2])

    assert asked(subset, batch_size=2) == ([[4, 3], [2]], [[4, 3], [2]])


def test_whole_batches_of_tensors_equal_stacked_samples():
    x = mt.arange(24.0).reshape(6, 2, 2)
    dataset = mt.utils.data.TensorDataset(x, mt.arange(6))
    order = [5, 0, 0, -1, 3]
    whole = dataset._collated_batch(order)
    stacked = mt.utils.data.default_collate([dataset[i] for i in order])
    assert lists(whole) == lists(stacked)
    assert all(a.stride() == b.stride() for a, b in zip(whole, stacked))
    whole[0].zero_()
    assert x[5, 0, 0].item() == 20.0  # a copy, not a view
    with pytest.raises(IndexError):
        dataset._collated_batch([6])


def test_tensors_with_gradients_keep_their_graph():
    x = mt.ones(4, 2).requires_grad_()
    (batch,) = next(iter(mt.utils.data.DataLoader(mt.utils.data.TensorDataset(x), 3)))
    batch.sum().backward()
    assert x.grad.tolist() == [[1.0, 1.0]] * 3 + [[0.0, 0.0]]


# ---- options -------------------------------------------------------------------------------------------


def _sampled(side, **options):
    return side.utils.data.DataLoader(range(8), **options)


USES = [
    lambda s: _sampled(s, sampler=[3, 1, 2], batch_size=2),
    lambda s: _sampled(s, sampler=[3, 1, 2], batch_size=None),
    lambda s: _sampled(s, batch_sampler=[[3, 1], [2]]),
    lambda s: _sampled(s, collate_fn=sum, batch_size=3),
    lambda s: _sampled(s, collate_fn=lambda x: x, batch_size=None),
    lambda s: _sampled(s, pin_memory=False, timeout=0, prefetch_factor=None),
    lambda s: s.utils.data.DataLoader(np.arange(6.0).reshape(3, 2), batch_size=None),
    lambda s: s.utils.data.DataLoader({0: "a", 1: "b"}, batch_size=2),
    lambda s: s.utils.data.DataLoader(s.utils.data.StackDataset(range(3), range(3)), 2),
]


@pytest.mark.parametrize("use", USES, ids=range(len(USES)))
def test_uses(use):
    found = [[lists(b) for b in use(side)] for side in SIDES]
    assert found[0] == found[1]


BAD = [
    {"num_workers": -1},
    {"timeout": -1},
    {"prefetch_factor": 2},
    {"num_workers": 1, "prefetch_factor": -2},
    {"persistent_workers": True},
    {"sampler": [1], "shuffle": True},
    {"batch_sampler": [[1]], "batch_size": 2},
    {"batch_sampler": [[1]], "drop_last": True},
    {"batch_sampler": [[1]], "shuffle": True},
    {"batch_sampler": [[1]], "sampler": [1]},
    {"batch_size": None, "drop_last": True},
    {"batch_size": 0},
    {"batch_size": 1.5},
    {"multiprocessing_context": "fork"},
    {"num_workers": 1, "multiprocessing_context": "thread"},
    {"num_workers": 1, "multiprocessing_context": 3},
]


def message(act):
    with pytest.raises(Exception) as caught:
        act()
    return type(caught.value), str(caught.value)


@pytest.mark.parametrize("options", BAD, ids=str)
def test_bad_options(options):
    theirs, ours = (message(lambda s=s: _sampled(s, **options)) for s in SIDES)
    assert ours == theirs


@pytest.mark.parametrize("options", [{"shuffle": True}, {"sampler": [1]}, {"batch_sampler": [[1]]}])
def test_bad_options_for_streams(options):
    theirs, ours = (
        message(lambda s=s: s.utils.data.DataLoader(stream(s, 3), **options)) for s in SIDES
    )
    assert ours == theirs


def test_fixed_attributes():
    loader = mt.utils.data.DataLoader(range(3))
    for name in ("batch_size", "sampler", "dataset", "drop_last"):
        with pytest.raises(ValueError, match=f"{name} attribute should not be set after"):
            setattr(loader, name, 1)
    loader.timeout = 3


def test_pinning_says_that_it_does_nothing():
    for side in SIDES:
        loader = side.utils.data.DataLoader(range(3), pin_memory=True)
        with pytest.warns(UserWarning, match="no accelerator is found"):
            assert len(list(loader)) == 3


def test_errors_of_samples_pass_through():
    def broken(side):
        return side.utils.data.DataLoader({0: 1, 2: 3}, batch_size=2)

    for side in SIDES:
        with pytest.raises(KeyError):
            list(broken(side))
        with pytest.raises(AssertionError):
            iter(side.utils.data.DataLoader(range(3), timeout=1))


def test_types_can_be_named():
    assert mt.utils.data.DataLoader[int] is not None
    assert mt.utils.data.Dataset[int] is not None
    assert mt.utils.data.Sampler[int] is not None

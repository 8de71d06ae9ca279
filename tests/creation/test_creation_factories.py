"""zeros, ones, full, empty, eye, complex … in their three forms, against torch."""

import numpy as np
import pytest
import torch
from creation_sides import OURS, outcome, same
from hypothesis import given, settings
from hypothesis import strategies as st

import minitorch_ref as mt

CALLS = [
    lambda e: e.zeros(2, 3),
    lambda e: e.zeros((2, 3)),
    lambda e: e.zeros([2, 0, 3]),
    lambda e: e.zeros(()),
    lambda e: e.zeros(size=(2,)),
    lambda e: e.zeros(e.tensor(3), 2),
    lambda e: e.zeros(np.int64(3)),
    lambda e: e.zeros(),
    lambda e: e.zeros(2.0),
    lambda e: e.zeros((2, 2.0)),
    lambda e: e.zeros("a"),
    lambda e: e.zeros(None),
    lambda e: e.zeros(True),
    lambda e: e.zeros(e.tensor([2, 3])),
    lambda e: e.zeros(np.array([2, 3])),
    lambda e: e.zeros(2, dtype=float),
    lambda e: e.zeros(2, dtype=int),
    lambda e: e.zeros(2, dtype=bool),
    lambda e: e.zeros(2, dtype=complex),
    lambda e: e.zeros(2, dtype="float32"),
    lambda e: e.zeros(2, device="cpu", layout=e.strided, pin_memory=False),
    lambda e: e.zeros(2, device="cuda"),
    lambda e: e.zeros(2, device="xyz"),
    lambda e: e.zeros(2, layout=3),
    lambda e: e.zeros(2, pin_memory=True),
    lambda e: e.zeros(2, requires_grad=True),
    lambda e: e.zeros(2, requires_grad=True, dtype=e.int64),
    lambda e: e.zeros(2, requires_grad=1),
    lambda e: e.zeros(2, foo=1),
    lambda e: e.zeros(2, out=e.ones(3)),
    lambda e: e.zeros(2, out=e.ones(2, dtype=e.int64)),
    lambda e: e.zeros(2, out=e.ones(2, dtype=e.int64), dtype=e.float32),
    lambda e: e.zeros(2, out=e.ones(2, requires_grad=True)),
    lambda e: e.zeros(3, 4, out=e.ones(4, 3).t()),
    lambda e: e.ones(2, 3, dtype=e.complex64),
    lambda e: e.ones(-1),
    lambda e: e.ones(2, dtype=e.bool),
    lambda e: e.ones(3, out=e.zeros(0)),
    lambda e: e.full((2,), 3),
    lambda e: e.full((2,), 3.5),
    lambda e: e.full((2,), True),
    lambda e: e.full((2,), 1j),
    lambda e: e.full([2, 2], 3, dtype=e.float16),
    lambda e: e.full((2,), 3.7, dtype=e.int64),
    lambda e: e.full((2,), -1, dtype=e.uint8),
    lambda e: e.full((2,), 300, dtype=e.uint8),
    lambda e: e.full((2,), 2**63),
    lambda e: e.full((2,), 1j, dtype=e.float32),
    lambda e: e.full((2,), float("nan")),
    lambda e: e.full((2,), 1e300),
    lambda e: e.full((), 5, dtype=e.bool),
    lambda e: e.full((2,), e.tensor(3)),
    lambda e: e.full((2,), e.tensor([3, 4])),
    lambda e: e.full((2,), "a"),
    lambda e: e.full((2,), None),
    lambda e: e.full(2, 3),
    lambda e: e.full(size=(2,), fill_value=2.0),
    lambda e: e.full((2,), 3, out=e.empty(2)),
    lambda e: e.full((2,), 3.0, requires_grad=True),
    lambda e: e.scalar_tensor(3),
    lambda e: e.scalar_tensor(True),
    lambda e: e.scalar_tensor(3, dtype=e.int64),
    lambda e: e.eye(3),
    lambda e: e.eye(3, 2),
    lambda e: e.eye(2, 3, dtype=e.bool),
    lambda e: e.eye(0),
    lambda e: e.eye(-1),
    lambda e: e.eye(2, -1),
    lambda e: e.eye(2.0),
    lambda e: e.eye(2, out=e.empty(0)),
    lambda e: e.eye(3, requires_grad=True),
    lambda e: e.zeros_like(e.ones(2, 3).t()),
    lambda e: e.zeros_like(e.ones(2, 3).t(), memory_format=e.contiguous_format),
    lambda e: e.zeros_like(e.ones(2, 3, 4, 5), memory_format=e.channels_last),
    lambda e: e.zeros_like(e.ones(2, 1).expand(2, 3)),
    lambda e: e.zeros_like(e.ones(4, 6)[::2, ::3].t()),
    lambda e: e.zeros_like(3),
    lambda e: e.zeros_like(input=e.ones(2)),
    lambda e: e.ones_like(e.ones(2, dtype=e.int8)),
    lambda e: e.ones_like(e.ones(2), dtype=e.int8),
    lambda e: e.ones_like(e.ones(2), out=e.ones(2)),
    lambda e: e.ones_like(e.ones(2, requires_grad=True)),
    lambda e: e.full_like(e.ones(2, dtype=e.int8), 3.7),
    lambda e: e.full_like(e.ones(2, dtype=e.int8), 300),
    lambda e: e.full_like(e.ones(3, 2).t(), 7, requires_grad=True),
    lambda e: e.full_like(3, 1),
    lambda e: e.ones(1, dtype=e.int64).new_zeros(2, 3),
    lambda e: e.ones(1).new_zeros((2, 3), dtype=e.int16),
    lambda e: e.ones(1).new_zeros(size=(2, 3)),
    lambda e: e.ones(1).new_zeros(-1),
    lambda e: e.ones(1).new_zeros(2.0),
    lambda e: e.ones(1, dtype=e.float64).new_ones(2, requires_grad=True),
    lambda e: e.ones(1, dtype=e.int64).new_full((2,), 3.7),
    lambda e: e.ones(1, dtype=e.int64).new_full((2,), 3.7, dtype=e.float32),
    lambda e: e.complex(e.tensor([1.0, 2.0]), e.tensor([3.0, -0.0])),
    lambda e: e.complex(e.ones(3, 1).double(), e.ones(2).double()),
    lambda e: e.complex(e.tensor(1), e.tensor(2)),
    lambda e: e.complex(e.tensor(1.0), e.tensor(2.0, dtype=e.float64)),
    lambda e: e.complex(e.ones(3), e.ones(2)),
    lambda e: e.polar(e.tensor(1), e.tensor(2)),
    lambda e: e.polar(e.tensor([2.0, 0.5]), e.tensor([0.0, 0.0])),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(CALLS)))
def test_calls(number):
    same(CALLS[number])


UNINITIALISED = [
    lambda e: e.empty(2, 3),
    lambda e: e.empty((2, 3), dtype=e.int16),
    lambda e: e.empty(2, 3, 4, 5, memory_format=e.channels_last),
    lambda e: e.empty(2, 3, memory_format=e.channels_last),
    lambda e: e.empty((2, 3, 4, 5), memory_format=e.preserve_format),
    lambda e: e.empty(2, requires_grad=True),
    lambda e: e.empty(2, out=e.ones(3)),
    lambda e: e.empty_like(e.ones(2, 3, 4).permute(2, 0, 1)),
    lambda e: e.empty_like(e.ones(2), dtype=e.float64, requires_grad=True),
    lambda e: e.empty_strided((2, 3), (1, 2)),
    lambda e: e.empty_strided((2, 3), (3, 1), dtype=e.int8),
    lambda e: e.empty_strided((2, 3), (0, 1)),
    lambda e: e.empty_strided((2, 3), (1,)),
    lambda e: e.empty_strided((2, 3), (-1, 2)),
    lambda e: e.empty_permuted((2, 3, 4), (2, 0, 1)),
    lambda e: e.ones(1, dtype=e.int64).new_empty(2, 3),
    lambda e: e.ones(1, dtype=e.int64).new_empty_strided((2, 3), (1, 2)),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(UNINITIALISED)))
def test_uninitialised(number):
    same(UNINITIALISED[number], values=False)


@given(
    shape=st.lists(st.integers(0, 4), max_size=4),
    order=st.permutations(range(4)),
    step=st.integers(1, 2),
    name=st.sampled_from(["zeros_like", "ones_like", "empty_like"]),
)
@settings(max_examples=100, deadline=None)
def test_like_keeps_the_order_of_dims(shape, order, step, name):
    """Permuted, sliced and expanded inputs: the result is dense, its dims in the input's order."""
    order = [d for d in order if d < len(shape)]

    def call(e):
        x = e.zeros(shape).permute(*order) if shape else e.zeros(())
        if len(shape) > 1:
            x = x[::step]
        return getattr(e, name)(x)

    theirs, ours = (outcome(e, call, values=name != "empty_like") for e in (torch, OURS))
    if 0 in shape:  # the strides of nothing mean nothing
        theirs, ours = theirs[:3], ours[:3]
    assert ours == theirs


def test_like_of_expanded_tensors():
    for sizes in [(3, 4, 5), (5, 4, 3)]:
        for dims in [(0,), (1,), (0, 2)]:

            def call(e):
                shape = [1 if d in dims else n for d, n in enumerate(sizes)]
                return e.zeros_like(e.ones(shape).expand(*sizes).transpose(0, 2))

            same(call)


def test_memory_that_cannot_be_had():
    for e in (torch, OURS):
        with pytest.raises(RuntimeError, match="can't allocate memory: you tried to allocate"):
            e.empty(2**55)


def test_new_tensors_do_not_share_memory():
    x = OURS.zeros(3)
    y = OURS.zeros_like(x)
    y.fill_(1)
    assert x.tolist() == [0, 0, 0]


def test_the_default_dtype_is_asked_at_each_call():
    assert OURS.zeros(1).dtype is mt.float32
    mt.set_default_dtype(mt.float64)
    try:
        assert OURS.zeros(1).dtype is mt.float64
        assert OURS.full((1,), 1.5).dtype is mt.float64
        assert OURS.full((1,), 1j).dtype is mt.complex128
        assert OURS.tensor([1.5]).dtype is mt.float64
        assert OURS.arange(1.5).dtype is mt.float64
        assert OURS.full((1,), 1).dtype is mt.int64
    finally:
        mt.set_default_dtype(mt.float32)


def test_overlapping_strides_share_cells():
    x = OURS.empty_strided((2, 3), (0, 1))
    x._array[0, 1] = 5
    assert x.tolist()[1][1] == 5


@pytest.mark.parametrize("name", ["complex", "polar"])
def test_gradients_of_complex_numbers_from_parts(name):
    a, b = np.random.RandomState(0).rand(2, 4)
    results = []
    for e in (torch, OURS):
        x, y = (e.tensor(v, requires_grad=True) for v in (a, b))
        z = getattr(e, name)(x, y)
        (z.real * 2 + z.imag * 3).sum().backward()
        results.append((x.grad.tolist(), y.grad.tolist()))
    assert np.allclose(results[0], results[1], rtol=1e-14)


def test_a_different_outcome_is_noticed():
    """The comparison rejects a wrong value, dtype, stride, flag, and a missing error."""
    right = lambda e: e.zeros(2, 3)  # noqa: E731
    for wrong in (
        lambda e: e.ones(2, 3),
        lambda e: e.zeros(2, 3, dtype=e.float64),
        lambda e: e.zeros(3, 2).t(),
        lambda e: e.zeros(2, 3, requires_grad=True),
        lambda e: e.zeros(-2),
    ):
        assert outcome(OURS, wrong) != outcome(torch, right)

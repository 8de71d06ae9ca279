"""Of equal values, ours are the places torch names: topk, kthvalue, median, nanmedian, mode."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minitorch_ref as mt

many = settings(max_examples=150, deadline=None)
ROWS = st.tuples(
    st.integers(1, 3), st.integers(1, 150), st.integers(1, 9), st.integers(0, 2**31), st.booleans()
)


def rows(rows, columns, distinct, seed, special):
    """Few distinct values; with NaN and zeros of both signs where `special`."""
    draw = np.random.default_rng(seed)
    x = draw.integers(0, distinct, (rows, columns)).astype(np.float32)
    if special:
        x[draw.random(x.shape) < 0.2] = np.nan
        x[draw.random(x.shape) < 0.3] *= -0.0
    return x


def both(call, x):
    results = [call(side, side.from_numpy(x.copy())) for side in (mt, torch)]
    return [[t.numpy() for t in (r if isinstance(r, tuple) else (r,))] for r in results]


def agree(call, x):
    for ours, theirs in zip(*both(call, x)):
        np.testing.assert_array_equal(ours, theirs)
        assert (np.signbit(ours) == np.signbit(theirs)).all()


@many
@given(shape=ROWS, k=st.integers(1, 150), largest=st.booleans(), ordered=st.booleans())
def test_topk(shape, k, largest, ordered):
    x = rows(*shape)
    agree(lambda side, t: side.topk(t, min(k, x.shape[1]), 1, largest, ordered), x)


@many
@given(shape=ROWS, k=st.integers(1, 150))
def test_kthvalue(shape, k):
    x = rows(*shape)
    agree(lambda side, t: side.kthvalue(t, min(k, x.shape[1]), 1), x)


@many
@given(shape=ROWS, name=st.sampled_from(["median", "nanmedian", "mode"]))
def test_selection_along_a_dim(shape, name):
    agree(lambda side, t: getattr(side, name)(t, 1), rows(*shape))


@many
@given(shape=ROWS, name=st.sampled_from(["median", "nanmedian"]))
def test_full_median(shape, name):
    agree(lambda side, t: getattr(side, name)(t), rows(*shape))


@many
@given(shape=ROWS, right=st.booleans(), order=st.booleans())
def test_searchsorted(shape, right, order):
    """Also among boundaries that are not sorted, and with NaN on either side."""
    x = rows(*shape)
    edges = np.sort(x, axis=1) if order else x
    for values in (x, x + np.float32(0.5), x * np.float32("nan")):
        found = [
            side.searchsorted(side.from_numpy(edges), side.from_numpy(values), right=right).numpy()
            for side in (mt, torch)
        ]
        np.testing.assert_array_equal(*found)


def test_the_check_sees_a_stable_order():
    """A stable sort names other places than torch's quickselect does."""
    x = np.array([[2.0, 3.0, 4.0, 1.0, 2.0, 2.0]], np.float32)
    stable = np.argsort(x[0], kind="stable")
    found = torch.kthvalue(torch.from_numpy(x), 2, 1).indices.item()
    assert found in stable[1:4]
    with pytest.raises(AssertionError):
        np.testing.assert_array_equal([found], [stable[3 if found != stable[3] else 1]])

"""Pooling kernels against the plain loops, torch's ties and NaN included."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from window_cases import pool_axes, values

from minitorch_ref.kernels import adaptive, avg_pool, max_pool, reference, workspace
from minitorch_ref.kernels.axis import Axis

F = torch.nn.functional


@pytest.fixture(autouse=True)
def poisoned_scratch():
    workspace.poison(True)
    yield
    workspace.poison(False)


def tricky(seed, shape, dtype):
    """Values with ties, and for floats NaN and -inf among them."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 4, shape).astype(dtype)
    if x.dtype.kind == "f":
        x[rng.random(shape) < 0.1 * (seed % 3)] = np.nan
        x[rng.random(shape) < 0.3 * (seed % 2)] = -np.inf
    return x


kinds = st.sampled_from([np.float32, np.float64, np.float16, np.int64, np.uint8])


@settings(max_examples=100, deadline=None)
@given(pool_axes(), pool_axes(), st.sampled_from([0, 1, 4]), kinds, st.integers(0, 99))
def test_max_pool(h, w, n, dtype, seed):
    x = tricky(seed, (n, 2, h.size, w.size), dtype)
    y, places = max_pool.max_pool2d(x, h, w)
    theirs, indices = reference.max_pool2d(x, h, w)
    seen = indices >= 0  # a window of padding alone has no element
    assert y.dtype == x.dtype and y.flags.c_contiguous
    np.testing.assert_array_equal(y[seen], theirs[seen])
    np.testing.assert_array_equal(places[seen], indices[seen])
    assert places.min(initial=0) >= 0 and places.max(initial=0) < h.size * w.size
    np.testing.assert_array_equal(max_pool.max_pool2d(x, h, w, with_indices=False)[0], y)


@settings(max_examples=60, deadline=None)
@given(pool_axes(), pool_axes(), st.integers(0, 99))
def test_max_pool_gradient_is_the_adjoint_of_the_gather(h, w, seed):
    x = values(seed, (2, 3, h.size, w.size))
    y, places = max_pool.max_pool2d(x, h, w)
    apart = max_pool.windows_apart(h, w)
    g, other = values(seed + 1, y.shape), values(seed + 2, x.shape)
    spread = max_pool.to_places(g, places, x.shape, 2, apart)
    gathered = max_pool.from_places(other, places, 2)
    assert np.isclose(np.vdot(spread, other), np.vdot(g, gathered))
    if not (max_pool.has_empty_window(h) or max_pool.has_empty_window(w)):
        np.testing.assert_array_equal(max_pool.from_places(x, places, 2), y)


@settings(max_examples=80, deadline=None)
@given(
    pool_axes(False), pool_axes(False), st.booleans(), st.sampled_from([None, 3, -2]),
    st.integers(0, 99),
)  # fmt: skip
def test_avg_pool(h, w, padded, divisor, seed):
    x = values(seed, (3, 2, h.size, w.size))
    y = avg_pool.mean(x, (h, w), padded, divisor)
    np.testing.assert_allclose(y, reference.avg_pool2d(x, h, w, padded, divisor), atol=1e-13)
    g = values(seed + 1, y.shape)
    back = avg_pool.mean_gradient(g, (h, w), padded, divisor)
    assert back.shape == x.shape and np.isclose(np.vdot(y, g), np.vdot(x, back))


def test_small_windows_give_the_bits_of_torch():
    x = values(3, (4, 5, 21, 17), np.float32)
    for kernel, stride, padding in ((2, 2, 0), (3, 1, 1), (3, 2, 1)):
        axes = [max_pool_axis(n, kernel, stride, padding) for n in x.shape[2:]]
        theirs = F.avg_pool2d(torch.tensor(x), kernel, stride, padding).numpy()
        assert np.array_equal(avg_pool.mean(x, axes, True, None), theirs)


def max_pool_axis(size, kernel, stride, padding):
    return Axis(size, (size + 2 * padding - kernel) // stride + 1, kernel, stride, padding)


@settings(max_examples=50, deadline=None)
@given(st.lists(pool_axes(False), min_size=3, max_size=3), st.integers(0, 99))
def test_three_dims(axes, seed):
    size = [a.size for a in axes]
    x = tricky(seed, (2, 2, *size), np.float64)
    how = [[getattr(a, k) for a in axes] for k in ("kernel", "stride", "padding")]
    for ceil in (False, True):
        ty, ti = F.max_pool3d(torch.tensor(x), *how, 1, ceil, return_indices=True)
        if tuple(ty.shape[2:]) == tuple(a.out for a in axes):
            y, places = max_pool.max_pool3d(x, *axes)
            np.testing.assert_array_equal(y, ty.numpy())
            np.testing.assert_array_equal(places, ti.numpy())
            if any(a.kernel > a.size for a in axes):  # which torch's avg_pool3d refuses
                continue
            z = values(seed, x.shape)
            means = F.avg_pool3d(torch.tensor(z), *how, ceil).numpy()
            np.testing.assert_allclose(avg_pool.mean(z, axes, True, None), means, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 11), st.integers(1, 11), st.integers(0, 99))
def test_adaptive(high, wide, rows, columns, seed):
    x = values(seed, (2, 2, high, wide))
    tx = torch.tensor(x, requires_grad=True)
    ty = F.adaptive_avg_pool2d(tx, (rows, columns))
    np.testing.assert_allclose(adaptive.mean(x, (rows, columns)), ty.detach().numpy(), atol=1e-13)
    g = values(seed + 1, tuple(ty.shape))
    ty.backward(torch.tensor(g))
    np.testing.assert_allclose(adaptive.mean_gradient(g, (high, wide)), tx.grad.numpy(), atol=1e-12)
    z = tricky(seed, x.shape, np.float32)
    top, at = F.adaptive_max_pool2d(torch.tensor(z), (rows, columns), return_indices=True)
    y, places = adaptive.maximum(z, (rows, columns))
    np.testing.assert_array_equal(y, top.numpy())
    np.testing.assert_array_equal(places, at.numpy())


def test_the_checks_notice_the_wrong_tie(monkeypatch):
    """A pooling that takes the last of equal maxima must fail the comparison above."""
    monkeypatch.setattr(max_pool.np, "greater", np.greater_equal)
    check = test_max_pool.hypothesis.inner_test
    with pytest.raises(AssertionError):
        check(Axis(8, 4, 2, 2), Axis(8, 4, 2, 2), 4, np.int64, 0)

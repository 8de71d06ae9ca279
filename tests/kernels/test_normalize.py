"""Normalisation, softmax and blocks: against float64, in any number of threads and of chunks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minitorch_ref as mt
from minitorch_ref.kernels import blocks, normalize, softmax
from minitorch_ref.kernels.workspace import poison

EPS = 1e-5
FIVE = st.tuples(*[st.integers(1, n) for n in (3, 7, 3, 3, 40)])


@pytest.fixture(autouse=True)
def poisoned():
    poison(True)
    yield
    poison(False)
    mt.set_num_threads(1)


def draw(shape, seed, dtype=np.float32, mean=0.0):
    return (np.random.default_rng(seed).standard_normal(shape) + mean).astype(dtype)


def exactly(x, weight, bias, centred=True):
    """y and what the gradient needs, by the formula in float64."""
    x = x.astype(np.float64)
    axes = (0, 3, 4)
    mean = x.mean(axes, keepdims=True) if centred else 0.0
    r = 1 / np.sqrt(((x - mean) ** 2).mean(axes, keepdims=True) + EPS)
    hat = (x - mean) * r
    return hat * weight + bias, hat, r


def affine_shapes(five):
    a, s, g, p, b = five
    return [(1, s, 1, 1, 1), (1, 1, 1, 1, b), (1, 1, g, p, 1)]


@settings(max_examples=60, deadline=None)
@given(
    FIVE, st.integers(0, 2), st.booleans(), st.integers(0, 99), st.sampled_from([8, 200, 1 << 17]),
    st.sampled_from([0.0, 0.9, 30.0]),
)  # fmt: skip
def test_forward_and_gradients(five, kind, centred, seed, chunk, mean):
    if five[0] * five[3] * five[4] < 2:
        return
    before, normalize.CHUNK = normalize.CHUNK, chunk
    try:
        check(five, affine_shapes(five)[kind], centred, seed, mean)
    finally:
        normalize.CHUNK = before


def check(five, affine, centred, seed, mean=0.0):
    x, g = draw(five, seed), draw(five, seed + 1)
    x[:, ::2] += np.float32(mean)  # large means beside small ones
    weight, bias = draw(affine, seed + 2), draw(affine, seed + 3)
    want, hat, r = exactly(x, weight, bias, centred)
    y, stats, var = normalize.forward(x, weight, bias, EPS, None, centred)
    scale = np.abs(r).max() * np.abs(x).max() + 4
    np.testing.assert_allclose(y, want, rtol=1e-5, atol=1e-6 * scale)
    np.testing.assert_allclose(1 / np.sqrt(var + EPS), r, rtol=1e-5)
    dx, dw, db = normalize.gradients(g, x, weight, affine, stats, (True, True, True))
    axes = (0, 3, 4)
    h = g.astype(np.float64) * weight
    level = h.mean(axes, keepdims=True) if centred else 0.0
    exact = r * (h - level - hat * (h * hat).mean(axes, keepdims=True))
    # each of the three terms is rounded, and so are their means
    size = (np.abs(h).max() + np.abs(hat).max() ** 2 * np.abs(h).max() + 1) * r
    assert (np.abs(dx - exact) <= 2e-5 * size).all()
    summed = tuple(i for i, n in enumerate(affine) if n == 1)
    n = x.size / np.prod(affine)
    atol = 1e-5 * np.sqrt(n) * (np.abs(g).max() * np.abs(hat).max() + 1)
    np.testing.assert_allclose(dw, (g * hat).sum(summed, keepdims=True), rtol=1e-5, atol=atol)
    np.testing.assert_allclose(
        db, g.astype(np.float64).sum(summed, keepdims=True), rtol=1e-5, atol=atol
    )


def test_a_wrong_gradient_is_noticed(monkeypatch):
    right = normalize.total
    monkeypatch.setattr(normalize, "total", lambda x, y=None: right(x, y) * 1.001)
    with pytest.raises(AssertionError):
        check((2, 3, 1, 1, 30), (1, 3, 1, 1, 1), True, 0)


@pytest.mark.parametrize("mean", [0.0, 0.9, 100.0, 3e4])
def test_large_means_cost_no_digits(mean):
    """Against torch: no further from float64 than it, or a few roundings."""
    x = draw((64, 1000), 0, mean=mean)
    want = exactly(x.reshape(1, 64, 1, 1, 1000), 1.0, 0.0)[0].reshape(x.shape)
    ours = np.abs(mt.nn.functional.layer_norm(mt.from_numpy(x), (1000,)).numpy() - want).max()
    theirs = np.abs(torch.nn.functional.layer_norm(torch.from_numpy(x), (1000,)).numpy() - want).max()
    assert ours <= max(theirs, 1e-6)


def test_no_row_depends_on_its_neighbours():
    """Where one mean of a chunk is large it is subtracted first; the other rows keep their bits."""
    x, g, w = draw((1, 9, 1, 1, 300), 0), draw((1, 9, 1, 1, 300), 1), draw((1, 1, 1, 1, 300), 2)
    beside = x.copy()
    beside[:, 4] = 1e3
    beside[:, 4, 0, 0, 0] = np.inf
    found = []
    for rows in (x, beside):
        with np.errstate(invalid="ignore"):
            y, stats, _ = normalize.forward(rows, w, w, EPS, None, True)
            dx = normalize.gradients(g, rows, w, w.shape, stats, (True, False, False))[0]
        found.append(np.delete(np.stack((y, dx)), 4, axis=2))
    np.testing.assert_array_equal(*found)


def test_squares_too_large_for_the_dtype():
    """Σx² is infinite, Σ(x − mean)² is not."""
    x = draw((1, 2, 1, 1, 100), 0) * np.float32(1e17)
    x[:, 1] += np.float32(3e18)
    with np.errstate(over="ignore"):
        y = normalize.forward(x, None, None, EPS, None, True)[0]
    np.testing.assert_allclose(y, exactly(x, 1.0, 0.0)[0], atol=2e-6)


def test_long_rows_are_added_piece_by_piece():
    """A piece of 1,024 falls into at least 16 partial sums: 64 roundings of half an ULP at most."""
    x = np.full((1, 1, 1, 1, 3_000_001), 0.1, np.float32)
    exact = float(np.float32(0.1)) * x.size
    assert abs(normalize.total(x).item() - exact) <= 64 * 2.0**-24 * exact
    square = exact * float(np.float32(0.1))
    assert abs(normalize.total(x, x).item() - square) <= 65 * 2.0**-24 * square


@pytest.mark.parametrize("shape", [(1, 600, 1, 1, 500), (16, 12, 1, 1, 900), (1, 40, 4, 3, 300)])
def test_threads_change_no_bit(shape):
    x, g, w = draw(shape, 0), draw(shape, 1), draw((1, 1, 1, 1, shape[-1]), 2)
    found = []
    for threads in (1, 2, 3):
        mt.set_num_threads(threads)
        y, stats, _ = normalize.forward(x, w, w, EPS, None, True)
        found.append((y, *normalize.gradients(g, x, w, w.shape, stats, (True, True, True))))
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_given_statistics_are_constants():
    x, g = draw((4, 3, 1, 1, 5), 0), draw((4, 3, 1, 1, 5), 1)
    mean, r = draw((1, 3, 1, 1, 1), 2), np.abs(draw((1, 3, 1, 1, 1), 3))
    stats = normalize.Stats(mean, r, fixed=True)
    y, kept, var = normalize.forward(x, None, None, EPS, stats, True)
    assert kept is stats and var is None
    np.testing.assert_allclose(y, (x - mean) * r, rtol=1e-6, atol=1e-6)
    dx, dw, db = normalize.gradients(g, x, None, None, stats, (True, False, False))
    np.testing.assert_allclose(dx, g * r, rtol=1e-6)
    assert dw is None and db is None


# ---- softmax -------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=4), st.integers(0, 3), st.integers(0, 99),
    st.sampled_from([4, 1 << 15]),
)  # fmt: skip
def test_softmax_and_gradients(shape, dim, seed, chunk):
    dim %= len(shape)
    before, softmax.CHUNK = softmax.CHUNK, chunk
    try:
        x, g = draw(shape, seed) * 3, draw(shape, seed + 1)
        e = np.exp(x.astype(np.float64) - x.max(dim, keepdims=True))
        p = e / e.sum(dim, keepdims=True)
        close = {"rtol": 1e-5, "atol": 1e-6}
        np.testing.assert_allclose(softmax.softmax(dim, x), p, **close)
        y, powers, totals = softmax.log_softmax_and_exp(dim, x)
        np.testing.assert_array_equal(y, softmax.log_softmax(dim, x))
        np.testing.assert_allclose(y, np.log(p), **close)
        np.testing.assert_allclose(powers / totals, p, **close)
        slope = p * (g - (g * p).sum(dim, keepdims=True))
        np.testing.assert_allclose(
            softmax.softmax_slope(dim, g, p.astype(np.float32)), slope, rtol=1e-5, atol=1e-5
        )
        slope = g - p * g.sum(dim, keepdims=True, dtype=np.float64)
        for found in (softmax.log_softmax_slope(dim, g, y), softmax.less_shares(dim, g, powers, totals)):
            np.testing.assert_allclose(found, slope, rtol=1e-5, atol=2e-5)
    finally:
        softmax.CHUNK = before


def test_softmax_of_infinities_is_torchs():
    x = np.array([[np.inf, 1], [-np.inf, 1], [-np.inf, -np.inf], [np.nan, 0]], np.float32)
    t = torch.from_numpy(x).requires_grad_()
    m = mt.from_numpy(x.copy()).requires_grad_()
    for engine, value in ((torch, t), (mt, m)):
        engine.log_softmax(value, 1).sum().backward()
    np.testing.assert_array_equal(mt.log_softmax(m, 1).detach().numpy(), torch.log_softmax(t, 1).detach())
    np.testing.assert_array_equal(m.grad.numpy(), t.grad.numpy())


# ---- blocks --------------------------------------------------------------------------------------


def test_blocks_give_the_whole():
    size = 4 * blocks.BLOCK + 1
    x, y = draw(size, 0), draw(size, 1)
    calls = []

    def function(a, b):
        calls.append(len(a))
        return a * 2 + np.exp(b)

    whole = function(x, y)
    mt.set_num_threads(2)
    calls.clear()
    np.testing.assert_array_equal(blocks.over_blocks(function, x, y), whole)
    assert len(calls) == -(-x.size // blocks.BLOCK) and sum(calls) == x.size
    mt.set_num_threads(1)
    calls.clear()
    blocks.over_blocks(function, x, y)
    assert calls == [x.size]

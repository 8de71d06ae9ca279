"""Products in pieces: the same products, on processors whose BLAS gains by it and on all others."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minitorch_ref.kernels import pieces, products, threads

SHAPES = [(64, 192, 784), (128, 128, 196), (16, 400, 120), (192, 784, 64), (576, 420, 64), (17, 96, 1300)]


@pytest.fixture
def small_kernels(monkeypatch):
    """As on a processor with AVX-512."""
    monkeypatch.setattr(pieces, "unpacked", lambda: pieces.DIRECT)
    pieces.grid.cache_clear()
    yield
    monkeypatch.undo()
    pieces.grid.cache_clear()


def operands(m, k, n, turned, dtype=np.float32, batch=()):
    rng = np.random.default_rng(m + k + n)
    a = rng.standard_normal((*batch, m, k)).astype(dtype)
    shape = (*batch, n, k) if turned else (*batch, k, n)
    b = rng.standard_normal(shape).astype(dtype)
    return a, b.swapaxes(-1, -2) if turned else b


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("batch", [(), (2, 3)])
def test_the_product(small_kernels, shape, turned, batch):
    a, b = operands(*shape, turned, batch=batch)
    out = np.full((*batch, shape[0], shape[2]), np.nan, np.float32)
    assert pieces.multiply(a, b, out) is out
    exact = np.matmul(a.astype(np.float64), b.astype(np.float64))
    bound = np.matmul(np.abs(a), np.abs(b)) * shape[1] * np.finfo(np.float32).eps
    assert (np.abs(out - exact) <= bound).all()


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 600), st.integers(1, 1500), st.integers(1, 900), st.booleans())
def test_a_grid_divides_both_sides_and_its_pieces_are_small(m, k, n, turned):
    before, pieces.unpacked = pieces.unpacked, lambda: pieces.DIRECT
    try:
        down, across = pieces.grid.__wrapped__(m, k, n, turned)
    finally:
        pieces.unpacked = before
    assert m % down == 0 and n % across == 0
    if down * across > 1:
        size = m // down * (n // across)
        assert size * k <= pieces.DIRECT and (not turned or size <= pieces.DIRECT_TURNED)


def test_which_are_cut(small_kernels):
    assert pieces.grid(64, 192, 784, False) == (4, 4)
    assert pieces.grid(16, 400, 120, True) == (1, 2)
    assert pieces.grid(1024, 1024, 1024, False) == (1, 1)
    a, b = operands(64, 192, 784, False)
    out = np.zeros((64, 784), np.float32)
    assert pieces.cut_up(a, b, out) is not None
    assert pieces.cut_up(a.astype(np.float64), b.astype(np.float64), out.astype(np.float64)) is None


def test_nothing_is_cut_elsewhere(monkeypatch):
    monkeypatch.setattr(pieces, "unpacked", lambda: 0)
    assert all(pieces.grid.__wrapped__(*shape, t) == (1, 1) for shape in SHAPES for t in (False, True))


def test_linear_layers_give_the_same_bits_on_any_number_of_threads(small_kernels):
    a, b = operands(1024, 400, 240, True)
    before, results = threads.get_num_threads(), []
    try:
        for number in (1, 2, 3):
            threads.set_num_threads(number)
            results.append(products.matmul(a, b))
    finally:
        threads.set_num_threads(before)
    assert all(np.array_equal(results[0], r) for r in results)
    np.testing.assert_allclose(results[0], a.astype(np.float64) @ b, atol=1e-3)


def test_the_check_notices_pieces_in_the_wrong_place(small_kernels, monkeypatch):
    right = pieces.cut_up

    def wrong(a, b, out):
        left, b, place = right(a, b, out)
        return left[::-1], b, place

    monkeypatch.setattr(pieces, "cut_up", wrong)
    with pytest.raises(AssertionError):
        test_the_product(None, SHAPES[0], False, ())

"""Choosing by a mask against NumPy's where, bit for bit: small and large arrays, every width, threads."""

from __future__ import annotations

import numpy as np
import pytest
from bits import same_bits

from minitorch_ref.kernels import select, threads
from minitorch_ref.kernels.blocks import LARGE

SIZES = (1, 1000, 5000, LARGE + 77)
ODD = [0.0, -0.0, np.inf, -np.inf, np.nan, -np.nan]


@pytest.fixture(params=[1, 2], autouse=True)
def number_of_threads(request):
    before = threads.get_num_threads()
    threads.set_num_threads(request.param)
    yield
    threads.set_num_threads(before)


def drawn(size: int, dtype: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(size)
    a, b = (np.resize([*ODD, *draw.standard_normal(999)], size).astype(dtype) for _ in range(2))
    return draw.random(size) < 0.5, a, np.roll(b, 7)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "F", "D"])
@pytest.mark.parametrize("size", SIZES)
def test_bits_of_where(size, dtype):
    mask, a, b = drawn(size, dtype)
    assert same_bits(select.keep(mask, a), np.where(mask, a, a.dtype.type(0)))
    nonzero = np.where(b != 0, a, a.dtype.type(0))
    assert same_bits(select.keep_where_nonzero(b, a), nonzero)
    assert same_bits(select.select(mask, a, b, a.dtype), np.where(mask, a, b))
    assert same_bits(select.select(mask, a, 2, a.dtype), np.where(mask, a, a.dtype.type(2)))


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_views_and_broadcasting(dtype):
    mask, a, b = (v.reshape(50, 100) for v in drawn(5000, dtype))
    kind = a.dtype
    for m, x in ((mask.T, a.T), (mask[:, ::2], a[:, ::2]), (mask, a[:1]), (mask[:1], a), (mask[::-1], a)):
        assert np.array_equal(select.keep(m, x), np.where(m, x, kind.type(0)), equal_nan=True)
        chosen = np.where(m, x, b[0, 0])
        assert np.array_equal(select.select(m, x, b[0, 0], kind), chosen, equal_nan=True)


@pytest.mark.parametrize("number", [0.0, -0.0, 1.5])
@pytest.mark.parametrize("size", SIZES)
def test_against_a_number_of_equals_takes_the_array(size, number):
    _, x, _ = drawn(size, "f4")
    x = np.where(np.isnan(x), np.float32(number), x)
    out = np.empty_like(x)
    for ufunc, wins in ((np.maximum, np.greater), (np.minimum, np.less)):
        expected = np.where(wins(np.float32(number), x), np.float32(number), x)
        assert same_bits(select.against(ufunc, number, x), expected)
        assert select.against(ufunc, number, x, out) is out and same_bits(out, expected)

"""Running sums, sums and products of large arrays, held against sums in extended precision."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_ref.kernels import scans, sums

SHAPES = [((40_000,), 0), ((37, 1003), 1), ((300, 500), 0), ((3, 200, 300), 1), ((5, 70_001), 1)]


@pytest.mark.parametrize(("shape", "dim"), SHAPES)
def test_running_sums_are_rounded_once(shape: tuple[int, ...], dim: int) -> None:
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    exact = np.add.accumulate(x.astype(np.longdouble), axis=dim)
    error = np.abs(scans.accumulate(np.add, x, dim) - exact) / np.spacing(np.abs(exact).astype("f4"))
    assert error.max() <= 0.5001


@pytest.mark.parametrize(("shape", "dim"), SHAPES)
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_running_sums_meet_what_is_not_finite_in_its_place(
    shape: tuple[int, ...], dim: int, value: float
) -> None:
    x = np.ones(shape, np.float32)
    x[tuple(size // 2 for size in shape)] = value
    np.testing.assert_array_equal(
        scans.accumulate(np.add, x, dim), np.add.accumulate(x.astype(np.float64), axis=dim)
    )


def test_running_products_do_not_overflow_on_the_way() -> None:
    x = np.full((4, 400), 1.0, np.float32)
    x[0], x[1], x[2] = 1e30, 1e30, 1e-30
    with np.errstate(over="ignore"):
        last = scans.accumulate(np.multiply, x, 0)[2]
    np.testing.assert_allclose(last, 1e30, rtol=1e-6)


@pytest.mark.parametrize("shape", [(9000,), (3, 5000), (50, 1025), (64, 193)])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_sums_by_dot_products(shape: tuple[int, ...], kind: type) -> None:
    x = np.random.default_rng(1).random(shape).astype(kind)
    exact = x.astype(np.longdouble).sum(-1)
    axes = (x.ndim - 1,)
    error = np.abs(sums.total(x, axes) - exact) / np.spacing(exact.astype(kind))
    assert error.max() <= 4
    assert sums.total(x, axes, keepdims=True).shape == (*shape[:-1], 1)
    squares = (x.astype(np.longdouble) ** 2).sum(-1)
    rows = x.reshape(-1, shape[-1])
    np.testing.assert_allclose(sums.dots(rows, rows), squares.reshape(-1).astype("d"), rtol=1e-6)


@pytest.mark.parametrize("shape", [(9001,), (3, 4999), (50, 130)])
def test_products_by_folding(shape: tuple[int, ...]) -> None:
    x = 1 + np.random.default_rng(2).standard_normal(shape) / 64
    exact = x.astype(np.longdouble).prod(-1)
    np.testing.assert_allclose(sums.product(x, (x.ndim - 1,)), exact.astype("d"), rtol=1e-12)

"""The remainder through float64 is the C library's, to the bit."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_ref.kernels import elementwise, fmod

Array = np.ndarray
N = 70_000


def _same(x: Array, y: Array) -> None:
    np.testing.assert_array_equal(x, y)
    np.testing.assert_array_equal(np.signbit(x), np.signbit(y))


def _operands() -> dict[str, tuple[Array, Array]]:
    r = np.random.default_rng(0)
    a, b = (r.standard_normal(N).astype("f4") for _ in range(2))
    whole = r.integers(-(1 << 24), 1 << 24, N).astype("f4")
    threes = np.full(N, 3, "f4")
    multiple = (r.integers(1, 1 << 26, N) * b.astype("d")).astype("f4")
    far = [np.ldexp(x, r.integers(-140, 100, N)).astype("f4") for x in (a, b)]
    return {
        "normal": (a, b), "far apart": (a * np.float32(1e7), b), "whole": (whole, threes),
        "below a multiple": (np.nextafter(multiple, np.float32(0)), b), "every size": (far[0], far[1]),
        "above a multiple": (np.nextafter(multiple, np.float32(np.inf)), b),
    }  # fmt: skip


@pytest.mark.parametrize("name", list(_operands()))
def test_remainders_to_the_bit(name: str) -> None:
    a, b = _operands()[name]
    with np.errstate(all="ignore"):
        _same(fmod.fmod(a, b), np.fmod(a, b))
        _same(elementwise.floor_divide(a, b), np.floor_divide(a, b))
        _same(elementwise.floor_divide(a, np.float32(0.7)), np.floor_divide(a, np.float32(0.7)))
        _same(fmod.fmod(a.reshape(100, -1), np.float32(-3)), np.fmod(a.reshape(100, -1), np.float32(-3)))


def test_what_is_no_number() -> None:
    special = np.array([np.inf, -np.inf, np.nan, 0, -0.0, 1, -6, 6, 3, 1e-45, -1e38], "f4")
    a, b = (x.reshape(-1).repeat(8) for x in np.meshgrid(special, special))
    with np.errstate(all="ignore"):
        _same(fmod.fmod(a, b), np.fmod(a, b))
        _same(elementwise.floor_divide(a, b), np.floor_divide(a, b))

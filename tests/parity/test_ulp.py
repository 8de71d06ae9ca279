"""ULP distances and errors against counting by np.nextafter and exact rational arithmetic."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parity import ulp

DTYPES = [np.float16, np.float32, np.float64]
floats = {np.float16: st.floats(width=16), np.float32: st.floats(width=32), np.float64: st.floats()}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("start", [1.0, -1.0, 0.0, 2.0**-14, 1.9999, -0.0])
def test_distance_counts_steps_of_nextafter(dtype, start):
    a = b = dtype(start)
    for steps in range(1, 9):
        b = np.nextafter(b, dtype(np.inf))
        assert ulp.distance(np.array(a), np.array(b)) == steps
        assert ulp.distance(np.array(b), np.array(a)) == steps


@pytest.mark.parametrize("dtype", DTYPES)
def test_distance_at_the_odd_places(dtype):
    def d(x, y):
        return float(ulp.distance(np.array(x, dtype), np.array(y, dtype)))

    least = np.finfo(dtype).smallest_subnormal
    assert d(0.0, -0.0) == 0
    assert d(-least, least) == 2
    assert d(np.nan, np.nan) == 0
    assert d(np.nan, 1.0) == ulp.FAR
    assert d(np.finfo(dtype).max, np.inf) == 1
    assert d(np.inf, np.inf) == 0
    assert d(-1.0, 1.0) > 1000


def test_distance_refuses_mixed_dtypes():
    with pytest.raises(TypeError, match="one floating dtype"):
        ulp.distance(np.zeros(2, np.float32), np.zeros(2))


@given(st.sampled_from(DTYPES).flatmap(lambda t: st.tuples(st.just(t), floats[t], floats[t], floats[t])))
@settings(max_examples=100, deadline=None)
def test_distance_is_a_metric_along_the_line(case):
    dtype, *points = case
    if any(np.isnan(p) for p in points):
        return
    a, b, c = (np.array(p, dtype) for p in sorted(points))
    assert ulp.distance(a, c) == pytest.approx(float(ulp.distance(a, b) + ulp.distance(b, c)), rel=1e-12)


@given(st.floats(min_value=1e-30, max_value=1e30), st.floats(min_value=-8, max_value=8))
@settings(max_examples=100, deadline=None)
def test_error_is_the_exact_distance_over_the_spacing(value, off):
    exact = np.array(value)
    near = np.array(np.float32(value + off * float(np.spacing(np.float32(value)))))
    power = np.frexp(value)[1] - 1
    spacing = Fraction(2) ** max(int(power) - 23, -149)
    wanted = abs(Fraction(float(near)) - Fraction(value)) / spacing
    assert float(ulp.error(near, exact)) == pytest.approx(float(wanted), rel=1e-9)


def test_error_of_infinities_and_nan():
    big = np.finfo(np.float32).max

    def e(a, exact):
        return float(ulp.error(np.array(a, np.float32), np.array(exact, np.float64)))

    assert e(np.inf, np.inf) == 0
    assert e(np.inf, float(big) * 2) == 0, "the exact number rounds to infinity"
    assert e(np.nan, np.nan) == 0
    assert e(np.nan, 1.0) == ulp.FAR
    assert e(1.0, np.nan) == ulp.FAR
    assert e(np.inf, 1.0) == ulp.FAR
    assert e(-np.inf, np.inf) == ulp.FAR
    assert 0 < e(big, float(big) * 2) < ulp.FAR, "one rounding away from the infinity"


def test_complex_error_is_counted_at_the_larger_component():
    exact = np.array(1.0 + 1e-9j)
    assert float(ulp.error(np.array(1.0 + 0j, np.complex64), exact)) < 0.1
    assert float(ulp.error(np.array(1.0 + 1e-5j, np.complex64), exact)) > 50

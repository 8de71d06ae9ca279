"""Fused multiply-add against exact rational arithmetic, and the updates against torch's kernels."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import minitorch_ref as mt
from minitorch_ref.kernels import fma
from minitorch_ref.kernels.libm import has_avx2

finite32 = st.floats(-(2.0**60), 2.0**60, width=32).filter(lambda x: abs(x) > 2.0**-60 or x == 0)
finite64 = st.floats(-(2.0**200), 2.0**200).filter(lambda x: abs(x) > 2.0**-200 or x == 0)


def rounded(exact, dtype):
    """The value of `dtype` nearest to a fraction, ties to even."""
    if dtype is np.float64:
        return float(exact)
    near = np.float32(float(exact))  # at most one step off
    steps = [np.nextafter(near, np.float32(d)) for d in (-np.inf, np.inf)]
    return min(
        (near, *steps),
        key=lambda c: (abs(Fraction(float(c)) - exact), int(np.float32(c).view(np.int32)) & 1),
    )


@pytest.fixture(autouse=True, params=["complex", "steps"])
def route(request, monkeypatch):
    """NumPy's product of complex numbers, and what does without its fused step."""
    if request.param == "steps":
        monkeypatch.setattr(fma, "complex_product_fuses", lambda kind: False)
    elif not fma.complex_product_fuses("f"):
        assert not has_avx2(), "this processor has the instruction, and NumPy does not use it"


def exactly(a, b, c):
    return Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c))


SIZES = (1, fma.FEW + 1, fma._FEWER + 1)  # few elements take another way than many


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(finite32, finite32, finite32)
def test_float32_is_rounded_once(a, b, c):
    exact = exactly(a, b, c)
    for size in SIZES:
        result = fma.fma(*(np.full(size, x, np.float32) for x in (a, b, c)))
        assert set(result) == {rounded(exact, np.float32)}


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(2**23, 2**24 - 1), st.integers(-3, 3), st.integers(1, 40), st.booleans())
def test_sums_beside_a_tie(c, offset, distance, negative):
    """c + ½ulp ± a trace so small that float64 rounds it away: only the exact error decides."""
    half = Fraction(1, 2) + Fraction(offset, 2 ** (24 + distance))
    a, b = np.float32([0.5]), np.float32([1.0])
    if offset:  # a·b = ½(1 + offset·2^-k) needs both factors
        a = np.float32([1 + 2.0**-12])
        b = np.float32([0.5 * (1 - 2.0**-12)])  # a·b = ½(1 - 2^-24)
        half = Fraction(float(a[0])) * Fraction(float(b[0]))
    c = np.float32([-c if negative else c])
    for size in SIZES:
        assert set(fma.fma(*(np.repeat(x, size) for x in (a, b, c)))) == {rounded(half + int(c[0]), np.float32)}


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(finite64, finite64, finite64, st.booleans())
def test_float64_is_rounded_once(a, b, c, cancel):
    if cancel:  # the product's error is all that is left
        c = -(a * b)
    exact = exactly(a, b, c)
    for size in SIZES:
        result = fma.fma(*(np.full(size, x) for x in (a, b, c)))
        assert set(result) == {float(exact)}


def test_two_roundings_would_be_noticed():
    a, b, c = (np.random.default_rng(i).standard_normal(1000).astype(np.float32) for i in range(3))
    assert (fma.fma(a, b, c) != a * b + c).any()


@pytest.mark.parametrize("copies", [1, 20])  # few elements take another way than many
def test_special_values(copies):
    a = np.array([np.inf, np.nan, 1e200, 0.0, 1e200, 1e200, -0.0])
    b = np.array([0.0, 1.0, 1e200, np.inf, -1e200, 1e110, 1.0])
    c = np.array([1.0, 1.0, 1.0, 1.0, np.inf, -np.inf, -0.0])
    expected = np.array([np.nan, np.nan, np.inf, np.nan, np.inf, -np.inf, -0.0])
    a, b, c, expected = (np.tile(x, copies) for x in (a, b, c, expected))
    result = fma.fma(a, b, c)
    np.testing.assert_array_equal(result, expected)
    assert np.signbit(result[-1])
    theirs = torch.tensor(c).addcmul(torch.tensor(a), torch.tensor(b)).numpy()
    np.testing.assert_array_equal(result, theirs)
    with np.errstate(all="ignore"):
        narrow = [x.astype(np.float32) for x in (a, b, c)]
        expected[4::7] = expected[5::7] = np.nan  # 1e200 is inf here
        np.testing.assert_array_equal(fma.fma(*narrow), expected)


@pytest.mark.parametrize("size", [fma.FEW, fma.FEW + 1])
def test_what_overflows_on_the_way_only(size):
    a, b, c = 1.5e200, 1e108, -1e308
    result = fma.fma(*(np.full(size, x) for x in (a, b, c)))
    assert set(result) == {float(exactly(a, b, c))}


def test_parts_and_threads():
    """More than one part, on two threads, with arrays and with numbers."""
    size = 2 * fma._PART + 77
    a, b, c = (np.random.default_rng(i).standard_normal(size).astype(np.float32) for i in range(3))
    wide = a.astype(np.float64)
    mt.set_num_threads(2)
    try:
        for factor in (b, np.float32(0.3)):
            found = fma.fma(a, factor, c)
            sums = wide * factor + c  # rounded twice: right but beside a tie
            np.testing.assert_allclose(found, sums, rtol=2**-24)
            assert (found != sums.astype(np.float32)).sum() <= 4
            np.testing.assert_array_equal(fma.fma(factor, a, c), found)
    finally:
        mt.set_num_threads(1)


def test_a_complex_product_that_rounds_twice_is_not_used(monkeypatch):
    trial = fma._trial_of_complex_products
    assert trial("f") == trial("d") == has_avx2()
    monkeypatch.setattr(fma, "_by_complex", lambda a, b, c, out: np.copyto(out, a * b + c))
    assert not trial("f") and not trial("d")


@pytest.mark.parametrize("size", [1, 3, 7, 8, 9, 15, 33, 1000])
def test_polynomial_is_a_fused_step_for_each_coefficient(size):
    x = np.random.default_rng(size).standard_normal(size).astype(np.float32)
    coefficients = [np.float32(c) for c in (0.1, -0.7, 1 / 3, 0.9)]
    wanted = [coefficients[0]] * size
    for c in coefficients[1:]:
        wanted = [rounded(exactly(a, b, c), np.float32) for a, b in zip(wanted, x)]
    work = fma.Fused(size)
    np.testing.assert_array_equal(work.polynomial(x, coefficients), wanted)
    wanted = [rounded(exactly(a, b, b), np.float32) for a, b in zip(wanted, x)]
    np.testing.assert_array_equal(work.step(x), wanted)


def test_broadcasting_and_out():
    a, c = np.random.default_rng(0).standard_normal((2, 3, 4)).astype(np.float32)
    out = np.empty_like(c)
    assert fma.fma(a, np.float32(0.3), c, out=out) is out
    np.testing.assert_array_equal(out, fma.fma(a, np.full_like(a, 0.3), c))
    fma.fma(a, np.float32(0.3), c, out=c)
    np.testing.assert_array_equal(out, c)


# ---- the updates ---------------------------------------------------------------------------------

UPDATES = {
    "axpy": lambda k, y, a, b, v: k.axpy(y, a, v),
    "addcmul": lambda k, y, a, b, v: k.addcmul(y, a, b, v),
    "addcdiv": lambda k, y, a, b, v: k.addcdiv(y, a, b, v),
    "lerp": lambda k, y, a, b, v: k.lerp(y, a, v),
}
TORCHS = {
    "axpy": lambda y, a, b, v: y.add_(a, alpha=v),
    "addcmul": lambda y, a, b, v: y.addcmul_(a, b, value=v),
    "addcdiv": lambda y, a, b, v: y.addcdiv_(a, b, value=v),
    "lerp": lambda y, a, b, v: y.lerp_(a, v),
}


def operands(size, dtype, seed):
    draw = np.random.default_rng(seed)
    made = draw.standard_normal((3, size)) * 4
    if np.dtype(dtype).kind == "c":
        made = made + 1j * draw.standard_normal((3, size))
    return made.astype(dtype)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(sorted(UPDATES)),
    dtype=st.sampled_from(["float16", "float32", "float64", "complex64"]),
    size=st.sampled_from([0, 1, 7, 31, 32, 33, 63, 64, 65, 200, 2047, 2048, 2049, 9000, 20_001]),
    value=st.one_of(st.sampled_from([1, -1, 0, 0.5, -0.001, 0.4999]), st.floats(-2, 2)),
    step=st.sampled_from([1, 2]),
    seed=st.integers(0, 99),
)
def test_updates_have_torchs_bits(name, dtype, size, value, step, seed):
    assume(dtype != "complex64" or name == "axpy")  # complex products and quotients vary
    y, a, b = operands(size * step, dtype, seed)
    expected = TORCHS[name](*(torch.from_numpy(x.copy())[::step] for x in (y, a, b)), value)
    y = y[::step]
    with np.errstate(all="ignore"):
        UPDATES[name](fma, y, a[::step], b[::step], value)
    np.testing.assert_array_equal(y, expected.numpy())


@pytest.mark.parametrize("size", [100, 3000, 20_001])
@pytest.mark.parametrize("kind", ["f", "d"])
def test_the_same_bits_without_blas(kind, size, monkeypatch):
    y, x, _ = operands(size, kind, 1)
    monkeypatch.setattr(fma, "_blas", {"f": None, "d": None})
    without = fma.axpy(y.copy(), x, -0.0137)
    monkeypatch.setattr(fma, "_blas", {})
    fma.axpy(np.zeros(4096, kind), np.ones(4096, kind), 0.3)  # long enough to look for BLAS
    np.testing.assert_array_equal(fma.axpy(y.copy(), x, -0.0137), without)


def test_a_blas_that_rounds_twice_is_not_used(monkeypatch):
    blas = pytest.importorskip("scipy.linalg.blas")

    def unfused(x, y, a=1.0):
        y += np.float32(a) * x
        return y

    assert fma._fused_blas("f") is not None
    monkeypatch.setattr(blas, "saxpy", unfused)
    assert fma._fused_blas("f") is None


def test_blas_is_not_asked_for_zero_times_infinity():
    y, x = np.zeros(4096, np.float32), np.full(4096, np.inf, np.float32)
    with np.errstate(all="ignore"):
        assert np.isnan(fma.axpy(y, x, 0.0)).all()

"""The tabulated Gaussian integrals against mpmath, over every exponent; the bits wherever an element lies."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest
from bits import same_bits

from minitorch_ref.kernels import gaussian, slopes, special, threads, wider
from parity import ulp

TRUE = {
    "erf": mp.erf,
    "erfc": mp.erfc,
    "ndtr": lambda x: mp.erfc(-x / mp.sqrt(2)) / 2,
    "gelu": lambda x: x * mp.erfc(-x / mp.sqrt(2)) / 2,
    "gelu_slope": lambda x: mp.erfc(-x / mp.sqrt(2)) / 2 + x * mp.npdf(x),
}
SMALL = {
    "erf": special.erf, "erfc": special.erfc, "ndtr": special.ndtr, "gelu": wider.gelu,
    "gelu_slope": slopes.gelu,
}  # fmt: skip
ROOT = 0.7517915246935645  # where −x is: the slope of GELU vanishes


def points(seed: int = 0) -> np.ndarray:
    """float32: every exponent of both signs, the tables' whole range, their ends and steps."""
    draw = np.random.default_rng(seed)
    exponents = np.repeat(np.arange(256, dtype=np.uint32) << 23, 4)
    every = exponents | draw.integers(0, 1 << 23, exponents.size, np.uint32)
    signed = np.concatenate([every, every | 1 << 31]).view(np.float32)
    steps = draw.integers(-15 << 10, 11 << 10, 300) / 1024
    middles = steps + 2.0**-11
    around = [np.nextafter(np.float32(v), s * np.inf) for v in (-15, -4.25, 4.25, 6.5, 10.25)
              for s in (1, -1)]  # fmt: skip
    wide = draw.uniform(-15.5, 11, 1500)
    signed = signed[np.isfinite(signed)]
    return np.concatenate([signed, steps, middles, around, wide]).astype(np.float32)


def off(name: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The errors of y in ULP."""
    with mp.workdps(40):
        exact = [TRUE[name](mp.mpf(float(v))) if abs(v) < 60 else None for v in x]
    far = np.where(x > 0, 1.0, 0.0)
    limits = {"erf": np.sign(x), "erfc": 2 - 2 * far, "gelu": np.maximum(x, 0)}.get(name, far)
    true = np.array(
        [float(e) if e is not None else far for e, far in zip(exact, limits, strict=True)]
    )
    return ulp.error(y, true)


@pytest.mark.parametrize("name", TRUE)
def test_rounded_once_over_the_whole_domain(name):
    x = points()
    y = getattr(gaussian, name)(x)
    errors = off(name, x, y)
    if name == "gelu_slope":
        errors = errors[np.abs(x + ROOT) > 1e-2]
    assert y.dtype == np.float32 and errors.max() <= (0.51 if name == "gelu_slope" else 0.5002)


def test_the_slope_of_gelu_beside_its_root():
    """There is little left of the sum: the error is that of its terms, 2⁻³⁵ of them."""
    x = np.float32(-ROOT) + np.arange(-200, 201, dtype=np.float32) * np.float32(2.0**-14)
    with mp.workdps(40):
        true = np.array([float(TRUE["gelu_slope"](mp.mpf(float(v)))) for v in x])
    unit = ulp.spacing(true, np.dtype("f4"))
    assert (np.abs(gaussian.gelu_slope(x) - true) <= 0.5 * unit + 2.0**-35).all()


@pytest.mark.parametrize("name", TRUE)
def test_zeros_infinities_and_nan(name):
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, -np.nan, 1e-45, -1e-45, 3e38, -3e38], "f4")
    with np.errstate(all="ignore"):
        small, large = SMALL[name](x), getattr(gaussian, name)(x)
    assert np.array_equal(small, large, equal_nan=True)
    number = ~np.isnan(small)
    assert np.array_equal(np.signbit(small)[number], np.signbit(large)[number])


def differing(name: str, x: np.ndarray) -> float:
    """The share of elements of which arrays that are small, and go another way, have other bits."""
    if name == "gelu_slope":
        x = x[np.abs(x + ROOT) > 1e-2]
    parts = np.array_split(x, x.size // 1000)
    assert all(part.size < gaussian.LEAST for part in parts)
    small, large = np.concatenate([SMALL[name](part) for part in parts]), SMALL[name](x)
    return np.count_nonzero(small != large) / x.size


# twice the error before the last rounding: that much of an ULP on both sides of a tie
MISROUNDED = {"gelu_slope": 2.0**-8}


NORMAL = np.random.default_rng(3).standard_normal(200_000).astype("f4")
TAIL = np.random.default_rng(3).uniform(-12.5, -8, 200_000).astype("f4")


@pytest.mark.parametrize("x", [NORMAL, points(), TAIL], ids=["normal", "domain", "tail"])
@pytest.mark.parametrize("name", TRUE)
def test_small_arrays_have_the_same_bits(name, x):
    assert differing(name, x) <= MISROUNDED.get(name, 2e-5)


@pytest.mark.parametrize("which", range(4))
def test_a_coefficient_that_is_wrong_is_rejected(which, monkeypatch):
    true = gaussian._normal()
    p = tuple(c * (i != which) for i, c in enumerate((*true.p, true.square)))
    monkeypatch.setattr(gaussian, "_normal", lambda: true._replace(p=p[:3], square=p[3]))
    x = TAIL if which == 2 else NORMAL  # y³ matters in the tail alone
    assert differing("ndtr", x) > 2e-5


def test_a_table_that_is_wrong_is_rejected(monkeypatch):
    wrong = gaussian._normal()._replace(cells=gaussian._normal().cells * (1 + 1e-7))
    monkeypatch.setattr(gaussian, "_normal", lambda: wrong)
    x = points()
    assert off("ndtr", x, gaussian.ndtr(x)).max() > 0.5002


@pytest.mark.parametrize("name", TRUE)
@pytest.mark.parametrize("dtype", ["f2", "f4"])
def test_place_strides_and_threads_do_not_show(name, dtype):
    kernel = getattr(gaussian, name)
    x = (np.random.default_rng(5).standard_normal((3, 7, 9001)) * 3).astype(dtype)
    whole = kernel(x)
    assert whole.dtype == x.dtype
    for view in (lambda a: a[:, ::2, ::-3], lambda a: a.transpose(2, 0, 1), lambda a: a[0, 0, 5:9]):
        assert same_bits(kernel(view(x)), view(whole))
    assert kernel(x.transpose(2, 0, 1)).strides == x.transpose(2, 0, 1).strides
    assert kernel(x[:0]).shape == (0, 7, 9001) and kernel(x[0, 0, 0].reshape(())).shape == ()
    before = threads.get_num_threads()
    try:
        threads.set_num_threads(3)
        assert same_bits(kernel(x), whole)
    finally:
        threads.set_num_threads(before)


def test_half_precision_is_rounded_once():
    x = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    x = x[np.isfinite(x) & (np.abs(x) < 60)]
    for name in ("erf", "erfc", "ndtr"):
        assert off(name, x[::16], getattr(gaussian, name)(x[::16])).max() <= 0.5002

"""Sigmoid, SiLU and ELU against mpmath, with NumPy's exp in float64 and with the table; the bits wherever
an element lies."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest
from bits import same_bits

from minitorch_ref.kernels import exponential, slopes, threads, wider
from minitorch_ref.ops import curves
from parity import ulp

ALPHA = 1.6732632423543772
KERNELS = {
    "sigmoid": wider.logistic,
    "silu": wider.silu,
    "elu": lambda x: curves._elu(x, 1.0, 1.0, 1.0),
    "elu 0.3": lambda x: curves._elu(x, 0.3, 1.0, 1.0),
    "elu -1.7": lambda x: curves._elu(x, -1.7, 1.0, 1.0),
    "selu": lambda x: curves._elu(x, ALPHA, 1.05, 1.0),
    "elu slope": lambda x: slopes.elu(x, 1.0, 1.0, 1.0),
    "elu -1.7 slope": lambda x: slopes.elu(x, -1.7, 1.0, 1.0),
    "celu slope": lambda x: slopes.elu(x, 1.7, 1.0, 1 / 1.7),
}
TRUE = {
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "silu": lambda x: x / (1 + mp.exp(-x)),
    "elu": lambda x: x if x > 0 else mp.expm1(x),
    "elu 0.3": lambda x: x if x > 0 else mp.mpf(0.3) * mp.expm1(x),
    "elu -1.7": lambda x: x if x > 0 else mp.mpf(-1.7) * mp.expm1(x),
    "selu": lambda x: mp.mpf(1.05) * (x if x > 0 else mp.mpf(ALPHA) * mp.expm1(x)),
    "elu slope": lambda x: 1 if x > 0 else mp.exp(x),
    "elu -1.7 slope": lambda x: 1 if x > 0 else mp.mpf(-1.7) * mp.exp(x),
    "celu slope": lambda x: 1 if x > 0 else mp.exp(x * mp.mpf(1 / 1.7)),
}
SCALED = {
    "selu": 1.5
}  # above zero a product in float32, the scale rounded first: half an ULP and one


@pytest.fixture(params=["NumPy's exp", "the table"], autouse=True)
def way(request, monkeypatch):
    """Both ways, whichever this processor takes, without warnings about exp(1000)."""
    monkeypatch.setattr(exponential, "vectorised", lambda: request.param != "the table")
    with np.errstate(all="ignore"):
        yield


def points(seed: int = 0) -> np.ndarray:
    """float32: every exponent of both signs, the middle, the tails, the tables' ends."""
    draw = np.random.default_rng(seed)
    exponents = np.repeat(np.arange(255, dtype=np.uint32) << 23, 2)
    every = exponents | draw.integers(0, 1 << 23, exponents.size, np.uint32)
    signed = np.concatenate([every, every | 1 << 31]).view(np.float32)
    ends = np.array([-110, -104, -26, -17.5, 0, 17.5, 88, 110])
    around = [(ends + s).astype("f4") for s in (-1, -0.01, 0, 0.01, 1)]
    drawn = [draw.uniform(-a, a, 500).astype("f4") for a in (0.1, 1, 20, 112)]
    return np.concatenate([signed, *around, *drawn])


def large(name: str, x: np.ndarray) -> np.ndarray:
    """The kernel's values as part of an array that is large enough."""
    return KERNELS[name](np.resize(x, x.size + exponential.LEAST))[: x.size]


def off(name: str, x: np.ndarray, y: np.ndarray) -> float:
    """The largest error of y in ULP."""
    with mp.workdps(40):
        exact = [TRUE[name](mp.mpf(max(float(v), -1e4))) for v in x]
    return float(ulp.error(y, np.array([float(e) for e in exact])).max())


@pytest.mark.parametrize("name", KERNELS)
def test_rounded_once_over_the_whole_domain(name):
    x = points()
    assert off(name, x, large(name, x)) <= SCALED.get(name, 0.5005)


@pytest.mark.parametrize("name", ["sigmoid", "elu", "elu slope"])
def test_wrong_terms_are_rejected(name, way, monkeypatch):
    monkeypatch.setattr(exponential, "vectorised", lambda: False)
    for terms in ("_EXP_TERMS", "_EXPM1_TERMS"):
        first, *more = getattr(exponential, terms)
        monkeypatch.setattr(exponential, terms, (first * np.float32(1.01), *more))
    x = points()
    assert off(name, x, large(name, x)) > 0.51


@pytest.mark.parametrize("name", KERNELS)
def test_small_arrays_have_the_same_bits(name):
    """They are worked out by NumPy's float64, and by the C library where it has no vectors."""
    draw = np.random.default_rng(1)
    x = np.concatenate([draw.standard_normal(100_000), points()]).astype("f4")
    parts = np.array_split(x, x.size // 1000)
    small = np.concatenate([KERNELS[name](part) for part in parts])
    assert np.count_nonzero(small != large(name, x)) <= 2e-4 * x.size


@pytest.mark.parametrize("name", KERNELS)
def test_zeros_infinities_and_nan(name):
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, -np.nan, 1e-45, -1e-45, 3e38, -3e38], "f4")
    small, table = KERNELS[name](x), large(name, x)
    if name == "elu -1.7":
        small[1] = 0  # −1.7 (exp(−0) − 1), as torch has it
    assert np.array_equal(small, table, equal_nan=True)
    number = ~np.isnan(small)
    assert np.array_equal(np.signbit(small)[number], np.signbit(table)[number])


@pytest.mark.parametrize("name", KERNELS)
def test_place_strides_and_threads_do_not_show(name):
    kernel = KERNELS[name]
    x = (np.random.default_rng(5).standard_normal((3, 7, 9001)) * 3).astype("f4")
    whole = kernel(x)
    for view in (lambda a: a[:, ::2, ::-3], lambda a: a.transpose(2, 0, 1), lambda a: a[0]):
        assert view(x).size >= exponential.LEAST and same_bits(kernel(view(x)), view(whole))
    before = threads.get_num_threads()
    try:
        threads.set_num_threads(3)
        assert same_bits(kernel(x), whole)
    finally:
        threads.set_num_threads(before)


@pytest.mark.parametrize("alpha", [np.inf, -np.inf, np.nan])
def test_what_is_not_finite_below_leaves_the_rest_alone(alpha):
    x = np.linspace(0.5, 3, exponential.LEAST, dtype="f4")
    assert same_bits(curves._elu(x, alpha, 1.0, 1.0), x)
    assert (slopes.elu(x, alpha, 1.0, 1.0) == 1).all()

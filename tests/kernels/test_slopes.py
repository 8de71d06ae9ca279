"""The slope kernels and the zeta function against mpmath, where the textbook's formulas cancel."""

from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import pytest

from minitorch_ref.kernels import slopes
from minitorch_ref.kernels.hurwitz import hurwitz_zeta
from minitorch_ref.kernels.incomplete_gamma import density

X = np.array([-30.0, -9.5, -2.5, -1.2, -0.4, -1e-5, 1e-7, 0.3, 0.9, 1.1, 4.0, 7.9, 8.1, 25.0])
TRUE = {
    "erf": lambda x: 2 / mp.sqrt(mp.pi) * mp.exp(-x * x),
    "erfcx": lambda x: 2 * x * mp.exp(x * x) * mp.erfc(x) - 2 / mp.sqrt(mp.pi),
    "log_ndtr": lambda x: mp.npdf(x) / (mp.erfc(-x / mp.sqrt(2)) / 2),
    "tanhshrink": lambda x: mp.tanh(x) ** 2,
    "mish": lambda x: mp.diff(lambda v: v * mp.tanh(mp.log1p(mp.exp(v))), x),
    "logsigmoid": lambda x: 1 / (1 + mp.exp(x)),
}
# erf: x² is rounded first; erfcx: 2x² times an error of erfcx; mish passes zero near -1.19
ULP = {"erf": 1000, "erfcx": 200, "log_ndtr": 30, "mish": 30}


def far_off(values, exact):
    """The largest error in ULP of the values' type."""
    with mp.workdps(50):
        off = [float(abs(mp.mpf(float(v)) - e)) for v, e in zip(values, exact, strict=True)]
    return max(
        np.array(off) / np.spacing(np.abs(np.array([float(e) for e in exact], values.dtype)))
    )


def exact(function, points):
    with mp.workdps(50):
        return [function(mp.mpf(float(p))) for p in points]


@pytest.mark.parametrize("name", sorted(TRUE))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_slopes(name, dtype):
    x = X.astype(dtype)
    if name == "erfcx":
        x = x[x > -5]  # left of that it is 2x·2exp(x²), and overflows
    limit = 0.51 if dtype == "float32" else ULP.get(name, 3)
    assert far_off(getattr(slopes, name)(x), exact(TRUE[name], x)) <= limit


def test_a_formula_that_cancels_is_rejected():
    x = X.astype("float32")
    wrong = 1 - (1 - np.tanh(x)) * (1 + np.tanh(x))
    assert far_off(wrong, exact(TRUE["tanhshrink"], x)) > 1000


@pytest.mark.parametrize("base", [2, math.e])
def test_share_of_a_sum(base):
    a, b = np.array([0.1, 7.3, -20.7, 300.2]), np.array([0.7, -9.4, 3.3, 270.9])
    with mp.workdps(50):
        root = mp.mpf(2) if base == 2 else mp.e
        true = [1 / (1 + root ** (mp.mpf(q) - mp.mpf(p))) for p, q in zip(a, b, strict=True)]
    assert far_off(slopes.share(a, b, base), true) <= 2
    with np.errstate(invalid="ignore"):
        assert np.isnan(slopes.share(np.array([np.inf]), np.array([np.inf]), base))[0]


def test_gamma_density():
    a, x = np.array([0.3, 2.5, 40.0, 288.6]), np.array([0.01, 3.0, 20.0, 314.1])
    true = exact_density(a, x)
    assert far_off(density(a, x), true) <= 2


def exact_density(a, x):
    with mp.workdps(50):
        return [
            mp.mpf(v) ** (mp.mpf(p) - 1) * mp.exp(-mp.mpf(v)) / mp.gamma(mp.mpf(p))
            for p, v in zip(a, x, strict=True)
        ]


@pytest.mark.parametrize("s", [2, 3, 6, 21, 32])
def test_zeta_of_a_whole_number(s):
    q = np.array([0.02, 0.9, 7.088720436084157, 29.9, 400.0, -3.3, -17.8])
    with mp.workdps(50):
        true = [
            (-1) ** s * mp.polygamma(s - 1, mp.mpf(v)) / mp.factorial(s - 1) for v in q.tolist()
        ]
    assert far_off(hurwitz_zeta(s, q), true) <= 0.6
    with np.errstate(divide="ignore", invalid="ignore"):
        assert np.isinf(hurwitz_zeta(s, np.array([0.0, -4.0]))).all()

"""The accuracy command: it covers every inexact function, sees a wrong one, and finds ours right."""

import json

import numpy as np
import pytest
import scipy.special

from parity import accuracy, precise
from parity.__main__ import main
from parity.accuracy_cases import BINARY, ORDERED, SAME, UNARY
from parity.engines import open_engine
from parity.precise_special import DOUBTFUL
from parity.runner import op_name, registry_keys
from parity.samples import row_for

OURS, TORCH = open_engine("minitorch_ref"), open_engine("torch")
# Inexact, but no functions of one or two numbers, or made of exact steps.
ELSEWHERE = {
    "addcdiv", "addcmul", "lerp", "polar", "angle", "square", "nn.functional.glu", "nn.functional.prelu",
    "nn.functional.hardswish", "nn.functional.hardsigmoid",
}


def test_every_inexact_pointwise_function_is_measured():
    covered = UNARY.keys() | BINARY.keys() | ORDERED.keys() | SAME.keys() | ELSEWHERE
    inexact = {
        op_name(key)
        for key in registry_keys(OURS)
        if (row := row_for(key)) is not None and row.level == "ulp" and row.family in ("pointwise", "special")
    }
    missing = {n for n in inexact if not n.startswith("__")} - covered
    assert not missing, f"add a row to parity/accuracy_cases.py for {sorted(missing)}"


FAST = ("erf", "erfc", "erfinv", "lgamma", "digamma", "i0", "sinc", "logit", "special.i1e", "special.ndtri",
        "special.airy_ai", "special.modified_bessel_k1", "xlogy", "special.entr")


@pytest.mark.parametrize("name", FAST)
def test_our_error_is_no_larger_than_torchs_or_two_ulp(name):
    for case in (c for c in accuracy.cases() if c.name == name):
        for dtype in ("float16", "float32", "float64"):
            found = accuracy.measure(OURS, TORCH, case, dtype, 40 if dtype == "float64" or case.doubtful else 400)
            assert found is None or found.ok, found


class Wrong:
    """An engine whose functions are a few ULP too large."""

    module, name = OURS.module, "wrong"

    def __getattr__(self, attribute):
        return getattr(OURS, attribute)

    def find(self, namespace, name):
        return lambda *args: OURS.find(namespace, name)(*args) * (1 + 5 * 2.0**-23)


def test_a_function_that_is_five_ulp_off_is_caught():
    (case, *_) = [c for c in accuracy.cases() if c.name == "erf"]
    found = accuracy.measure(Wrong(), TORCH, case, "float32", 400)
    assert not found.ok and 3 < found.ours < 12


@pytest.mark.parametrize("case", accuracy.cases()[::7], ids=lambda c: f"{c.name}")
def test_points_lie_in_their_region_and_are_the_same_every_time(case):
    for dtype in ("float32", "float64"):
        sides = case.region if isinstance(case.region[0], tuple) else (case.region,)
        again = accuracy.points(case, dtype, 50)
        for x, y, (low, high) in zip(accuracy.points(case, dtype, 50), again, sides, strict=True):
            assert np.array_equal(x, y) and x.dtype == dtype
            assert (x >= np.array(low).astype(dtype) * (1 if low >= 0 else 1.0001)).all() and (x <= high * (1.0001 if high > 0 else 1)).all()


SCIPY = {
    "bessel_j0": "j0", "bessel_j1": "j1", "bessel_y0": "y0", "bessel_y1": "y1", "digamma": "psi", "psi": "psi", "ndtr": "ndtr",
    "airy_ai": lambda x: scipy.special.airy(x)[0], "igamma": "gammainc", "gammainc": "gammainc", "igammac": "gammaincc",
    "gammaincc": "gammaincc", "polygamma": "polygamma", "modified_bessel_i0": "i0", "modified_bessel_k1": "k1",
    "scaled_modified_bessel_k0": "k0e", "spherical_bessel_j0": lambda x: np.sin(x) / x, "mvlgamma": "multigammaln",
}


@pytest.mark.parametrize("name", SCIPY)
def test_the_oracles_agree_with_scipy(name):
    """torch itself is good to a few digits only for some of these."""
    x = np.random.default_rng(0).uniform(1.2, 9, 30)
    first = {"polygamma": [2], "igamma": [x[::-1]], "igammac": [x[::-1]], "gammainc": [x[::-1]], "gammaincc": [x[::-1]]}.get(name, [])
    last = [3] if name == "mvlgamma" else []
    function = getattr(scipy.special, SCIPY[name]) if isinstance(SCIPY[name], str) else SCIPY[name]
    wanted = np.array([function(*(a[i] if np.ndim(a) else a for a in (*first, x, *last))) for i in range(30)])
    found = precise.evaluate(name, [*first, x, *last], np.zeros(30))
    np.testing.assert_allclose(found.astype(float), wanted, rtol=1e-11, atol=1e-14)
    assert set(DOUBTFUL) <= SCIPY.keys()


def test_the_command(tmp_path, capsys):
    code = main(["accuracy", "-k", "erfinv", "--dtype", "float32", "--points", "50", "--out", str(tmp_path)])
    found = json.loads((tmp_path / "accuracy.json").read_text())
    assert code == 0 and {m["name"] for m in found} == {"erfinv"} and all(m["ok"] for m in found)
    assert "erfinv" in capsys.readouterr().out


def test_a_pattern_that_nothing_matches(tmp_path, capsys):
    assert main(["accuracy", "-k", "no such function", "--out", str(tmp_path)]) == 2
    assert "nothing matches -k 'no such function'" in capsys.readouterr().err and not list(tmp_path.iterdir())

"""mpmath and the float64 run as oracles, and how a verdict follows from three values."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from parity import ParityError, Verdict, assert_parity, nullmodel, precise, ulp
from parity.compare import Lab
from parity.engines import open_engine
from parity.oracle import NEIGHBOURS, SIGNIFICANT, Neighbourhood, Oracle
from parity.precise_special import DOUBTFUL
from parity.record import run
from parity.samples import row_for, samples_for
from parity.values import Bound, compare_arrays, positions, same_bits

TORCH = open_engine("torch")


@pytest.mark.parametrize("name, points, function", [
    ("exp", [-3.0, 0.5, 4.0], math.exp), ("lgamma", [0.3, 4.5], math.lgamma), ("erf", [-0.7, 2.0], math.erf),
    ("tanh", [0.2, 3.0], math.tanh), ("log1p", [1e-9, 5.0], math.log1p), ("sinc", [0.25], lambda x: math.sin(math.pi * x) / (math.pi * x)),
])
def test_mpmath_rows_agree_with_libm(name, points, function):
    x = np.array(points)
    found = precise.evaluate(name, [x], np.zeros_like(x))
    assert np.allclose(found.astype(float), [function(p) for p in points], rtol=4e-16)


def test_every_mpmath_row_agrees_with_torch():
    """A wrong row would call torch wrong: every elementwise row is checked against torch itself."""
    lab = Lab(TORCH, TORCH)
    checked = 0
    for name in precise._functions():
        for namespace in ("torch", "special", "nn.functional"):
            row = row_for((namespace, name))
            if row is None or lab.primary(row) is None:
                continue
            sample = next(s for s in samples_for((namespace, name)) if s.dtype == "float64" and s.kind == "call")
            theirs = lab_value(sample, row, lab)
            exact = Oracle(TORCH, TORCH, sample, row, lab.primary(row)).value("out", theirs)
            assert exact is not None, name
            # i0, digamma and friends of this torch are a few hundred ULP off in places
            loose = 1e-3 if name in DOUBTFUL else 1e-11  # (those are held to SciPy, in tests/special)
            assert np.allclose(exact.astype(theirs.dtype), theirs, rtol=loose, atol=1e-13), name
            checked += 1
    assert checked > 40


def lab_value(sample, row, lab):
    return run(TORCH, sample, lab.primary(row)).outputs["out"].array


def test_derivatives_by_mpmath():
    x, g = np.array([0.3, 1.2]), np.array([2.0, -1.0])
    found = precise.derivative("tanh", [x], 0, g, np.zeros(2))
    assert np.allclose(found.astype(float), g / np.cosh(x) ** 2, rtol=1e-15)
    found = precise.derivative("pow", [np.array([2.0]), np.array([3.0])], 1, np.ones(1), np.zeros(1))
    assert found[0] == pytest.approx(8 * math.log(2), rel=1e-15)


def test_where_mpmath_has_no_answer_torchs_value_stands():
    found = precise.evaluate("log", [np.array([0.0, np.nan])], np.array([-np.inf, np.nan]))
    assert np.isneginf(found[0]) and np.isnan(found[1])


def test_the_float64_run_is_the_oracle_of_float32():
    row = row_for(("torch", "softmax"))
    sample = samples_for(("torch", "softmax"))[0]
    theirs = lab_value(sample, row, Lab(TORCH, TORCH))
    exact = Oracle(TORCH, TORCH, sample, row, "function").value("out", theirs)
    assert theirs.dtype == np.float32 and exact.dtype == np.float64
    assert np.array_equal(exact.astype(np.float32).round(6), theirs.round(6)) and torch.get_default_dtype() == torch.float32


def test_what_cancels_inside_of_an_op_is_what_roundings_of_its_steps_make_of_it():
    """Of the slope of the inf-norm 1e-7 is left: no Jacobian says that, the rounded runs do."""
    key = "torch", "renorm"
    chosen = (s for s in samples_for(key) if s.dtype == "float32" and math.inf in s.args)
    row, sample = row_for(key), next(chosen)
    oracle = Oracle(TORCH, TORCH, sample, row, "function")
    theirs = run(TORCH, sample).seconds["grad2[1]"].array
    exact, bound = oracle.value("grad2[1]", theirs), oracle.bound("grad2[1]", theirs)
    rows = np.arange(theirs.size)
    off = ulp.error(theirs, exact).reshape(-1)
    allowed, reach = bound.allowed(rows)[0], nullmodel.limit(bound.reach()).reshape(-1)
    assert (off > 1e4 * allowed).any(), "torch adds two parts that cancel in single precision"
    assert (off <= np.maximum(allowed, reach)).all()
    wrong = exact * (1 + 1e-4)  # that it is a cancellation in one place excuses no other
    assert (ulp.error(wrong.astype(np.float32), exact).reshape(-1) > np.maximum(allowed, reach)).any()


def judge(ours, theirs, exact, level="ulp", bound=None):
    make = [np.asarray(v, np.float32) for v in (ours, theirs)]
    return compare_arrays(*make, "out", level, lambda: None if exact is None else np.asarray(exact, np.float64), bound)


ONE, UP = 1.0, float(np.spacing(np.float32(1)))


@pytest.mark.parametrize("ours, theirs, exact, level, verdict", [
    ([1.0], [1.0], [1.0], "exact", Verdict.IDENTICAL),
    ([1.0 + UP], [1.0], [1.0], "ulp", Verdict.EQUAL),
    ([1.0 + 2 * UP], [1.0], [1.0], "ulp", Verdict.EQUAL),
    ([1.0 + 3 * UP], [1.0], [1.0], "ulp", Verdict.WORSE),
    ([1.0 + 3 * UP], [1.0 + 4 * UP], [1.0], "ulp", Verdict.EQUAL),
    ([1.0], [1.0 + 3 * UP], [1.0], "ulp", Verdict.BETTER),
    ([1.0 + UP], [1.0], None, "exact", Verdict.MISMATCH),
    ([1.0 + 4 * UP], [1.0], None, "ulp", Verdict.EQUAL),
    ([1.0 + 5 * UP], [1.0], None, "ulp", Verdict.MISMATCH),
    ([np.nan], [1.0], [1.0], "ulp", Verdict.MISMATCH),
    ([-0.0], [0.0], [0.0], "ulp", Verdict.MISMATCH),
    ([np.inf], [-np.inf], [np.inf], "ulp", Verdict.BETTER),
    ([-np.inf], [np.inf], [np.inf], "ulp", Verdict.MISMATCH),
    ([np.inf], [1.0], [1.0], "ulp", Verdict.MISMATCH),
    ([1.0], [np.inf], [1.0], "ulp", Verdict.BETTER),
    ([np.nan], [np.nan], [np.nan], "ulp", Verdict.IDENTICAL),
])
def test_verdicts(ours, theirs, exact, level, verdict):
    assert judge(ours, theirs, exact, level).verdict == verdict


def test_the_bound_of_a_sum_widens_the_limit():
    far = [1.0 + 20 * UP]
    assert judge(far, [1.0], [1.0], "sum").verdict == Verdict.WORSE
    bound = Bound(lambda rows: (np.full(len(rows), 30.0), np.ones(len(rows))))
    assert judge(far, [1.0], [1.0], "sum", bound).verdict == Verdict.EQUAL
    assert judge(far, [1.0], [1.0], "ulp", bound).verdict == Verdict.WORSE


def test_integers_are_always_exact():
    a, b = np.array([1, 2]), np.array([1, 3])
    assert compare_arrays(a, b, "out", "sum", lambda: None).verdict == Verdict.MISMATCH


@given(st.lists(st.floats(width=32), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_same_bits_knows_zeros_and_nan(values):
    a = np.array(values, np.float32)
    assert same_bits(a, a.copy()) and not positions(a, a.copy())
    zeros = a == 0
    if zeros.any():
        b = np.where(zeros, -a, a)
        assert not same_bits(a, b) and "-0" in positions(a, b)


def test_sign_test():
    found = Neighbourhood()
    assert not found.decides, "no neighbours decide nothing"
    for i in range(NEIGHBOURS):
        found.add(np.array([10.0 if i < SIGNIFICANT - 1 else 0.0]), np.array([5.0]))
    assert found.decides and found.worse == SIGNIFICANT - 1
    worse = Neighbourhood()
    for _ in range(NEIGHBOURS):
        worse.add(np.array([10.0]), np.array([5.0]))
    assert not worse.decides
    near = Neighbourhood()
    for _ in range(NEIGHBOURS):
        near.add(np.array([6.9]), np.array([5.0]))
    assert near.decides, "within 2 ULP of torch's own error"


def test_assert_parity():
    x = torch.linspace(0.1, 2, 50)
    assert assert_parity(torch.sin(x), torch.sin(x)).verdict == Verdict.IDENTICAL
    assert assert_parity(np.sin(x.numpy()), torch.sin(x), torch.sin(x.double())).verdict.ok
    with pytest.raises(ParityError, match="worse") as caught:
        assert_parity(torch.sin(x) * (1 + 1e-5), torch.sin(x), torch.sin(x.double()), name="sin")
    assert caught.value.check.ours > 10 and "sin" in str(caught.value)
    with pytest.raises(ParityError, match="ours is float64"):
        assert_parity(torch.sin(x.double()), torch.sin(x))
    with pytest.raises(ParityError, match="bit-identical"):
        assert_parity(np.nextafter(x.numpy(), np.float32(9)), x, exact=True)


def test_assert_parity_of_a_product_derives_its_bound():
    r = np.random.default_rng(1)
    a, b = r.normal(size=(6, 300)).astype(np.float32), r.normal(size=(300, 6)).astype(np.float32)
    exact, size = a.astype(float) @ b.astype(float), np.abs(a).astype(float) @ np.abs(b)
    total = np.zeros((6, 6), np.float32)
    for k in range(300):
        total += np.outer(a[:, k], b[k])
    assert assert_parity(total, a @ b, exact, terms=300, magnitude=size).verdict.ok
    with pytest.raises(ParityError):
        assert_parity(total + size.astype(np.float32) * 1e-4, a @ b, exact, terms=300, magnitude=size)

"""The largest errors: cancellations are told from errors, and a bound is there where torch has no graph."""

import io
import json

import numpy as np
import pytest
import torch
from rich.console import Console

from parity import Verdict, assert_parity, bounds, session, worst
from parity.compare import Lab
from parity.engines import open_engine
from parity.oracle import Oracle
from parity.outcome import WRONG, Check, OpResult, SampleResult
from parity.record import run
from parity.samples import row_for, samples_for
from parity.samples.spec import Arr, Sample
from parity.values import CANCELS

OURS, TORCH = open_engine("minitorch_ref"), open_engine("torch")


def result(name, **figures):
    check = Check(Verdict.EQUAL, "out", **figures)
    return OpResult("torch", name, "f", "sum", [SampleResult("n", name, "call", "float32", [check])])


def figures(ulp, share, condition, other=1.0):
    plain = ulp if condition <= CANCELS else 0.0
    return {"ours": ulp, "theirs": other, "share_ours": share, "share_theirs": other / 2, "plain_ours": plain,
            "plain_theirs": other, "condition_ours": condition, "condition_theirs": 1.0}  # fmt: skip


RESULTS = [result("cancelling", **figures(1e9, 0.01, 1e8)), result("plain", **figures(5.0, 0.9, 2.0)), result("exact", ours=0.0, theirs=0.0)]


def test_each_yardstick_has_its_own_order():
    names = {y: [r.op for r in worst.ranking(RESULTS, y, "ours")] for y in worst.YARDSTICKS}
    assert names == {"ulp": ["cancelling", "plain"], "plain": ["plain"], "share": ["plain", "cancelling"]}
    first, second = worst.ranking(RESULTS, "ulp", "ours")
    assert first.cancels and not second.cancels and first.ulp == 1e9
    assert [r.op for r in worst.ranking(RESULTS, "share", "theirs")] == ["cancelling", "plain"]


def test_ten_are_listed_of_each():
    many = [result(f"op{i}", **figures(float(i + 1), 0.1, 1.0)) for i in range(14)]
    assert [r.op for r in worst.ranking(many, "ulp", "ours")] == [f"op{i}" for i in range(13, 3, -1)]


def test_what_is_wrong_in_kind_is_no_error_of_rounding():
    kind = result("kind", **(figures(9.2e18, 3e18, 1.0)))
    assert kind.worst("ours") < WRONG and kind.worst("share_ours") == kind.worst("plain_ours") == 0.0


def test_what_has_no_oracle_or_is_known_is_nobodys_error():
    distance = result("distance", **figures(7.0, 0.5, 1.0, 0.0), oracle=False)
    known = result("known", **figures(9.0, 3.0, 1.0), known="torch ignores the scale")
    both = [distance, known, result("plain", **figures(5.0, 0.9, 2.0))]
    assert [r.op for r in worst.ranking(both, "ulp", "ours")] == ["plain"]
    assert worst.apart(both) == [("distance", 7.0)] and worst.as_dict(both)["apart"] == [{"op": "distance", "ulp": 7.0}]
    check = assert_parity(torch.tensor(1.0), torch.tensor(1.0000001))
    assert not check.oracle and assert_parity(torch.tensor(1.0), torch.tensor(1.0000001), torch.tensor(1.0, dtype=torch.float64)).oracle


def test_they_are_in_the_terminal_and_in_the_json():
    said = io.StringIO()
    for table in worst.tables(RESULTS):
        Console(file=said, width=130).print(table)
    text = said.getvalue()
    assert text.count("largest errors") == 3 and "cancels: 1.0e8" in text
    found = session.Session("a", "b", {}, ops=RESULTS)
    data = json.loads(json.dumps(session.as_dict(found)))
    assert data["worst"]["ulp"]["ours"][0]["cancels"] and data["worst"]["share"]["ours"][0]["op"] == "plain"
    assert data["ops"][0]["cancels"] and data["ops"][0]["plain_ours"] == 0


def test_a_sum_that_cancels_is_told_from_one_that_does_not():
    """1000 terms of ±1: condition Σ|x|/|Σx|; the same terms without signs have condition 1."""
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.uniform(0.5, 1.5, 1000).astype(np.float32))
    signed = x * torch.from_numpy(rng.choice([-1.0, 1.0], 1000).astype(np.float32))
    signed[-1] -= signed.double().sum().float() - 1e-3

    def in_order(v):
        total = np.float32(0)
        for number in v.numpy():
            total += number
        return torch.tensor(total)

    for terms, cancels in ((signed, True), (x, False)):
        check = assert_parity(in_order(terms), terms.sum(), op="sum", args=(terms,))
        condition = float(terms.double().abs().sum() / terms.double().sum().abs())
        assert (check.condition_ours > CANCELS) is cancels and check.condition_ours == pytest.approx(condition, rel=0.1)
        assert (check.plain_ours == 0) is cancels and check.ours > 2 and check.share_ours < 1


def test_what_cancels_on_the_way_is_found_though_no_jacobian_shows_it():
    """x − tanh(x) ≈ x³/3: its condition is 3 everywhere, but its terms are 3/x² times as large."""
    sample = Sample("nn.functional", "tanhshrink", "small", (Arr((64,), "float32", (1e-3, 2e-3), grad=False),), {}, "float32")
    exact = Oracle(OURS, TORCH, sample, row_for(("nn.functional", "tanhshrink")), "function")
    theirs = run(TORCH, sample, grad=False).outputs["out"].array
    reach = np.sqrt(np.mean(exact.bound("out", theirs).reach() ** 2, axis=0))
    x = np.cbrt(3 * np.abs(exact.value("out", theirs)))
    ratio = reach / (3 / x**2)
    assert 0.05 < np.median(ratio) < 2 and (reach > CANCELS).mean() > 0.9


# ---- gradients that torch cannot differentiate -------------------------------------------------------


def test_of_gradient_is_the_product_of_magnitudes():
    a = torch.randn(5, 3, dtype=torch.float64)
    x = torch.randn(3, dtype=torch.float64, requires_grad=True)
    c = torch.randn(5, dtype=torch.float64)
    weight, terms = bounds.of_gradient(torch, [a @ x], [c], x, np.arange(3))
    assert np.allclose(weight, (a.abs().T @ c.abs()).numpy(), rtol=1e-14) and terms.tolist() == [5, 5, 5]


def test_of_gradient_of_complex_outputs_covers_both_parts():
    z = torch.randn(3, dtype=torch.complex128, requires_grad=True)
    c = torch.randn(3, dtype=torch.complex128)
    weight, terms = bounds.of_gradient(torch, [z * 2], [c], z, np.array([1]))
    assert weight[0] >= 2 * abs(complex(c[1])) * 0.999 and terms[0] == 2


def bag_sample():
    key = ("nn.functional", "embedding_bag")
    return next(s for s in samples_for(key) if s.dtype == "float32" and "expanded" in str(s)), row_for(key)


def test_the_mean_of_a_bag_that_cancels_has_a_bound_from_its_terms():
    """torch has no second derivative of embedding_bag; the gradient of a row is Σ c·count/3 over bags."""
    sample, row = bag_sample()
    exact = Oracle(OURS, TORCH, sample, row, "function")
    record = run(TORCH, sample)
    theirs = record.grads["grad[0]"].array
    _, inputs, backward = exact._wider()[1]
    index, cots = inputs.args[0].numpy(), backward.cots["out"].detach().numpy()
    terms = np.array([(index == r).sum(1)[:, None] / 3 * np.abs(cots) for r in range(4)])
    weight, count = exact._sensitivity("grad[0]", theirs, np.arange(theirs.size), False)
    assert np.allclose(weight, terms.sum(1).ravel(), rtol=1e-12) and np.array_equal(count, (terms > 0).sum(1).ravel())
    found = Lab(OURS, TORCH).compare_sample(sample, row)
    assert found.verdict.ok and all((c.share_ours or 0) <= 1 for c in found.checks)


def test_a_wrong_mean_of_a_bag_is_still_worse():
    sample, row = bag_sample()
    exact = Oracle(OURS, TORCH, sample, row, "function")
    theirs = run(TORCH, sample).grads["grad[0]"].array
    from parity.values import compare_arrays

    wrong = (theirs.view(np.int32) & ~0x1FFF).view(np.float32)  # cut to ten bits
    check = compare_arrays(wrong, theirs, "grad[0]", "sum", lambda: exact.value("grad[0]", theirs), exact.bound("grad[0]", theirs))
    assert check.verdict == Verdict.WORSE and check.share_ours > 10

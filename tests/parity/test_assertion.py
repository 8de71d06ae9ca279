"""assert_parity with an op: oracle, bound, choice and cause follow from it."""

import numpy as np
import pytest
import torch

import minitorch_ref as mt
from parity import ParityError, Verdict, assert_parity
from parity.engines import open_engine

RNG = np.random.default_rng(3)
X, Y = RNG.normal(size=(9, 200)).astype(np.float32), RNG.normal(size=(200, 5)).astype(np.float32)


def test_two_engines_on_one_op():
    check = assert_parity(mt.from_numpy(X) @ mt.from_numpy(Y), torch.from_numpy(X) @ torch.from_numpy(Y), op="matmul", args=(X, Y))
    assert check.verdict <= Verdict.EQUAL


@pytest.mark.parametrize("op, args", [("exp", (X,)), (torch.logsumexp, (X, 1)), ("nn.functional.softmax", (X[:, :9], 1)), (lambda x: torch.var(x, 0), (X[:, :40],)), ("mean", (X, 1))])
def test_any_op(op, args):
    function = op if callable(op) else open_engine("torch").find(*(("nn.functional", "softmax") if "softmax" in op else ("torch", op)))
    result = function(torch.from_numpy(args[0]), *args[1:])
    wrong = result * (1 + 2**-11)
    assert assert_parity(result, result, op=op, args=args).verdict == Verdict.IDENTICAL
    with pytest.raises(ParityError, match="ULP off"):
        assert_parity(wrong, result, op=op, args=args)


def test_the_bound_comes_from_the_op():
    """Cancellation: an error of 3e-8 of the terms is huge beside the sum, and still honest."""
    x = np.float32([1, 1e4, -1e4, 0.25])
    theirs = torch.tensor(1.25)
    ours = theirs + 1e-4
    assert assert_parity(ours, theirs, op="sum", args=(x,)).ours > 500
    with pytest.raises(ParityError):
        assert_parity(ours, theirs, torch.tensor(1.25, dtype=torch.float64))


def test_the_error_names_a_discrete_choice():
    x = np.float32([1, 3, 3, 0])
    with pytest.raises(ParityError, match="discrete choice: both are valid") as caught:
        assert_parity(torch.tensor(2), torch.tensor(1), op="argmax", args=(x,))
    assert caught.value.check.choice


def test_the_error_names_the_cause():
    ours = open_engine("torch:tf32").find("torch", "matmul")(*map(torch.from_numpy, (X, Y)))
    with pytest.raises(ParityError, match="ours: TF32 inputs, rounded"):
        assert_parity(ours, torch.from_numpy(X) @ torch.from_numpy(Y), op="matmul", args=(X, Y))


def test_a_large_product_is_quick():
    import time
    x, y = RNG.normal(size=(300, 400)).astype(np.float32), RNG.normal(size=(400, 300)).astype(np.float32)
    began = time.perf_counter()
    check = assert_parity(np.einsum("ik,kj->ij", x, y), torch.from_numpy(x) @ torch.from_numpy(y), op="matmul", args=(x, y))
    assert check.verdict == Verdict.EQUAL and 2 < check.ours < check.bound and time.perf_counter() - began < 20


def test_an_unknown_op():
    with pytest.raises(ValueError, match="no op 'frobnicate'"):
        assert_parity(1.0, 1.0, op="frobnicate", args=(X,))


def test_results_of_several_tensors():
    values, indices = torch.max(torch.from_numpy(X), 1)
    assert assert_parity(torch.max(torch.from_numpy(X), 1), (values, indices), op="max", args=(X,), kwargs={"dim": 1}).verdict == Verdict.IDENTICAL
    with pytest.raises(ParityError, match=r"result\[0\]: worse: .*; 9 of 9 elements"):
        assert_parity((values * 1.001, indices), (values, indices), op="max", args=(X, 1))
    with pytest.raises(ParityError, match=r"result\[1\]: mismatch"):
        assert_parity((values, indices + 1), (values, indices), op="max", args=(X, 1))
    with pytest.raises(ParityError, match="ours is one tensor, torch's 2 results"):
        assert_parity(values, (values, indices))


def test_keyword_and_nested_arguments():
    x, y = torch.from_numpy(X), torch.from_numpy(2 * X)
    result = torch.cat([x, y], dim=1)
    assert assert_parity(result, result.clone(), op="cat", args=([x, y],), kwargs={"dim": 1}).verdict == Verdict.IDENTICAL
    with pytest.raises(ParityError, match="worse"):
        assert_parity(result * (1 + 2**-18), result, op="cat", args=([x, y],), kwargs={"dim": 1})


def test_bfloat16_is_judged_in_its_own_ulps():
    x = torch.from_numpy(X).bfloat16()
    good = torch.tanh(x.double()).bfloat16()
    step = torch.nextafter(good, torch.full_like(good, 9.0))
    assert assert_parity(step, good, op="tanh", args=(x,)).ours < 2, "its neighbour is within two ULP"
    for _ in range(3):
        step = torch.nextafter(step, torch.full_like(good, 9.0))
    with pytest.raises(ParityError, match="ULP of bfloat16 off") as caught:
        assert_parity(step, good, oracle=torch.tanh(x.double()))
    assert 3.4 < caught.value.check.ours < 8.6 and caught.value.check.bound == 2, "steps double at 1"
    with pytest.raises(ParityError, match=r"ours is torch.float32, torch's torch.bfloat16"):
        assert_parity(good.float(), good)


def test_an_op_that_cannot_run_in_float64_says_so():
    layer = torch.nn.Linear(200, 3)
    with pytest.raises(ValueError, match="Linear|op does not run on these args in float64.*give oracle="):
        assert_parity(layer(torch.from_numpy(X)), layer(torch.from_numpy(X)), op=layer, args=(X,))

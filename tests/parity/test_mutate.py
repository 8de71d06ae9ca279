"""The mutation run: faults that the samples notice, faults they cannot, and faults they miss."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

import minitorch_ref as mt
from minitorch_ref.autograd.graph import record
from minitorch_ref.ops.registry import REGISTRY, Op
from minitorch_ref.ops.unrecorded import without_derivative
from parity import samples
from parity.__main__ import main
from parity.engines import open_engine
from parity.judge import Jury, pieces, same
from parity.mutants import (
    KINDS,
    Mutant,
    Seen,
    Site,
    code_name,
    planted,
    rules_of,
    spoiled,
    spoiled_plain,
    terms,
    without,
)
from parity.mutate import (
    EQUIVALENT,
    KILLED,
    SURVIVED,
    UNJUDGED,
    caught,
    judge_op,
    judged_safely,
    totals,
)
from parity.record import Record, Value
from parity.samples.spec import X, call, row
from parity.tasks import nowhere


def fates(key, kinds=KINDS):
    return judge_op("minitorch_ref", "torch", key, kinds)


def mutant_of(tensor, kind, edge=0, detail=""):
    node = tensor.grad_fn
    rule = next(r for i, r, _ in rules_of(node) if i == edge)
    return Mutant(Site(node.name(), edge, code_name(rule)), kind, detail)


@pytest.fixture
def planted_op(monkeypatch):
    """An op `doubled` on both engines, right in every way; the test says what its row is."""

    def doubled(input):
        return record("DoubledBackward0", input._array * 2, x=(input, lambda g: g * 2))

    class Doubled(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    key = ("torch", "doubled")
    monkeypatch.setattr(mt, "doubled", doubled, raising=False)
    monkeypatch.setattr(torch, "doubled", lambda input: Doubled.apply(input), raising=False)
    monkeypatch.setitem(REGISTRY, key, Op("doubled", "torch", doubled, False, False, False))

    def with_row(**options):
        made = row("doubled", call(X(3, 4)), dtypes=("float32",), special=False, **options)
        monkeypatch.setitem(samples.ROWS, key, made)
        return key

    return with_row


# ---- the run as a whole --------------------------------------------------------------------------


def test_every_fault_of_atan2_is_noticed():
    found = fates(("torch", "atan2"))
    assert {m.kind for m in found.mutants} >= {"sign", "factor", "drop", "swap", "term", "dtype"}
    assert not found.unclean and {m.state for m in found.mutants} == {KILLED}
    sites = {m.mutant.split(" (")[0] for m in found.mutants if "Backward" in m.mutant}
    assert sites == {"Atan2Backward0[0]", "Atan2Backward0[1]"}


def test_a_rule_with_a_wrong_sign_is_killed_by_its_gradient():
    wrong = [m for m in fates(("torch", "sin"), ("sign",)).mutants if "SinBackward0" in m.mutant]
    assert [m.state for m in wrong] == [KILLED] and wrong[0].why.endswith("grad[0]")


def test_equivalent_mutants_are_told_from_survivors():
    commutative = [m for m in fates(("torch", "logical_xor"), ("swap",)).mutants if "operands" in m.mutant]
    assert commutative and all(m.state == EQUIVALENT for m in commutative)
    rounded = [m for m in fates(("torch", "floor"), ("sign", "factor", "drop")).mutants if "Backward" in m.mutant]
    assert len(rounded) == 3 and all((m.state, m.why) == (EQUIVALENT, "it is always zero") for m in rounded)


def test_operands_that_do_not_commute_are_noticed():
    swapped = [m for m in fates(("torch", "sub"), ("swap",)).mutants if "operands" in m.mutant]
    assert swapped and all(m.state == KILLED for m in swapped)


def test_one_step_up_is_noticed_where_bits_must_agree():
    found = fates(("torch", "abs"), ("ulp",)).mutants
    assert len(found) >= 2 and all(m.state == KILLED for m in found)


def test_an_op_without_gradient_samples_yields_survivors(planted_op):
    found = fates(planted_op(grad=False), ("sign", "factor", "drop"))
    rules = [m for m in found.mutants if "DoubledBackward0" in m.mutant]
    assert len(rules) == 3
    assert {(m.state, m.why) for m in rules} == {(SURVIVED, "no sample asks for this gradient")}
    assert not found.verdict.ok and caught(totals([found])["sign"]) < 1


def test_the_same_op_with_gradient_samples_yields_none(planted_op):
    monkey = fates(planted_op(second=False), ("sign", "factor", "drop"))
    rules = [m for m in monkey.mutants if "DoubledBackward0" in m.mutant]
    assert len(rules) == 3 and {m.state for m in rules} == {KILLED}


def refused(input):
    return without_derivative("doubled", input._array * 2, input)


class Refused(torch.autograd.Function):
    """As torch refuses an op that has no derivative."""

    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        raise RuntimeError("derivative for aten::doubled is not implemented")


@pytest.mark.parametrize("asked", [True, False])
def test_what_torch_has_no_derivative_of_has_no_mutants(planted_op, monkeypatch, asked):
    key = planted_op(grad=asked)
    monkeypatch.setattr(mt, "doubled", refused)
    monkeypatch.setattr(torch, "doubled", lambda input: Refused.apply(input))
    found = fates(key)
    assert len(found.mutants) >= 4 and not [u for u in found.unclean if not u.endswith("grad_fn")]
    assert not [m for m in found.mutants if "NotImplemented" in m.mutant]


@pytest.mark.parametrize("asked", [True, False])
def test_that_ours_alone_refuses_is_no_excuse(planted_op, monkeypatch, asked):
    """Asked for the gradient the op deviates unspoiled; unasked nobody notices, as of any rule."""
    key = planted_op(grad=asked)
    monkeypatch.setattr(mt, "doubled", refused)
    rules = [m for m in fates(key, ("sign",)).mutants if "NotImplemented" in m.mutant]
    assert [m.state for m in rules] == ([UNJUDGED] if asked else [SURVIVED])


class Cubed(mt.autograd.Function):
    """x³, with a rule that has terms and saves two values."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x, x * x)
        return x * x * x

    @staticmethod
    def backward(ctx, g):
        x, square = ctx.saved_tensors
        return g * (square + x * x + square)


@pytest.mark.parametrize("kind, detail, wanted", [("sign", "", -12.0), ("factor", "", 18.0), ("drop", "", 0.0), ("swap", "saved values", 20.0)])
def test_the_rule_of_a_custom_function_is_spoiled(kind, detail, wanted):
    """d(x³)/dx at 2 is 12; with x and x² exchanged 2 + 16 + 2."""
    x = mt.tensor(2.0, requires_grad=True)
    y, seen = Cubed.apply(x), Seen()
    with planted(open_engine("minitorch_ref"), mutant_of(y, kind, 0, detail), seen):
        (wrong,) = mt.autograd.grad(y, x, retain_graph=True)
    assert wrong.item() == wanted and seen.applied == 1
    assert mt.autograd.grad(y, x)[0].item() == 12.0


def test_the_terms_of_a_custom_function():
    """At 2: g for all, 4 + 2 + 4 without a factor, 4 + 4 without a term, the last term alone."""
    x, found = mt.tensor(2.0, requires_grad=True), []
    for term in terms(Cubed.backward):
        y = Cubed.apply(x)
        with planted(open_engine("minitorch_ref"), mutant_of(y, "term", 0, term), Seen()):
            found.append(mt.autograd.grad(y, x)[0].item())
    assert sorted(found) == [1.0, 4.0, 8.0, 8.0, 8.0, 10.0]


def test_the_gradient_of_lobpcg_is_asked_for_and_every_fault_of_it_noticed():
    found = fates(("torch", "lobpcg"))
    rules = [m for m in found.mutants if "Backward" in m.mutant]
    assert not found.unclean and any("LOBPCGAutogradFunctionBackward" in m.mutant for m in rules)
    assert len(rules) > 15 and {m.state for m in found.mutants} <= {KILLED, EQUIVALENT}


def test_an_op_that_deviates_unspoiled_is_named(planted_op, monkeypatch):
    key = planted_op(grad=False)
    monkeypatch.setattr(mt, "doubled", lambda input: mt.mul(input, 2.5))
    found = fates(key, ("sign",))
    assert found.unclean and all("doubled" not in u for u in found.unclean)
    assert all(m.state != KILLED or not m.why.endswith(": out") for m in found.mutants)


def test_what_breaks_the_laboratory_is_shown(monkeypatch):
    def broken(*args):
        raise ValueError("a broken jury")

    monkeypatch.setattr(Jury, "judge", broken)
    found = judged_safely("minitorch_ref", "torch", ("torch", "sin"), ("sign",), nowhere)
    assert "a broken jury" in found.failed and not found.verdict.ok


# ---- the parts -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind, wanted", [("sign", -3.0), ("factor", 4.5), ("drop", 0.0)])
def test_planted_gradients(kind, wanted):
    """d(x²)/dx = 2x at 1.5 is 3; the mutant changes only that, and only while it is planted."""
    x = mt.tensor(1.5, requires_grad=True)
    y, seen = mt.square(x), Seen()
    with planted(open_engine("minitorch_ref"), mutant_of(y, kind), seen):
        (wrong,) = mt.autograd.grad(y, x, retain_graph=True)
    assert wrong.item() == wanted and (seen.applied, seen.nonzero) == (1, 1)
    assert mt.autograd.grad(y, x)[0].item() == 3.0


def test_planted_exchanges():
    """x / y at (3, 2): gradients 1/2 and −3/4; exchanged edges give −3/4 and 1/2."""
    x, y = (mt.tensor(v, requires_grad=True) for v in (3.0, 2.0))
    z = x / y
    with planted(open_engine("minitorch_ref"), mutant_of(z, "swap", 0, "edges"), Seen()):
        found = mt.autograd.grad(z, (x, y), retain_graph=True)
    assert [g.item() for g in found] == [-0.75, 0.5]
    with planted(open_engine("minitorch_ref"), mutant_of(z, "swap", 1, "saved values"), Seen()):
        found = mt.autograd.grad(z, (x, y))
    assert found[0].item() == 0.5 and found[1].item() != -0.75


def test_terms_of_a_rule():
    rule = lambda g, a, b: g * a + b  # noqa: E731
    left_out = {t.split(" ", 1)[1]: without(rule, t, Seen())(2, 3, 5) for t in terms(rule)}
    assert left_out == {"* l": 2 + 5, "+ l": 6, "+ r": 5}
    assert rule(2, 3, 5) == 11


def mul(a, b):
    return a * b


def test_terms_that_are_calls():
    rule = lambda g, a: mul(mul(g, a), a)  # noqa: E731
    g, a = mt.tensor(2.0), mt.tensor(3.0)
    found = {t: without(rule, t, Seen())(g, a).item() for t in terms(rule)}
    assert found == {"0 mul l": 6.0, "1 mul l": 6.0} and rule(g, a).item() == 18.0


@pytest.mark.parametrize("kind", KINDS[:3] + ("ulp", "dtype"))
@pytest.mark.parametrize("dtype", ["float32", "float16", "complex64", "int8", "uint8", "bool"])
def test_spoiled_values_differ(kind, dtype):
    a = np.array([[1, 1], [0, 1]]).astype(dtype)
    before, wrong = a.copy(), spoiled(kind, a)
    assert np.array_equal(a, before) and wrong.shape == a.shape
    assert (wrong.dtype != a.dtype) == (kind == "dtype")
    assert kind == "dtype" or not np.array_equal(wrong, a)


def test_one_step_is_one_step():
    a = np.array([1.0, 2.0], np.float32)
    wrong = spoiled("ulp", a)
    assert wrong[0] == 1 and wrong[1] - 2 == np.spacing(np.float32(2))
    assert spoiled("ulp", np.array(3)) == 2 and not spoiled("ulp", np.array(True))


def test_spoiled_plain_values():
    assert spoiled_plain("sign", True) is False and spoiled_plain("sign", 3) == -3
    assert spoiled_plain("drop", 2.5) == 0 and spoiled_plain("factor", 2) == 3
    assert spoiled_plain("sign", "strided") == "strided?"


def test_records_are_compared_piece_by_piece():
    def value(x):
        return Value(np.array(x), "float64")

    clean = Record(outputs={"out": value(1.0), "out[1]": value(2.0)}, grads={"grad[0]": value(3.0)})
    other = replace(clean, grads={"grad[0]": value(-3.0)})
    assert same(clean, replace(clean)) and not same(clean, other)
    assert list(pieces(other, clean)) == [("grads", "grad[0]")]
    assert list(pieces(replace(other, error=("ValueError", "")), clean)) == [None]


# ---- the command ---------------------------------------------------------------------------------


def test_the_command_writes_its_counts(tmp_path, capsys):
    file = tmp_path / "mutants.json"
    assert main(["mutate", "-k", "atan2", "--kinds", "sign,drop", "--processes", "0", "--json", str(file)]) == 0
    found = json.loads(file.read_text())
    assert found["caught"] == 1 and found["survived"] == {} and set(found["counts"]) == {"all", "sign", "drop"}
    assert found["counts"]["all"]["killed"] >= 10
    out = capsys.readouterr().out
    assert "mutants of" in out and "100.00%" in out


@pytest.mark.parametrize("args, message", [
    (["-k", "no such op"], "nothing matches"),
    (["--ours", "torch"], "name another --ours"),
    (["--shard", "3"], "i/n as in 2/4"),
    (["--shard", "3/2"], "1 ≤ i ≤ n, as in 2/4"),
])
def test_what_cannot_run_gives_exit_code_two(args, message, capsys):
    assert main(["mutate", *args]) == 2
    assert message in capsys.readouterr().err


def test_unknown_kinds_are_usage_errors(capsys):
    with pytest.raises(SystemExit):
        main(["mutate", "--kinds", "sign,typo"])
    assert "no kind 'typo'" in capsys.readouterr().err

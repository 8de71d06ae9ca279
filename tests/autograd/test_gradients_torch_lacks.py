"""Gradients that parity cannot judge, because torch's own are wrong or missing: finite differences.

Each case is one that the deviation ledger names; a spoiled rule must fail here, as nowhere else.
"""

import pytest

import minitorch_ref as mt
from minitorch_ref.autograd import gradcheck, gradgradcheck


def drawn(*shape):
    return mt.randn(*shape, dtype=mt.float64, generator=mt.Generator().manual_seed(7)).requires_grad_()


CASES = {
    "as_strided_scatter": (lambda x, y: mt.as_strided_scatter(x, y, (2, 2), (3, 1), 2), [(3, 4), (2, 2)]),
    "cond 1": (lambda x: mt.linalg.cond(x + 3 * mt.eye(3, dtype=mt.float64), 1), [(2, 3, 3)]),
    "vander": (lambda x: mt.vander(x, 4), [(3,)]),
    "vander rising": (lambda x: mt.vander(x, 3, True), [(4,)]),
}


@pytest.mark.parametrize("case", CASES)
def test_first_and_second_gradients(case):
    function, shapes = CASES[case]
    inputs = [drawn(*s) for s in shapes]
    assert gradcheck(function, inputs)
    assert gradgradcheck(function, inputs)


def test_where_an_overwritten_input_gets_no_gradient():
    """∂ as_strided_scatter / ∂ input is 1 outside the region and 0 inside it."""
    x = mt.zeros(2, 3, dtype=mt.float64, requires_grad=True)
    y = mt.as_strided_scatter(x, mt.ones(2, dtype=mt.float64), (2,), (3,), 1)
    assert mt.autograd.grad(y.sum(), x)[0].tolist() == [[1.0, 0.0, 1.0], [1.0, 0.0, 1.0]]


def test_a_spoiled_rule_fails_here():
    from parity.engines import open_engine
    from parity.mutants import Mutant, Seen, Site, code_name, planted, rules_of

    function, shapes = CASES["as_strided_scatter"]
    inputs = [drawn(*s) for s in shapes]
    node = function(*inputs).grad_fn
    edge, rule, _ = next(iter(rules_of(node)))
    wrong = Mutant(Site(node.name(), edge, code_name(rule)), "sign")
    with planted(open_engine("minitorch_ref"), wrong, Seen()), pytest.raises(RuntimeError, match="Jacobian"):
        gradcheck(function, inputs)

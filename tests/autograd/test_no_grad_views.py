"""Views made while nothing is recorded: what they require, what may be done with them, as torch."""

from __future__ import annotations

import pytest
import torch

import minitorch_ref as mt


def made_of_leaf(t):
    x = t.ones(3, requires_grad=True)
    with t.no_grad():
        views = [x[:2], x.view(3, 1), x.t(), x.expand(2, 3), x.unbind(0)[0], x.detach(), x.clone()]
    return [(v.requires_grad, v.is_leaf, v.grad_fn is None) for v in views]


def made_of_result(t):
    x = t.ones(3, requires_grad=True) * 2
    with t.no_grad():
        y = x[1:]
    return y.requires_grad, y.is_leaf, (y * 2).requires_grad


def gradient_goes_nowhere(t):
    x = t.ones(3, requires_grad=True)
    with t.no_grad():
        y = x[:2]
    (y * 3).sum().backward()
    return x.grad, y.grad


def written_inside(t):
    x = t.ones(3, requires_grad=True)
    with t.no_grad():
        y = x[:2]
        y.add_(1)
        y[0] = 7
    return repr(x), repr(y)


def of_normal_in_inference(t):
    x = t.ones(3, requires_grad=True)
    with t.inference_mode():
        y, z = x[:2], x * 2
    return y.requires_grad, y.is_inference(), z.is_inference()


def written_outside(t):
    x = t.ones(3, requires_grad=True)
    with t.no_grad():
        y = x[:2]
    y.add_(1)


def base_written_outside(t):
    x = t.ones(3)
    with t.no_grad():
        y = x[:2]
    x.mul_(t.ones(3, requires_grad=True))
    return y.grad_fn


def leaf_that_is_a_view(t):
    x = t.arange(6.0).reshape(3, 2).requires_grad_()
    (x[0] * 2).sum().backward()
    with t.no_grad():
        y = t.ones(3)[:2]
    y.requires_grad_()
    (y * 3).sum().backward()
    return x.grad.tolist(), y.grad.tolist()


def write_to_leaf_that_is_a_view(t):
    t.arange(6.0).reshape(3, 2).requires_grad_().add_(1)


SAME = [
    leaf_that_is_a_view, made_of_leaf, made_of_result, gradient_goes_nowhere, written_inside, of_normal_in_inference,
]  # fmt: skip


REFUSED = [written_outside, base_written_outside, write_to_leaf_that_is_a_view]


@pytest.mark.parametrize("program", SAME, ids=lambda f: f.__name__)
def test_same_on_both(program):
    assert program(mt) == program(torch)


@pytest.mark.parametrize("program", REFUSED)
def test_refused_in_the_same_words(program):
    with pytest.raises(RuntimeError) as theirs:
        program(torch)
    with pytest.raises(RuntimeError) as ours:
        program(mt)
    assert str(ours.value) == str(theirs.value)


@pytest.mark.parametrize("kind", ["int32", "float16", "float32"])
@pytest.mark.parametrize("before", [True, False])
def test_a_view_of_another_type_keeps_only_the_version_counter(kind, before):
    """Its base may require grad, before or after: the same bytes as whole numbers never do."""
    found = []
    for module in (torch, mt):
        x = module.ones(4, requires_grad=before)
        y = x.view(getattr(module, kind))
        if not before:
            x.requires_grad_()
        product, version = x * x, x._version
        facts = [y.requires_grad, y.is_leaf, y._is_view(), y.grad_fn is None, y[1:].requires_grad]
        y.zero_()
        facts += [x._version - version, x.tolist()]
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            product.sum().backward()
        found.append(facts)
    assert found[0] == found[1]

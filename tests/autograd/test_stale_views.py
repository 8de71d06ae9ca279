"""Views whose base was written to or began to require grad, and views that take another shape."""

from __future__ import annotations

import pytest
import torch

import minitorch_ref as mt


def node(x):
    return None if x.grad_fn is None else type(x.grad_fn).__name__


def made(t):
    return t.zeros(3, 4, requires_grad=True) * 2


def base_begins_to_require_grad(t):
    x = t.zeros(3, 4)
    y = x[0]
    x.requires_grad_()
    (y * 2).sum().backward()
    return y.requires_grad, y.is_leaf, (y * 2).requires_grad, y.grad, x.grad


def view_begins_to_require_grad(t):
    x = t.zeros(3, 4)
    y = x[0].requires_grad_()
    (y * 2).sum().backward()
    return x.requires_grad, y.grad


def leaf_detached_after_use(t):
    x = t.zeros(3, 4, requires_grad=True)
    y = x * 2
    x.detach_()
    y.sum().backward()
    return x.grad


def one_of_several_asked(t):
    x = made(t)
    y = x.unbind(0)[0]
    x.mul_(2)
    return y.requires_grad, y.grad_fn


def one_of_several_used(t):
    x = made(t)
    y = x.chunk(2)[0]
    with t.no_grad():
        x.mul_(2)
        unrecorded = (y + 1).requires_grad
    return unrecorded, y * 2


def one_of_several_of_plain_written(t):
    y = t.zeros(3, 4).unbind(0)[0]
    y.add_(t.ones(4, requires_grad=True))


def one_of_several_made_unrecorded(t):
    with t.no_grad():
        y = made(t).unbind(0)[0]
    y.add_(t.ones(4, requires_grad=True))


def view_of_one_of_several(t):
    made(t).unbind(0)[0].view(2, 2).add_(1)


def made_in_inference_mode(t):
    x = t.zeros(3, 4)
    with t.inference_mode():
        y = x[0]
    y.add_(t.ones(4, requires_grad=True))


def made_in_inference_mode_base_written(t):
    x = t.zeros(3, 4)
    with t.inference_mode():
        y = x[0]
    x.add_(t.ones(4, requires_grad=True))
    return y.grad_fn


def detach_a_view(t):
    t.zeros(3, 4)[0].detach_()


def view_takes_another_shape(t):
    y = made(t)[0]
    y.unsqueeze_(0)
    z = made(t)[0:1]
    z.squeeze_()
    return node(y), y._version, y.shape, node(z), z.shape


def then_the_base_is_written(t):
    x = made(t)
    y = x[0]
    y.unsqueeze_(0)
    y.mul_(3)
    return node(y), node(x), y.shape


def expanded_takes_another_shape(t):
    return t.zeros(3).expand(2, 3).unsqueeze_(0).shape


def copied_onto_itself(t):
    x = t.ones(3).expand(2, 3)
    return x.copy_(x).shape


def copied_onto_a_part(t):
    x = t.arange(4.0)
    x[1:].copy_(x[:-1])


CASES = [v for v in list(globals().values()) if callable(v) and getattr(v, "__module__", "") == __name__ and v not in (node, made)]


def outcome(t, case):
    try:
        return "returns", repr(case(t))
    except RuntimeError as error:
        return "raises", str(error)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.__name__)
def test_as_torch_has_it(case):
    assert outcome(mt, case) == outcome(torch, case)


def test_cases_raise_and_return():
    """Both kinds of outcome are among the cases, or the comparison would prove little."""
    kinds = [outcome(torch, c)[0] for c in CASES]
    assert kinds.count("raises") > 5 and kinds.count("returns") > 5

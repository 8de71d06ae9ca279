"""How tensors lie in memory: shape, strides, offset and formats are torch's, whatever is done to them.

Random tensors (permuted, sliced, expanded, channels last, without elements), random ops; and a list of
calls that no wrong rule of `kernels/layout.py` may pass.
"""

import sys

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from layouts import COPIES, ELEMENTWISE, IMAGES, VIEWS, Made, facts, made

import minitorch_ref as mt
from minitorch_ref.autograd import engine
from minitorch_ref.kernels import layout

PROFILE = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


def outcome(T, tensor, call):
    """What is seen of the results, or the kind of the error."""
    try:
        results = call(T, tensor.on(T))
    except (RuntimeError, IndexError, ValueError) as error:
        return type(error).__name__
    results = results if isinstance(results, (tuple, list)) else [results]
    return [facts(T, x) for x in results]


def agree(tensor, call):
    assert facts(mt, tensor.on(mt)) == facts(torch, tensor.on(torch)), "the tensor itself"
    assert outcome(mt, tensor, call) == outcome(torch, tensor, call)


@PROFILE
@given(made(), st.sampled_from(sorted(VIEWS)))
def test_views(tensor, name):
    agree(tensor, VIEWS[name])


@PROFILE
@given(made(), st.sampled_from(sorted(COPIES)))
def test_copies(tensor, name):
    x = tensor.on(torch)  # of no elements and with strides of 0 only: a new array looks like that
    assume(x.numel() or any(x.stride()))
    agree(tensor, COPIES[name])


@PROFILE
@given(made(least=1), st.sampled_from(sorted(ELEMENTWISE)))
def test_elementwise(tensor, name):
    agree(tensor, ELEMENTWISE[name])


@PROFILE
@given(made(dims=st.just(4), least=1), st.sampled_from(sorted(IMAGES)))
def test_images(tensor, name):
    if len(tensor.on(torch).shape) == 4:
        agree(tensor, IMAGES[name])


@PROFILE
@given(made(dims=st.just(4)), st.sampled_from(["clone", "contiguous", "to", "zeros_like", "empty"]))
def test_formats(tensor, name):
    """Channels last, asked for by name, of tensors of any other number of dims as well."""
    agree(tensor, lambda T, x: in_channels_last(T, x, name))


def in_channels_last(T, x, name):
    if name == "empty":
        return T.empty(x.shape, memory_format=T.channels_last)
    function = getattr(x, name) if hasattr(x, name) else lambda **keyword: getattr(T, name)(x, **keyword)
    return function(memory_format=T.channels_last)


@PROFILE
@given(made(least=2))
def test_gradients_have_the_strides_of_dense_leaves(tensor):
    """Of others they are row-major.  (source: torch's "gradient layout contract")"""
    assert gradient(mt, tensor) == gradient(torch, tensor)


def gradient(T, tensor):
    leaf = tensor.on(T).detach().requires_grad_()
    (leaf * 2 + 1).sum().backward()
    assert leaf.grad is not None
    return facts(T, leaf.grad)


def test_a_leaf_takes_over_a_gradient_that_nobody_else_holds():
    """Its memory is the one that the last op wrote, not a copy of it."""
    leaf, seen = mt.ones(3, requires_grad=True), []
    y = leaf * 2
    y.register_hook(lambda g: seen.append(g.data_ptr()))
    y.backward(mt.ones(3))
    given_, other = mt.ones(3), mt.ones(3, requires_grad=True)
    (other + 0).backward(given_)
    assert other.grad.data_ptr() != given_.data_ptr()
    a, b = mt.ones(3, requires_grad=True), mt.ones(3, requires_grad=True)
    (a + b).sum().backward()
    assert a.grad.data_ptr() != b.grad.data_ptr()
    taken = []
    original = engine.for_gradient
    engine.for_gradient = lambda array: taken.append(array) or original(array)
    try:
        again = mt.ones(3, requires_grad=True)
        (again * 2).sum().backward()
    finally:
        engine.for_gradient = original
    assert seen and not taken


# ---- wrong rules -----------------------------------------------------------------------------------

TURNED = Made((2, 3, 1, 4), "float32", (("permute", (0, 3, 2, 1)),))
APART = Made((2, 3, 4), "float32", (("step", 2, 0, 2), ("permute", (2, 0, 1))))
IMAGE = Made((2, 3, 4, 4), "float32", (("format", "channels_last"),))
NOTHING = Made((3, 4), "float32", (("narrow", 1, 2, 0),))
FIXED = [
    (TURNED, ELEMENTWISE["itself turned"]), (TURNED, ELEMENTWISE["exp"]), (APART, COPIES["clone"]),
    (APART, ELEMENTWISE["gelu"]), (IMAGE, IMAGES["pad"]), (IMAGE, IMAGES["batch_norm"]),
    (NOTHING, COPIES["clone"]), (NOTHING, VIEWS["as_strided"]),
    (NOTHING, lambda T, x: T.zeros(3, 0, 2).transpose(0, 1)),
    (NOTHING, lambda T, x: T.zeros(3, 0, 2)[1:]), (IMAGE, IMAGES["cat"]), (TURNED, COPIES["double"]),
]  # fmt: skip


def agreeing():
    return all(outcome(mt, t, c) == outcome(torch, t, c) for t, c in FIXED) and (
        gradient(mt, TURNED) == gradient(torch, TURNED)
        and gradient(mt, APART) == gradient(torch, APART)
    )


WRONG = {
    "elementwise": lambda shape, operands, itemsize: layout.row_major(shape, itemsize),
    "preserved": lambda array, itemsize=0: layout.row_major(array.shape, itemsize or array.itemsize),
    "exact": lambda array: array,
    "memory_order": lambda shape, operands: list(range(len(shape))),
    "is_dense": lambda array: True,
}


def test_the_right_rules_agree():
    assert agreeing()


@pytest.mark.parametrize("name", sorted(WRONG))
def test_a_wrong_rule_is_found(name, monkeypatch):
    monkeypatch.setattr(layout, name, WRONG[name])
    if name == "exact":
        monkeypatch.setattr(sys.modules["minitorch_ref.tensor"], name, WRONG[name])
    assert not agreeing()


@pytest.mark.parametrize("name", ["for_gradient", "lies_as_gradient"])
def test_a_wrong_gradient_is_found(name, monkeypatch):
    wrong = {
        "for_gradient": lambda leaf: np.empty(leaf.shape, leaf.dtype),
        "lies_as_gradient": lambda array, leaf: True,
    }
    monkeypatch.setattr(engine, name, wrong[name])
    if name == "lies_as_gradient":  # a gradient that lies as its leaf does not
        monkeypatch.setattr(layout, "elementwise", WRONG["elementwise"])
    else:
        monkeypatch.setattr(engine, "lies_as_gradient", lambda array, leaf: False)
    assert not agreeing()

"""Random programs of views and writes, run on both engines step by step.

Whatever torch's documentation leaves open about views, nobody writes down: which view follows a
write to its base, which refuses, what requires grad, what a node is called.  So programs are drawn,
and after every step all tensors must agree in every fact; at the end, in their gradients.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import minitorch_ref as mt

SHAPES = [(3, 4), (4,), (2, 3, 4), (3, 4)]


def in_no_grad(function):
    def call(t, *args):
        with t.no_grad():
            return function(t, *args)

    return call


# name → f(torch, x, y, number, dim): a new tensor, or None for a step that changes x itself
STEPS = {
    "add": lambda t, x, y, c, d: x + y,
    "mul": lambda t, x, y, c, d: x * y,
    "rsub": lambda t, x, y, c, d: c - x,
    "sigmoid": lambda t, x, y, c, d: x.sigmoid(),
    "relu": lambda t, x, y, c, d: x.relu(),
    "sum": lambda t, x, y, c, d: x.sum(d),
    "max": lambda t, x, y, c, d: x.max(d)[0],
    "cumsum": lambda t, x, y, c, d: x.cumsum(d),
    "where": lambda t, x, y, c, d: t.where(x > 0, x, y),
    "cat": lambda t, x, y, c, d: t.cat([x, y], d),
    "stack": lambda t, x, y, c, d: t.stack([x, x], d),
    "index": lambda t, x, y, c, d: x[t.tensor([0, 0])],
    "clone": lambda t, x, y, c, d: x.clone(),
    "detach": lambda t, x, y, c, d: x.detach(),
    # views
    "transpose": lambda t, x, y, c, d: x.transpose(0, -1),
    "select": lambda t, x, y, c, d: x[0],
    "slice": lambda t, x, y, c, d: x[..., 1:],
    "view": lambda t, x, y, c, d: x.view(-1),
    "reshape": lambda t, x, y, c, d: x.reshape(-1),
    "unsqueeze": lambda t, x, y, c, d: x.unsqueeze(d),
    "squeeze": lambda t, x, y, c, d: x.squeeze(),
    "expand": lambda t, x, y, c, d: x.expand(2, *x.shape),
    "diagonal": lambda t, x, y, c, d: x.diagonal(),
    "narrow": lambda t, x, y, c, d: x.narrow(d, 0, 1),
    "chunk": lambda t, x, y, c, d: x.chunk(2, d)[0],
    "unbind": lambda t, x, y, c, d: x.unbind(d)[0],
    "view, unrecorded": in_no_grad(lambda t, x, y, c, d: x.view(-1)),
    "unbind, unrecorded": in_no_grad(lambda t, x, y, c, d: x.unbind(d)[0]),
    # writes
    "add_": lambda t, x, y, c, d: void(x.add_(y)),
    "mul_": lambda t, x, y, c, d: void(x.mul_(c)),
    "mul_, unrecorded": in_no_grad(lambda t, x, y, c, d: void(x.mul_(c))),
    "sigmoid_": lambda t, x, y, c, d: void(x.sigmoid_()),
    "relu_": lambda t, x, y, c, d: void(x.relu_()),
    "zero_": lambda t, x, y, c, d: void(x.zero_()),
    "copy_": lambda t, x, y, c, d: void(x.copy_(y)),
    "index_add_": lambda t, x, y, c, d: void(x.index_add_(0, t.tensor([0]), y[:1])),
    "set column": lambda t, x, y, c, d: x.__setitem__((..., 0), y.sum()),
    "set row": lambda t, x, y, c, d: x.__setitem__(0, c),
    "t_": lambda t, x, y, c, d: void(x.t_()),
    "unsqueeze_": lambda t, x, y, c, d: void(x.unsqueeze_(d)),
    "squeeze_": lambda t, x, y, c, d: void(x.squeeze_()),
    "requires_grad_": lambda t, x, y, c, d: void(x.requires_grad_()),
}


def void(_):
    return None


number = st.integers(0, 40)
step = st.tuples(
    st.sampled_from(list(STEPS)), number, number, st.sampled_from([2, -1, 0.5, 3]),
    st.sampled_from([-1, 0, 1]),
)  # fmt: skip


def facts(x):
    """What torch says of a tensor, or the type of the error that asking for it raises."""
    try:
        node = type(x.grad_fn).__name__
    except RuntimeError as error:
        return type(error).__name__
    strides = tuple(x.stride()) if x._is_view() and x.numel() else None
    return (
        tuple(x.shape), str(x.dtype), x.requires_grad, x.is_leaf, node, x._version, x._is_view(),
        strides,
    )  # fmt: skip


def attempt(function):
    try:
        return "", function()
    except Exception as error:
        return type(error).__name__, None


def same_values(a, b):
    a, b = a.detach().numpy(), b.detach().numpy()
    return np.allclose(a, b, rtol=1e-12, atol=1e-300, equal_nan=True)


def gradients(tensors, leaves):
    sum((x * (1 + i)).sum() for i, x in enumerate(tensors)).backward()
    return [leaf.grad for leaf in leaves]


def run(program, starts, tracked, sides=(torch, mt), steps=STEPS):
    """Run a program on both engines; AssertionError names the first step after which they differ."""
    both = [
        [t.tensor(a, requires_grad=g) for a, g in zip(starts, tracked)] for t in sides
    ]
    leaves = [list(tensors) for tensors in both]
    for at, (name, i, j, c, d) in enumerate(program):
        results = [
            attempt(lambda t=t, xs=xs: steps[name](t, xs[i % len(xs)], xs[j % len(xs)], c, d))
            for t, xs in zip(sides, both)
        ]
        assert results[0][0] == results[1][0], f"step {at}, {name}: {results}"
        for tensors, (_, made) in zip(both, results):
            tensors.extend([made] * (made is not None))
        for n, (a, b) in enumerate(zip(*both)):
            assert facts(a) == facts(b), f"after step {at}, {name}: tensor {n}"
            assert same_values(a, b), f"after step {at}, {name}: the values of tensor {n}"
    (error, theirs), (our_error, ours) = (attempt(lambda t=t, l=l: gradients(t, l)) for t, l in zip(both, leaves))
    assert error == our_error, f"backward: torch {error or 'works'}, ours {our_error or 'works'}"
    for n, (a, b) in enumerate(zip(theirs or (), ours or ())):
        assert (a is None) == (b is None), f"gradient {n}: torch {a}, ours {b}"
        assert a is None or np.allclose(a.numpy(), b.numpy(), rtol=1e-9, atol=1e-12, equal_nan=True)


@given(st.lists(step, min_size=2, max_size=14), st.integers(0, 999), st.integers(0, 15))
def test_engines_agree_after_every_step(program, seed, tracked):
    draw = np.random.RandomState(seed)
    starts = [draw.standard_normal(shape) for shape in SHAPES]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run(program, starts, [bool(tracked >> i & 1) for i in range(4)])


def test_a_wrong_step_is_noticed():
    """The check itself: an engine that forgets a write, one that forgets a gradient."""
    program = [("mul", 0, 3, 2, 0), ("mul_", 4, 0, 3, 0)]
    starts, tracked = [np.ones(s) for s in SHAPES], [True] * 4
    run(program, starts, tracked)

    def only_ours(change):
        return lambda t, x, y, c, d: change(x, y, c) if t is mt else STEPS["mul"](t, x, y, c, d)

    forgets_write = {**STEPS, "mul_": lambda t, x, y, c, d: void(x.mul_(c)) if t is torch else None}
    forgets_gradient = {**STEPS, "mul": only_ours(lambda x, y, c: x * y.detach())}
    for broken in (forgets_write, forgets_gradient):
        with pytest.raises(AssertionError):
            run(program, starts, tracked, steps=broken)

"""Hooks: their order, what they see, what they may change; each story told on both engines."""

from __future__ import annotations

import copy
import gc
import warnings
import weakref

import numpy as np
import pytest
import torch
from nn_cases import ENGINES, array, same

import minitorch_ref as mt


def doubler(engine):
    class Double(engine.nn.Module):
        def forward(self, x, *, plus=0):
            return x * 2 + plus

    return Double()


def test_forward_hooks_in_order():
    def story(e):
        m, told = doubler(e), []
        m.register_forward_pre_hook(lambda m, a: told.append(["pre 1", a]))
        m.register_forward_pre_hook(lambda m, a: told.append(["pre 0", a]), prepend=True)
        m.register_forward_hook(lambda m, a, y: told.append(["post 1", a, y]))
        h = m.register_forward_hook(lambda m, a, y: told.append(["post 0", a, y]), prepend=True)
        y = m(e.ones(2))
        h.remove()
        h.remove()
        with m.register_forward_hook(lambda m, a, y: told.append("within")):
            m(e.ones(1))
        m(e.ones(1))
        return told, y

    same(story)


def test_hooks_that_replace():
    def story(e):
        m = doubler(e)
        m.register_forward_pre_hook(lambda m, a: a[0] + 1)  # not a tuple: the only argument
        m.register_forward_pre_hook(lambda m, a: (a[0] * 10,))
        m.register_forward_pre_hook(lambda m, a, k: (a, {"plus": k["plus"] + 1}), with_kwargs=True)
        m.register_forward_hook(lambda m, a, k, y: (y, a, dict(k)), with_kwargs=True)
        m.register_forward_hook(lambda m, a, y: None)
        return m(e.ones(2), plus=4)

    same(story)


@pytest.mark.parametrize("result", [3, (1, 2, 3), [(), {}]])
def test_a_pre_hook_with_kwargs_must_return_a_pair(result):
    def story(e):
        m = doubler(e)
        m.register_forward_pre_hook(lambda m, a, k: result, with_kwargs=True)
        return m(e.ones(1))

    same(story)


def test_always_call():
    def story(e):
        told = []

        class Fails(e.nn.Module):
            def forward(self, x):
                raise KeyError("forward")

        def failing(m, a, y):
            told.append("failing")
            raise ValueError("hook")

        m = Fails()
        m.register_forward_hook(lambda m, a, y: told.append("ordinary"))
        m.register_forward_hook(lambda m, a, y: told.append(["always", a, y]), always_call=True)
        m.register_forward_hook(failing, always_call=True)
        m.register_forward_hook(
            lambda m, a, k, y: told.append(["kwargs", k]), with_kwargs=True, always_call=True
        )
        try:
            m(e.ones(1))
        except KeyError as error:
            told.append(str(error))
        fine = doubler(e)
        fine.register_forward_hook(lambda m, a, y: told.append("once"), always_call=True)
        fine.register_forward_hook(failing)
        try:
            fine(e.ones(1))
        except ValueError as error:
            told.append(str(error))
        return told

    same(story)


def test_full_backward_hooks():
    def story(e):
        told = []

        class Mixed(e.nn.Module):
            def forward(self, a, b, unused, text, flag=True):
                return a * b, a + 1, text

        m = Mixed()
        m.register_full_backward_hook(lambda m, i, o: told.append(["back 1", i, o]))
        m.register_full_backward_hook(lambda m, i, o: told.append(["back 0", i, o]), prepend=True)
        m.register_full_backward_pre_hook(lambda m, o: told.append(["pre", o]))
        a, b = e.tensor([1.0, 2.0], requires_grad=True), e.tensor([3.0, 4.0])
        unused = e.ones(1, requires_grad=True)
        y, z, text = m(a, b, unused, "text")
        y.sum().backward()
        told.append([a.grad, unused.grad, text])
        y, z, _ = m(a, b, unused, "text", flag=False)
        (y.sum() + (z * 5).sum()).backward()
        return told, a.grad

    same(story)


def test_backward_hooks_that_replace():
    def story(e):
        m = doubler(e)
        m.register_full_backward_pre_hook(lambda m, o: (o[0] * 10,))
        m.register_full_backward_hook(lambda m, i, o: (i[0] + o[0],))
        m.register_full_backward_hook(lambda m, i, o: None)
        x = e.ones(3, requires_grad=True)
        m(x).sum().backward()
        return x.grad

    same(story)


@pytest.mark.parametrize("kind", ["full_backward_hook", "full_backward_pre_hook"])
def test_backward_hooks_must_return_as_many(kind):
    def story(e):
        m = doubler(e)
        getattr(m, f"register_{kind}")(lambda m, *grads: (None, None))
        x = e.ones(3, requires_grad=True)
        m(x).sum().backward()

    same(story)


def test_backward_hook_without_input_gradient():
    def story(e):
        e.manual_seed(0)
        m, told = e.nn.Linear(2, 1), []
        m.register_full_backward_hook(lambda m, i, o: told.append([i, o]))
        m(e.ones(1, 2)).sum().backward()
        return told, m.weight.grad

    result = same(story)
    assert result[0] == [[[None], [["torch.float32", [1, 1], "[[1.0]]", False]]]]


def test_backward_hook_without_input_gradient_may_not_return_one():
    def story(e):
        m = e.nn.Linear(2, 1)
        m.register_full_backward_hook(lambda m, i, o: (e.ones(1, 2),))
        m(e.ones(1, 2)).sum().backward()

    same(story)


def test_backward_hooks_on_an_output_that_is_no_tensor():
    def story(e):
        class Named(e.nn.Module):
            def forward(self, x):
                return {"y": x * 2}

        m, told = Named(), []
        m.register_full_backward_hook(lambda m, i, o: told.append("called"))
        x = e.ones(1, requires_grad=True)
        m(x)["y"].sum().backward()
        return told, x.grad

    same(story)


def test_no_backward_hook_without_grad():
    def story(e):
        m, told = doubler(e), []
        m.register_full_backward_hook(lambda m, i, o: told.append("called"))
        with e.no_grad():
            y = m(e.ones(1, requires_grad=True))
        return y.requires_grad, y.grad_fn, told

    same(story)


def test_nested_modules_backward_order():
    def story(e):
        nn, told = e.nn, []
        e.manual_seed(1)
        m = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Sequential(nn.Linear(3, 1)))
        for name, module in m.named_modules():
            module.register_full_backward_pre_hook(lambda m, o, name=name: told.append("> " + name))
            module.register_full_backward_hook(lambda m, i, o, name=name: told.append("< " + name))
        m(e.ones(4, 2, requires_grad=True)).sum().backward()
        return told

    same(story)


def test_second_derivative_through_hooks():
    values = []
    for engine in ENGINES:
        engine.manual_seed(0)
        m, seen = engine.nn.Sequential(engine.nn.Linear(2, 2), engine.nn.Tanh()).double(), []
        m.register_full_backward_hook(lambda m, i, o, seen=seen: seen.append(i[0].requires_grad))
        x = engine.ones(1, 2, dtype=engine.float64, requires_grad=True)
        (g,) = engine.autograd.grad(m(x).sum(), x, create_graph=True)
        (h,) = engine.autograd.grad((g**2).sum(), x)
        values.append((array(g), array(h), seen[0]))
    np.testing.assert_allclose(values[0][0], values[1][0], rtol=1e-14)
    np.testing.assert_allclose(values[0][1], values[1][1], rtol=1e-13)
    assert values[0][2] and values[1][2]


def test_hooked_graphs_are_freed_by_counting_references():
    gc.disable()
    try:
        m = mt.nn.Linear(2, 2)
        m.register_full_backward_hook(lambda m, i, o: None)
        m.register_full_backward_pre_hook(lambda m, o: None)
        x = mt.ones(1, 2, requires_grad=True)
        y = m(x)
        gone = weakref.ref(y.grad_fn)
        y.sum().backward()
        del y
        assert gone() is None
        gone = weakref.ref(m)
        del m
        assert gone() is None
    finally:
        gc.enable()


def test_hooks_are_copied_with_the_module():
    m, told = doubler(mt), []
    m.handle = m.register_forward_hook(lambda m, a, y: told.append(m))
    twin = copy.deepcopy(m)
    twin(mt.ones(1))
    assert told == [twin]
    twin.handle.remove()
    twin(mt.ones(1))
    m(mt.ones(1))
    assert told == [twin, m]


# ---- hooks of the old kind -------------------------------------------------------------------------


def old_hooks(t, make, *inputs):
    """(what the hook saw, gradients, warnings' beginnings)."""
    module, seen = make(t), []
    handle = module.register_backward_hook(lambda m, gi, go: seen.append((m is module, shapes(gi), shapes(go))))
    leaves = [t.ones(*shape, requires_grad=True) for shape in inputs]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        out = module(*leaves)
        while not isinstance(out, t.Tensor):
            out = out[0]
        out.sum().backward()
    handle.remove()
    module(*leaves)
    return seen, [(w.category, str(w.message)) for w in caught]


def shapes(gradients):
    return [None if g is None else tuple(g.shape) for g in gradients]


class _Twice:
    def __new__(cls, t):
        class Twice(t.nn.Module):
            def forward(self, x):
                return x.exp().sin()

        return Twice()


class _Nested:
    def __new__(cls, t):
        class Nested(t.nn.Module):
            def forward(self, x):
                return [x.exp(), x * 1]

        return Nested()


class _Pair:
    def __new__(cls, t):
        class Pair(t.nn.Module):
            def forward(self, x):
                return x.exp(), x * 1

        return Pair()


@pytest.mark.parametrize(
    "make",
    [lambda t: t.nn.ReLU(), lambda t: t.nn.Softmax(0), lambda t: t.nn.Tanh(), _Twice, _Nested, _Pair],
)
def test_hooks_of_the_old_kind(make):
    ours, theirs = old_hooks(mt, make, (3,)), old_hooks(torch, make, (3,))
    assert ours == theirs and len(ours[0]) == 1


@pytest.mark.parametrize("t", [mt, torch])
def test_one_kind_of_hooks_only(t):
    for first, second in (("backward", "full_backward"), ("full_backward", "backward")):
        module = t.nn.ReLU()
        getattr(module, f"register_{first}_hook")(print)
        with pytest.raises(RuntimeError, match="Cannot use both regular backward hooks and full"):
            getattr(module, f"register_{second}_hook")(print)


@pytest.mark.parametrize("name", ["mul", "abs", "matmul", "cat", "softmax", "number", "pow"])
def test_a_nodes_hook_sees_every_operand(name):
    calls = {
        "mul": lambda t, x, y: x * y, "abs": lambda t, x, y: x.abs(), "matmul": lambda t, x, y: x @ y,
        "cat": lambda t, x, y: t.cat([x, x, x]), "softmax": lambda t, x, y: t.softmax(x, 0),
        "number": lambda t, x, y: x * 2, "pow": lambda t, x, y: x * x,
    }  # fmt: skip
    seen = []
    for t in (mt, torch):
        x, y = t.ones(2, 2, requires_grad=True), t.ones(2, 2)
        out = calls[name](t, x, y)
        kinds = [n and type(n).__name__ for n, _ in out.grad_fn.next_functions]
        out.grad_fn.register_hook(lambda gi, go: seen.append((kinds, shapes(gi), shapes(go))))
        out.grad_fn.register_hook(lambda gi, go: tuple(None if g is None else g * 2 for g in gi))
        out.sum().backward()
        seen.append(x.grad.tolist())
    assert seen[:2] == seen[2:]


@pytest.mark.parametrize("t", [mt, torch])
def test_a_nodes_hook_returns_as_many_gradients(t):
    out = t.ones(2, requires_grad=True) * t.ones(2)
    out.grad_fn.register_hook(lambda gi, go: gi[:1])
    with pytest.raises(RuntimeError, match="hook .* has returned an incorrect number of values"):
        out.sum().backward()

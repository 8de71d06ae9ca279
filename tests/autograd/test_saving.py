"""Hooks for saved tensors against torch: which tensors are packed, and what comes of it."""

from __future__ import annotations

import gc
import threading
import weakref

import numpy as np
import pytest
import torch

import minitorch_ref as mt
from minitorch_ref.autograd import graph, watching
from minitorch_ref.autograd.rows import Row

ENGINES = (mt, torch)
RNG = np.random.RandomState(0)
X, W, B = RNG.rand(3, 4) + 0.5, RNG.randn(5, 4), RNG.randn(5)

# What each saves: torch's list, which is ours too
SAVING = {
    "mul": lambda t, x: x * x, "exp": lambda t, x: x.exp(), "pow": lambda t, x: x.pow(3.0),
    "relu": lambda t, x: (x * 2).relu(), "matmul": lambda t, x: x @ x.T, "sum": lambda t, x: x.sum(),
    "softmax": lambda t, x: t.softmax(x, 1), "max": lambda t, x: x.max(0)[0], "add": lambda t, x: x + x,
    "cat": lambda t, x: t.cat([x, x]), "index": lambda t, x: x[0], "tanh": lambda t, x: x.tanh(),
    "sqrt_": lambda t, x: (x * 1).sqrt_(), "mul_": lambda t, x: (x * 1).mul_(x * 2), "sin": lambda t, x: x.sin(),
    "linear": lambda t, x: t.nn.functional.linear(x, t.from_numpy(W).requires_grad_(), t.from_numpy(B)),
    "abs": lambda t, x: x.abs(), "where": lambda t, x: t.where(x > 1, x, x * 2), "mean": lambda t, x: x.mean(0),
}  # fmt: skip


def packed(t, f, pack=None):
    """(shapes and histories of what was packed, result, gradient)."""
    x, seen = t.from_numpy(X.copy()).requires_grad_(), []

    def note(tensor):
        made = tensor.grad_fn and type(tensor.grad_fn).__name__
        seen.append((tuple(sorted(tensor.shape)), str(tensor.dtype), tensor.requires_grad, tensor is x, made))
        assert not t.is_grad_enabled()
        return tensor.detach() if pack is None else pack(tensor)

    with t.autograd.graph.saved_tensors_hooks(note, lambda kept: kept.clone() if pack is None else kept):
        out = f(t, x)
    out.sum().backward()
    return seen, out.detach().numpy(), x.grad.numpy()


@pytest.mark.parametrize("name", SAVING)
def test_what_is_packed(name):
    ours, theirs = packed(mt, SAVING[name]), packed(torch, SAVING[name])
    history = {None, "MulBackward0", "CloneBackward0", "TBackward0"}  # of inputs, which torch may transpose
    for a, b in zip(sorted(ours[0]), sorted(theirs[0]), strict=True):
        assert a[:4] == b[:4] and (a[4] == b[4] or {a[4], b[4]} <= history)
    np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-12)
    np.testing.assert_allclose(ours[2], theirs[2], rtol=1e-12)


@pytest.mark.parametrize("name", SAVING)
def test_the_unpacked_values_are_used(name):
    """Halves of what was saved give the gradients that torch computes from them."""
    results = [packed(t, SAVING[name], lambda v: v.detach() * 0.5 if v.is_floating_point() else v)[2] for t in ENGINES]
    np.testing.assert_allclose(*results, rtol=1e-12)


@pytest.mark.parametrize("t", ENGINES)
def test_custom_functions_and_second_derivatives(t):
    class Cube(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * 3 * x * x

    count = []
    x = t.tensor([2.0, -1.0], requires_grad=True)
    with t.autograd.graph.saved_tensors_hooks(lambda v: count.append(0) or v.detach(), lambda v: v):
        y = Cube.apply(x) * x.sin()
    assert len(count) == 4
    (g,) = t.autograd.grad(y.sum(), x, create_graph=True)
    (h,) = t.autograd.grad(g.sum(), x)
    v = np.array([2.0, -1.0])
    np.testing.assert_allclose(
        h.numpy(), 6 * v * np.sin(v) + 6 * v**2 * np.cos(v) - v**3 * np.sin(v), rtol=1e-5
    )


def complaints(t):
    hooks, disabled = t.autograd.graph.saved_tensors_hooks, t.autograd.graph.disable_saved_tensors_hooks
    x = t.ones(2, requires_grad=True)
    keep = lambda v: v  # noqa: E731

    def no_tensor():
        with hooks(lambda v: 1, lambda v: 2):
            y = x * x
        y.sum().backward()

    def written():
        with hooks(lambda v: v.add_(1), keep):
            x.clone().mul(x)

    def forbidden():
        with disabled("not here"), disabled("nor here"):
            pass
        with disabled("not here"), hooks(keep, keep):
            pass

    def forbidden_inside():
        with hooks(keep, keep), disabled("not here"):
            x * x

    def twice():
        with hooks(keep, keep):
            y = x * x
        y.sum().backward()
        y.sum().backward()

    def outside():
        with t.autograd.graph.allow_mutation_on_saved_tensors():
            y = x * x
        y.sum().backward()

    def nested():
        allow = t.autograd.graph.allow_mutation_on_saved_tensors
        with allow(), allow():
            pass

    return [no_tensor, written, forbidden, forbidden_inside, twice, outside, nested]


@pytest.mark.parametrize("number", range(7))
def test_complaints(number):
    found = []
    for t in ENGINES:
        with pytest.raises((RuntimeError, TypeError, AssertionError)) as error:
            complaints(t)[number]()
        found.append((error.type, str(error.value)))
    assert found[0] == found[1]
    x = mt.ones(2, requires_grad=True)  # nothing was left behind
    (x * x).sum().backward()
    assert not watching._watchers


@pytest.mark.parametrize("t", ENGINES)
def test_the_innermost_pair_applies(t):
    used, x = [], t.ones(2, requires_grad=True)
    hooks = t.autograd.graph.saved_tensors_hooks
    with hooks(lambda v: used.append("outer") or v.detach(), lambda v: v):
        x.exp()
        with hooks(lambda v: used.append("inner") or v.detach(), lambda v: v):
            x.exp()
        x.exp()
    x.exp()
    assert used == ["outer", "inner", "outer"]


@pytest.mark.parametrize("t", ENGINES)
def test_saved_tensors_may_be_written_to(t):
    with t.autograd.graph.allow_mutation_on_saved_tensors():
        x = t.full((2,), 3.0, requires_grad=True)
        y = x.clone()
        out = (y**2).sum()
        y.sin_()
        out.backward()
    assert x.grad.tolist() == [6.0, 6.0]


@pytest.mark.parametrize("t", ENGINES)
def test_save_on_cpu(t):
    x = t.full((2,), 3.0, requires_grad=True)
    with t.autograd.graph.save_on_cpu(pin_memory=False):
        y = (x * x).exp()
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 6 * np.exp(9), rtol=1e-6)


def test_what_was_packed_is_freed():
    x = mt.ones(3, requires_grad=True)

    class Kept:
        pass

    alive = []

    def pack(tensor):
        kept = Kept()
        kept.value = tensor.detach()
        alive.append(weakref.ref(kept))
        return kept

    with mt.autograd.graph.saved_tensors_hooks(pack, lambda kept: kept.value):
        y = (x * x).exp().sum()
    assert all(r() is not None for r in alive)
    y.backward()
    del y
    gc.collect()
    assert not any(r() for r in alive)


def test_nobody_pays_while_nobody_looks_on():
    plain = (graph._node, graph._joint_node, Row.record)
    with mt.autograd.graph.saved_tensors_hooks(lambda v: v, lambda v: v):
        assert (graph._node, graph._joint_node, Row.record) != plain
        with mt.autograd.graph.saved_tensors_hooks(lambda v: v, lambda v: v):
            pass
        assert Row.record is not plain[2]
    assert (graph._node, graph._joint_node, Row.record) == plain


# ---- several tensors -------------------------------------------------------------------------------


def multi_hook(t, mode, run):
    a, b = (t.full((2,), v, requires_grad=True) for v in (2.0, 3.0))
    c, d = a * b, a * b
    calls = []

    def note(gradients):
        calls.append(
            [g if g is None else g.tolist() for g in gradients] if mode == "all" else gradients.tolist()
        )

    handle = t.autograd.graph.register_multi_grad_hook((a, b, c, d), note, mode=mode)
    try:
        run(t, a, b, c, d)
    except RuntimeError as error:
        return str(error)
    handle.remove()
    (c * d).sum().backward()
    return calls


RUNS = [
    lambda t, a, b, c, d: c.sum().backward(retain_graph=True),
    lambda t, a, b, c, d: c.sum().backward(inputs=(a,), retain_graph=True),
    lambda t, a, b, c, d: (c * d).sum().backward(retain_graph=True),
    lambda t, a, b, c, d: t.autograd.grad((c + d * d).sum(), [b, c], retain_graph=True),
    lambda t, a, b, c, d: (c + d * d).sum().backward(inputs=[b], retain_graph=True),
    lambda t, a, b, c, d: [c.sum().backward(retain_graph=True) for _ in range(2)],
    lambda t, a, b, c, d: (a * 7).sum().backward(),
]


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("mode", ["all", "any"])
def test_hooks_on_several(mode, run):
    assert multi_hook(mt, mode, run) == multi_hook(torch, mode, run)


def test_counted_writes():
    for t in ENGINES:
        x = t.ones(2, requires_grad=True)
        y = x.exp()
        t.autograd.graph.increment_version(y)
        t.autograd.graph.increment_version([x, x])
        assert (x._version, y._version) == (2, 1)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            y.sum().backward()
        with pytest.raises(RuntimeError, match="increment_version expect a Iterable"):
            t.autograd.graph.increment_version(3)
        with pytest.raises(ValueError, match="Expects mode to be one of"):
            t.autograd.graph.register_multi_grad_hook([x], print, mode="some")
        with pytest.raises(AssertionError, match="Expected gradient function to be set"):
            t.autograd.graph.register_multi_grad_hook([t.ones(2)], print)


# ---- looking at what was saved ---------------------------------------------------------------------

LOOKS = {
    "mul": lambda t, x, y: x * y, "square": lambda t, x, y: x * x, "exp": lambda t, x, y: x.exp(),
    "sin": lambda t, x, y: x.sin(),
    "sqrt": lambda t, x, y: (x * 2).sqrt(), "softmax": lambda t, x, y: t.softmax(x, 0),
    "abs": lambda t, x, y: x.abs(), "maximum": lambda t, x, y: t.maximum(x, y), "log": lambda t, x, y: x.log(),
    "tanh": lambda t, x, y: x.tanh(), "add": lambda t, x, y: x + y, "where": lambda t, x, y: t.where(y > 1, x, y),
}  # fmt: skip


def looked_at(t, f):
    x, y = t.from_numpy(X.copy()).requires_grad_(), t.from_numpy(X.copy() + 0.25)
    out, found = f(t, x, y), []
    for name in ("self", "other", "result", "condition", "nothing"):
        try:
            value = getattr(out.grad_fn, f"_saved_{name}")
        except AttributeError as error:
            found.append(str(error))
            continue
        shown = value if value is None else (value is x, value.requires_grad, value.dtype.is_floating_point)
        found.append((shown, None if value is None else value.detach().numpy()))
    out.sum().backward()
    for name in [n for n, f in zip(("self", "other", "result", "condition"), found) if type(f) is tuple]:
        try:
            found.append(getattr(out.grad_fn, f"_saved_{name}") is None)
        except (AttributeError, RuntimeError) as error:
            found.append((type(error).__name__, str(error)[:40]))
    return found


@pytest.mark.parametrize("name", LOOKS)
def test_what_was_saved_can_be_looked_at(name):
    for a, b in zip(looked_at(mt, LOOKS[name]), looked_at(torch, LOOKS[name]), strict=True):
        if isinstance(b, tuple) and isinstance(b[1], np.ndarray):
            assert a[0] == b[0]
            np.testing.assert_allclose(a[1], b[1], rtol=1e-14)
        else:
            assert a == b


def test_a_written_tensor_cannot_be_looked_at():
    for t in ENGINES:
        y = t.ones(2, requires_grad=True).exp()
        node = y.grad_fn
        y.add_(1)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            node._saved_result


@pytest.mark.parametrize("t", ENGINES)
def test_hooks_are_a_threads_own(t):
    packed, ready, done = [], threading.Event(), threading.Event()

    def other():
        ready.wait()
        t.ones(2, requires_grad=True).exp()
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    with t.autograd.graph.saved_tensors_hooks(lambda v: packed.append(0) or v.detach(), lambda v: v):
        ready.set()
        done.wait()
        assert not packed
        t.ones(2, requires_grad=True).exp()
    thread.join()
    assert len(packed) == 1

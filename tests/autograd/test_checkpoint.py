"""torch.utils.checkpoint against torch: the same gradients, runs of the block, errors and warnings."""

from __future__ import annotations

import contextlib
import gc
import importlib
import warnings
import weakref

import numpy as np
import pytest
import torch

import minitorch_ref as mt

ENGINES = (mt, torch)
RNG = np.random.RandomState(0)
X, W = RNG.randn(4, 5), RNG.randn(5, 5)


def checkpointing(t):
    return importlib.import_module(f"{t.__name__}.utils.checkpoint")


def trained(t, block, reentrant, plain=False, **options):
    """(output, gradients, runs of the block, next random number) after a step."""
    t.manual_seed(3)
    w = t.from_numpy(W.copy()).requires_grad_()
    x = t.from_numpy(X.copy()).requires_grad_()
    runs = []

    def counted(*args, **kwargs):
        runs.append(len(args))
        return block(t, w, *args, **kwargs)

    if plain:
        y = counted(x.sin())
    else:
        y = checkpointing(t).checkpoint(counted, x.sin(), use_reentrant=reentrant, **options)
    (y * y).sum().backward()
    return [y.detach().numpy(), x.grad.numpy(), w.grad.numpy()], len(runs), t.rand(1).item()


BLOCKS = {
    "deep": lambda t, w, x: ((x @ w).tanh() @ w).exp().mean(0),
    "random": lambda t, w, x: t.nn.functional.dropout((x @ w).relu(), 0.5) * w[0],
    "in place": lambda t, w, x: (x @ w).mul_(2).add_(x).sigmoid_(),
    "normalised": lambda t, w, x: t.nn.functional.layer_norm(x @ w, (5,), w[0], w[1]),
    "softmax": lambda t, w, x: t.softmax(x @ w, 1) @ w,
}


@pytest.mark.parametrize("reentrant", [True, False])
@pytest.mark.parametrize("name", BLOCKS)
def test_a_step(name, reentrant):
    block = BLOCKS[name]
    values, runs, after = trained(mt, block, reentrant)
    plain, _, plain_after = trained(mt, block, None, plain=True)
    for a, b in zip(values, plain, strict=True):
        np.testing.assert_array_equal(a, b)  # the very same program
    theirs, their_runs, their_after = trained(torch, block, reentrant)
    for a, b in zip(values, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10)
    assert (runs, after) == (their_runs, their_after) == (2, plain_after)


@pytest.mark.parametrize("reentrant", [True, False])
def test_random_state_may_be_left_alone(reentrant):
    results = []
    for t in ENGINES:
        results.append(trained(t, BLOCKS["random"], reentrant, preserve_rng_state=False))
    np.testing.assert_allclose(results[0][0][2], results[1][0][2], rtol=1e-10)
    assert results[0][2] == results[1][2] != trained(mt, BLOCKS["random"], reentrant)[2]


@pytest.mark.parametrize("t", ENGINES)
def test_arguments_and_results_of_any_kind(t):
    c = checkpointing(t)
    x = t.ones(2, requires_grad=True)
    for reentrant in (True, False):
        a, n = c.checkpoint(lambda x, s, none: (x * s, 5), x, 3.0, None, use_reentrant=reentrant)
        assert n == 5
        a.sum().backward()
    assert x.grad.tolist() == [6.0, 6.0]
    out = c.checkpoint(lambda x, *, parts: {"y": x * parts[0]}, x, parts=[x], use_reentrant=False)
    out["y"].sum().backward()
    assert x.grad.tolist() == [8.0, 8.0]
    with t.no_grad():
        assert not c.checkpoint(lambda x: x * 2, x, use_reentrant=False).requires_grad


@pytest.mark.parametrize("t", ENGINES)
def test_early_stop(t):
    c = checkpointing(t)
    for stop, expected in ((True, ["a", "b", "a"]), (False, ["a", "b", "a", "b"])):
        ran, x = [], t.ones(2, requires_grad=True)

        def block(x):
            ran.append("a")
            y = x.exp()
            z = y + 1
            ran.append("b")
            return z

        c.checkpoint(block, x, use_reentrant=False, early_stop=stop).sum().backward()
        assert ran == expected
        ran.clear()
        with c.set_checkpoint_early_stop(stop):
            y = c.checkpoint(block, x, use_reentrant=False)
        y.sum().backward()
        assert ran == expected


@pytest.mark.parametrize("t", ENGINES)
def test_partial_retained_and_second_gradients(t):
    c = checkpointing(t)
    x, w = (t.tensor([v], requires_grad=True) for v in (0.5, 2.0))
    y = c.checkpoint(lambda x: (x * w).sin() * x, x, use_reentrant=False)
    (g,) = t.autograd.grad(y, x, create_graph=True)
    (h,) = t.autograd.grad(g, w, retain_graph=True)
    assert abs(h.item() - (np.cos(1.0) * 1.0 - np.sin(1.0) * 0.5)) < 1e-6
    for _ in range(2):
        y.backward(retain_graph=True)
    assert abs(w.grad.item() - 2 * 0.25 * np.cos(1.0)) < 1e-6
    (g,) = t.autograd.grad(y, w)
    assert abs(g.item() - 0.25 * np.cos(1.0)) < 1e-6


@pytest.mark.parametrize("t", ENGINES)
def test_nested(t):
    c = checkpointing(t)
    ran, x = [], t.tensor([0.5], requires_grad=True)

    def inner(x):
        ran.append("inner")
        return x.sin().exp()

    def outer(x):
        ran.append("outer")
        return c.checkpoint(inner, x.exp(), use_reentrant=False).cos()

    c.checkpoint(outer, x, use_reentrant=False).backward()
    e = np.exp(0.5)
    s = np.exp(np.sin(e))
    assert abs(x.grad.item() + np.sin(s) * s * np.cos(e) * e) < 1e-6
    assert ran[:2] == ["outer", "inner"] and "outer" in ran[2:] and "inner" in ran[2:]


@pytest.mark.parametrize("t", ENGINES)
def test_contexts(t):
    seen, x = [], t.ones(2, requires_grad=True)

    @contextlib.contextmanager
    def noted(name):
        seen.append(name)
        yield

    c = checkpointing(t)
    y = c.checkpoint(
        lambda x: x.exp(), x, use_reentrant=False, context_fn=lambda: (noted("first"), noted("again"))
    )
    y.sum().backward()
    assert seen == ["first", "again"]


@pytest.mark.parametrize("reentrant", [True, False])
@pytest.mark.parametrize("segments", [1, 2, 3, 7])
def test_sequential(segments, reentrant):
    results = []
    for t in ENGINES:
        t.manual_seed(1)
        net = t.nn.Sequential(*[t.nn.Sequential(t.nn.Linear(5, 5), t.nn.Tanh()) for _ in range(7)])
        net = net.double()
        x = t.from_numpy(X.copy()).requires_grad_()
        for functions in (net, list(net)):
            y = checkpointing(t).checkpoint_sequential(functions, segments, x, use_reentrant=reentrant)
            y.sum().backward()
        results.append([y.detach().numpy(), x.grad.numpy(), net[3][0].weight.grad.numpy()])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-14)


def wrong(t):
    c = checkpointing(t)
    x = t.ones(2, requires_grad=True)
    times = []

    def changing(first, second):
        def block(x):
            times.append(0)
            return (first if len(times) == 1 else second)(x)

        return block

    def run(block, **options):
        c.checkpoint(block, x, **{"use_reentrant": False, **options}).sum().backward()

    return [
        lambda: run(changing(lambda x: x.exp().sin(), lambda x: x.exp())),
        lambda: run(changing(lambda x: x.exp(), lambda x: x.exp().sin()), early_stop=False),
        lambda: run(changing(lambda x: x.exp(), lambda x: x.repeat(2).exp())),
        lambda: run(lambda x: x, determinism_check="some"),
        lambda: run(lambda x, k: x, k=1, use_reentrant=True),
        lambda: run(lambda x: x * 2, debug=True, use_reentrant=True),
        lambda: run(lambda x: x.detach(), use_reentrant=True),
        lambda: t.autograd.grad(c.checkpoint(t.exp, x, use_reentrant=True).sum(), x),
        lambda: c.checkpoint(t.exp, x, use_reentrant=True).sum().backward(inputs=[x]),
        lambda: c.checkpoint_sequential([t.exp], 1, x, use_reentrant=False, other=1),
        lambda: c.detach_variable([x]),
        lambda: written(t, c),
    ]


def written(t, c):
    x = t.ones(2, requires_grad=True) * 1
    y = c.checkpoint(lambda x: x.exp().exp(), x, use_reentrant=False)
    x.add_(1)
    y.sum().backward()


@pytest.mark.parametrize("number", range(12))
def test_errors(number):
    found = []
    for t in ENGINES:
        with pytest.raises((RuntimeError, ValueError)) as error:
            wrong(t)[number]()
        found.append((error.type.__name__, " ".join(str(error.value).split("\n")[:3])[:100]))
    assert found[0] == found[1]


@pytest.mark.parametrize("number", range(3))
def test_warnings(number):
    programs = [
        lambda c, x: c.checkpoint(lambda x: x, x),
        lambda c, x: c.checkpoint_sequential([abs, abs], 1, x),
        lambda c, x: c.checkpoint(lambda x: x, x.detach(), use_reentrant=True),
    ]
    found = []
    for t in ENGINES:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            programs[number](checkpointing(t), t.ones(2, requires_grad=True))
        found.append([(w.category, str(w.message)[:90]) for w in caught])
    assert found[0] == found[1] != []


def test_memory_is_given_back():
    """Between forward and backward the block's activations are gone; afterwards so is all else."""
    c, x, alive = checkpointing(mt), mt.ones(2, requires_grad=True), []

    def block(x):
        y = x.exp()
        alive.append(weakref.ref(y._array))
        return (y * y).sum()

    out = c.checkpoint(block, x, use_reentrant=False)
    gc.collect()
    assert alive[0]() is None
    out.backward()
    gc.collect()
    assert len(alive) == 2 and alive[1]() is None

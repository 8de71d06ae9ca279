"""Cross-entropy in one step: the graph looks and behaves as if there were two."""

import numpy as np
import pytest
import torch

import minitorch_ref as mt

ENGINES = (mt, torch)


def drawn(t, shape=(7, 5), dtype="float64", seed=0):
    x = np.random.default_rng(seed).normal(0, 3, shape)
    return t.tensor(x.tolist(), dtype=getattr(t, dtype), requires_grad=True)


def classes(t, shape=(7, 5), ignored=True):
    found = np.random.default_rng(1).integers(0, shape[1] if len(shape) > 1 else shape[0], shape[:1] + shape[2:])
    found = found if len(shape) > 1 else np.array(2)
    if ignored and found.size > 1:
        found.flat[1] = -100
    return t.tensor(found.tolist())


SHAPES = [(5,), (7, 5), (1, 5), (3, 5, 4), (2, 3, 4, 5), (300, 1000)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_loss_and_gradient(shape, weighted, reduction, dtype):
    found = []
    for t in ENGINES:
        x = drawn(t, shape, dtype)
        n = shape[1] if len(shape) > 1 else shape[0]
        w = t.linspace(0.5, 2, n, dtype=x.dtype) if weighted else None
        loss = t.nn.functional.cross_entropy(x, classes(t, shape), w, reduction=reduction)
        loss.backward(t.linspace(-1, 2, loss.numel(), dtype=x.dtype).reshape(loss.shape))
        found.append((loss.detach().numpy(), x.grad.numpy()))
    eps = np.finfo(dtype).eps
    for ours, theirs in zip(*found):
        assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rtol=50 * eps, atol=8 * eps * np.abs(theirs).max())


def test_the_step_is_taken():
    """Otherwise all of this would test the other way."""
    loss = mt.nn.functional.cross_entropy(drawn(mt), classes(mt))
    assert type(loss.grad_fn).__mro__[1].__name__ == "_BothNode"


def test_the_nodes():
    for t in ENGINES:
        x = drawn(t)
        node = t.nn.functional.cross_entropy(x, classes(t)).grad_fn
        inner = node.next_functions[0][0]
        assert (node.name(), inner.name()) == ("NllLossBackward0", "LogSoftmaxBackward0")
        assert inner.next_functions[0][0].variable is x
        image = t.nn.functional.cross_entropy(drawn(t, (2, 3, 4, 5)), classes(t, (2, 3, 4, 5)))
        assert image.grad_fn.name() == "NllLoss2DBackward0"


def test_second_derivatives():
    found = []
    for t in ENGINES:
        x = drawn(t)
        (g,) = t.autograd.grad(t.nn.functional.cross_entropy(x, classes(t)), x, create_graph=True)
        (h,) = t.autograd.grad((g * g).sum(), x)
        found.append((g.detach().numpy(), h.numpy()))
    for ours, theirs in zip(*found):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-15)


def test_a_hook_between_the_steps_sees_the_gradient_and_may_change_it():
    found = []
    for t in ENGINES:
        x, seen = drawn(t), []
        loss = t.nn.functional.cross_entropy(x, classes(t))
        inner = loss.grad_fn.next_functions[0][0]
        inner.register_prehook(lambda g, seen=seen: seen.append(g[0].numpy()) or (g[0] * 2,))
        loss.backward()
        found.append((*seen, x.grad.numpy()))
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-16)


def test_the_gradient_of_what_is_between():
    found = []
    for t in ENGINES:
        loss = t.nn.functional.cross_entropy(drawn(t), classes(t))
        edge = t.autograd.graph.GradientEdge(loss.grad_fn.next_functions[0][0], 0)
        found.append(t.autograd.grad(loss, edge)[0].numpy())
    np.testing.assert_allclose(*found, rtol=1e-12)


def test_twice_through_the_graph():
    for t in ENGINES:
        x = drawn(t)
        loss = t.nn.functional.cross_entropy(x, classes(t))
        loss.backward(retain_graph=True)
        once = x.grad.clone()
        loss.backward()
        assert t.equal(x.grad, once + once)
        with pytest.raises(RuntimeError, match="second time"):
            loss.backward()


def test_what_is_saved_is_let_go_of():
    x = mt.zeros(50, 40, requires_grad=True)
    loss = mt.nn.functional.cross_entropy(x + 0, mt.zeros(50, dtype=mt.int64))
    node = loss.grad_fn
    loss.backward()
    assert node.powers is None and not [s for saved in node.next_functions[0][0].saved() for s in saved]


def test_a_written_input_is_noticed_where_it_is_needed_again():
    x = drawn(mt)
    y = x * 1
    loss = mt.nn.functional.cross_entropy(y, classes(mt))
    y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        mt.autograd.grad(loss, x, create_graph=True)


def test_infinities_and_nan():
    rows = [[float("inf"), 1.0, 2.0], [float("-inf"), 1.0, 2.0], [float("nan"), 0.0, 1.0], [1e4, -1e4, 0.0]]
    found = []
    for t in ENGINES:
        x = t.tensor(rows, requires_grad=True)
        loss = t.nn.functional.cross_entropy(x, t.tensor([1, 0, 0, 1]), reduction="none")
        loss.sum().backward()
        found.append((loss.detach().numpy(), x.grad.numpy()))
    for ours, theirs in zip(*found):
        np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_saved_tensors_hooks_see_the_two_steps():
    counts = []
    for t in ENGINES:
        packed = []
        with t.autograd.graph.saved_tensors_hooks(lambda v, p=packed: p.append(tuple(v.shape)) or v, lambda v: v):
            loss = t.nn.functional.cross_entropy(drawn(t), classes(t))
        loss.backward()
        counts.append(packed)
    assert (7, 5) in counts[0] and (7, 5) in counts[1]

"""Properties of the engine itself: depth, memory, order, threads, and who owns a gradient."""

from __future__ import annotations

import gc
import resource
import threading
import weakref

import numpy as np
import pytest
import torch

import minitorch_ref as mt


def test_a_chain_of_a_million_operations():
    x = mt.ones(1, requires_grad=True)
    y = x
    for _ in range(1_000_000):
        y = y * 1.0
    y.sum().backward()
    assert x.grad.tolist() == [1.0]
    del y  # frees a million nodes; a recursive destructor would crash here


def test_many_paths_take_linear_time():
    # 2**200 paths lead from the result to x; each node is visited once
    x = mt.ones(1, dtype=mt.float64, requires_grad=True)
    y = x
    for _ in range(200):
        y = y + y
    y.backward()
    assert x.grad.item() == 2.0**200


def _step(w, layers):
    h = w
    for m in layers:
        h = (h @ m).tanh() * 1.5 + w
    loss = (h * h).sum()
    loss.backward()
    w.grad = None


def test_training_steps_do_not_grow_memory_without_the_cycle_collector():
    rng = np.random.RandomState(0)
    w = mt.from_numpy(rng.randn(64, 64).astype(np.float32)).requires_grad_()
    layers = [mt.from_numpy(rng.randn(64, 64).astype(np.float32) * 0.05) for _ in range(4)]
    gc.collect()
    gc.disable()
    try:
        for _ in range(50):
            _step(w, layers)
        before, objects = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, len(gc.get_objects())
        for _ in range(1000):
            _step(w, layers)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert len(gc.get_objects()) - objects < 100
        assert after - before < 2048  # KiB; one leaked step would hold 16 KiB or more
    finally:
        gc.enable()


def test_writing_a_result_back_leaves_no_cycle():
    # y is computed from x and added to x: x's node now leads to y's, which saved x
    gc.disable()
    try:
        w = mt.ones(3, requires_grad=True)
        x = w * 2
        y = x * x
        x.add_(y)
        alive = weakref.ref(x.grad_fn)
        del x, y
        assert alive() is None
    finally:
        gc.enable()


def test_views_leave_no_cycle():
    gc.disable()
    try:
        w = mt.ones(3, requires_grad=True)
        a = mt.zeros(3)
        v = a[1:]
        v.copy_(w[1:])
        alive = weakref.ref(a.grad_fn)
        del a, v
        assert alive() is None
    finally:
        gc.enable()


def test_backward_frees_what_was_saved_and_retain_graph_keeps_it():
    x = mt.ones(3, requires_grad=True)
    y = x * 2
    z = (y * y).sum()
    held = weakref.ref(y)
    del y
    assert held() is None  # the graph holds memory, never tensors
    z.backward(retain_graph=True)
    z.backward()
    assert x.grad.tolist() == [16.0] * 3
    with pytest.raises(RuntimeError, match="second time"):
        z.backward()


def test_a_sum_can_be_walked_twice_as_in_torch():
    for t in (mt, torch):
        x = t.ones(3, requires_grad=True)
        y = x.sum() + 1  # saves no tensor
        y.backward()
        y.backward()
        assert x.grad.tolist() == [2.0] * 3


def test_the_first_gradient_is_taken_without_a_copy_when_nobody_else_holds_it():
    x = mt.ones(1000, requires_grad=True)
    seen = []
    y = x * 2
    y.register_hook(lambda g: seen.append(g._array))
    (y * 3).sum().backward()
    assert x.grad._array.flags.owndata
    assert not np.shares_memory(x.grad._array, seen[0])


@pytest.mark.parametrize("rule", [lambda x, y: x + y, lambda x, y: x.view(-1) + y, lambda x, y: y - (-x)])
def test_two_leaves_never_share_a_gradient(rule):
    x, y = mt.ones(4, requires_grad=True), mt.ones(4, requires_grad=True)
    rule(x, y).sum().backward()
    assert not np.shares_memory(x.grad._array, y.grad._array)
    x.grad.zero_()
    assert y.grad.tolist() == [1.0] * 4


def test_a_gradient_is_never_a_view_of_saved_memory():
    x = mt.ones(3, requires_grad=True)
    y = x * 1
    out = y.exp()
    out.sum().backward(retain_graph=True)
    x.grad.fill_(7.0)
    kept = x.grad
    x.grad = None
    out.sum().backward()
    assert kept.tolist() == [7.0] * 3
    assert x.grad.tolist() == pytest.approx([np.e] * 3, rel=1e-6)


def test_gradients_have_the_layout_of_their_leaf():
    x = mt.ones(2, 3, requires_grad=True)
    x.t().sum().backward()
    assert x.grad.stride() == x.stride() and x.grad.is_contiguous()


def test_modes_are_per_thread():
    seen = {}

    def look():
        seen["inside"] = mt.is_grad_enabled()

    with mt.no_grad():
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        assert not mt.is_grad_enabled()
    assert seen["inside"] and mt.is_grad_enabled()


def test_modes_nest_and_decorate():
    @mt.no_grad()
    def inner(depth):
        assert not mt.is_grad_enabled()
        if depth:
            inner(depth - 1)
        with mt.enable_grad():
            assert mt.is_grad_enabled()
        return mt.is_grad_enabled()

    @mt.no_grad
    def bare():
        return mt.is_grad_enabled()

    @mt.no_grad()
    def stream():
        for _ in range(2):
            yield mt.is_grad_enabled()

    assert inner(2) is False and bare() is False
    seen = []
    for value in stream():
        seen.append((value, mt.is_grad_enabled()))
    assert seen == [(False, True), (False, True)]
    with pytest.raises(ValueError):
        with mt.no_grad():
            raise ValueError
    assert mt.is_grad_enabled()
    with mt.set_grad_enabled(False):
        assert not mt.is_grad_enabled()
    assert mt.is_grad_enabled()


def test_backward_from_several_threads():
    x = mt.ones(100, requires_grad=True)
    errors = []

    def work():
        try:
            for _ in range(20):
                y = mt.ones(100, requires_grad=True)
                (y * x.detach()).sum().backward()
                assert y.grad.tolist() == [1.0] * 100
        except Exception as error:  # reported to the main thread
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert not errors


def test_next_functions_and_names():
    for t in (mt, torch):
        x = t.ones(2, requires_grad=True)
        y = (x * 2 + 1).sum()
        names = []
        node = y.grad_fn
        while node is not None:
            names.append(node.name().removeprefix("torch::autograd::"))
            node = node.next_functions[0][0] if node.next_functions else None
        assert names == ["SumBackward0", "AddBackward0", "MulBackward0", "AccumulateGrad"]


def test_node_hooks_see_and_replace_gradients():
    seen = []
    x = mt.ones(2, requires_grad=True)
    y = x * 3
    y.grad_fn.register_prehook(lambda outs: seen.append("pre") or (outs[0] * 2,))
    y.grad_fn.register_hook(lambda ins, outs: seen.append("post") or (ins[0] + 1, None))
    y.sum().backward()
    assert seen == ["pre", "post"] and x.grad.tolist() == [7.0, 7.0]


def test_batched_gradients():
    x = mt.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * x
    (g,) = mt.autograd.grad(y, x, mt.eye(3), is_grads_batched=True)
    assert g.tolist() == [[2.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 6.0]]

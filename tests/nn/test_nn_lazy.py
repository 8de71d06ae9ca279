"""Layers that learn their sizes from the first input, and the adaptive softmax, against torch."""

from __future__ import annotations

import copy
import inspect

import numpy as np
import pytest
import torch
from nn_cases import ENGINES, array, build, same

import minitorch_ref as mt

CASES = [
    ("LazyLinear(3)", (2, 4)), ("LazyLinear(3, bias=False)", (4,)), ("LazyConv1d(4, 3)", (2, 3, 7)),
    ("LazyConv2d(4, (3, 2), 2, 1, groups=2)", (4, 6, 6)), ("LazyConv3d(2, 2, bias=False)", (1, 2, 3, 3, 3)),
    ("LazyConv2d(4, 3, padding='same', padding_mode='circular')", (1, 2, 5, 5)),
    ("LazyConvTranspose1d(4, 3, groups=2)", (2, 4, 5)), ("LazyConvTranspose2d(2, 3, 2, 1, 1)", (1, 3, 4, 4)),
    ("LazyConvTranspose3d(2, 2, bias=False)", (1, 2, 3, 3, 3)), ("LazyBatchNorm1d()", (3, 4)),
    ("LazyBatchNorm2d(eps=0.1, momentum=None)", (2, 3, 4, 4)), ("LazyBatchNorm3d(affine=False)", (2, 3, 2, 2, 2)),
    ("LazyBatchNorm1d(bias=False)", (3, 4)), ("LazyBatchNorm2d(track_running_stats=False)", (2, 3, 4, 4)),
    ("LazyInstanceNorm1d()", (2, 3, 5)), ("LazyInstanceNorm2d(affine=True, track_running_stats=False)", (2, 3, 4, 4)),
    ("LazyInstanceNorm3d(momentum=0.5)", (2, 3, 2, 2, 2)),
]  # fmt: skip
IDS = [f"{i}-{text.split('(')[0]}" for i, (text, _) in enumerate(CASES)]


@pytest.mark.parametrize("text, shape", CASES, ids=IDS)
def test_from_nothing_to_a_layer(text, shape):
    """Before: no weights, in print, state and walks; after the first call: the ordinary layer."""
    data = np.random.default_rng(0).standard_normal(shape).astype(np.float32)

    def story(e):
        e.manual_seed(3)
        layer = build(e, text)
        before = [repr(layer), list(layer.state_dict()), [repr(p) for p in layer.parameters()]]
        waiting = layer.has_uninitialized_params()
        out = layer(e.from_numpy(data))
        state = {k: v.detach() for k, v in layer.state_dict().items()}
        kinds = [type(p).__name__ for p in [*layer.parameters(), *layer.buffers()]]
        words = e.rand(1).item()  # as many words were drawn
        facts = (before, waiting, list(out.shape), type(layer).__name__, repr(layer), kinds, words)
        return facts, state

    (ours, mine), (theirs, other) = story(mt), story(torch)
    assert ours == theirs
    for key, value in other.items():  # weights to the bit, statistics (sums) to rounding
        bound = 1e-6 if "running" in key else 0
        np.testing.assert_allclose(array(mine[key]), array(value), rtol=bound, atol=bound)


@pytest.mark.parametrize("name", sorted({text.split("(")[0] for text, _ in CASES}))
def test_signatures(name):
    ours, theirs = (inspect.signature(getattr(e.nn, name)) for e in ENGINES)
    shape = [[(p.name, p.default, p.kind) for p in s.parameters.values()] for s in (ours, theirs)]
    assert shape[0] == shape[1]


def test_casts_copies_and_loading_come_before_the_first_input():
    def story(e):
        e.manual_seed(0)
        net = e.nn.Sequential(e.nn.LazyLinear(3), e.nn.ReLU(), e.nn.LazyLinear(2))
        twin = copy.deepcopy(net).double()
        full = e.nn.Sequential(e.nn.Linear(4, 3), e.nn.ReLU(), e.nn.Linear(3, 2))
        loaded = str(net.load_state_dict(full.state_dict()))
        optimizer = e.optim.SGD(net.parameters(), lr=0.5)  # the parameters stay the same objects
        net(e.ones(1, 4)).sum().backward()
        optimizer.step()
        twin(e.ones(1, 5, dtype=e.float64))
        shapes = [(str(p.dtype), list(p.shape)) for p in twin.parameters()]
        return repr(net), loaded, shapes, [list(p.shape) for p in net.parameters()], net[2].bias

    same(story)


MISTAKES = {
    "shape": lambda e: e.nn.LazyLinear(2).weight.shape,
    "share": lambda e: e.nn.LazyLinear(2).weight.share_memory_(),
    "dims": lambda e: e.nn.LazyConv2d(2, 3)(e.ones(2, 3)),
    "groups": lambda e: e.nn.LazyConv1d(2, 1, groups=2)(e.ones(1, 3, 4)),
    "into": lambda e: e.nn.Linear(2, 2).load_state_dict(e.nn.LazyLinear(2).state_dict()),
    "norm-dims": lambda e: e.nn.LazyBatchNorm2d()(e.ones(2, 3, 4)),
    "loaded": lambda e: _loaded(e)(e.ones(1, 5)),
    "unfinished": lambda e: _unfinished(e)(e.ones(1)),
    "undefined": lambda e: _undefined(e)(e.ones(1)),
}


def _loaded(e):
    layer = e.nn.LazyLinear(2)
    layer.load_state_dict(e.nn.Linear(4, 2).state_dict())
    return layer


def _mixin(e):
    import importlib

    return importlib.import_module(f"{e.__name__}.nn.modules.lazy").LazyModuleMixin


def _unfinished(e):
    class Net(_mixin(e), e.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = e.nn.UninitializedParameter()

        def initialize_parameters(self, x):
            pass

    return Net()


def _undefined(e):
    class Net(_mixin(e), e.nn.Module):
        pass

    return Net()


@pytest.mark.parametrize("run", MISTAKES.values(), ids=MISTAKES.keys())
def test_mistakes(run):
    def kind_and_start(e):
        try:
            run(e)
        except Exception as error:  # noqa: BLE001 - the outcome under test
            return type(error).__name__, str(error).split("\n")[0][:60]
        raise AssertionError("nothing was raised")

    assert kind_and_start(mt) == kind_and_start(torch)


def test_a_buffer_may_wait_too():
    def story(e):
        buffer = e.nn.UninitializedBuffer(dtype=e.float64)
        first = repr(buffer)
        buffer.materialize((2, 3))
        other = e.nn.UninitializedParameter(requires_grad=False)
        other.materialize((2,), dtype=e.float64)
        return first, list(buffer.shape), str(buffer.dtype), other.requires_grad, str(other.dtype)

    same(story)


# ---- the adaptive softmax --------------------------------------------------------------------------


@pytest.mark.parametrize("options", ["4.0", "2.0, head_bias=True"])
@pytest.mark.parametrize("classes", [[0, 3, 11, 5, 2, 19], [0, 1, 2], [15], 7])
def test_adaptive_softmax(options, classes):
    def run(e):
        e.manual_seed(1)
        layer = build(e, f"AdaptiveLogSoftmaxWithLoss(16, 20, [4, 10, 15], {options})").double()
        target = e.tensor(classes)
        shape = (16,) if target.dim() == 0 else (len(classes), 16)
        x = e.from_numpy(np.random.default_rng(2).standard_normal(shape)).requires_grad_()
        output, loss = layer(x, target)
        used = [x, *layer.parameters()]
        grads = e.autograd.grad(loss + (output * output).sum(), used, allow_unused=True)
        rows = x if x.dim() == 2 else x.unsqueeze(0)
        return [repr(layer), *[None if t is None else array(t) for t in (
            output, loss, *grads, layer.log_prob(rows), layer.predict(rows)
        )]]  # fmt: skip

    (text, *ours), (other, *theirs) = (run(e) for e in ENGINES)
    assert text == other
    for a, b in zip(ours, theirs, strict=True):
        assert (a is None) == (b is None)
        if b is not None:
            assert (a.dtype, a.shape) == (b.dtype, b.shape)
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


def test_adaptive_probabilities_sum_to_one():
    mt.manual_seed(0)
    layer = mt.nn.AdaptiveLogSoftmaxWithLoss(8, 12, [3, 6], div_value=2.0).double()
    x = mt.randn(50, 8, dtype=mt.float64)
    logs = layer.log_prob(x)
    np.testing.assert_allclose(array(logs.exp().sum(1)), 1, atol=1e-14)
    # the head decides first: a frequent class, or the likeliest of all
    head = layer.head(x).argmax(1)
    assert layer.predict(x).tolist() == mt.where(head < 3, head, logs.argmax(1)).tolist()
    target = mt.arange(50) % 12
    output, loss = layer(x, target)
    np.testing.assert_allclose(array(output), array(logs)[np.arange(50), array(target)], atol=1e-14)
    np.testing.assert_allclose(loss.item(), -array(output).mean(), rtol=1e-14)


WRONG = [
    "AdaptiveLogSoftmaxWithLoss(8, 6, [])", "AdaptiveLogSoftmaxWithLoss(8, 6, [3, 3])",
    "AdaptiveLogSoftmaxWithLoss(8, 6, [3, 6])", "AdaptiveLogSoftmaxWithLoss(8, 6, [0, 2])",
    "AdaptiveLogSoftmaxWithLoss(8, 6, [3, 2])", "AdaptiveLogSoftmaxWithLoss(8, 6, [2.5])",
    "AdaptiveLogSoftmaxWithLoss(8, 6, [2])(torch.ones(2, 8), torch.tensor([0, 6]))",
    "AdaptiveLogSoftmaxWithLoss(8, 6, [2])(torch.ones(2, 8), torch.tensor([0, -1]))",
    "AdaptiveLogSoftmaxWithLoss(8, 6, [2])(torch.ones(2, 8), torch.tensor([0]))",
    "AdaptiveLogSoftmaxWithLoss(8, 6, [2])(torch.ones(2), torch.tensor([0, 1]))",
    "AdaptiveLogSoftmaxWithLoss(8, 6, [2])(torch.ones(1, 8), torch.tensor(0))",
    "AdaptiveLogSoftmaxWithLoss(8, 6, [2])(torch.ones(1, 8), torch.tensor([[0]]))",
]  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_adaptive_mistakes(text):
    same(lambda e: type(build(e, text)).__name__)

"""Parameters updated side by side or block by block get the bits they get one at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import minitorch_ref as mt
from minitorch_ref.optim import blocks

OPTIMIZERS = {
    "SGD": {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01},
    "Adam": {"lr": 0.01},
    "RMSprop": {"lr": 0.01},
}


def runs_of(monkeypatch, step):
    """How many updates a step takes."""
    sizes, run = [], blocks._run

    def counted(update, job, operands):
        sizes.append(operands[0].size)
        run(update, job, operands)

    monkeypatch.setattr(blocks, "_run", counted)
    step()
    return sizes


def test_a_modules_small_parameters_are_one_update(monkeypatch):
    net = mt.nn.Sequential(mt.nn.Linear(8, 5), mt.nn.Linear(5, 3))
    net(mt.randn(2, 8)).sum().backward()
    optimizer = mt.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    assert runs_of(monkeypatch, optimizer.step) == [8 * 5 + 5 + 5 * 3 + 3]


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("sizes", [(3, 40, 7), (blocks.JOIN - 1, 5, blocks.JOIN), (70_000, 2, 9)])
def test_torchs_numbers_whatever_the_sizes(name, sizes):
    draw = np.random.default_rng(0)
    start = [draw.standard_normal(n).astype(np.float32) for n in sizes]
    found = []
    for engine in (mt, torch):
        params = [engine.from_numpy(a.copy()).requires_grad_() for a in start]
        options = {} if engine is mt else {"foreach": False}
        optimizer = getattr(engine.optim, name)(params, **OPTIMIZERS[name], **options)
        draw = np.random.default_rng(1)
        for _ in range(3):
            for p, n in zip(params, sizes, strict=True):
                p.grad = engine.from_numpy(draw.standard_normal(n).astype(np.float32))
            optimizer.step()
        found.append([p.detach().numpy() for p in params])
    for ours, theirs in zip(*found, strict=True):
        # torch's sqrt is off by an ULP on some processors: 1e-7 of three steps of about 0.03
        # and half an ULP of a parameter below 8 in each step
        atol = 0 if name == "SGD" else 1e-7 + 3 * 2.0**-22
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=atol)


@pytest.mark.parametrize("size", [12, blocks.JOIN + 10])
def test_a_parameter_and_a_view_of_it_are_stepped_in_turn(size, monkeypatch):
    """Both write to the same memory: side by side, one of the two updates would be lost."""
    found = []
    for engine in (mt, torch):
        whole = engine.full((size,), 1.0)
        part = whole[:4]
        other = engine.full((3,), 2.0)
        params = [part, other, whole]
        for p in params:
            p.grad = engine.ones_like(p)
        engine.optim.SGD(params, lr=0.25).step()
        found.append(whole.numpy())
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0][:6], [0.5] * 4 + [0.75] * 2)


def test_losing_an_update_would_be_noticed(monkeypatch):
    """The same with a key that tells a view and its base apart."""
    init = blocks.Job.__init__

    def apart(self, *args):
        init(self, *args)
        self.memory = id(self)

    monkeypatch.setattr(blocks.Job, "__init__", apart)
    with pytest.raises(AssertionError):
        test_a_parameter_and_a_view_of_it_are_stepped_in_turn(12, monkeypatch)

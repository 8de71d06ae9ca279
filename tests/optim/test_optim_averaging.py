"""Averaged models and their schedule, step by step beside torch's."""

from __future__ import annotations

import numpy as np
import pytest
import torch as reference
from torch.optim import swa_utils as theirs

import minitorch_ref as engine
from minitorch_ref.optim import swa_utils as ours

BOTH = [(engine, ours), (reference, theirs)]


def net(torch):
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Linear(3, 5), torch.nn.BatchNorm1d(5), torch.nn.ReLU(), torch.nn.Linear(5, 2)
    )


def states(model):
    return {name: np.asarray(t.detach()) for name, t in model.state_dict().items()}


def assert_same(a, b):
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


CHOICES = {
    "swa": lambda u: {},
    "swa of lists": lambda u: {"multi_avg_fn": u.get_swa_multi_avg_fn()},
    "swa with buffers": lambda u: {"use_buffers": True},
    "ema": lambda u: {"multi_avg_fn": u.get_ema_multi_avg_fn(0.9)},
    "swa one by one": lambda u: {"avg_fn": u.get_swa_avg_fn()},
    "ema one by one": lambda u: {"avg_fn": u.get_ema_avg_fn(0.75)},
    "ema with buffers": lambda u: {"multi_avg_fn": u.get_ema_multi_avg_fn(0.9), "use_buffers": True},
    "own": lambda u: {"avg_fn": lambda old, new, n: 0.5 * old + 0.5 * new},
}


@pytest.mark.parametrize("choice", CHOICES)
def test_averages_are_torchs(choice):
    seen = []
    for torch, utils in BOTH:
        model = net(torch)
        averaged = utils.AveragedModel(model, **CHOICES[choice](utils))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        x = torch.from_numpy(np.random.default_rng(0).standard_normal((8, 3), dtype=np.float32))
        kept = []
        for _ in range(4):
            optimizer.zero_grad()
            model(x).square().sum().backward()
            # rounding of a step may differ; the average of equal numbers must not
            for p in model.parameters():
                p.grad = torch.as_tensor(np.round(np.asarray(p.grad.detach()), 3))
            optimizer.step()
            for b in model.buffers():
                b.copy_(torch.as_tensor(np.round(np.asarray(b), 3)))
            averaged.update_parameters(model)
            kept.append({k: v.copy() for k, v in states(averaged).items()})
        assert repr(averaged).startswith("AveragedModel(\n  (module): Sequential(")
        seen.append(kept)
    for a, b in zip(*seen):
        assert_same(a, b)


def test_swa_is_the_mean():
    model = net(engine)
    averaged, every = ours.AveragedModel(model), []
    for i in range(5):
        with engine.no_grad():
            for p in model.parameters():
                p.add_(i + 1.0)
        every.append(states(model)["0.weight"].astype(np.float64).copy())
        averaged.update_parameters(model)
    np.testing.assert_allclose(states(averaged)["module.0.weight"], np.mean(every, 0), rtol=1e-6)
    assert averaged.n_averaged == 5


@pytest.mark.parametrize("pairs", [True, False])
def test_batch_norms_are_taken_anew(pairs):
    x = np.random.default_rng(0).standard_normal((12, 3), dtype=np.float32)
    seen = []
    for torch, utils in BOTH:
        model = net(torch).eval()
        batches = [torch.from_numpy(x[i : i + 4]) for i in range(0, 12, 4)]
        utils.update_bn([(b, 0) for b in batches] if pairs else batches, model)
        assert not model.training and model[1].momentum == 0.1
        seen.append(states(model))
    for name, value in seen[0].items():
        np.testing.assert_allclose(value, seen[1][name], rtol=1e-6, atol=1e-7)
    h = x @ seen[1]["0.weight"].T + seen[1]["0.bias"]
    expected = np.mean([h[i : i + 4].mean(0) for i in range(0, 12, 4)], 0)
    np.testing.assert_allclose(seen[0]["1.running_mean"], expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("strategy", ["cos", "linear"])
@pytest.mark.parametrize("epochs", [0, 1, 5])
@pytest.mark.parametrize("rate", [0.05, [0.05, 0.01]])
def test_rates_are_torchs(strategy, epochs, rate):
    seen = []
    for torch, utils in BOTH:
        a, b = torch.zeros(1, requires_grad=True), torch.zeros(1, requires_grad=True)
        optimizer = torch.optim.SGD([{"params": [a]}, {"params": [b], "lr": 1.0}], lr=0.1)
        schedule = utils.SWALR(optimizer, rate, anneal_epochs=epochs, anneal_strategy=strategy)
        rates = []
        for i in range(8):
            optimizer.step()
            schedule.step()
            rates.append(schedule.get_last_lr())
            if i == 3:  # interrupted and resumed
                state = schedule.state_dict()
                schedule = utils.SWALR(optimizer, rate, epochs, strategy)
                schedule.load_state_dict(state)
        seen.append(rates)
    assert seen[0] == seen[1]


@pytest.mark.parametrize(
    "call",
    [
        lambda t, u: u.get_ema_avg_fn(1.5),
        lambda t, u: u.get_ema_multi_avg_fn(-0.1),
        lambda t, u: u.AveragedModel(net(t), avg_fn=max, multi_avg_fn=max),
        lambda t, u: u.SWALR(t.optim.SGD(net(t).parameters(), lr=1.0), 0.1, anneal_strategy="no"),
        lambda t, u: u.SWALR(t.optim.SGD(net(t).parameters(), lr=1.0), 0.1, anneal_epochs=-1),
        lambda t, u: u.SWALR(t.optim.SGD(net(t).parameters(), lr=1.0), [0.1, 0.2]),
        lambda t, u: u.SWALR(net(t), 0.1),
    ],
)
def test_bad_arguments_are_refused_as_torch_does(call):
    with pytest.raises(Exception) as expected:
        call(reference, theirs)
    with pytest.raises(expected.type) as found:
        call(engine, ours)
    assert str(found.value)[:60] == str(expected.value)[:60]

"""Gradients that are arithmetic alone have torch's bits: its order of the roundings, too."""

import numpy as np
import pytest
import torch
from bits import same_bits

import minitorch_ref as mt


def probabilities(draw, shape):
    return 1 / (1 + np.exp(-draw.standard_normal(shape)))


def plain(draw, shape):
    return draw.standard_normal(shape)


F = "nn.functional."
SHAPE = (16, 32)  # without a rest, for which torch has loops that round smooth_l1 in another order
CASES = {
    "atan2": (plain, plain, {}), "hypot": (plain, plain, {}),
    **{f"{F}mse_loss {r}": (plain, plain, {"reduction": r}) for r in ("mean", "sum", "none")},
    **{f"{F}smooth_l1_loss {r}": (plain, plain, {"reduction": r, "beta": 0.7}) for r in ("mean", "sum", "none")},
    **{f"{F}huber_loss {r}": (plain, plain, {"reduction": r, "delta": 0.7}) for r in ("mean", "sum", "none")},
    **{f"{F}binary_cross_entropy {r}": (probabilities, probabilities, {"reduction": r}) for r in ("mean", "sum", "none")},
}  # fmt: skip


def gradients(engine, name, dtype):
    *path, function = name.split()[0].split(".")
    where = engine
    for part in path:
        where = getattr(where, part)
    draw = np.random.RandomState(3)
    first, second, options = CASES[name]
    x = engine.from_numpy(first(draw, SHAPE).astype(dtype)).requires_grad_()
    # the target's gradient of binary cross-entropy has logarithms in it, which torch computes otherwise
    y = engine.from_numpy(second(draw, SHAPE).astype(dtype)).requires_grad_("entropy" not in name)
    out = getattr(where, function)(x, y, **options)
    out.backward(engine.from_numpy(np.asarray(draw.standard_normal(tuple(out.shape)), dtype)))
    return [t.grad.numpy() for t in (x, y) if t.grad is not None]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CASES)
def test_gradients_have_torchs_bits(name, dtype):
    ours, theirs = gradients(mt, name, dtype), gradients(torch, name, dtype)
    if name == "hypot" and dtype == "float64":  # torch's value, by which the gradient divides, is another
        assert all(np.mean(a == b) > 0.98 for a, b in zip(ours, theirs, strict=True))
    else:
        assert all(same_bits(a, b) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_the_sigmoids_gradient(dtype):
    """From the same value of the sigmoid; in a graph of its own, too."""
    draw = np.random.RandomState(4)
    s, g = probabilities(draw, 1000).astype(dtype), draw.standard_normal(1000).astype(dtype)
    expected = torch.ops.aten.sigmoid_backward(torch.from_numpy(g), torch.from_numpy(s)).numpy()
    x = mt.zeros(1000, dtype=getattr(mt, dtype), requires_grad=True)
    for create_graph in (False, True):
        y = mt.sigmoid(x)
        y.detach().copy_(mt.from_numpy(s))  # writes behind the graph's back, into what it saved
        y._cell[0] = 0
        (found,) = mt.autograd.grad(y, x, mt.from_numpy(g), create_graph=create_graph)
        assert same_bits(found.detach().numpy(), expected)


def test_another_order_would_be_noticed():
    draw = np.random.RandomState(4)
    s, g = probabilities(draw, 1000).astype("float32"), draw.standard_normal(1000).astype("float32")
    expected = torch.ops.aten.sigmoid_backward(torch.from_numpy(g), torch.from_numpy(s)).numpy()
    assert same_bits((g * (1 - s)) * s, expected)
    assert not same_bits(g * ((1 - s) * s), expected)

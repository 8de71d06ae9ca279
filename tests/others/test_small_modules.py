"""Modules that scripts import by name, and the few functions in them, beside torch."""

from __future__ import annotations

import importlib
import warnings

import numpy as np
import pytest
import torch

import minitorch_ref as mt

ENGINES = (mt, torch)


def part(t, name):
    return importlib.import_module(f"{t.__name__}.{name}")


@pytest.mark.parametrize("t", ENGINES)
def test_modes_and_variables_where_torch_has_them(t):
    modes = part(t, "autograd.grad_mode")
    assert modes.no_grad is t.no_grad and modes.inference_mode is t.inference_mode
    assert part(t, "autograd.anomaly_mode").detect_anomaly is t.autograd.detect_anomaly
    assert isinstance(t.ones(1), part(t, "autograd.variable").Variable)
    assert t.autograd.grad_mode is modes


@pytest.mark.parametrize("t", ENGINES)
def test_the_choice_of_a_kernel(t):
    attention = part(t, "nn.attention")
    q = t.arange(12.0).reshape(1, 3, 4)
    plain = t.nn.functional.scaled_dot_product_attention(q, q, q)
    for wish in (attention.SDPBackend.MATH, [attention.SDPBackend.MATH, attention.SDPBackend.FLASH_ATTENTION]):
        with attention.sdpa_kernel(wish):
            assert t.allclose(t.nn.functional.scaled_dot_product_attention(q, q, q), plain)
    assert [int(getattr(attention.SDPBackend, n)) for n in ("MATH", "FLASH_ATTENTION", "CUDNN_ATTENTION")] == [0, 1, 3]
    with pytest.raises(AssertionError, match="Backend must be an instance of SDPBackend or a list"):
        with attention.sdpa_kernel("math"):
            pass


@pytest.mark.parametrize("t", ENGINES)
def test_capsules(t):
    dlpack, x = part(t, "utils.dlpack"), t.arange(6.0).reshape(2, 3)
    y = dlpack.from_dlpack(dlpack.to_dlpack(x))
    y[0, 0] = 7
    assert x[0, 0] == 7 and y.shape == x.shape


@pytest.mark.parametrize("t", ENGINES)
def test_modules_without_initial_values(t):
    t.manual_seed(0)
    before = t.get_rng_state()
    layer = t.nn.utils.skip_init(t.nn.Linear, 3, 2, bias=False)
    assert layer.weight.shape == (2, 3) and layer.weight.requires_grad and layer.bias is None
    assert t.equal(before, t.get_rng_state())
    for wrong, text in ((t.Tensor, "Expected a Module"), (t.nn.ReLU, "Module must support a 'device' arg")):
        with pytest.raises(RuntimeError, match=text):
            t.nn.utils.skip_init(wrong)


@pytest.mark.parametrize("t", ENGINES)
def test_weights_for_channels_last(t):
    net = t.nn.Sequential(t.nn.Conv2d(3, 4, 2), t.nn.Conv3d(3, 4, 2))
    values = [p.detach().clone() for p in net.parameters()]
    t.nn.utils.convert_conv2d_weight_memory_format(net, t.channels_last)
    assert net[0].weight.is_contiguous(memory_format=t.channels_last) and net[1].weight.is_contiguous()
    t.nn.utils.convert_conv3d_weight_memory_format(net, t.channels_last_3d)
    assert net[1].weight.is_contiguous(memory_format=t.channels_last_3d)
    assert all(t.equal(a, b) for a, b in zip(values, net.parameters()))


@pytest.mark.parametrize("t", ENGINES)
def test_the_old_functional_call(t):
    layer, x = t.nn.Linear(2, 2), t.ones(1, 2)
    state = {"weight": t.eye(2), "bias": t.zeros(2)}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        out = part(t, "nn.utils.stateless").functional_call(layer, state, (x,))
    assert out.tolist() == [[1.0, 1.0]] and caught[0].category is FutureWarning
    assert "Please use `torch.func.functional_call` instead" in str(caught[0].message)


@pytest.mark.parametrize("t", ENGINES)
def test_custom_functions_under_autocast(t):
    class Double(t.autograd.Function):
        @staticmethod
        @t.amp.custom_fwd(device_type="cpu")
        def forward(ctx, x):
            return x * 2

        @staticmethod
        @t.amp.custom_bwd(device_type="cpu")
        def backward(ctx, g):
            return g * 2

    x = t.ones(2, requires_grad=True)
    Double.apply(x).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]
    with pytest.raises(ValueError, match="Expected `device_type` of type `str`"):
        t.amp.custom_fwd(device_type=3)


@pytest.mark.parametrize("t", ENGINES)
def test_edges(t):
    g = t.autograd.graph
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = x * 3
    z = (y * y).sum()
    edge, leaf = g.get_gradient_edge(y), g.get_gradient_edge(x)
    assert edge.node is y.grad_fn and edge.output_nr == 0 and type(leaf.node).__name__ == "AccumulateGrad"
    assert isinstance(edge, g.GradientEdge)
    del y
    found = t.autograd.grad(z, [edge, leaf], retain_graph=True)
    np.testing.assert_array_equal(found[0].numpy(), [6, 12])
    np.testing.assert_array_equal(found[1].numpy(), [18, 36])
    (single,) = t.autograd.grad(z, edge)
    np.testing.assert_array_equal(single.numpy(), [6, 12])
    with pytest.raises(RuntimeError, match="It is not possible to get the gradient edge"):
        g.get_gradient_edge(t.ones(2))


@pytest.mark.parametrize("t", ENGINES)
def test_questions_about_autocast(t):
    assert t.GradScaler is t.amp.GradScaler
    assert not (t.is_autocast_enabled() or t.is_autocast_enabled("cpu") or t.is_autocast_enabled("cuda"))
    assert t.is_autocast_cache_enabled()
    assert (t.get_autocast_dtype("cpu"), t.get_autocast_dtype("cuda")) == (t.bfloat16, t.float16)
    with pytest.raises(RuntimeError, match="Expected one of cpu, cuda"):
        t.is_autocast_enabled("somewhere")
    with pytest.raises(TypeError, match="argument 'device_type' .* must be str, not int"):
        t.get_autocast_dtype(3)
    assert type(t.to_dlpack(t.ones(2))).__name__ == "PyCapsule"

"""nn.functional's convolutions beside torch's: values, nodes, gradients, second gradients."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from window_sides import both, compare, node, same

import minitorch_ref as mt

CASES = [
    ("conv2d", [(4, 3, 12, 12), (6, 3, 5, 5), (6,)], {}),
    ("conv2d", [(4, 3, 12, 11), (6, 3, 5, 3), (6,)], {"stride": (2, 1), "padding": (1, 2)}),
    ("conv2d", [(2, 4, 9, 9), (6, 2, 3, 3), (6,)], {"groups": 2, "dilation": 2, "padding": 1}),
    ("conv2d", [(2, 4, 9, 9), (8, 1, 3, 3), (8,)], {"groups": 4, "stride": 2, "padding": 1}),
    ("conv2d", [(2, 40, 6, 6), (36, 40, 3, 3), (36,)], {"padding": 1}),
    ("conv2d", [(2, 5, 6, 6), (4, 5, 1, 1), (4,)], {}),
    ("conv2d", [(2, 5, 6, 6), (4, 5, 1, 1), (4,)], {"stride": 2}),
    ("conv2d", [(2, 3, 8, 8), (4, 3, 3, 3), (4,)], {"stride": 2, "dilation": 2}),
    ("conv2d", [(3, 8, 8), (4, 3, 3, 3), (4,)], {}),
    ("conv2d", [(2, 3, 8, 8), (4, 3, 4, 3), (4,)], {"padding": "same"}),
    ("conv2d", [(2, 3, 8, 8), (4, 3, 3, 3), (4,)], {"padding": "valid", "stride": 3}),
    ("conv1d", [(4, 3, 20), (5, 3, 4), (5,)], {"stride": 3, "padding": 2}),
    ("conv1d", [(3, 20), (5, 3, 4), (5,)], {"padding": "same", "dilation": 3}),
    ("conv3d", [(2, 2, 5, 6, 7), (3, 2, 2, 3, 3), (3,)], {"padding": 1, "stride": (1, 2, 1)}),
    ("conv3d", [(2, 5, 6, 7), (4, 1, 2, 3, 3), (4,)], {"groups": 2, "dilation": (2, 1, 1)}),
    ("conv_transpose1d", [(2, 3, 7), (3, 4, 3), (4,)], {"stride": 2, "output_padding": 1}),
    ("conv_transpose2d", [(2, 3, 7, 6), (3, 4, 3, 3), (4,)], {}),
    ("conv_transpose2d", [(2, 4, 5, 5), (4, 3, 4, 4), (6,)], {"stride": 2, "padding": 1, "groups": 2}),
    ("conv_transpose2d", [(2, 4, 5, 5), (4, 3, 3, 3), (3,)], {"dilation": 3, "output_padding": 2}),
    ("conv_transpose2d", [(4, 5, 5), (4, 3, 3, 3), (3,)], {"stride": 3}),
    ("conv_transpose3d", [(2, 2, 3, 4, 3), (2, 3, 2, 2, 2), (3,)], {"stride": 2, "padding": 1}),
]


@pytest.mark.parametrize("name, shapes, options", CASES)
@pytest.mark.parametrize("with_bias", [True, False])
def test_against_torch(name, shapes, options, with_bias):
    def call(engine, *tensors):
        return getattr(engine.nn.functional, name)(*tensors, **options)

    compare(call, shapes if with_bias else shapes[:2])


@settings(max_examples=50, deadline=None)
@given(
    st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(0, 2), st.integers(1, 2),
    st.integers(0, 6), st.booleans(), st.integers(0, 99),
)  # fmt: skip
def test_random_geometries(groups, kernel, stride, padding, dilation, more, transposed, seed):
    size = max(1, (kernel - 1) * dilation + 1 - 2 * padding) + more
    name = "conv_transpose2d" if transposed else "conv2d"
    weight = (2 * groups, 3, kernel, kernel) if transposed else (3 * groups, 2, kernel, kernel)
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    if transposed and (size - 1) * stride + (kernel - 1) * dilation + 1 <= 2 * padding:
        return

    def call(engine, x, w):
        return getattr(engine, name)(x, w, None, **options)

    compare(call, [(2, 2 * groups, size, size), weight], seed, "float64", 1e-13)


@pytest.mark.parametrize("dtype", ["float64", "float16", "complex64", "complex128"])
def test_dtypes(dtype):
    outcomes = []
    for engine, (x, w, b) in zip((torch, mt), both([(2, 3, 7, 7), (4, 3, 3, 3), (4,)], 1, dtype)):
        y = engine.conv2d(x, w, b, padding=1)
        y.abs().sum().backward()
        outcomes.append([y, x.grad, w.grad, b.grad])
    eps = {"float16": 2e-3, "complex64": 3e-6}.get(dtype, 1e-14)
    same(*outcomes, tolerance=40 * eps)


def test_a_convolution_is_its_definition():
    """A moving average and a shift, worked out by hand."""
    x = mt.arange(5.0).view(1, 1, 5)
    means = mt.nn.functional.conv1d(x, mt.full((1, 1, 3), 1 / 3))
    assert mt.allclose(means, mt.tensor([[[1.0, 2.0, 3.0]]]))
    shifted = mt.nn.functional.conv1d(x, mt.tensor([[[1.0, 0.0, 0.0]]]), padding=1)
    assert shifted.tolist() == [[[0.0, 0.0, 1.0, 2.0, 3.0]]]


def test_gradcheck_and_gradgradcheck():
    x, w, b = both([(2, 2, 5, 4), (3, 2, 3, 2), (3,)], 2, "float64")[1]
    call = lambda x, w, b: mt.conv2d(x, w, b, stride=(2, 1), padding=1)
    assert mt.autograd.gradcheck(call, (x, w, b))
    assert mt.autograd.gradgradcheck(call, (x, w, b))


def test_the_same_sums_whatever_the_memory_layout():
    x, w = both([(2, 3, 6, 6), (4, 3, 3, 3)], 3, requires_grad=False)[1]
    y = mt.conv2d(x, w)
    turned = x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
    assert not turned.is_contiguous() and mt.equal(mt.conv2d(turned, w), y)
    expanded = x[:1].expand(2, 3, 6, 6)
    assert mt.equal(mt.conv2d(expanded, w)[1], y[0])


def test_operands_are_left_alone_and_results_are_fresh():
    x, w = both([(1, 2, 4, 4), (3, 2, 1, 1)], 4)[1]
    kept = x.detach().clone()
    y = mt.conv2d(x, w)
    with mt.no_grad():
        y.mul_(0)
    assert mt.equal(x.detach(), kept) and x._version == 0


def test_saved_operands_notice_writes():
    x, w = both([(1, 2, 4, 4), (3, 2, 2, 2)], 5)[1]
    y = mt.conv2d(x * 1, w)
    with mt.no_grad():
        w.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


@pytest.mark.parametrize("shape", [(0, 3, 6, 6), (0, 3, 5, 5)])
def test_empty_batches(shape):
    def call(engine, x, w, b):
        return engine.conv2d(x, w, b)

    for engine, (x, w, b) in zip((torch, mt), both([shape, (4, 3, 5, 5), (4,)])):
        y = call(engine, x, w, b)
        y.sum().backward()
        assert tuple(y.shape) == (0, 4, shape[2] - 4, shape[2] - 4)
        assert not np.any(w.grad.numpy()) and tuple(x.grad.shape) == shape


def test_only_the_wanted_gradients_are_computed(monkeypatch):
    from minitorch_ref.nn.functional import conv

    asked = []
    for name in ("convolve_input", "convolve_weight"):
        kernel = getattr(conv, name)
        monkeypatch.setattr(conv, name, lambda *a, n=name, k=kernel: (asked.append(n), k(*a))[1])
    x, w = both([(1, 2, 4, 4), (3, 2, 2, 2)], 6)[1]
    mt.conv2d(x.detach(), w).sum().backward()
    mt.conv2d(x, w.detach()).sum().backward()
    assert asked == ["convolve_weight", "convolve_input"]


def test_infinities_pass_without_a_warning(recwarn):
    x = mt.full((1, 1, 4, 4), float("inf"))
    y = mt.conv2d(x, mt.tensor([[[[1.0, -1.0]]]]))
    assert y.isnan().all() and not recwarn.list


def test_nodes_of_one_sample():
    x, w = both([(2, 4, 4), (3, 2, 2, 2)], 7)[1]
    assert node(mt.conv2d(x, w)) == "SqueezeBackward1"
    g = mt.autograd.grad(mt.conv2d(x, w).sum(), x, create_graph=True)[0]
    assert g.requires_grad

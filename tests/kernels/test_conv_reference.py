"""The plain loops themselves against torch: the oracle of the other tests must be right."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from window_cases import conv_axes, pool_axes, values

from minitorch_ref.kernels import reference
from minitorch_ref.kernels.axis import pool_axis


@settings(max_examples=40, deadline=None)
@given(conv_axes(3), conv_axes(3), st.integers(1, 2), st.integers(0, 99))
def test_convolutions(h, w, groups, seed):
    x = values(seed, (2, 2 * groups, h.size, w.size))
    weight, bias = values(seed + 1, (3 * groups, 2, h.kernel, w.kernel)), values(seed + 2, 3 * groups)
    tx, tw = torch.tensor(x, requires_grad=True), torch.tensor(weight, requires_grad=True)
    how = [(getattr(h, k), getattr(w, k)) for k in ("stride", "padding", "dilation")]
    ty = torch.conv2d(tx, tw, torch.tensor(bias), *how, groups)
    g = values(seed + 3, tuple(ty.shape))
    ty.backward(torch.tensor(g))
    y = reference.conv2d(x, weight, bias, h, w, groups)
    np.testing.assert_allclose(y, ty.detach().numpy(), atol=1e-12)
    np.testing.assert_allclose(
        reference.conv2d_input(g, weight, h, w, groups), tx.grad.numpy(), atol=1e-12
    )
    np.testing.assert_allclose(
        reference.conv2d_weight(g, x, h, w, groups), tw.grad.numpy(), atol=1e-11
    )


@settings(max_examples=40, deadline=None)
@given(pool_axes(), pool_axes(), st.integers(0, 99))
def test_max_pool(h, w, seed):
    x = np.round(values(seed, (2, 1, h.size, w.size)))
    ceil = any(a.out != pool_axis(*a[:1], *a[2:5], a.dilation).out for a in (h, w))
    how = [[getattr(h, k), getattr(w, k)] for k in ("kernel", "stride", "padding", "dilation")]
    ty, ti = torch.nn.functional.max_pool2d(torch.tensor(x), *how, ceil, return_indices=True)
    if tuple(ty.shape[2:]) != (h.out, w.out):  # one dim alone rounds up: not a torch call
        return
    y, indices = reference.max_pool2d(x, h, w)
    seen = indices >= 0
    assert np.array_equal(y[seen], ty.numpy()[seen])
    assert np.array_equal(indices[seen], ti.numpy()[seen])


@settings(max_examples=40, deadline=None)
@given(pool_axes(False), pool_axes(False), st.booleans(), st.sampled_from([None, 3]), st.integers(0, 9))
def test_avg_pool(h, w, padded, divisor, seed):
    x = values(seed, (2, 1, h.size, w.size))
    how = [[getattr(h, k), getattr(w, k)] for k in ("kernel", "stride", "padding")]
    for ceil in (False, True):
        ty = torch.nn.functional.avg_pool2d(torch.tensor(x), *how, ceil, padded, divisor)
        if tuple(ty.shape[2:]) == (h.out, w.out):
            y = reference.avg_pool2d(x, h, w, padded, divisor)
            np.testing.assert_allclose(y, ty.numpy(), atol=1e-13)

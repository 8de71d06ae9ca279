"""Axis geometry, columns and phases."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from window_cases import conv_axes, values

from minitorch_ref.kernels.phases import Phases
from minitorch_ref.kernels.unfold import col2im, fold_width, im2col, unfold_width
from minitorch_ref.kernels.workspace import scratch


@settings(max_examples=100, deadline=None)
@given(conv_axes())
def test_a_tap_is_the_slice_of_positions_that_meet_it(a):
    for k in range(a.kernel):
        pairs = [
            (o, i) for o in range(a.out)
            if 0 <= (i := o * a.stride + k * a.dilation - a.padding) < a.size
        ]  # fmt: skip
        outs, ins = list(range(a.out))[a.target(k)], list(range(a.size))[a.source(k)]
        assert list(zip(outs, ins)) == pairs and len(outs) == len(ins)


@settings(max_examples=50, deadline=None)
@given(conv_axes(), conv_axes(), st.integers(0, 2), st.integers(0, 99))
def test_columns_against_torch(h, w, n, seed):
    x = values(seed, (n, 2, h.size, w.size))
    how = [(getattr(h, k), getattr(w, k)) for k in ("kernel", "dilation", "padding", "stride")]
    ours, theirs = im2col(x, h, w), torch.nn.functional.unfold(torch.tensor(x), *how)
    assert np.array_equal(ours, theirs.numpy())
    back = torch.nn.functional.fold(theirs, (h.size, w.size), *how)
    np.testing.assert_allclose(col2im(ours, h, w), back.numpy(), atol=1e-12)


@settings(max_examples=50, deadline=None)
@given(conv_axes(), st.booleans(), st.integers(0, 99))
def test_folding_the_width_is_the_adjoint_of_unfolding_it(a, across, seed):
    x = values(seed, (2, 3, a.size))
    columns = np.full((2, a.kernel, 3, a.out), np.nan)
    unfold_width(x, a, columns)
    g = values(seed + 1, columns.shape)
    if across:
        g = np.ascontiguousarray(g.swapaxes(-1, -2)).swapaxes(-1, -2)
    back = np.full(x.shape, np.nan)
    with scratch() as take:
        fold_width(take, g, a, back)
    assert np.isclose(np.vdot(columns, g), np.vdot(x, back))


@settings(max_examples=50, deadline=None)
@given(conv_axes(), conv_axes(), st.integers(0, 99))
def test_taps_of_phases_are_the_windows(h, w, seed):
    x = values(seed, (3, h.size, w.size))
    with scratch() as take:
        phases = Phases(take, 3, h, w, x.dtype).load(x, 0.0)
        columns = im2col(x[None], h, w).reshape(3, h.kernel, w.kernel, h.out, w.out)
        for i in range(h.kernel):
            for j in range(w.kernel):
                buffer = phases.flat(x.dtype)
                buffer[: phases.run] = phases.tap(i, j)
                assert np.array_equal(phases.grid(buffer), columns[:, i, j])

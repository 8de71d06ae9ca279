"""The fast convolutions against the plain loops, over random geometries, dtypes and layouts."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from window_cases import channels, conv_axes, layouts, values

from minitorch_ref.kernels import (
    conv,
    conv_columns,
    conv_rows_backward,
    conv_same,
    conv_strided,
    reference,
    tiles,
    workspace,
)
from minitorch_ref.kernels.axis import Axis, conv_axis


@pytest.fixture(autouse=True)
def poisoned_scratch():
    """Scratch memory is NaN between uses, so nothing can come from there unnoticed."""
    workspace.poison(True)
    yield
    workspace.poison(False)


def window(*axes):
    """The arguments (stride, padding, dilation) of some axes."""
    return [[getattr(a, what) for a in axes] for what in ("stride", "padding", "dilation")]


def close(ours, reference, terms):
    """Equal up to the rounding of a sum of `terms` products."""
    assert ours.shape == reference.shape and ours.dtype == reference.dtype
    scale = np.abs(reference).max(initial=1.0)
    eps = np.finfo(ours.dtype).eps
    np.testing.assert_allclose(ours, reference, rtol=0, atol=8 * eps * terms * scale)


@settings(max_examples=100, deadline=None)
@given(
    conv_axes(), conv_axes(), channels(), st.sampled_from([0, 1, 3, 9, 20]), layouts, layouts,
    st.sampled_from([np.float64, np.float32, np.complex128]), st.booleans(), st.integers(0, 99),
)  # fmt: skip
def test_conv2d_and_its_gradients(h, w, sizes, n, one, two, dtype, with_bias, seed):
    groups, cg, og = sizes
    x = values(seed, (n, groups * cg, h.size, w.size), dtype, one)
    weight = values(seed + 1, (groups * og, cg, h.kernel, w.kernel), dtype, two)
    bias = values(seed + 2, (groups * og,), dtype) if with_bias else None
    g = values(seed + 3, (n, groups * og, h.out, w.out), dtype, one)
    how = (*window(h, w), groups)

    y = conv.convolve(x, weight, bias, *how)
    close(y, reference.conv2d(x, weight, bias, h, w, groups), 20 + cg * h.kernel * w.kernel)
    back = conv.convolve_input(g, weight, (h.size, w.size), *how)
    close(back, reference.conv2d_input(g, weight, h, w, groups), 20 + og * h.kernel * w.kernel)
    ours = conv.convolve_weight(g, x, (h.kernel, w.kernel), *how)
    close(ours, reference.conv2d_weight(g, x, h, w, groups), 20 + n * h.out * w.out)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(conv_axes(3), min_size=1, max_size=3), channels(), st.integers(0, 3), st.integers(0, 99)
)
def test_one_and_three_dims_against_torch(axes, sizes, n, seed):
    groups, cg, og = sizes
    x = values(seed, (n, groups * cg, *[a.size for a in axes]))
    weight = values(seed + 1, (groups * og, cg, *[a.kernel for a in axes]))
    function = (torch.conv1d, torch.conv2d, torch.conv3d)[len(axes) - 1]
    tx, tw = torch.tensor(x, requires_grad=True), torch.tensor(weight, requires_grad=True)
    ty = function(tx, tw, None, *window(*axes), groups)
    g = values(seed + 2, tuple(ty.shape))
    ty.backward(torch.tensor(g))
    how = (*window(*axes), groups)
    close(conv.convolve(x, weight, None, *how), ty.detach().numpy(), 100)
    close(conv.convolve_input(g, weight, x.shape[2:], *how), tx.grad.numpy(), 300)
    close(conv.convolve_weight(g, x, weight.shape[2:], *how), tw.grad.numpy(), 300)


@settings(max_examples=40, deadline=None)
@given(conv_axes(), conv_axes(), channels(), st.integers(0, 99))
def test_gradients_are_adjoints(h, w, sizes, seed):
    """⟨y(x, w), g⟩ = ⟨x, x̄(g, w)⟩ = ⟨w, w̄(g, x)⟩: needs no oracle at all."""
    groups, cg, og = sizes
    x = values(seed, (2, groups * cg, h.size, w.size))
    weight = values(seed + 1, (groups * og, cg, h.kernel, w.kernel))
    g = values(seed + 2, (2, groups * og, h.out, w.out))
    how = (*window(h, w), groups)
    forward = np.vdot(conv.convolve(x, weight, None, *how), g)
    to_input = np.vdot(x, conv.convolve_input(g, weight, x.shape[2:], *how))
    to_weight = np.vdot(weight, conv.convolve_weight(g, x, weight.shape[2:], *how))
    tolerance = 1e-11 * (1 + np.linalg.norm(g) * np.linalg.norm(x) * np.linalg.norm(weight))
    assert abs(forward - to_input) < tolerance and abs(forward - to_weight) < tolerance


def test_bands_and_tiles_of_a_large_image(monkeypatch):
    """With room for a few rows only, the result is the same bit for bit."""
    x = values(1, (3, 5, 40, 37), np.float32)
    weight, g = values(2, (7, 5, 5, 3), np.float32), values(3, (3, 7, 36, 35), np.float32)
    how = ([1, 1], [0, 0], [1, 1], 1)

    def results():
        tiles.plan.cache_clear()
        return conv.convolve(x, weight, None, *how), conv.convolve_input(g, weight, (40, 37), *how)

    whole = results()
    monkeypatch.setattr(tiles, "CACHE", 20 << 10)
    cut = results()
    tiles.plan.cache_clear()
    assert all(np.array_equal(a, b) for a, b in zip(whole, cut))


@settings(max_examples=80, deadline=None)
@given(conv_axes(), conv_axes(), channels(), st.sampled_from([1, 3, 9]), st.integers(0, 99))
def test_rows_of_zeros_that_are_not_multiplied(h, w, sizes, n, seed):
    """The input gradient, as where a row is worth a product of its own."""
    groups, cg, og = sizes
    weight = values(seed, (groups * og, cg, h.kernel, w.kernel))
    g = values(seed + 1, (n, groups * og, h.out, w.out))
    before, conv_rows_backward.CALL = conv_rows_backward.CALL, 0
    conv_rows_backward._met.cache_clear()
    try:
        back = conv_rows_backward.input_gradient(g, weight, h, w, groups).done()
    finally:
        conv_rows_backward.CALL = before
        conv_rows_backward._met.cache_clear()
    close(back, reference.conv2d_input(g, weight, h, w, groups), 20 + og * h.kernel * w.kernel)


@pytest.mark.parametrize("r", [1, 2, 3])
def test_which_rows_windows_meet(monkeypatch, r):
    """Five rows of g seen by windows of three, from two before the first to two behind the last."""
    monkeypatch.setattr(conv_rows_backward, "CALL", 0)
    met = conv_rows_backward._met.__wrapped__(7, r, -2, 3, 5, 1)
    assert sum(count * height for _, count, height, _, _ in met) == 7
    for first, count, height, skip, stop in met:
        for row in range(first, first + count * height, height):
            seen = [begin for begin in range(row - 2, row + height) if 0 <= begin < 5]
            assert seen == list(range(row - 2 + skip, row - 2 + stop))
    if r == 1:
        assert [m[:2] for m in met] == [(0, 1), (1, 1), (2, 3), (5, 1), (6, 1)]


@settings(max_examples=50, deadline=None)
@given(
    conv_axes(3), conv_axes(3), channels(), st.integers(1, 4), layouts, st.sampled_from([1, 1 << 12]),
    st.integers(0, 99),
)  # fmt: skip
def test_all_windows_at_once(h, w, sizes, n, layout, budget, seed):
    """conv_columns, which `convolve` picks for few positions and many weights only."""
    groups, cg, og = sizes
    x = values(seed, (n, groups * cg, h.size, w.size), layout=layout)
    weight = values(seed + 1, (groups * og, cg, h.kernel, w.kernel), layout=layout)
    g = values(seed + 2, (n, groups * og, h.out, w.out))
    bias = g[0, :, 0, 0]
    before, conv_columns.BUDGET = conv_columns.BUDGET, budget
    try:
        y = conv_columns.forward(x, weight, bias, h, w, groups).done()
        back = conv_columns.input_gradient(g, weight, h, w, groups).done()
        ours = conv_columns.weight_gradient(g, x, h, w, groups).done()
    finally:
        conv_columns.BUDGET = before
    close(y, reference.conv2d(x, weight, bias, h, w, groups), 20 + cg * h.kernel * w.kernel)
    close(back, reference.conv2d_input(g, weight, h, w, groups), 20 + og * h.kernel * w.kernel)
    close(ours, reference.conv2d_weight(g, x, h, w, groups), 20 + n * h.out * w.out)


@settings(max_examples=60, deadline=None)
@given(
    conv_axes(), conv_axes(), channels(), st.integers(1, 4), layouts, st.sampled_from([1, 1 << 20]),
    st.integers(0, 99),
)  # fmt: skip
def test_phases(h, w, sizes, n, layout, budget, seed):
    """conv_strided, which `convolve` picks for strides and many channels only; one sample at a time, too."""
    h, w = (conv_axis(a.size + 12, a.kernel, a.stride, a.padding, 1) for a in (h, w))
    groups, cg, og = sizes
    x = values(seed, (n, groups * cg, h.size, w.size), layout=layout)
    weight = values(seed + 1, (groups * og, cg, h.kernel, w.kernel), layout=layout)
    g = values(seed + 2, (n, groups * og, h.out, w.out), layout=layout)
    bias = g[0, :, 0, 0]
    before = conv_strided.RUNS, conv_strided.COLUMNS
    conv_strided.RUNS = budget
    conv_strided.COLUMNS = min(budget, before[1])
    try:
        y = conv_strided.forward(x, weight, bias, h, w, groups).done()
        back = conv_strided.input_gradient(g, weight, h, w, groups).done()
        ours = conv_strided.weight_gradient(g, x, h, w, groups).done()
    finally:
        conv_strided.RUNS, conv_strided.COLUMNS = before
    close(y, reference.conv2d(x, weight, bias, h, w, groups), 20 + cg * h.kernel * w.kernel)
    close(back, reference.conv2d_input(g, weight, h, w, groups), 20 + og * h.kernel * w.kernel)
    close(ours, reference.conv2d_weight(g, x, h, w, groups), 20 + n * h.out * w.out)


@settings(max_examples=60, deadline=None)
@given(
    conv_axes(), st.integers(1, 9), st.sampled_from([1, 3, 5, 7]), st.integers(1, 3), channels(),
    st.integers(1, 4), layouts, st.sampled_from([1, 1 << 12, 4 << 20]), st.integers(0, 99),
)  # fmt: skip
def test_planes_shifted(h, width, kernel, dilation, sizes, n, layout, budget, seed):
    """conv_same, which `convolve` picks for many channels and depthwise only; in bands, too."""
    h = conv_axis(h.size + 4, h.kernel, 1, h.padding, h.dilation)
    w = conv_axis(width, kernel, 1, (kernel - 1) * dilation // 2, dilation)
    groups, cg, og = sizes
    x = values(seed, (n, groups * cg, h.size, w.size), layout=layout)
    weight = values(seed + 1, (groups * og, cg, h.kernel, w.kernel), layout=layout)
    g = values(seed + 2, (n, groups * og, h.out, w.out), layout=layout)
    bias = g[0, :, 0, 0]
    before, conv_same.BUDGET = conv_same.BUDGET, budget
    conv_same._tiles.cache_clear()
    try:
        y = conv_same.forward(x, weight, bias, h, w, groups).done()
        back = conv_same.input_gradient(g, weight, h, w, groups).done()
        ours = conv_same.weight_gradient(g, x, h, w, groups).done()
    finally:
        conv_same.BUDGET = before
        conv_same._tiles.cache_clear()
    close(y, reference.conv2d(x, weight, bias, h, w, groups), 20 + cg * h.kernel * w.kernel)
    close(back, reference.conv2d_input(g, weight, h, w, groups), 20 + og * h.kernel * w.kernel)
    close(ours, reference.conv2d_weight(g, x, h, w, groups), 20 + n * h.out * w.out)


@pytest.mark.parametrize("where", [(0, 0), (8, 8), (4, 8), (8, 0)])
def test_an_infinity_reaches_the_taps_that_meet_it_and_no_other(where):
    """The unused columns of conv_strided read the next row, and must not bring it into a sum."""
    h = w = conv_axis(9, 3, 2, 0, 1)
    x, g = values(1, (2, 9, 9, 9)), values(2, (2, 8, 4, 4))
    x[1, 2, *where] = np.inf
    weight = values(3, (8, 9, 3, 3))
    with np.errstate(invalid="ignore"):
        ours = conv_strided.weight_gradient(g, x, h, w, 1).done()
        theirs = reference.conv2d_weight(g, x, h, w, 1)
        y = conv_strided.forward(x, weight, None, h, w, 1).done()
        expected = reference.conv2d(x, weight, None, h, w, 1)
    assert np.array_equal(np.isfinite(ours), np.isfinite(theirs)) and not np.isfinite(theirs).all()
    assert np.array_equal(np.isfinite(y), np.isfinite(expected))


def test_which_algorithm():
    one, three, wide = Axis(7, 7, 1), Axis(7, 7, 3, 1, 1), Axis(99, 99, 3, 1, 1)
    chosen = lambda *how: conv._choose(*how).__name__.rsplit("_", 1)[1]
    assert chosen(1, (8, 8, 1, 1), one, one, 1) == "pointwise"
    assert chosen(1, (8, 8, 1, 1), one._replace(stride=2, out=4), one, 1) == "strided"
    assert chosen(1, (8, 1, 3, 3), three, three, 8) == "same"
    narrower = Axis(7, 5, 3)
    assert chosen(1, (8, 1, 3, 3), three, narrower, 8) == "depthwise"
    assert chosen(1, (256, 256, 3, 3), three, three, 1) == "columns"
    assert chosen(16, (256, 256, 3, 3), three, three, 1) == "rows"
    assert chosen(1, (256, 256, 3, 3), wide, wide, 1) == "same"
    assert chosen(1, (6, 3, 3, 3), wide, wide, 1) == "rows"
    halved = wide._replace(stride=2, out=50)
    assert chosen(4, (64, 64, 3, 3), halved, halved, 1) == "strided"
    assert chosen(4, (64, 3, 3, 3), halved, halved, 1) == "rows"


def test_float16_is_computed_in_float32_and_rounded_once():
    x, weight = values(1, (2, 3, 9, 9), np.float16), values(2, (4, 3, 3, 3), np.float16)
    how = ([1, 1], [1, 1], [1, 1], 1)
    exact = conv.convolve(x.astype(np.float32), weight.astype(np.float32), None, *how)
    assert np.array_equal(conv.convolve(x, weight, None, *how), exact.astype(np.float16))


def test_integers():
    x = np.arange(2 * 3 * 5 * 5).reshape(2, 3, 5, 5)
    weight = np.arange(4 * 3 * 2 * 2).reshape(4, 3, 2, 2)
    y = conv.convolve(x, weight, None, [2, 1], [1, 0], [1, 1], 1)
    theirs = torch.conv2d(torch.tensor(x), torch.tensor(weight), None, (2, 1), (1, 0))
    assert y.dtype == np.int64 and np.array_equal(y, theirs.numpy())


@pytest.mark.parametrize("shape", [(0, 3, 6, 6), (2, 3, 6, 6)])
def test_empty_batch_and_no_outputs(shape):
    x, weight = np.ones(shape), np.ones((4, 3, 7, 7))
    y = conv.convolve(x, weight, np.ones(4), [1, 1], [0, 0], [1, 1], 1)
    assert y.shape == (shape[0], 4, 0, 0)
    back = conv.convolve_input(y, weight, (6, 6), [1, 1], [0, 0], [1, 1], 1)
    assert back.shape == shape and not back.any()
    assert not conv.convolve_weight(y, x, (7, 7), [1, 1], [0, 0], [1, 1], 1).any()


@pytest.mark.parametrize("kernel", [1, 3])
def test_results_share_no_memory_with_operands_or_scratch(kernel):
    x, weight = values(1, (2, 3, 4, 4)), values(2, (5, 3, kernel, kernel))
    how = ([1, 1], [0, 0], [1, 1], 1)
    y = conv.convolve(x, weight, None, *how)
    results = [y, conv.convolve_input(y, weight, (4, 4), *how)]
    results.append(conv.convolve_weight(y, x, (kernel, kernel), *how))
    arena = workspace._local.arena.buffer
    for result in results:
        assert result.flags.c_contiguous and result.flags.writeable
        assert not any(np.may_share_memory(result, other) for other in (x, weight, arena))


def test_the_checks_notice_a_wrong_convolution(monkeypatch):
    """A kernel with one tap shifted must fail the comparison above."""
    from minitorch_ref.kernels import unfold

    right = unfold.unfold_width

    def wrong(x, w: Axis, out):
        right(x, w, out)
        if w.kernel > 1:
            out[..., 1, :, :] = out[..., 0, :, :]

    monkeypatch.setattr(unfold, "unfold_width", wrong)
    check = test_conv2d_and_its_gradients.hypothesis.inner_test
    axis = Axis(5, 5, 3, 1, 1)
    with pytest.raises(AssertionError):
        check(axis, axis, (1, 2, 3), 2, "C", "C", np.float64, False, 0)

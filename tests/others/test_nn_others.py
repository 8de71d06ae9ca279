"""ctc_loss, grid_sample, affine_grid, fractional pools: values and gradients beside torch."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minitorch_ref as mt

ENGINES = (mt, torch)


def slopes(engine, call, *arrays):
    """(results, gradients, name of the node) of a call on leaves with these values."""
    leaves = [engine.from_numpy(a.copy()).requires_grad_() for a in arrays]
    out = call(engine.nn.functional, *leaves)
    (out**2).sum().backward()
    return [t.detach().numpy() for t in (out, *(x.grad for x in leaves))], type(out.grad_fn).__name__


def assert_same(call, *arrays, tolerance=1e-9):
    (ours, name), (theirs, expected) = (slopes(e, call, *arrays) for e in ENGINES)
    assert name == expected
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape and a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def log_softmax(x):
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_ctc_loss(data):
    rng = np.random.RandomState(data.draw(st.integers(0, 999)))
    steps, batch, classes = data.draw(st.tuples(st.integers(1, 7), st.integers(1, 3), st.integers(2, 4)))
    x = log_softmax(rng.randn(steps, batch, classes))
    lengths = [int(n) for n in rng.randint(0, 4, batch)]
    inputs = [int(n) for n in rng.randint(0, steps + 1, batch)]
    blank = data.draw(st.integers(0, classes - 1))
    packed = data.draw(st.booleans())
    labels = [c for c in range(classes) if c != blank]  # a target must not hold the blank
    targets = rng.choice(labels, sum(lengths) if packed else (batch, 4))
    reduction = data.draw(st.sampled_from(["none", "mean", "sum"]))

    def call(F, x):
        engine = mt if isinstance(x, mt.Tensor) else torch
        return F.ctc_loss(
            x, engine.from_numpy(targets), inputs, lengths, blank, reduction, zero_infinity=True
        )

    if not packed or targets.size:
        assert_same(call, x)


def test_ctc_loss_is_the_sum_over_all_paths():
    """Every path of 4 frames over 3 labels, collapsed by hand."""
    x = log_softmax(np.random.RandomState(0).randn(4, 1, 3))
    total = 0.0
    for path in itertools.product(range(3), repeat=4):
        merged = [label for label, _ in itertools.groupby(path)]
        if [label for label in merged if label != 0] == [1, 2]:
            total += np.exp(sum(x[t, 0, label] for t, label in enumerate(path)))
    loss = mt.nn.functional.ctc_loss(
        mt.from_numpy(x), mt.tensor([[1, 2]]), [4], [2], reduction="sum"
    )
    assert abs(loss.item() + np.log(total)) < 1e-12
    layer = mt.nn.CTCLoss(reduction="sum")
    assert layer(mt.from_numpy(x), mt.tensor([[1, 2]]), (4,), (2,)).item() == loss.item()


MODES = list(itertools.product(
    ("bilinear", "nearest", "bicubic"), ("zeros", "border", "reflection"), (True, False)
))  # fmt: skip


@pytest.mark.parametrize("mode, padding, align", MODES)
@pytest.mark.parametrize("shape, grid", [
    ((2, 3, 4, 5), (2, 3, 4, 2)), ((1, 2, 1, 3), (1, 4, 4, 2)), ((2, 2, 3, 4, 5), (2, 2, 3, 2, 3)),
])  # fmt: skip
def test_grid_sample(shape, grid, mode, padding, align):
    if mode == "bicubic" and len(shape) == 5:
        with pytest.raises(RuntimeError, match="only supports 4D"):
            mt.nn.functional.grid_sample(mt.ones(shape), mt.ones(grid), mode)
        return
    rng = np.random.RandomState(0)
    points = rng.randn(*grid) * 1.4
    points.flat[:6] = [-1, 1, 0, 1, -1, 0.5]
    assert_same(lambda F, x, g: F.grid_sample(x, g, mode, padding, align), rng.randn(*shape), points)


@pytest.mark.parametrize("size", [(2, 3, 4, 5), (1, 1, 1, 3), (2, 1, 3, 1, 4)])
@pytest.mark.parametrize("align", [True, False])
def test_affine_grid(size, align):
    n = len(size) - 2
    theta = np.random.RandomState(0).randn(size[0], n, n + 1)
    assert_same(lambda F, t: F.affine_grid(t, size, align), theta, tolerance=1e-12)


def test_the_identity_map_reads_the_image():
    image = mt.randn(2, 3, 4, 5)
    theta = mt.tensor([[[1.0, 0, 0], [0, 1, 0]]]).expand(2, 2, 3)
    for align in (True, False):
        grid = mt.nn.functional.affine_grid(theta, (2, 3, 4, 5), align)
        back = mt.nn.functional.grid_sample(image, grid, align_corners=align)
        np.testing.assert_allclose(back.numpy(), image.numpy(), atol=1e-5)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([2, 3]), st.integers(1, 3), st.booleans(), st.integers(0, 99))
def test_fractional_pools(n, window, batched, seed):
    rng = np.random.RandomState(seed)
    shape = ((2,) if batched else ()) + (3, *rng.randint(6, 9, n))
    counts = tuple(int(c) for c in rng.randint(1, 4, n))
    samples = rng.rand(2 if batched else 1, 3, n)

    def call(F, x):
        engine = mt if isinstance(x, mt.Tensor) else torch
        pool = getattr(F, f"fractional_max_pool{n}d")
        return pool(x, window, counts, _random_samples=engine.from_numpy(samples))

    assert_same(call, rng.randn(*shape), tolerance=0)


def test_fractional_pools_draw_as_torch_does():
    x = np.random.RandomState(0).randn(2, 3, 9, 8).astype("f")
    found = []
    for engine in ENGINES:
        engine.manual_seed(5)
        layer = engine.nn.FractionalMaxPool2d(2, output_ratio=0.5, return_indices=True)
        found.append([t.numpy() for t in layer(engine.from_numpy(x))])
    assert all(map(np.array_equal, *found))

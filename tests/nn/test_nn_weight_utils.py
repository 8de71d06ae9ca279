"""nn.utils: weight normalization and the fusion of batch normalizations, against torch."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from nn_cases import ENGINES, array, build, same

import minitorch_ref as mt


def normed(e, text, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        e.manual_seed(0)
        return e.nn.utils.weight_norm(build(e, text).double(), **options)


NORMED = [
    ("Linear(4, 3)", (2, 4), {}), ("Linear(4, 3)", (2, 4), {"dim": None}), ("Linear(4, 3)", (2, 4), {"dim": 1}),
    ("Conv2d(2, 3, 2)", (1, 2, 4, 4), {"name": "weight", "dim": 1}),
    ("GRU(4, 3)", (2, 1, 4), {"name": "weight_hh_l0"}),
]  # fmt: skip


@pytest.mark.parametrize("text, shape, options", NORMED)
def test_weight_norm(text, shape, options):
    x = np.random.default_rng(0).standard_normal(shape)
    found = []
    for e in ENGINES:
        layer = normed(e, text, **options)
        optimizer = e.optim.SGD(layer.parameters(), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            out = layer(e.from_numpy(x))
            out = out[0] if isinstance(out, tuple) else out
            (out * out).sum().backward()
            optimizer.step()
        state = {k: array(v) for k, v in layer.state_dict().items()}
        name = options.get("name", "weight")
        plain = e.nn.utils.remove_weight_norm(layer, name)
        after = sorted(dict(plain.named_parameters()))
        found.append((array(out), state, array(getattr(plain, name)), after, repr(plain)))
    (out, state, weight, *names), (out2, state2, weight2, *names2) = found
    assert names == names2 and list(state) == list(state2)
    for a, b in [(out, out2), (weight, weight2), *zip(state.values(), state2.values())]:
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


def test_lengths_and_directions():
    layer = normed(mt, "Linear(4, 3)")
    layer.weight_g.data.fill_(2.0)
    layer(mt.ones(1, 4, dtype=mt.float64))
    np.testing.assert_allclose(np.linalg.norm(array(layer.weight), axis=1), 2, rtol=1e-15)


MISTAKES = [
    lambda e: e.nn.utils.weight_norm(normed(e, "Linear(2, 2)")),
    lambda e: e.nn.utils.remove_weight_norm(e.nn.Linear(2, 2)),
    lambda e: e.nn.utils.weight_norm(e.nn.LazyLinear(2)),
    lambda e: e.nn.utils.weight_norm(e.nn.Linear(2, 2)).weight_v,
    lambda e: e.nn.utils.fuse_conv_bn_eval(e.nn.Conv2d(1, 1, 1), e.nn.BatchNorm2d(1)),
    lambda e: e.nn.utils.fuse_linear_bn_eval(e.nn.Linear(2, 3).eval(), e.nn.BatchNorm1d(2).eval()),
    lambda e: e.nn.utils.fuse_linear_bn_eval(
        e.nn.Linear(2, 3).eval(), e.nn.BatchNorm1d(3, track_running_stats=False).eval()
    ),
]


@pytest.mark.parametrize("number", range(len(MISTAKES)))
def test_mistakes(number):
    def run(e):
        e.manual_seed(0)
        return MISTAKES[number](e)

    same(run)


FUSED = [
    ("Conv2d(2, 3, 2)", "BatchNorm2d(3)", (2, 2, 4, 4), {}),
    ("Conv1d(2, 3, 2, bias=False)", "BatchNorm1d(3, affine=False)", (2, 2, 4), {}),
    ("ConvTranspose2d(2, 3, 2)", "BatchNorm2d(3)", (2, 2, 4, 4), {"transpose": True}),
    ("Linear(4, 3)", "BatchNorm1d(3)", (2, 4), {}), ("Linear(4, 3, bias=False)", "BatchNorm1d(3)", (2, 4), {}),
]  # fmt: skip


@pytest.mark.parametrize("first, second, shape, options", FUSED)
def test_fusion(first, second, shape, options):
    """The fused layer does what both did, and has torch's weights."""
    x = np.random.default_rng(1).standard_normal(shape)
    weights = []
    for e in ENGINES:
        e.manual_seed(0)
        layer, bn = build(e, first).double(), build(e, second).double()
        bn(layer(e.from_numpy(x)))  # statistics
        layer.eval()
        bn.eval()
        fuse = e.nn.utils.fuse_linear_bn_eval if "Linear" in first else e.nn.utils.fuse_conv_bn_eval
        fused = fuse(layer, bn, **options)
        both = array(bn(layer(e.from_numpy(x))))
        np.testing.assert_allclose(array(fused(e.from_numpy(x))), both, rtol=1e-12, atol=1e-13)
        weights.append([array(fused.weight), array(fused.bias), fused.bias.requires_grad])
    for a, b in zip(*weights):
        np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-14)
    assert weights[0][2] == weights[1][2]

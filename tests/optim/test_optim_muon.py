"""Muon against torch, and its direction against a singular value decomposition."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch
from optim_sides import numbers, problem, run

import minitorch_ref as mt
from minitorch_ref.optim.muon import as_bfloat16, orthogonal

OPTIONS = [
    {}, {"lr": 0.5}, {"nesterov": False}, {"momentum": 0.5, "weight_decay": 0.0}, {"ns_steps": 2},
    {"adjust_lr_fn": "match_rms_adamw", "lr": 0.25}, {"ns_coefficients": (2.0, -1.5, 0.5)},
    {"adjust_lr_fn": "original", "eps": 1.0},
]  # fmt: skip
ULP = 2.0**-8  # of bfloat16, for numbers from a half to one: the entries of orthogonal matrices


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_as_torch(options, dtype):
    """The sums of a product in bfloat16 may round to its neighbour, which is what the bound allows."""
    starts, gradients = problem([(4, 3), (3, 5), (1, 6), (16, 16), (40, 24), (1, 1)], dtype, 5)
    options = {"lr": 0.125, **options}
    ours, mine = run(mt, "Muon", options, starts, gradients)
    theirs, other = run(torch, "Muon", options, starts, gradients)
    for a, b in zip(ours, theirs):
        step = options["lr"] * max(1.0, 0.2 * max(b.shape) ** 0.5, (b.shape[0] / b.shape[1]) ** 0.5)
        np.testing.assert_allclose(numbers(a), numbers(b), rtol=1e-6, atol=5 * 4 * ULP * step)
    exact = [np.array_equal(numbers(a), numbers(b)) for a, b in zip(ours, theirs)]
    assert sum(exact) >= 3  # and most come out the same, to the last bit
    mine, other = mine.state_dict(), other.state_dict()
    for key, expected in other["state"].items():
        assert list(mine["state"][key]) == ["momentum_buffer"] == list(expected)
        np.testing.assert_array_equal(*(numbers(s["state"][key]["momentum_buffer"]) for s in (mine, other)))
    assert list(mine["param_groups"][0]) == list(other["param_groups"][0])


@pytest.mark.parametrize("shape", [(5, 5), (12, 4), (4, 12)])
def test_the_direction_is_nearly_orthogonal(shape):
    """Singular vectors stay, singular values come near 1 (source: the polynomial's range, 0.7 to 1.2)."""
    rng = np.random.default_rng(0)
    u, _, vt = np.linalg.svd(rng.standard_normal(shape), full_matrices=False)
    matrix = (u * np.linspace(0.3, 1.0, min(shape))) @ vt
    found = orthogonal(matrix, (3.4445, -4.7750, 2.0315), 5, 1e-7).astype(np.float64)
    inner = u.T @ found @ vt.T
    values = np.diag(inner)
    assert (values > 0.65).all() and (values < 1.25).all()
    assert abs(inner - np.diag(values)).max() < 0.03


def test_rounding_is_bfloat16s():
    rng = np.random.default_rng(1)
    x = (rng.standard_normal(4000) * 10.0 ** rng.integers(-38, 38, 4000)).astype(np.float32)
    x[:6] = [0.0, -0.0, np.inf, -np.inf, np.nan, 3.39e38]
    halves = np.float32(1) + np.arange(40, dtype=np.float32) * np.float32(2.0**-8)
    for array in (x, halves):
        np.testing.assert_array_equal(as_bfloat16(array), torch.from_numpy(array).bfloat16().float().numpy())


@pytest.mark.parametrize("options", [
    {"lr": -1.0}, {"momentum": -0.1}, {"weight_decay": -0.1}, {"adjust_lr_fn": "other"}, {"shape": (3,)},
    {"lr": [1.0, 2.0]},
], ids=str)  # fmt: skip
def test_mistakes(options):
    texts = []
    for side in (mt, torch):
        given = dict(options)
        shape = given.pop("shape", (2, 2))
        if isinstance(given.get("lr"), list):
            given["lr"] = side.tensor(given["lr"])
        with pytest.raises(ValueError) as caught:
            side.optim.Muon([side.zeros(shape)], **given)
        texts.append(str(caught.value))
    assert texts[0] == texts[1]


@pytest.mark.parametrize("options, word", [
    ({"ns_steps": 100}, "less than 100"), ({"ns_coefficients": (1.0, 2.0)}, "exactly 3 values"),
])  # fmt: skip
def test_mistakes_found_in_the_step(options, word):
    for side in (mt, torch):
        p = side.ones(2, 2, requires_grad=True)
        p.grad = side.ones(2, 2)
        with pytest.raises(ValueError, match=word):
            side.optim.Muon([p], **options).step()


def test_complex_parameters_are_refused():
    for side in (mt, torch):
        p = side.zeros(2, 2, dtype=side.complex64, requires_grad=True)
        p.grad = side.zeros(2, 2, dtype=side.complex64)
        with pytest.raises(RuntimeError, match="does not support complex parameters"):
            side.optim.Muon([p]).step()


def test_signature():
    ours, theirs = (inspect.signature(side.optim.Muon) for side in (mt, torch))
    shape = [[(p.name, p.default, p.kind) for p in s.parameters.values()] for s in (ours, theirs)]
    assert shape[0] == shape[1]

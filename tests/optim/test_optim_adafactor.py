"""Adafactor against torch, and its first step against the formula."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch
from optim_sides import numbers, problem, run

import minitorch_ref as mt

OPTIONS = [
    {}, {"lr": 0.5}, {"beta2_decay": -0.5}, {"eps": (1e-3, 0.5)}, {"d": 2.0}, {"weight_decay": 0.1},
    {"maximize": True, "lr": 0.1, "weight_decay": 0.01},
]  # fmt: skip


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("dtype, bound", [("float32", 1e-5), ("float64", 1e-13)])
def test_as_torch(options, dtype, bound):
    """Norms and products are sums: some ten steps of about a hundred roundings each."""
    starts, gradients = problem([(4, 3), (5,), (), (2, 3, 4), (1, 6)], dtype, 10)
    ours, mine = run(mt, "Adafactor", options, starts, gradients)
    theirs, other = run(torch, "Adafactor", options, starts, gradients)
    for a, b in zip(ours, theirs):
        np.testing.assert_allclose(numbers(a), numbers(b), rtol=bound, atol=bound)
    mine, other = mine.state_dict(), other.state_dict()
    for key, expected in other["state"].items():
        assert list(mine["state"][key]) == list(expected)
        for name, value in expected.items():
            a, b = numbers(mine["state"][key][name]), numbers(value)
            assert (a.dtype, a.shape) == (b.dtype, b.shape)
            np.testing.assert_allclose(a, b, rtol=bound, atol=1e-30)
    assert list(mine["param_groups"][0]) == list(other["param_groups"][0])


def test_first_step_of_a_matrix_is_its_formula():
    """t = 1: v = row means · column means / mean of all, u = g/√v clipped to RMS 1."""
    rng = np.random.default_rng(0)
    start, g = rng.standard_normal((4, 3)), rng.standard_normal((4, 3))
    (p,), _ = run(mt, "Adafactor", {"lr": 0.25}, [start], [[g]])
    squares = g * g
    v = squares.mean(1, keepdims=True) * squares.mean(0, keepdims=True) / squares.mean()
    u = g / np.sqrt(v)
    u /= max(1, np.sqrt((u * u).mean()))
    expected = start - 0.25 * np.sqrt((start * start).mean()) * u
    np.testing.assert_allclose(numbers(p), expected, rtol=1e-13)


MISTAKES = [
    {"lr": -1.0}, {"beta2_decay": 0.1}, {"eps": (-1.0, 0.1)}, {"eps": (None, -0.1)}, {"d": 0.5},
    {"weight_decay": -0.1},
]  # fmt: skip


@pytest.mark.parametrize("options", MISTAKES, ids=str)
def test_mistakes(options):
    texts = []
    for side in (mt, torch):
        with pytest.raises(ValueError, match="should be") as caught:
            side.optim.Adafactor([side.zeros(2)], **options)
        texts.append(str(caught.value))
    assert texts[0] == texts[1]


def test_complex_parameters_are_refused():
    for side in (mt, torch):
        p = side.zeros(2, dtype=side.complex64, requires_grad=True)
        p.grad = side.zeros(2, dtype=side.complex64)
        with pytest.raises(RuntimeError, match="does not support complex parameters"):
            side.optim.Adafactor([p]).step()


def test_signature():
    ours, theirs = (inspect.signature(side.optim.Adafactor) for side in (mt, torch))
    shape = [[(p.name, p.default, p.kind) for p in s.parameters.values()] for s in (ours, theirs)]
    assert shape[0] == shape[1]

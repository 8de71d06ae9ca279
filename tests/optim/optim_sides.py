"""The same optimizer run on both engines, from the same numbers."""

from __future__ import annotations

import numpy as np
import torch

import minitorch_ref as mt
import minitorch_ref.optim  # noqa: F401


def parameter(side, array):
    """A leaf of one engine that holds a copy of `array`."""
    make = torch.from_numpy if side is torch else mt.from_numpy
    return make(array.copy()).requires_grad_()


def tensor(side, array):
    return torch.from_numpy(array.copy()) if side is torch else mt.from_numpy(array.copy())


def numbers(value):
    return value.detach().numpy() if isinstance(value, (torch.Tensor, mt.Tensor)) else value


def run(side, name, options, starts, gradients):
    """Step once per row of `gradients`; returns the parameters and the optimizer."""
    params = [parameter(side, a) for a in starts]
    single = {"foreach": False} if side is torch and name not in ("LBFGS", "Muon") else {}
    optimizer = getattr(side.optim, name)(params, **options, **single)
    for row in gradients:
        for p, g in zip(params, row):
            p.grad = tensor(side, g)
        optimizer.step()
    return params, optimizer


def problem(shapes, dtype, steps, seed=0):
    """Starting values and gradients of all sizes, some of them exactly zero."""
    draw = np.random.default_rng(seed)

    def some(shape):
        values = draw.standard_normal(shape) * 10.0 ** draw.integers(-4, 2, shape)
        if np.dtype(dtype).kind == "c":
            values = values + 1j * draw.standard_normal(shape)
        return np.asarray(values * (draw.random(shape) > 0.1), dtype)

    return [some(s) for s in shapes], [[some(s) for s in shapes] for _ in range(steps)]


def assert_same_state(ours, theirs):
    """Equal state dicts: keys in order, dtypes, shapes, and every bit."""
    ours, theirs = ours.state_dict(), theirs.state_dict()
    assert list(ours["state"]) == list(theirs["state"])
    for key, expected in theirs["state"].items():
        found = ours["state"][key]
        assert list(found) == list(expected)
        for name in expected:
            a, b = numbers(found[name]), numbers(expected[name])
            assert getattr(a, "dtype", None) == getattr(b, "dtype", None), name
            np.testing.assert_array_equal(a, b, err_msg=name)
    for found, expected in zip(ours["param_groups"], theirs["param_groups"]):
        assert list(found) == list(expected)
        for name in set(expected) - {"foreach"}:
            a, b = found[name], expected[name]
            assert (numbers(a), name) == (numbers(b), name)
